//! The seam of the letters.

use async_trait::async_trait;
use seriatim_core::{DeadLetter, DeadLetterStore, LetterFilter, StoreError};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Error, Postgres, Row};
use uuid::Uuid;

use crate::{PostgresStore, refused, row};

#[async_trait]
impl DeadLetterStore for PostgresStore {
    async fn letter(&self, id: Uuid) -> Result<Option<DeadLetter>, StoreError> {
        let action = "read a dead letter";
        let query = || sqlx::query(AssertSqlSafe(self.texts().letter.clone())).bind(id);
        let rows = self.readers().read(action, query).await?;
        let found = rows.first().map(letter).transpose();
        found.map_err(|error| refused::store_error(action, error))
    }

    async fn letters(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let action = "list the dead letters";
        let query = || letters(&self.texts().letters, filter, limit);
        let rows = self.readers().read(action, query).await?;
        let found: Result<_, _> = rows.iter().map(letter).collect();
        found.map_err(|error| refused::store_error(action, error))
    }
}

/// Only what the filter names is asked for, so that an index can serve it.
fn letters(
    select: &str,
    filter: &LetterFilter,
    limit: usize,
) -> Query<'static, Postgres, PgArguments> {
    let stream = filter.stream.as_ref();
    let mut conditions = Vec::new();
    let mut condition = |text: &str, is_asked: bool| {
        if is_asked {
            let place = conditions.len() + 1;
            conditions.push(format!("{text} ${place}"));
        }
    };
    condition("domain =", filter.domain.is_some());
    condition("domain =", stream.is_some());
    condition("root =", stream.is_some());
    condition("status =", filter.status.is_some());
    condition("id >", filter.after.is_some());
    let place = conditions.len() + 1;
    let conditions = match conditions.is_empty() {
        true => String::new(),
        false => format!(" WHERE {}", conditions.join(" AND ")),
    };
    let sql = format!("{select}{conditions} ORDER BY id LIMIT ${place}");
    let mut query = sqlx::query(AssertSqlSafe(sql));
    if let Some(domain) = &filter.domain {
        query = query.bind(domain.as_str().to_owned());
    }
    if let Some(stream) = stream {
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

fn letter(row: &PgRow) -> Result<DeadLetter, Error> {
    serde_json::from_str(row.try_get(0)?).map_err(row::unreadable)
}
