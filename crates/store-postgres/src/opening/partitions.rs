//! The identity of the log, and the heads of its partitions: made with its tables, and checked when the log is opened.

use std::num::NonZero;

use seriatim_core::LogId;
use sqlx::{AssertSqlSafe, Error, PgConnection, Row};

use crate::OpenError;
use crate::opening::connection::open_error;
use crate::opening::location::Location;

/// Makes the heads other than the first, which the migrations make. Must be called in the transaction that makes the
/// tables.
pub(crate) async fn make(
    connection: &mut PgConnection,
    partitions: Option<NonZero<u16>>,
) -> Result<(), Error> {
    let last = partitions.map_or(0, |count| count.get() - 1);
    let insert = "INSERT INTO seriatim_log_head (partition, position, recorded_at, revision, batch)
                  SELECT partition, 0, 0, 0, '00000000-0000-0000-0000-000000000000'
                  FROM generate_series(1, $1::smallint) AS partition";
    sqlx::query(insert)
        .persistent(false)
        .bind(last.cast_signed())
        .execute(connection)
        .await
        .map(drop)
}

/// Returns the identity of the log.
pub(crate) async fn log_id(
    connection: &mut PgConnection,
    location: &Location,
) -> Result<LogId, OpenError> {
    let select = format!("SELECT id FROM {}.seriatim_log", location.schema);
    let found = sqlx::raw_sql(AssertSqlSafe(select))
        .fetch_all(connection)
        .await;
    let id = found.and_then(|rows| rows.first().ok_or(Error::RowNotFound)?.try_get(0));
    id.map(LogId).map_err(|error| open_error(location, error))
}

/// Returns how many partitions the log has, which must be the number that was asked for.
pub(crate) async fn count(
    connection: &mut PgConnection,
    location: &Location,
) -> Result<NonZero<u16>, OpenError> {
    let schema = &location.schema;
    let select = format!("SELECT count(*) FROM {schema}.seriatim_log_head");
    let counted = sqlx::raw_sql(AssertSqlSafe(select))
        .fetch_all(connection)
        .await
        .and_then(|rows| rows.first().ok_or(Error::RowNotFound)?.try_get(0));
    let found: i64 = counted.map_err(|error| open_error(location, error))?;
    let found = u16::try_from(found).ok().and_then(NonZero::new);
    let found = found.ok_or_else(|| open_error(location, Error::RowNotFound))?;
    match location.partitions {
        Some(asked) if asked != found => Err(OpenError::OtherPartitions {
            database: location.to_string(),
            found,
            asked,
        }),
        _ => Ok(found),
    }
}
