//! Files that cannot be used, or not any more, and what is said about them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use seriatim_core::{
    Append, AppendOutcome, EventStore, Load, LogPartition, Payload, Position, Sequence,
    StoreErrorKind, StreamId,
};
use seriatim_store_sqlite::{OpenError, SchemaError, SqliteStore};
use seriatim_testkit::conformance::{self, Handle, assert_log_is_sound, event, new_stream};
use tempfile::TempDir;

fn file() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    (folder, file)
}

/// Events that fill pages soon.
fn append(stream: &StreamId, after: Option<Sequence>, count: usize) -> Append {
    let noted = || event(Payload::json("Noted", format!("\"{}\"", "x".repeat(1000))));
    let events: Vec<_> = (0..count).map(|_| noted()).collect();
    conformance::append(stream, after, events)
}

/// A file with so many events, after its last connection was closed: nothing of it is in a log beside it.
async fn written(file: &Path, count: usize) -> StreamId {
    let stream = new_stream();
    let store = SqliteStore::open_file(file).await.unwrap();
    store
        .append(vec![append(&stream, None, count)])
        .await
        .unwrap();
    drop(store);
    wait_until_closed(file);
    stream
}

/// The threads of a store close its file a moment after the last handle is gone, and then no log is beside it.
fn wait_until_closed(file: &Path) {
    let log = file.with_extension("db-wal");
    for _ in 0..10_000 {
        if !log.exists() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    panic!("the store was not closed");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_not_touched() {
    let (_folder, file) = file();
    let text = "Dear diary, this is certainly not a database. ".repeat(100);
    fs::write(&file, &text).unwrap();
    let error = SqliteStore::open_file(&file).await.unwrap_err();
    assert!(matches!(error, OpenError::NotADatabase { .. }), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

#[tokio::test]
async fn a_file_that_was_cut_off_is_refused() {
    let (_folder, file) = file();
    written(&file, 200).await;
    let length = fs::metadata(&file).unwrap().len();
    for left in [length / 2, 10_000, 100] {
        fs::File::options()
            .write(true)
            .open(&file)
            .unwrap()
            .set_len(left)
            .unwrap();
        let error = SqliteStore::open_file(&file).await.unwrap_err();
        assert!(
            matches!(
                error,
                OpenError::Damaged { .. } | OpenError::NotADatabase { .. }
            ),
            "{left} bytes left: {error}"
        );
    }
}

#[tokio::test]
async fn a_page_that_was_overwritten_is_an_error_and_no_wrong_answer() {
    let (_folder, file) = file();
    let stream = written(&file, 400).await;
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0x5a);
    fs::write(&file, bytes).unwrap();
    let store = SqliteStore::open_file(&file).await.unwrap();
    let load = Load {
        stream,
        through: None,
        snapshots: None,
    };
    let error = store.load(load).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Corrupt, "{error}");
}

#[tokio::test]
async fn a_gap_in_a_stream_is_an_error_and_no_wrong_state() {
    let (_folder, file) = file();
    let stream = written(&file, 5).await;
    let connection = Connection::open(&file).unwrap();
    connection
        .execute("DELETE FROM seriatim_events WHERE sequence = 2", [])
        .unwrap();
    let store = SqliteStore::open_file(&file).await.unwrap();
    let load = Load {
        stream,
        through: None,
        snapshots: None,
    };
    let error = store.load(load).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Corrupt);
    assert!(error.to_string().contains("no event 2"), "{error}");
}

/// A change to an event is noticed when the event is read. A person who changes it on purpose says so by setting its
/// checksum to `NULL`.
#[tokio::test]
async fn content_that_was_changed_is_noticed_when_it_is_read() {
    let (_folder, file) = file();
    let stream = written(&file, 3).await;
    let direct = Connection::open(&file).unwrap();
    let change = "UPDATE seriatim_events SET data = '\"another\"' WHERE sequence = 1";
    direct.execute_batch(change).unwrap();
    let store = SqliteStore::open_file(&file).await.unwrap();
    // What precedes it is handed out.
    let before = store.read_log(LogPartition::FIRST, Position::START, 10);
    assert_eq!(before.await.unwrap().events.len(), 1);
    let log = store.read_log(LogPartition::FIRST, Position(1), 10);
    let stream_read = store.read_stream(&stream, Sequence::FIRST, 10);
    for read in [log.await.map(|page| page.events), stream_read.await] {
        let error = read.unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Corrupt);
        let text = format!("{error}");
        assert!(text.contains(&format!("event 1 of `{stream}`")), "{text}");
    }
    // One event is no reason to refuse everybody's commands.
    store
        .append(vec![append(&new_stream(), None, 1)])
        .await
        .unwrap();
    let excuse = "UPDATE seriatim_events SET checksum = NULL WHERE sequence = 1";
    direct.execute_batch(excuse).unwrap();
    let log = store.read_log(LogPartition::FIRST, Position::START, 10);
    assert_eq!(log.await.unwrap().events.len(), 4);
}

#[tokio::test]
async fn checksums_can_be_left_out() {
    let (_folder, file) = file();
    let url = format!("sqlite://{}?checksums=off", file.display());
    let store = SqliteStore::open(&url).await.unwrap();
    let append = append(&new_stream(), None, 1);
    store.append(vec![append]).await.unwrap();
    let direct = Connection::open(&file).unwrap();
    let select = "SELECT count(*) FROM seriatim_events WHERE checksum IS NULL";
    let without: u32 = direct.query_row(select, [], |row| row.get(0)).unwrap();
    assert_eq!(without, 1);
}

/// The check of the file finds damage to an index alone, which no read of the log runs into.
#[tokio::test]
async fn the_check_of_the_file_finds_what_reads_do_not() {
    let (_folder, file) = file();
    written(&file, 20).await;
    let store = SqliteStore::open_file(&file).await.unwrap();
    store.check_storage().await.unwrap();
    let direct = Connection::open(&file).unwrap();
    let index = "seriatim_events_stream_sequence";
    leave_out_of_the_index(&direct, index, "sequence < 19");
    let error = store.check_storage().await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Corrupt, "{error}");
    assert!(error.to_string().contains("index"), "{error}");
    let refused = store.append(vec![append(&new_stream(), None, 1)]).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("nothing more is written"), "{refused}");
}

/// The check finds the same in the tables of read models, and does not look at other tables of the application.
#[tokio::test]
async fn the_check_of_the_file_is_of_read_models_too() {
    let (_folder, file) = file();
    let store = SqliteStore::open_file(&file).await.unwrap();
    let direct = Connection::open(&file).unwrap();
    for table in ["accounts", "balances_v1", "balances_v2"] {
        let make = format!(
            "CREATE TABLE {table} (root INTEGER, cents INTEGER);
             CREATE INDEX {table}_cents ON {table} (cents);
             INSERT INTO {table} VALUES (1, 100), (2, 200);"
        );
        direct.execute_batch(&make).unwrap();
    }
    direct
        .execute_batch(
            "INSERT INTO seriatim_read_models (name, version, standing, tables, begun_at)
             VALUES ('balances', 1, 'live', 'balances,dropped', 0), ('balances', 2, 'building', 'balances', 0),
                 ('nothing', 1, 'live', '', 0);",
        )
        .unwrap();
    leave_out_of_the_index(&direct, "accounts_cents", "cents < 200");
    store.check_storage().await.unwrap();
    leave_out_of_the_index(&direct, "balances_v2_cents", "cents < 200");
    let error = store.check_storage().await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Corrupt, "{error}");
    assert!(error.to_string().contains("balances_v2_cents"), "{error}");
}

/// From now on the index says nothing of the rows for which the condition does not hold.
fn leave_out_of_the_index(direct: &Connection, index: &str, condition: &str) {
    let damage = format!(
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = sql || ' WHERE {condition}' WHERE name = '{index}';
         PRAGMA writable_schema = RESET;
         REINDEX {index};
         PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = replace(sql, ' WHERE {condition}', '') WHERE name = '{index}';
         PRAGMA writable_schema = RESET;"
    );
    direct.execute_batch(&damage).unwrap();
}

/// `small_disks` shows the same on a file system that is read-only, where it may mount one.
#[tokio::test]
async fn a_file_without_the_right_to_write_is_refused() {
    let (_folder, file) = file();
    written(&file, 1).await;
    let mut rights = fs::metadata(&file).unwrap().permissions();
    rights.set_readonly(true);
    fs::set_permissions(&file, rights).unwrap();
    if fs::File::options().write(true).open(&file).is_ok() {
        println!("skipped: this user may write to every file");
        return;
    }
    let error = SqliteStore::open_file(&file).await.unwrap_err();
    assert!(matches!(error, OpenError::ReadOnly { .. }), "{error}");
}

#[tokio::test]
async fn a_missing_folder_and_a_folder_are_named() {
    let (folder, _) = file();
    let missing = folder.path().join("no").join("store.db");
    let error = SqliteStore::open_file(&missing).await.unwrap_err();
    assert!(matches!(error, OpenError::NoSuchFolder { .. }), "{error}");
    let error = SqliteStore::open_file(folder.path()).await.unwrap_err();
    assert!(matches!(error, OpenError::Folder { .. }), "{error}");
}

#[tokio::test]
async fn an_empty_file_becomes_a_store() {
    let (_folder, file) = file();
    fs::write(&file, "").unwrap();
    let store = SqliteStore::open_file(&file).await.unwrap();
    store
        .append(vec![append(&new_stream(), None, 1)])
        .await
        .unwrap();
}

#[tokio::test]
async fn a_schema_newer_than_the_program_is_refused_naming_both() {
    let (_folder, file) = file();
    written(&file, 1).await;
    let connection = Connection::open(&file).unwrap();
    connection
        .execute(
            "INSERT INTO seriatim_migrations VALUES (99, 'from_the_future', 'x', 0)",
            [],
        )
        .unwrap();
    let error = SqliteStore::open_file(&file).await.unwrap_err();
    let OpenError::Schema(SchemaError::Newer {
        found: 99,
        supported,
        ..
    }) = error
    else {
        panic!("{error}");
    };
    let own = "SELECT max(number) FROM seriatim_migrations WHERE number < 99";
    let own: u32 = connection.query_row(own, [], |row| row.get(0)).unwrap();
    assert_eq!(supported, own);
    let up_to = format!("up to {supported}");
    assert!(error.to_string().contains("at migration 99") && error.to_string().contains(&up_to));
}

#[tokio::test]
async fn a_migration_made_from_another_text_is_refused() {
    let (_folder, file) = file();
    written(&file, 1).await;
    let connection = Connection::open(&file).unwrap();
    connection
        .execute(
            "UPDATE seriatim_migrations SET checksum = 'x' WHERE number = 2",
            [],
        )
        .unwrap();
    let error = SqliteStore::open_file(&file).await.unwrap_err();
    assert!(
        matches!(
            error,
            OpenError::Schema(SchemaError::Changed { number: 2, .. })
        ),
        "{error}"
    );
}

#[tokio::test]
async fn an_application_may_have_its_own_tables_in_the_file() {
    let (_folder, file) = file();
    let connection = Connection::open(&file).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY);
             INSERT INTO _sqlx_migrations VALUES (20260101);
             CREATE TABLE migrations (number INTEGER); CREATE TABLE log_head (position INTEGER);
             CREATE TABLE streams (id INTEGER); CREATE TABLE events (id INTEGER);
             CREATE TABLE claims (id INTEGER); CREATE TABLE snapshots (id INTEGER);
             CREATE TABLE dead_letters (id INTEGER);",
        )
        .unwrap();
    drop(connection);
    written(&file, 2).await;
    let store: Handle = Arc::new(SqliteStore::open_file(&file).await.unwrap());
    assert_eq!(assert_log_is_sound(&store).await.len(), 2);
    let connection = Connection::open(&file).unwrap();
    let version =
        connection.query_row("SELECT version FROM _sqlx_migrations", [], |row| row.get(0));
    assert_eq!(version, Ok(20_260_101));
    let rows = connection.query_row("SELECT count(*) FROM events", [], |row| row.get(0));
    assert_eq!(rows, Ok(0));
}

#[tokio::test]
async fn a_stream_ends_at_its_last_sequence() {
    let (_folder, file) = file();
    let stream = written(&file, 1).await;
    let connection = Connection::open(&file).unwrap();
    let nearly_full = i64::from(u32::MAX) - 2;
    connection
        .execute("UPDATE seriatim_events SET sequence = ?", [nearly_full])
        .unwrap();
    drop(connection);
    let store = SqliteStore::open_file(&file).await.unwrap();
    let last = |back: u32| Some(Sequence(u32::MAX - back));
    let batch = vec![append(&stream, last(2), 3), append(&new_stream(), None, 1)];
    let outcomes = store.append(batch).await.unwrap();
    assert_eq!(outcomes[0], AppendOutcome::StreamFull);
    assert!(
        matches!(outcomes[1], AppendOutcome::Written { .. }),
        "the others are left alone"
    );
    let outcomes = store
        .append(vec![append(&stream, last(2), 2)])
        .await
        .unwrap();
    assert!(matches!(outcomes[0], AppendOutcome::Written { .. }));
    let outcomes = store
        .append(vec![append(&stream, last(0), 1)])
        .await
        .unwrap();
    assert_eq!(outcomes[0], AppendOutcome::StreamFull);
    let read = store
        .read_stream(&stream, Sequence(u32::MAX), 10)
        .await
        .unwrap();
    assert_eq!(read.len(), 1);
    assert_eq!(store.head(LogPartition::FIRST).await.unwrap(), Position(4));
}
