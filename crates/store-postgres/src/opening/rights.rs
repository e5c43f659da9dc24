//! Checks the rights of the program's account on the tables when they are opened, before the first command.

use sqlx::{AssertSqlSafe, Error, PgConnection, Row};

use crate::OpenError;
use crate::opening::connection::open_error;
use crate::opening::location::Location;

/// The rights that the store needs to each of its tables. Taking a lock on a table needs the right to UPDATE or DELETE.
const NEEDED: [(&str, &[&str]); 16] = [
    ("seriatim_migrations", &["SELECT"]),
    ("seriatim_log", &["SELECT"]),
    ("seriatim_log_head", &["SELECT", "UPDATE"]),
    ("seriatim_domains", &["SELECT", "INSERT", "UPDATE"]),
    ("seriatim_events", &["SELECT", "INSERT"]),
    ("seriatim_claims", &["SELECT", "INSERT"]),
    ("seriatim_snapshots", ALL),
    ("seriatim_dead_letters", &["SELECT", "INSERT", "UPDATE"]),
    ("seriatim_checkpoints", ALL),
    ("seriatim_beginnings", ALL),
    ("seriatim_letter_annotations", ALL),
    ("seriatim_pauses", ALL),
    ("seriatim_parked", ALL),
    ("seriatim_closed_letters", ALL),
    ("seriatim_timers", ALL),
    ("seriatim_read_models", ALL),
];

const ALL: &[&str] = &["SELECT", "INSERT", "UPDATE", "DELETE"];

/// Refuses an account that lacks a right which the store needs, and gives the statement that grants it.
pub(crate) async fn require(
    connection: &mut PgConnection,
    location: &Location,
) -> Result<(), OpenError> {
    let lacking = lacking(connection, &location.schema).await;
    match lacking.map_err(|error| open_error(location, error))? {
        None => Ok(()),
        Some(grants) => Err(OpenError::NoRightToWrite {
            database: location.to_string(),
            grants,
        }),
    }
}

/// Returns the missing statements; `None` means that none is missing.
async fn lacking(connection: &mut PgConnection, schema: &str) -> Result<Option<String>, Error> {
    let needed = NEEDED.iter().flat_map(|(table, rights)| {
        let row = move |right| format!("('{schema}.{table}', '{right}')");
        rights.iter().map(row)
    });
    let needed: Vec<_> = needed.collect();
    // As text, in one message, which any pooler passes on.
    let select = format!(
        "SELECT string_agg(format('GRANT %s ON %s TO %I', kinds, names, current_user), '; ' ORDER BY kinds)
         FROM (
             SELECT kinds, string_agg(name, ', ' ORDER BY name) AS names
             FROM (
                 SELECT name, string_agg(kind, ', ') AS kinds FROM (VALUES {}) AS needed (name, kind)
                 WHERE NOT has_table_privilege(name, kind) GROUP BY name
             ) AS by_table GROUP BY kinds
         ) AS by_rights",
        needed.join(", ")
    );
    let rows = sqlx::raw_sql(AssertSqlSafe(select));
    let rows = rows.fetch_all(connection).await?;
    rows.first().ok_or(Error::RowNotFound)?.try_get(0)
}
