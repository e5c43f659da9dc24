//! The seam of the annotations.

use async_trait::async_trait;
use rusqlite::types::Type;
use rusqlite::{Connection, Error, OptionalExtension};
use seriatim_core::{Annotated, Annotation, AnnotationStore, StoreError};
use uuid::Uuid;

use crate::append::transaction::Transaction;
use crate::{SqliteStore, row};

#[async_trait]
impl AnnotationStore for SqliteStore {
    async fn annotate(
        &self,
        letter: Uuid,
        after: usize,
        annotation: &Annotation,
    ) -> Result<bool, StoreError> {
        let annotation = annotation.clone();
        let add = move |transaction: &mut Transaction<'_, '_>| {
            add(transaction.connection, letter, after, &annotation)
        };
        self.writer().change("annotate a letter", add).await
    }

    async fn annotations(&self, letter: Uuid) -> Result<Vec<Annotation>, StoreError> {
        let query = move |connection: &Connection| list(connection, letter);
        self.lists()
            .read("read the annotations of a letter", query)
            .await
    }

    async fn assignees(&self, letters: &[Uuid]) -> Result<Vec<(Uuid, String)>, StoreError> {
        let letters = letters.to_vec();
        let query = move |connection: &Connection| {
            let mut found = Vec::new();
            for letter in &letters {
                found.extend(assignee(connection, *letter)?.map(|name| (*letter, name)));
            }
            Ok(found)
        };
        self.lists()
            .read("look who looks after letters", query)
            .await
    }
}

/// Nobody else writes between the count and the insert.
fn add(
    connection: &Connection,
    letter: Uuid,
    after: usize,
    annotation: &Annotation,
) -> Result<bool, Error> {
    let mut last = connection.prepare_cached(
        "SELECT coalesce(max(number), 0) FROM seriatim_letter_annotations WHERE letter = ?",
    )?;
    let last: i64 = last.query_row([letter.as_bytes()], |row| row.get(0))?;
    if usize::try_from(last) != Ok(after) {
        return Ok(false);
    }
    let assignee = match &annotation.what {
        Annotated::Assigned(to) => Some(to),
        Annotated::Note(_) | Annotated::Unassigned => None,
    };
    if !matches!(annotation.what, Annotated::Note(_)) {
        let mut update = connection.prepare_cached(
            "UPDATE seriatim_letter_annotations SET assignee = NULL
             WHERE letter = ? AND assignee IS NOT NULL",
        )?;
        update.execute([letter.as_bytes()])?;
    }
    let body = serde_json::to_string(annotation).map_err(row::unwritable)?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO seriatim_letter_annotations (letter, number, body, assignee) VALUES (?, ?, ?, ?)",
    )?;
    insert.execute((letter.as_bytes(), last + 1, body, assignee))?;
    Ok(true)
}

fn list(connection: &Connection, letter: Uuid) -> Result<Vec<Annotation>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT body FROM seriatim_letter_annotations WHERE letter = ? ORDER BY number",
    )?;
    let rows = select.query_map([letter.as_bytes()], |row| {
        let annotation = serde_json::from_str(row::text(row, 0)?);
        annotation.map_err(|error| row::unreadable(0, Type::Text, error))
    })?;
    rows.collect()
}

fn assignee(connection: &Connection, letter: Uuid) -> Result<Option<String>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT assignee FROM seriatim_letter_annotations WHERE letter = ? AND assignee IS NOT NULL",
    )?;
    let found = select.query_row([letter.as_bytes()], |row| row.get(0));
    found.optional()
}
