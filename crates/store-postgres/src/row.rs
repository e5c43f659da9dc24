//! Values in and out of columns.

use std::num::NonZero;

use seriatim_core::{LogPartition, Sequence, Share, Work};
pub(crate) use seriatim_store_sql::limit_column;
use sqlx::postgres::PgRow;
use sqlx::{ColumnIndex, Error, Row};

/// No stream is longer than this column can count.
pub(crate) fn sequence_column(sequence: Sequence) -> i32 {
    i32::try_from(sequence.0).unwrap_or(i32::MAX)
}

/// The column is named, or given by its index.
pub(crate) fn sequence(row: &PgRow, column: impl ColumnIndex<PgRow>) -> Result<Sequence, Error> {
    let number: i32 = row.try_get_unchecked(column)?;
    u32::try_from(number).map(Sequence).map_err(unreadable)
}

/// A text for people. PostgreSQL does not accept the character 0, so it is replaced.
pub(crate) fn people_column(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// The column holds something that this program never wrote there.
pub(crate) fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Decode(error.into())
}

/// Returns data of ours as a column of JSON text.
pub(crate) fn json_column(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("the vocabulary can be written as JSON")
}

/// Reads the first columns: component, partition, and the share as its count and index.
pub(crate) fn work(row: &PgRow) -> Result<Work, Error> {
    let component: &str = row.try_get(0)?;
    Ok(Work {
        component: component.parse().map_err(unreadable)?,
        partition: LogPartition(small(row, 1)?),
        share: share(row)?,
    })
}

fn share(row: &PgRow) -> Result<Share, Error> {
    let (count, index) = (small(row, 2)?, small(row, 3)?);
    let share = NonZero::new(count).and_then(|count| Share::all(count).nth(index.into()));
    share.ok_or_else(|| unreadable(NoShare { count, index }))
}

fn small(row: &PgRow, column: usize) -> Result<u16, Error> {
    let number: i32 = row.try_get(column)?;
    number.try_into().map_err(unreadable)
}

#[derive(Debug, thiserror::Error)]
#[error("there is no share {index} of {count}; restore a backup")]
struct NoShare {
    count: u16,
    index: u16,
}
