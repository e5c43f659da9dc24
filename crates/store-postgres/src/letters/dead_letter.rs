//! The seam of the letters.

use std::fmt::Write;

use async_trait::async_trait;
use seriatim_core::{CommandLetter, DeadLetterStore, LetterFilter, LetterKind, StoreError};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Error, Postgres, Row};
use uuid::Uuid;

use crate::opening::driver_error;
use crate::{PostgresStore, row};

#[async_trait]
impl DeadLetterStore for PostgresStore {
    async fn letter(&self, id: Uuid) -> Result<Option<CommandLetter>, StoreError> {
        let action = "read a dead letter";
        let query = || sqlx::query(AssertSqlSafe(self.texts().letter.clone())).bind(id);
        let rows = self.connections().fetch(action, query).await?;
        let found = rows.first().map(letter).transpose();
        found.map_err(|error| driver_error::store_error(action, error))
    }

    async fn letters(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<CommandLetter>, StoreError> {
        let action = "list the dead letters";
        if !filter.wants(LetterKind::Command) {
            return Ok(Vec::new());
        }
        let query = || list(&self.texts().letters, "id", filter, limit);
        let rows = self.connections().fetch(action, query).await?;
        let found: Result<_, _> = rows.iter().map(letter).collect();
        found.map_err(|error| driver_error::store_error(action, error))
    }

    /// May be run twice: it finds its own revision.
    async fn revise(&self, letter: &CommandLetter) -> Result<bool, StoreError> {
        let action = "revise a dead letter";
        let body = serde_json::to_string(letter)
            .map_err(|error| driver_error::store_error(action, Error::Encode(error.into())))?;
        let attempts = i32::try_from(letter.attempts.len()).unwrap_or(i32::MAX);
        let query = || {
            sqlx::query(AssertSqlSafe(self.texts().revise_letter.clone()))
                .bind(letter.id)
                .bind(attempts)
                .bind(letter.status.as_str())
                .bind(body.clone())
        };
        let rows = self.connections().fetch(action, query).await?;
        Ok(!rows.is_empty())
    }
}

/// Lists the letters of a selection whose identity is in the column `id`. Only the columns that the filter names are
/// compared, so that an index can be used.
pub(crate) fn list(
    select: &str,
    id: &str,
    filter: &LetterFilter,
    limit: usize,
) -> Query<'static, Postgres, PgArguments> {
    let (is_after, order) = match filter.latest_first {
        true => (format!("{id} <"), "DESC"),
        false => (format!("{id} >"), "ASC"),
    };
    let of_stream = filter.stream.as_ref();
    let asked = [
        ("component =", filter.component.is_some()),
        ("domain =", filter.domain.is_some()),
        ("domain =", of_stream.is_some()),
        ("root =", of_stream.is_some()),
        ("status =", filter.status.is_some()),
        (&is_after, filter.after.is_some()),
    ];
    let asked = asked.into_iter().filter(|(_, is_asked)| *is_asked);
    let (mut sql, mut place) = (format!("{select} WHERE TRUE"), 1);
    for (text, _) in asked {
        write!(sql, " AND {text} ${place}").expect("a string takes everything");
        place += 1;
    }
    let sql = format!("{sql} ORDER BY {id} {order} LIMIT ${place}");
    let mut query = sqlx::query(AssertSqlSafe(sql));
    if let Some(component) = &filter.component {
        query = query.bind(component.as_str().to_owned());
    }
    if let Some(domain) = &filter.domain {
        query = query.bind(domain.as_str().to_owned());
    }
    if let Some(stream) = of_stream {
        query = query
            .bind(stream.domain.as_str().to_owned())
            .bind(stream.root);
    }
    if let Some(status) = filter.status {
        query = query.bind(status.as_str());
    }
    if let Some(after) = filter.after {
        query = query.bind(after);
    }
    query.bind(row::limit_column(limit))
}

fn letter(row: &PgRow) -> Result<CommandLetter, Error> {
    serde_json::from_str(row.try_get(0)?).map_err(row::unreadable)
}
