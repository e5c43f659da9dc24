//! Counts the letters that wait for the same reason.

use rusqlite::types::{Type, Value};
use rusqlite::{Connection, Error, Row, params_from_iter};
use seriatim_core::{FaultGroup, LetterFilter, LetterKind};

use crate::letters::dead_letter::conditions;
use crate::row;

pub(crate) fn of_commands(
    connection: &Connection,
    filter: &LetterFilter,
    limit: usize,
) -> Result<Vec<FaultGroup>, Error> {
    groups(connection, LetterKind::Command, filter, limit)
}

pub(crate) fn of_events(
    connection: &Connection,
    filter: &LetterFilter,
    limit: usize,
) -> Result<Vec<FaultGroup>, Error> {
    groups(connection, LetterKind::Reaction, filter, limit)
}

fn groups(
    connection: &Connection,
    kind: LetterKind,
    filter: &LetterFilter,
    limit: usize,
) -> Result<Vec<FaultGroup>, Error> {
    if !filter.wants(kind) {
        return Ok(Vec::new());
    }
    let (sql, parameters) = statement(kind, filter, limit);
    let mut select = connection.prepare_cached(&sql)?;
    let rows = select.query_map(params_from_iter(parameters), group)?;
    rows.collect()
}

/// The groups are named by columns that begin an index of the waiting letters: a constant among them would make SQLite
/// sort all letters.
fn statement(kind: LetterKind, filter: &LetterFilter, limit: usize) -> (String, Vec<Value>) {
    let (id, component, waiting, groups) = match kind {
        LetterKind::Command => (
            "id",
            "NULL",
            "seriatim_dead_letters WHERE status = 'parked' AND",
            "domain, fault",
        ),
        LetterKind::Reaction => (
            "letter",
            "component",
            "seriatim_parked WHERE",
            "component, domain, fault",
        ),
    };
    let (conditions, mut parameters) = conditions(id, filter);
    parameters.push(Value::Integer(row::limit_column(limit)));
    let last = parameters.len();
    let sql = format!(
        "SELECT {component}, domain, fault, count(*), min({id}), max({id}) FROM {waiting} {conditions}
         GROUP BY {groups} ORDER BY 4 DESC, 5 LIMIT ?{last}"
    );
    (sql, parameters)
}

fn group(row: &Row<'_>) -> Result<FaultGroup, Error> {
    let component = row::optional_text(row, 0)?.map(str::parse).transpose();
    let count: i64 = row.get(3)?;
    Ok(FaultGroup {
        component: component.map_err(|error| row::unreadable(0, Type::Text, error))?,
        domain: row::domain(row, 1)?,
        fault: row.get(2)?,
        count: count.cast_unsigned(),
        first: row::uuid(row, 4)?,
        last: row::uuid(row, 5)?,
    })
}

#[cfg(test)]
mod tests {
    use seriatim_core::Component;

    use super::*;
    use crate::SqliteStore;

    /// They are asked for while a person waits, of very many letters, and a letter may be large.
    #[tokio::test]
    async fn letters_are_counted_in_the_order_of_an_index_that_has_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("letters.db");
        drop(SqliteStore::open_file(&path).await.unwrap());
        let connection = Connection::open(&path).unwrap();
        for kind in [LetterKind::Command, LetterKind::Reaction] {
            let filter = LetterFilter {
                component: (kind == LetterKind::Reaction)
                    .then(|| Component::new("printer").unwrap()),
                ..LetterFilter::default()
            };
            let (sql, parameters) = statement(kind, &filter, 9);
            let explain = format!("EXPLAIN QUERY PLAN {sql}");
            let mut plan = connection.prepare(&explain).unwrap();
            let steps = plan.query_map(params_from_iter(parameters), |row| row.get(3));
            let steps: Vec<String> = steps.unwrap().map(Result::unwrap).collect();
            let plan = steps.join("\n");
            assert!(plan.contains("USING COVERING INDEX"), "{plan}");
            assert!(!plan.contains("FOR GROUP BY"), "{plan}");
        }
    }
}
