//! The seam of the letters.

use async_trait::async_trait;
use rusqlite::types::{Type, Value};
use rusqlite::{Connection, Error, OptionalExtension, Row, params_from_iter};
use seriatim_core::{CommandLetter, DeadLetterStore, LetterFilter, LetterKind, StoreError};
use uuid::Uuid;

use crate::append::transaction::Transaction;
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
    if !filter.wants(LetterKind::Command) {
        return Ok(Vec::new());
    }
    let all = "SELECT body, id, domain, root, status FROM seriatim_dead_letters";
    list(connection, &[all], "id", filter, limit, letter)
}

/// Lists the letters of some selections, whose identity is in the column `id`. Only what the filter names is asked for,
/// so that an index of each selection can serve it in this order.
pub(crate) fn list<T>(
    connection: &Connection,
    selections: &[&str],
    id: &str,
    filter: &LetterFilter,
    limit: usize,
    letter: fn(&Row<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let (is_after, order) = match filter.latest_first {
        true => (format!("{id} <"), "DESC"),
        false => (format!("{id} >"), "ASC"),
    };
    let mut conditions = "TRUE".to_owned();
    let mut parameters = Vec::new();
    let mut ask = |column: &str, value| {
        parameters.push(value);
        conditions += &format!(" AND {column} ?{}", parameters.len());
    };
    if let Some(component) = &filter.component {
        ask("component =", Value::Text(component.as_str().into()));
    }
    let of_stream = filter.stream.as_ref().map(|stream| &stream.domain);
    for domain in [filter.domain.as_ref(), of_stream].into_iter().flatten() {
        ask("domain =", Value::Text(domain.as_str().into()));
    }
    if let Some(stream) = &filter.stream {
        ask("root =", row::uuid_value(stream.root));
    }
    if let Some(status) = filter.status {
        ask("status =", Value::Text(status.as_str().into()));
    }
    if let Some(after) = filter.after {
        ask(&is_after, row::uuid_value(after));
    }
    parameters.push(Value::Integer(row::limit_column(limit)));
    let selections = selections.iter();
    let selections =
        selections.map(|select| format!("SELECT * FROM ({select}) WHERE {conditions}"));
    let selections = selections.collect::<Vec<_>>().join(" UNION ALL ");
    let last = parameters.len();
    let sql = format!("{selections} ORDER BY {id} {order} LIMIT ?{last}");
    let mut select = connection.prepare_cached(&sql)?;
    let rows = select.query_map(params_from_iter(parameters), letter)?;
    rows.collect()
}

fn letter(row: &Row<'_>) -> Result<CommandLetter, Error> {
    serde_json::from_str(row::text(row, 0)?).map_err(|error| row::unreadable(0, Type::Text, error))
}
