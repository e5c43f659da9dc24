//! One transaction of the writer: its statements, and the positions that it has assigned so far.

use rusqlite::{CachedStatement, Connection, Error, OptionalExtension};
use seriatim_core::{Domain, Part, Timestamp};

use crate::append::event_rows::EventRows;
use crate::append::memory::{Head, LastEvent, Memory, StreamKey};
use crate::append::metadata_text::Encoder;
use crate::opening::migrations;
use crate::row;

const SELECT_HEAD: &str = "SELECT position, recorded_at FROM seriatim_log_head WHERE partition = 0";
const UPDATE_HEAD: &str =
    "UPDATE seriatim_log_head SET position = ?, recorded_at = ? WHERE partition = 0";
const SELECT_LAST: &str = "SELECT sequence, id FROM seriatim_events WHERE domain = ? AND root = ? ORDER BY sequence DESC LIMIT 1";
const INSERT_CLAIM: &str = "INSERT INTO seriatim_claims
    (domain, root, external_id, content, first_result) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING";

/// Between `BEGIN IMMEDIATE` and the end.
pub(crate) struct Transaction<'c, 'j> {
    pub(crate) connection: &'c Connection,
    pub(crate) memory: &'c mut Memory,
    /// The head as it was at the beginning.
    before: Head,
    /// The head as it will be.
    pub(crate) head: Head,
    pub(crate) metadata: Encoder,
    /// `true` if events get a checksum.
    pub(crate) checksums: bool,
    /// `true` if streams that nothing is known of are looked up, even if an append expects that they have no events.
    looks: bool,
    pub(crate) events: EventRows<'c, 'j>,
    pub(crate) insert_claim: CachedStatement<'c>,
    select_last: CachedStatement<'c>,
}

impl<'c> Transaction<'c, '_> {
    pub(crate) fn new(
        connection: &'c Connection,
        memory: &'c mut Memory,
        checksums: bool,
        looks: bool,
    ) -> Result<Self, Error> {
        let mut data_version = connection.prepare_cached("PRAGMA data_version")?;
        if !memory.keep_if_unchanged(data_version.query_row([], |row| row.get(0))?) {
            migrations::check_unchanged(connection)?;
        }
        let before = match memory.head() {
            Some(head) => head,
            None => select_head(connection)?,
        };
        let head = Head {
            position: before.position,
            // The clock of a machine may be set back, but times in the log never decrease.
            recorded_at: Timestamp::now().max(before.recorded_at),
        };
        Ok(Self {
            connection,
            memory,
            before,
            head,
            metadata: Encoder::default(),
            checksums,
            looks,
            events: EventRows::new(connection)?,
            insert_claim: connection.prepare_cached(INSERT_CLAIM)?,
            select_last: connection.prepare_cached(SELECT_LAST)?,
        })
    }

    /// The last event of the stream of a part. That of one that this transaction has written to is known.
    pub(crate) fn last(&mut self, part: &Part<'_>) -> Result<Option<LastEvent>, Error> {
        let stream = part.stream;
        let Some(domain) = self.find_domain(&stream.domain)? else {
            return Ok(None);
        };
        let key = StreamKey {
            domain,
            root: stream.root,
        };
        if let Some(known) = self.memory.last(key) {
            return Ok(known);
        }
        // The key of the first event's sequence shows whether a stream is new.
        if !self.looks && part.after.is_none() && !part.events.is_empty() {
            return Ok(None);
        }
        let found = self
            .select_last
            .query_row((domain, stream.root.as_bytes()), |row| {
                Ok((row::sequence(row, 0)?, row::uuid(row, 1)?))
            });
        let last = found.optional()?;
        self.memory.set_last(key, last);
        Ok(last)
    }

    /// The number of a domain, if it has one.
    pub(crate) fn find_domain(&mut self, domain: &Domain) -> Result<Option<i64>, Error> {
        if let Some(known) = self.memory.domain(domain) {
            return Ok(Some(known));
        }
        let mut select = self
            .connection
            .prepare_cached("SELECT id FROM seriatim_domains WHERE name = ?")?;
        let found = select.query_row([domain.as_str()], |row| row.get(0));
        let found = found.optional()?;
        if let Some(id) = found {
            self.memory.set_domain(domain, id);
        }
        Ok(found)
    }

    /// Returns the number of a domain, and assigns one if it has none. Only for rows that will certainly be written.
    pub(crate) fn domain(&mut self, domain: &Domain) -> Result<i64, Error> {
        if let Some(found) = self.find_domain(domain)? {
            return Ok(found);
        }
        let insert = "INSERT INTO seriatim_domains (name) VALUES (?)";
        self.connection.execute(insert, [domain.as_str()])?;
        let id = self.connection.last_insert_rowid();
        self.memory.set_domain(domain, id);
        Ok(id)
    }

    /// Writes the rows that wait, and the head. Only events move the head.
    pub(crate) fn finish(self) -> Result<(), Error> {
        self.events.finish()?;
        if self.head.position == self.before.position {
            self.memory.set_head(self.before);
            return Ok(());
        }
        let mut update = self.connection.prepare_cached(UPDATE_HEAD)?;
        update.execute((
            row::position_column(self.head.position),
            self.head.recorded_at.as_micros(),
        ))?;
        self.memory.set_head(self.head);
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
