//! Events in SQLite by the shortest way: prepared statements of rusqlite, one table, one unique index.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension, TransactionBehavior, params};
use seriatim_bench::Outcome;
use seriatim_bench::domain::{METADATA, PAYLOAD};
use uuid::Uuid;

const INSERT: &str =
    "INSERT INTO events (root, sequence, payload, metadata) VALUES (?1, ?2, ?3, ?4)";

/// A table of events in a file of its own.
pub(crate) struct RawLog {
    connection: Connection,
}

impl RawLog {
    /// Opens the file, with the settings that the product's store has.
    pub(crate) fn open(path: &Path) -> Outcome<Self> {
        let connection = Connection::open(path)?;
        connection.busy_handler(Some(wait))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
        connection.pragma_update(None, "cache_size", -65_536)?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS events (
                position INTEGER PRIMARY KEY,
                root     BLOB    NOT NULL,
                sequence INTEGER NOT NULL,
                payload  BLOB    NOT NULL,
                metadata BLOB    NOT NULL
            ) STRICT;
            CREATE UNIQUE INDEX IF NOT EXISTS events_stream_sequence ON events (root, sequence);",
        )?;
        Ok(Self { connection })
    }

    /// Writes one event a stream for all of `places`, in one durable commit.
    pub(crate) fn insert(&mut self, places: &[(Uuid, u32)]) -> Outcome<()> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut insert = transaction.prepare_cached(INSERT)?;
            for (root, sequence) in places {
                insert.execute(params![root.as_bytes(), sequence, PAYLOAD, METADATA])?;
            }
        }
        Ok(transaction.commit()?)
    }

    /// One turn of the loop that one writes without a framework: load, decide, insert, commit.
    ///
    /// It is given the best case: it reads only the last event, as if that held the whole state.
    pub(crate) fn load_decide_insert(&mut self, root: Uuid) -> Outcome<()> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let next = next_sequence(&transaction, root)?;
        transaction.prepare_cached(INSERT)?.execute(params![
            root.as_bytes(),
            next,
            PAYLOAD,
            METADATA
        ])?;
        Ok(transaction.commit()?)
    }

    /// The same loop as most libraries write it: read without a lock, insert, and try again if the unique index
    /// says that another writer was faster.
    pub(crate) fn load_decide_insert_retrying(&mut self, root: Uuid) -> Outcome<()> {
        loop {
            let next = next_sequence(&self.connection, root)?;
            let inserted = self.connection.prepare_cached(INSERT)?.execute(params![
                root.as_bytes(),
                next,
                PAYLOAD,
                METADATA
            ]);
            match inserted {
                Ok(_) => return Ok(()),
                Err(error) if is_lost_race(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Reads all events by their positions, a page of a thousand after the other, and returns how many there are.
    pub(crate) fn scan(&mut self) -> Outcome<usize> {
        let mut select = self.connection.prepare_cached(
            "SELECT position, root, sequence, payload, metadata FROM events
             WHERE position > ?1 ORDER BY position LIMIT 1000",
        )?;
        let (mut after, mut events) = (0_i64, 0);
        loop {
            let before = after;
            let mut rows = select.query([after])?;
            while let Some(row) = rows.next()? {
                after = row.get(0)?;
                std::hint::black_box(row.get::<_, Vec<u8>>(3)?);
                std::hint::black_box(row.get::<_, Vec<u8>>(4)?);
                events += 1;
            }
            if after == before {
                return Ok(events);
            }
        }
    }

    /// Reads all payloads of a stream, and returns how many bytes they are.
    pub(crate) fn load(&mut self, root: Uuid) -> Outcome<usize> {
        let mut select = self
            .connection
            .prepare_cached("SELECT payload FROM events WHERE root = ?1 ORDER BY sequence")?;
        let mut rows = select.query([root.as_bytes()])?;
        let mut bytes = 0;
        while let Some(row) = rows.next()? {
            bytes += row.get::<_, Vec<u8>>(0)?.len();
        }
        Ok(bytes)
    }
}

fn next_sequence(connection: &Connection, root: Uuid) -> Outcome<u32> {
    let mut select = connection.prepare_cached(
        "SELECT sequence, payload FROM events WHERE root = ?1 ORDER BY sequence DESC LIMIT 1",
    )?;
    let last = select
        .query_row([root.as_bytes()], |row| {
            Ok((row.get::<_, u32>(0)?, row.get::<_, Vec<u8>>(1)?))
        })
        .optional()?;
    Ok(last.map_or(0, |(sequence, payload)| {
        std::hint::black_box(payload);
        sequence + 1
    }))
}

/// Looks again every millisecond; SQLite's own handler waits up to a hundred times as long.
fn wait(_: i32) -> bool {
    std::thread::sleep(Duration::from_millis(1));
    true
}

fn is_lost_race(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(
        code,
        Some(ErrorCode::ConstraintViolation | ErrorCode::DatabaseBusy)
    )
}
