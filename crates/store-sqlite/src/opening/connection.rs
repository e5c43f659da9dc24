//! Opens connections, with the settings that the store's promises depend on.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags};
use seriatim_core::{LogId, SchemaChange};

use crate::opening::driver_error;
use crate::opening::migrations::{self, MIGRATIONS};
use crate::{OpenError, row};

/// The time for which a writer waits for another process that writes. (The unit tests do not want to wait that long.)
const BUSY_TIMEOUT: Duration = Duration::from_millis(if cfg!(test) { 200 } else { 10_000 });
/// The time between two looks. SQLite's own handler waits up to 100 ms between two looks, in which another process
/// takes the lock again and again.
const BUSY_INTERVAL: Duration = Duration::from_millis(1);
/// The size that the write-ahead log may reach before it is copied into the file, in pages of 4 KiB. Each copy costs a
/// sync of the file during a commit; with the default of 1000 pages this would happen four times as often.
const CHECKPOINT_PAGES: i64 = 4000;
/// Negative: in KiB. The indexes' upper pages of a large log fit.
const WRITER_CACHE: i64 = -65_536;
const READER_CACHE: i64 = -16_384;
/// More than there are different statements.
const CACHED_STATEMENTS: usize = 64;

/// Opens the connection that writes, whose tables are up to date, and the connections that read: one for loads, two for
/// lists. Returns also the identity of the log.
pub(crate) fn open(path: &Path) -> Result<(Connection, [Connection; 3], LogId), OpenError> {
    let failed = |error| driver_error::open_error(path, error);
    let mut writer = open_writer(path)?;
    migrations::run(&mut writer, path)?;
    let log_id = writer.query_row("SELECT id FROM seriatim_log", [], |row| row::uuid(row, 0));
    let log_id = LogId(log_id.map_err(failed)?);
    let open_reader = || open_reader(path).map_err(failed);
    let readers = [open_reader()?, open_reader()?, open_reader()?];
    Ok((writer, readers, log_id))
}

/// Migrates the tables, and returns what was missing.
pub(crate) fn migrate(path: &Path) -> Result<SchemaChange, OpenError> {
    migrations::run(&mut open_writer(path)?, path)
}

/// Returns what is missing in the tables. Nothing is made, not even the file.
pub(crate) fn pending(path: &Path) -> Result<SchemaChange, OpenError> {
    if !path.exists() {
        return Ok(MIGRATIONS.change_after(0));
    }
    let connection = open_reader(path).map_err(|error| driver_error::open_error(path, error))?;
    migrations::missing(&connection, path)
}

/// The file is made if it does not exist.
fn open_writer(path: &Path) -> Result<Connection, OpenError> {
    let failed = |error| driver_error::open_error(path, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    wait_for_others(&connection).map_err(failed)?;
    if connection.is_readonly("main").map_err(failed)? {
        return Err(OpenError::ReadOnly { path: path.into() });
    }
    // Reads the first page: what is no database shows here, before anything is written.
    connection
        .pragma_query_value(None, "schema_version", |_| Ok(()))
        .map_err(failed)?;
    let journal = switch_to_wal(&connection).map_err(failed)?;
    if journal != "wal" {
        return Err(OpenError::NoWriteAheadLog { path: path.into() });
    }
    // Acknowledged means durable: every commit is synced.
    let set = |name, value: &dyn rusqlite::ToSql| connection.pragma_update(None, name, value);
    set("synchronous", &"FULL")
        .and_then(|()| set("wal_autocheckpoint", &CHECKPOINT_PAGES))
        .and_then(|()| set("cache_size", &WRITER_CACHE))
        .map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    Ok(connection)
}

/// Only for a file that exists.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    wait_for_others(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", READER_CACHE)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    Ok(connection)
}

/// As long as [`BUSY_TIMEOUT`].
pub(crate) fn wait_for_others(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.busy_handler(Some(wait))
}

/// If two processes open a new file at the same moment, both want it exclusively. SQLite then refuses one of them at
/// once, without calling the busy handler.
fn switch_to_wal(connection: &Connection) -> Result<String, rusqlite::Error> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        let switched =
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0));
        match switched {
            Err(error) if is_busy(&error) && Instant::now() < deadline => {
                thread::sleep(BUSY_INTERVAL);
            }
            answer => return answer,
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

/// The busy handler: `earlier` is how often it was asked before for the same lock.
fn wait(earlier: i32) -> bool {
    let most = i32::try_from(BUSY_TIMEOUT.as_millis() / BUSY_INTERVAL.as_millis());
    thread::sleep(BUSY_INTERVAL);
    most.is_ok_and(|most| earlier < most)
}
