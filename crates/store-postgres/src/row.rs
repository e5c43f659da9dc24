//! Values in and out of columns.

use seriatim_core::Sequence;
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
