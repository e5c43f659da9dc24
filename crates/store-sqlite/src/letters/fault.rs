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
    if !filter.wants(LetterKind::Command) {
        return Ok(Vec::new());
    }
    let table = "seriatim_dead_letters WHERE status = 'parked' AND";
    groups(connection, "NULL", table, "id", filter, limit)
}

pub(crate) fn of_events(
    connection: &Connection,
    filter: &LetterFilter,
    limit: usize,
) -> Result<Vec<FaultGroup>, Error> {
    if !filter.wants(LetterKind::Reaction) {
        return Ok(Vec::new());
    }
    groups(
        connection,
        "component",
        "seriatim_parked WHERE",
        "letter",
        filter,
        limit,
    )
}

fn groups(
    connection: &Connection,
    component: &str,
    table: &str,
    id: &str,
    filter: &LetterFilter,
    limit: usize,
) -> Result<Vec<FaultGroup>, Error> {
    let (conditions, mut parameters) = conditions(id, filter);
    parameters.push(Value::Integer(row::limit_column(limit)));
    let last = parameters.len();
    let mut select = connection.prepare_cached(&format!(
        "SELECT {component}, domain, fault, count(*), min({id}), max({id}) FROM {table} {conditions}
         GROUP BY 1, 2, 3 ORDER BY 4 DESC, 5 LIMIT ?{last}"
    ))?;
    let rows = select.query_map(params_from_iter(parameters), group)?;
    rows.collect()
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
