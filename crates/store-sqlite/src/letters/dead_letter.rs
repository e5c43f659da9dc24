//! The seam of the letters.

use async_trait::async_trait;
use rusqlite::types::{Type, Value};
use rusqlite::{Connection, Error, OptionalExtension, Row, params_from_iter};
use seriatim_core::{
    Assignee, CommandLetter, DeadLetterStore, FaultGroup, LetterFilter, LetterKind, StoreError,
};
use uuid::Uuid;

use crate::append::transaction::Transaction;
use crate::letters::fault;
use crate::{SqliteStore, row};

const ALL: &str = "SELECT body, id, domain, root, status, fault FROM seriatim_dead_letters";

/// The letters that somebody looks after.
const ASSIGNED: &str = "SELECT letter FROM seriatim_letter_annotations WHERE assignee IS NOT NULL";

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

    async fn fault_groups(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<FaultGroup>, StoreError> {
        let filter = filter.clone();
        let query = move |connection: &Connection| fault::of_commands(connection, &filter, limit);
        self.lists()
            .read("count the faults of dead letters", query)
            .await
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
        "INSERT INTO seriatim_dead_letters (id, domain, root, status, body, fault) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING",
    )?;
    let row = (
        letter.id.as_bytes(),
        stream.domain.as_str(),
        stream.root.as_bytes(),
        letter.status.as_str(),
        body,
        letter.fault(),
    );
    insert.execute(row).map(drop)
}

fn revise(connection: &Connection, letter: &CommandLetter) -> Result<bool, Error> {
    let body = serde_json::to_string(letter).map_err(row::unwritable)?;
    let mut update = connection.prepare_cached(
        "UPDATE seriatim_dead_letters SET status = ?1, body = ?2, revision = ?3, fault = ?5
         WHERE id = ?4 AND revision = ?3 - 1",
    )?;
    let attempts = i64::try_from(letter.attempts.len()).expect("they fit into memory");
    let row = (
        letter.status.as_str(),
        body,
        attempts,
        letter.id.as_bytes(),
        letter.fault(),
    );
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
    list(connection, &[ALL.to_owned()], "id", filter, limit, letter)
}

/// Lists the letters of some selections, whose identity is in the column `id`, without the rows that have none. Only the
/// columns that the filter names are compared, so that an index of each selection can be used.
pub(crate) fn list<T>(
    connection: &Connection,
    selections: &[String],
    id: &str,
    filter: &LetterFilter,
    limit: usize,
    letter: fn(&Row<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let (sql, parameters) = statement(selections, id, filter, limit);
    let mut select = connection.prepare_cached(&sql)?;
    let rows = select.query_map(params_from_iter(parameters), letter)?;
    rows.collect()
}

fn statement(
    selections: &[String],
    id: &str,
    filter: &LetterFilter,
    limit: usize,
) -> (String, Vec<Value>) {
    let (is_after, order) = match filter.latest_first {
        true => (format!("{id} <"), "DESC"),
        false => (format!("{id} >"), "ASC"),
    };
    let (mut conditions, mut parameters) = conditions(id, filter);
    let mut ask = |column: &str, value| {
        parameters.push(value);
        conditions += &format!(" AND {column} ?{}", parameters.len());
    };
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
    (sql, parameters)
}

/// Returns the condition that a filter makes but for the status and the place in the list, and its parameters. The
/// identity of the letters is in the column `id`.
pub(super) fn conditions(id: &str, filter: &LetterFilter) -> (String, Vec<Value>) {
    let mut conditions = format!("{id} IS NOT NULL");
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
    if let Some(fault) = &filter.fault {
        ask("fault =", Value::Text(fault.clone()));
    }
    match &filter.assignee {
        None => {}
        Some(Assignee::Nobody) => conditions += &format!(" AND {id} NOT IN ({ASSIGNED})"),
        Some(Assignee::Person(name)) => {
            parameters.push(Value::Text(name.clone()));
            let place = parameters.len();
            conditions += &format!(" AND {id} IN ({ASSIGNED} AND assignee = ?{place})");
        }
    }
    (conditions, parameters)
}

fn letter(row: &Row<'_>) -> Result<CommandLetter, Error> {
    serde_json::from_str(row::text(row, 0)?).map_err(|error| row::unreadable(0, Type::Text, error))
}

#[cfg(test)]
mod tests {
    use seriatim_core::LetterStatus;
    use seriatim_testkit::conformance::filters_by_index;

    use super::*;
    use crate::letters::parked;

    /// Returns how many columns are compared with one value.
    fn columns(filter: &LetterFilter) -> usize {
        usize::from(filter.component.is_some())
            + usize::from(filter.domain.is_some())
            + usize::from(filter.status.is_some())
            + usize::from(filter.fault.is_some())
            + 2 * usize::from(filter.stream.is_some())
    }

    /// A page costs what it holds.
    #[tokio::test]
    async fn a_page_is_looked_up_in_the_index() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("letters.db");
        drop(SqliteStore::open_file(&path).await.unwrap());
        let connection = Connection::open(&path).unwrap();
        let check = |selections: &[String], id: &str, filter: &LetterFilter, columns: usize| {
            let (sql, parameters) = statement(selections, id, filter, 50);
            let mut plan = connection
                .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
                .unwrap();
            let steps = plan.query_map(params_from_iter(parameters), |row| row.get(3));
            let steps: Vec<String> = steps.unwrap().map(Result::unwrap).collect();
            let is_of_one_table = |step: &&String| step.contains(" seriatim_");
            let (of_tables, others): (Vec<_>, Vec<_>) = steps.iter().partition(is_of_one_table);
            assert_eq!(of_tables.len(), selections.len(), "{filter:?}: {steps:?}");
            for step in of_tables {
                let compared = step.matches("=?").count();
                let in_order = step.contains(&format!("{id}<?")) || filter.after.is_none();
                let by_index = step.contains(" USING INDEX ") && in_order;
                assert!(by_index && compared == columns, "{filter:?}: {steps:?}");
            }
            let merging = ["MERGE (UNION ALL)", "LEFT", "RIGHT"];
            let merges = |step: &&String| merging.contains(&step.as_str());
            assert!(others.iter().all(merges), "{filter:?}: {steps:?}");
        };
        for filter in filters_by_index(LetterKind::Command) {
            check(&[ALL.to_owned()], "id", &filter, columns(&filter));
        }
        for filter in filters_by_index(LetterKind::Reaction) {
            // Those of the table of parked ones need no comparison.
            let constant = usize::from(filter.status == Some(LetterStatus::Parked));
            let columns = columns(&filter) - constant;
            check(&parked::selections(&filter), "letter", &filter, columns);
        }
    }
}
