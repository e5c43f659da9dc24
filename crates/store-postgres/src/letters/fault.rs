//! Counts the letters that wait for the same reason.

use seriatim_core::{FaultGroup, LetterFilter};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Error, Postgres, Row};

use crate::letters::dead_letter::Conditions;
use crate::row;

/// Counts the faults of the letters in a table, whose identity is in the column `id`. `component` is its column of the
/// component, or NULL; `waiting` is the condition for letters that wait.
pub(crate) fn groups(
    (schema, table): (&str, &str),
    (component, id): (&str, &str),
    waiting: &str,
    filter: &LetterFilter,
    limit: usize,
) -> Query<'static, Postgres, PgArguments> {
    let conditions = Conditions::of(schema, id, filter);
    let (condition, last) = (&conditions.sql, conditions.next_place);
    // There is no smallest UUID before PostgreSQL 18, but their texts are in the same order.
    let sql = format!(
        "SELECT {component}, domain, fault, count(*), min({id}::text)::uuid, max({id}::text)::uuid
         FROM {schema}.{table} WHERE {waiting} AND {condition}
         GROUP BY 1, 2, 3 ORDER BY 4 DESC, 5 LIMIT ${last}"
    );
    let query = conditions.bind(sqlx::query(AssertSqlSafe(sql)), filter);
    query.bind(row::limit_column(limit))
}

pub(crate) fn group(row: &PgRow) -> Result<FaultGroup, Error> {
    let component: Option<&str> = row.try_get(0)?;
    let (domain, count): (&str, i64) = (row.try_get(1)?, row.try_get(3)?);
    let component = component.map(str::parse).transpose();
    Ok(FaultGroup {
        component: component.map_err(row::unreadable)?,
        domain: domain.parse().map_err(row::unreadable)?,
        fault: row.try_get(2)?,
        count: count.cast_unsigned(),
        first: row.try_get(4)?,
        last: row.try_get(5)?,
    })
}
