//! The seam of the annotations.

use std::sync::Arc;

use async_trait::async_trait;
use seriatim_core::{Annotated, Annotation, AnnotationStore, StoreError, StoreErrorKind};
use sqlx::{AssertSqlSafe, Error, Row};
use uuid::Uuid;

use crate::opening::driver_error;
use crate::{PostgresStore, row};

/// The statements, for one schema.
pub(crate) struct Texts {
    add: Arc<str>,
    list: Arc<str>,
    assignees: Arc<str>,
}

impl Texts {
    pub(crate) fn of(schema: &str) -> Self {
        let table = format!("{schema}.seriatim_letter_annotations");
        Self {
            // Of two writers the second waits for the key of the first, and then finds another body there.
            add: format!(
                "WITH added AS (
                     INSERT INTO {table} AS kept (letter, number, body, assignee)
                     SELECT $1, $2, $3, $4
                     WHERE $2 = 1 OR EXISTS (SELECT FROM {table} WHERE letter = $1 AND number = $2 - 1)
                     ON CONFLICT (letter, number) DO UPDATE SET body = kept.body WHERE kept.body = excluded.body
                     RETURNING 1
                 ), before AS (
                     UPDATE {table} AS earlier SET assignee = NULL FROM added
                     WHERE $5 AND earlier.letter = $1 AND earlier.number < $2 AND earlier.assignee IS NOT NULL
                 )
                 SELECT 1 FROM added"
            )
            .into(),
            list: format!("SELECT body FROM {table} WHERE letter = $1 ORDER BY number").into(),
            assignees: format!(
                "SELECT letter, assignee FROM {table} WHERE letter = ANY($1) AND assignee IS NOT NULL"
            )
            .into(),
        }
    }
}

#[async_trait]
impl AnnotationStore for PostgresStore {
    /// May be run twice: it finds its own entry.
    async fn annotate(
        &self,
        letter: Uuid,
        after: usize,
        annotation: &Annotation,
    ) -> Result<bool, StoreError> {
        let action = "annotate a letter";
        let number = i32::try_from(after)
            .ok()
            .and_then(|after| after.checked_add(1));
        let Some(number) = number else {
            let full = "no letter has so many annotations";
            return Err(StoreError::new(action, StoreErrorKind::Refused, full));
        };
        let assignee = match &annotation.what {
            Annotated::Assigned(to) => Some(row::people_column(to)),
            Annotated::Note(_) | Annotated::Unassigned => None,
        };
        let assigns = !matches!(annotation.what, Annotated::Note(_));
        let query = || {
            sqlx::query(AssertSqlSafe(self.texts().annotations.add.clone()))
                .bind(letter)
                .bind(number)
                .bind(row::json_column(annotation))
                .bind(assignee.clone())
                .bind(assigns)
        };
        let rows = self.connections().fetch(action, query).await?;
        Ok(!rows.is_empty())
    }

    async fn annotations(&self, letter: Uuid) -> Result<Vec<Annotation>, StoreError> {
        let action = "read the annotations of a letter";
        let text = &self.texts().annotations.list;
        let query = || sqlx::query(AssertSqlSafe(text.clone())).bind(letter);
        let rows = self.connections().fetch(action, query).await?;
        let found: Result<_, Error> = rows
            .iter()
            .map(|row| serde_json::from_str(row.try_get(0)?).map_err(row::unreadable))
            .collect();
        found.map_err(|error| driver_error::store_error(action, error))
    }

    async fn assignees(&self, letters: &[Uuid]) -> Result<Vec<(Uuid, String)>, StoreError> {
        let action = "look who looks after letters";
        if letters.is_empty() {
            return Ok(Vec::new());
        }
        let text = &self.texts().annotations.assignees;
        let query = || sqlx::query(AssertSqlSafe(text.clone())).bind(letters.to_vec());
        let rows = self.connections().fetch(action, query).await?;
        let found: Result<_, Error> = rows
            .iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect();
        found.map_err(|error| driver_error::store_error(action, error))
    }
}
