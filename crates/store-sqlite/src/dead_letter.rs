//! The seam of the letters.

use async_trait::async_trait;
use rusqlite::types::{Type, Value};
use rusqlite::{Connection, Error, OptionalExtension, Row, params_from_iter};
use seriatim_core::{CommandLetter, DeadLetterStore, LetterFilter, StoreError};
use uuid::Uuid;

use crate::transaction::Transaction;
use crate::{SqliteStore, row};

#[async_trait]
impl DeadLetterStore for SqliteStore {
    async fn letter(&self, id: Uuid) -> Result<Option<CommandLetter>, StoreError> {
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
    ) -> Result<Vec<CommandLetter>, StoreError> {
        let filter = filter.clone();
        let query = move |connection: &Connection| letters(connection, &filter, limit);
        self.lists().read("list the dead letters", query).await
    }

    async fn revise(&self, letter: &CommandLetter) -> Result<bool, StoreError> {
        let letter = letter.clone();
        let revise =
            move |transaction: &mut Transaction<'_, '_>| revise(transaction.connection, &letter);
        self.writer().change("revise a dead letter", revise).await
    }
}

/// Writes a letter. A letter that already exists may have been decided about, so it stays as it is.
pub(crate) fn insert(connection: &Connection, letter: &CommandLetter) -> Result<(), Error> {
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

fn revise(connection: &Connection, letter: &CommandLetter) -> Result<bool, Error> {
    let body = serde_json::to_string(letter).map_err(row::unwritable)?;
    let mut update = connection.prepare_cached(
        "UPDATE seriatim_dead_letters SET status = ?1, body = ?2, revision = ?3
         WHERE id = ?4 AND revision = ?3 - 1",
    )?;
    let attempts = i64::try_from(letter.attempts.len()).expect("they fit into memory");
    let row = (letter.status.as_str(), body, attempts, letter.id.as_bytes());
    Ok(update.execute(row)? > 0)
}

fn letters(
    connection: &Connection,
    filter: &LetterFilter,
    limit: usize,
) -> Result<Vec<CommandLetter>, Error> {
    let (condition, mut parameters) = conditions(filter, "id");
    let sql = format!("SELECT body FROM seriatim_dead_letters WHERE TRUE {condition} LIMIT ?");
    parameters.push(Value::Integer(row::limit_column(limit)));
    let mut select = connection.prepare_cached(&sql)?;
    let rows = select.query_map(params_from_iter(parameters), letter)?;
    rows.collect()
}

/// More conditions, and the order. Only what the filter names is asked for, so that an index can serve it.
pub(crate) fn conditions(filter: &LetterFilter, id: &str) -> (String, Vec<Value>) {
    let mut conditions = vec![""];
    let mut parameters = Vec::new();
    let (is_after, order) = match filter.latest_first {
        true => (format!("{id} < ?"), "DESC"),
        false => (format!("{id} > ?"), "ASC"),
    };
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
        conditions.push(&is_after);
        parameters.push(row::uuid_value(after));
    }
    let conditions = conditions.join(" AND ");
    (format!("{conditions} ORDER BY {id} {order}"), parameters)
}

fn letter(row: &Row<'_>) -> Result<CommandLetter, Error> {
    serde_json::from_str(row::text(row, 0)?).map_err(|error| row::unreadable(0, Type::Text, error))
}
