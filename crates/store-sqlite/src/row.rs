//! Values in and out of columns. A column is given by its name or by its index.

use std::num::NonZero;

use bytes::Bytes;
use rusqlite::types::{FromSqlError, ToSqlOutput, Type, Value, ValueRef};
use rusqlite::{Error, Row, RowIndex};
use seriatim_core::reading::TypeNames;
use seriatim_core::{
    Bookmark, Codec, Domain, LogId, LogPartition, Payload, Position, Sequence, Share, Work,
};
use seriatim_store_sql::codec;
pub(crate) use seriatim_store_sql::{codec_column, limit_column};
use uuid::Uuid;

/// JSON is stored as text, so that people and SQL can read it. Bytes that are not text stay bytes, whatever their codec
/// says, so that they are read back unchanged.
pub(crate) fn data_column(data: &[u8], codec: Codec) -> ToSqlOutput<'_> {
    match codec {
        Codec::Json if std::str::from_utf8(data).is_ok() => {
            ToSqlOutput::Borrowed(ValueRef::Text(data))
        }
        Codec::Json | Codec::Protobuf => ToSqlOutput::Borrowed(ValueRef::Blob(data)),
    }
}

/// The columns type and codec, beginning at `first`, with the data that belongs to them.
pub(crate) fn payload(
    row: &Row<'_>,
    first: usize,
    names: &mut TypeNames,
    data: Bytes,
) -> Result<Payload, Error> {
    let codec = codec(row.get(first + 1)?);
    Ok(Payload {
        type_name: names.get(text(row, first)?),
        codec: codec.map_err(|error| unreadable(first + 1, Type::Integer, error))?,
        data,
    })
}

/// Text and blobs alike.
pub(crate) fn bytes<'row>(row: &'row Row<'_>, column: usize) -> Result<&'row [u8], Error> {
    let value = row.get_ref(column)?;
    value
        .as_bytes()
        .map_err(|error| unreadable(column, value.data_type(), error))
}

pub(crate) fn text<'row>(
    row: &'row Row<'_>,
    column: impl RowIndex + Copy,
) -> Result<&'row str, Error> {
    let column = column.idx(row.as_ref())?;
    optional_text(row, column)?
        .ok_or_else(|| unreadable(column, Type::Null, FromSqlError::InvalidType))
}

pub(crate) fn optional_text<'row>(
    row: &'row Row<'_>,
    column: usize,
) -> Result<Option<&'row str>, Error> {
    let value = row.get_ref(column)?;
    value
        .as_str_or_null()
        .map_err(|error| unreadable(column, value.data_type(), error))
}

pub(crate) fn optional_uuid(row: &Row<'_>, column: usize) -> Result<Option<Uuid>, Error> {
    match row.get_ref(column)? {
        ValueRef::Null => Ok(None),
        _ => uuid(row, column).map(Some),
    }
}

pub(crate) fn uuid(row: &Row<'_>, column: impl RowIndex + Copy) -> Result<Uuid, Error> {
    let column = column.idx(row.as_ref())?;
    let value = row.get_ref(column)?;
    let bytes = value
        .as_blob()
        .map_err(|error| unreadable(column, value.data_type(), error))?;
    Uuid::from_slice(bytes).map_err(|error| unreadable(column, Type::Blob, error))
}

pub(crate) fn sequence(row: &Row<'_>, column: impl RowIndex + Copy) -> Result<Sequence, Error> {
    row.get(column).map(Sequence)
}

pub(crate) fn position(row: &Row<'_>, column: usize) -> Result<Position, Error> {
    let number: i64 = row.get(column)?;
    u64::try_from(number)
        .map(Position)
        .map_err(|_| Error::IntegralValueOutOfRange(column, number))
}

/// Positions are stored as SQLite's signed numbers; no log gets that far.
pub(crate) fn position_column(position: Position) -> i64 {
    i64::try_from(position.0).unwrap_or(i64::MAX)
}

/// The columns position, log and event, beginning at `first`.
pub(crate) fn bookmark(row: &Row<'_>, first: usize) -> Result<Bookmark, Error> {
    Ok(Bookmark {
        position: position(row, first)?,
        log: optional_uuid(row, first + 1)?.map(LogId),
        event: optional_uuid(row, first + 2)?,
    })
}

pub(crate) fn log_column(place: &Bookmark) -> Option<[u8; 16]> {
    place.log.map(|LogId(log)| log.into_bytes())
}

pub(crate) fn event_column(place: &Bookmark) -> Option<[u8; 16]> {
    place.event.map(Uuid::into_bytes)
}

pub(crate) fn domain(row: &Row<'_>, column: impl RowIndex + Copy) -> Result<Domain, Error> {
    let column = column.idx(row.as_ref())?;
    Domain::new(text(row, column)?).map_err(|error| unreadable(column, Type::Text, error))
}

/// The column holds something that this program never wrote there.
pub(crate) fn unreadable(
    column: usize,
    found: Type,
    error: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    Error::FromSqlConversionFailure(column, found, Box::new(error))
}

/// Converts the error of a value that could not be turned into JSON before it is stored.
pub(crate) fn unwritable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::ToSqlConversionFailure(Box::new(error))
}

/// The same column, owned: for parameters that are put together at run time.
pub(crate) fn uuid_value(id: Uuid) -> Value {
    Value::Blob(id.as_bytes().to_vec())
}

/// Reads the first columns: component, partition, and the share as its count and index.
pub(crate) fn work(row: &Row<'_>) -> Result<Work, Error> {
    let component = text(row, 0)?.parse();
    Ok(Work {
        component: component.map_err(|error| unreadable(0, Type::Text, error))?,
        partition: LogPartition(row.get(1)?),
        share: share(row)?,
    })
}

fn share(row: &Row<'_>) -> Result<Share, Error> {
    let (count, index): (u16, u16) = (row.get(2)?, row.get(3)?);
    let share = NonZero::new(count).and_then(|count| Share::all(count).nth(index.into()));
    share.ok_or(Error::IntegralValueOutOfRange(3, index.into()))
}
