//! The seam of the letters.

use async_trait::async_trait;
use rusqlite::types::{Type, Value};
use rusqlite::{Connection, Error, OptionalExtension, Row, params_from_iter};
use seriatim_core::{DeadLetter, DeadLetterStore, LetterFilter, StoreError};
use uuid::Uuid;

use crate::{SqliteStore, row};

#[async_trait]
impl DeadLetterStore for SqliteStore {
    async fn letter(&self, id: Uuid) -> Result<Option<DeadLetter>, StoreError> {
        let query = move |connection: &Connection| {
            let mut select =
                connection.prepare_cached("SELECT body FROM seriatim_dead_letters WHERE id = ?")?;
            select.query_row([id.as_bytes()], letter).optional()
        };
        self.loads().read("read a dead letter", query).await
    }

    async fn letters(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let filter = filter.clone();
        let query = move |connection: &Connection| letters(connection, &filter, limit);
        self.lists().read("list the dead letters", query).await
    }
}

/// Writes a letter. One that is there already may have been worked on: it stays as it is.
pub(crate) fn insert(connection: &Connection, letter: &DeadLetter) -> Result<(), Error> {
    let body = serde_json::to_string(letter).map_err(row::unwritable)?;
    let stream = letter.stream();
    let mut insert = connection.prepare_cached(
        "INSERT INTO seriatim_dead_letters (id, domain, root, status, body) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING",
    )?;
    let row = (
        letter.id.as_bytes(),
        stream.domain.as_str(),
        stream.root.as_bytes(),
        letter.status.as_str(),
        body,
    );
    insert.execute(row).map(drop)
}

fn letters(
    connection: &Connection,
    filter: &LetterFilter,
    limit: usize,
) -> Result<Vec<DeadLetter>, Error> {
    let (condition, mut parameters) = conditions(filter);
    let sql = format!("SELECT body FROM seriatim_dead_letters {condition} ORDER BY id LIMIT ?");
    parameters.push(Value::Integer(row::limit_column(limit)));
    let mut select = connection.prepare_cached(&sql)?;
    let rows = select.query_map(params_from_iter(parameters), letter)?;
    rows.collect()
}

/// Only what the filter names is asked for, so that an index can serve it.
fn conditions(filter: &LetterFilter) -> (String, Vec<Value>) {
    let mut conditions = vec!["WHERE TRUE"];
    let mut parameters = Vec::new();
    if let Some(domain) = &filter.domain {
        conditions.push("domain = ?");
        parameters.push(Value::Text(domain.as_str().into()));
    }
    if let Some(stream) = &filter.stream {
        conditions.extend(["domain = ?", "root = ?"]);
        parameters.push(Value::Text(stream.domain.as_str().into()));
        parameters.push(row::uuid_value(stream.root));
    }
    if let Some(status) = filter.status {
        conditions.push("status = ?");
        parameters.push(Value::Text(status.as_str().into()));
    }
    if let Some(after) = filter.after {
        conditions.push("id > ?");
        parameters.push(row::uuid_value(after));
    }
    (conditions.join(" AND "), parameters)
}

fn letter(row: &Row<'_>) -> Result<DeadLetter, Error> {
    serde_json::from_str(row::text(row, 0)?).map_err(|error| row::unreadable(0, Type::Text, error))
}
