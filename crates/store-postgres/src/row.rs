//! Values in and out of columns.

use std::borrow::Cow;

use bytes::Bytes;
use seriatim_core::reading::TypeNames;
use seriatim_core::{Codec, Payload, Sequence};
use sqlx::postgres::PgRow;
use sqlx::{Error, Row};

/// No stream is longer than this column can count.
pub(crate) fn sequence_column(sequence: Sequence) -> i32 {
    i32::try_from(sequence.0).unwrap_or(i32::MAX)
}

pub(crate) fn sequence(row: &PgRow, column: usize) -> Result<Sequence, Error> {
    let number: i32 = row.try_get_unchecked(column)?;
    u32::try_from(number).map(Sequence).map_err(unreadable)
}

/// A text for people. PostgreSQL does not accept the character 0, so it is replaced.
pub(crate) fn people_column(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// There are no more rows than that.
pub(crate) fn limit_column(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

pub(crate) fn payload(
    type_name: &str,
    codec: i16,
    data: Bytes,
    names: &mut TypeNames,
) -> Result<Payload, Error> {
    let type_name: Cow<'static, str> = names.get(type_name);
    let codec = match codec {
        0 => Codec::Json,
        1 => Codec::Protobuf,
        other => return Err(unreadable(UnknownCodec(other))),
    };
    Ok(Payload {
        type_name,
        codec,
        data,
    })
}

#[derive(Debug, thiserror::Error)]
#[error("codec {0} is none that this program knows; use a newer program")]
struct UnknownCodec(i16);

/// The column holds something that this program never wrote there.
pub(crate) fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Decode(error.into())
}

/// Returns data of ours as a column of JSON text.
pub(crate) fn json_column(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("the vocabulary can be written as JSON")
}
