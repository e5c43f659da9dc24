//! One transaction of the writer: its statements, and what it has given away so far.

use rusqlite::{CachedStatement, Connection, Error, OptionalExtension};
use seriatim_core::{StreamId, Timestamp};

use crate::known::{Head, Known, StreamRow};
use crate::metadata_text::Encoder;
use crate::row;

const SELECT_HEAD: &str = "SELECT position, recorded_at FROM seriatim_log_head WHERE partition = 0";
const UPDATE_HEAD: &str =
    "UPDATE seriatim_log_head SET position = ?, recorded_at = ? WHERE partition = 0";
const SELECT_STREAM: &str =
    "SELECT id, (SELECT max(sequence) FROM seriatim_events WHERE stream = s.id)
    FROM seriatim_streams AS s WHERE domain = ? AND root = ?";
const INSERT_STREAM: &str =
    "INSERT INTO seriatim_streams (domain, root) VALUES (?, ?) ON CONFLICT DO NOTHING";
const INSERT_EVENT: &str = "INSERT INTO seriatim_events
    (position, stream, sequence, recorded_at, id, type, codec, metadata, data)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
const INSERT_CLAIM: &str =
    "INSERT INTO seriatim_claims (stream, external_id, content, first_result)
    VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING";

/// Between `BEGIN IMMEDIATE` and the end.
pub(crate) struct Transaction<'c> {
    pub(crate) connection: &'c Connection,
    pub(crate) known: &'c mut Known,
    /// The head as it was at the beginning.
    before: Head,
    /// The head as it will be.
    pub(crate) head: Head,
    pub(crate) metadata: Encoder,
    pub(crate) insert_event: CachedStatement<'c>,
    pub(crate) insert_claim: CachedStatement<'c>,
    insert_stream: CachedStatement<'c>,
    select_stream: CachedStatement<'c>,
}

impl<'c> Transaction<'c> {
    pub(crate) fn new(connection: &'c Connection, known: &'c mut Known) -> Result<Self, Error> {
        let mut data_version = connection.prepare_cached("PRAGMA data_version")?;
        known.keep_if_unchanged(data_version.query_row([], |row| row.get(0))?);
        let before = match known.head() {
            Some(head) => head,
            None => select_head(connection)?,
        };
        let head = Head {
            position: before.position,
            // The clock of a machine may step back; times in the log do not.
            recorded_at: Timestamp::now().max(before.recorded_at),
        };
        Ok(Self {
            connection,
            known,
            before,
            head,
            metadata: Encoder::default(),
            insert_event: connection.prepare_cached(INSERT_EVENT)?,
            insert_claim: connection.prepare_cached(INSERT_CLAIM)?,
            insert_stream: connection.prepare_cached(INSERT_STREAM)?,
            select_stream: connection.prepare_cached(SELECT_STREAM)?,
        })
    }

    /// A stream's row, if it has one.
    pub(crate) fn find_stream(&mut self, stream: &StreamId) -> Result<Option<StreamRow>, Error> {
        if let Some(known) = self.known.stream(stream) {
            return Ok(Some(known));
        }
        let key = (stream.domain.as_str(), stream.root.as_bytes());
        let found = self.select_stream.query_row(key, |row| {
            let current: Option<u32> = row.get(1)?;
            Ok(StreamRow {
                id: row.get(0)?,
                current: current.map(seriatim_core::Sequence),
            })
        });
        let found = found.optional()?;
        if let Some(found) = found {
            self.known.set_stream(stream, found);
        }
        Ok(found)
    }

    /// A stream's row; a new one if it has none. Only for an append that is sure to be written on a new stream.
    pub(crate) fn find_or_create_stream(&mut self, stream: &StreamId) -> Result<StreamRow, Error> {
        if let Some(known) = self.known.stream(stream) {
            return Ok(known);
        }
        let key = (stream.domain.as_str(), stream.root.as_bytes());
        if self.insert_stream.execute(key)? == 0 {
            let found = self.find_stream(stream)?;
            return found.ok_or(Error::QueryReturnedNoRows);
        }
        let new = StreamRow {
            id: self.connection.last_insert_rowid(),
            current: None,
        };
        self.known.set_stream(stream, new);
        Ok(new)
    }

    /// Writes the head down. Only events move it.
    pub(crate) fn finish(self) -> Result<(), Error> {
        if self.head.position != self.before.position {
            let mut update = self.connection.prepare_cached(UPDATE_HEAD)?;
            update.execute((
                row::position_column(self.head.position),
                self.head.recorded_at.as_micros(),
            ))?;
            self.known.set_head(self.head);
        } else {
            self.known.set_head(self.before);
        }
        Ok(())
    }
}

fn select_head(connection: &Connection) -> Result<Head, Error> {
    let mut select = connection.prepare_cached(SELECT_HEAD)?;
    select.query_row([], |row| {
        Ok(Head {
            position: row::position(row, 0)?,
            recorded_at: Timestamp::from_micros(row.get(1)?),
        })
    })
}
