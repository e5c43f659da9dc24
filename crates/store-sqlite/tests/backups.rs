//! A copy of the one file is a backup after a clean stop; a copy made by SQLite is one at any time.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use seriatim_core::{AppendOutcome, EventStore, LogPartition, Position, StoreErrorKind};
use seriatim_store_sqlite::SqliteStore;
use seriatim_testkit::conformance::{Handle, append, assert_log_is_sound, events, new_stream};
use tempfile::TempDir;

/// A number of events that all stay in the write-ahead log, where the newest events are first: before there are more,
/// none is synced into the file by itself.
const EVENTS: u64 = 20;

async fn write(store: &SqliteStore) {
    let append = append(&new_stream(), None, events(1));
    let outcomes = store.append(vec![append]).await.unwrap();
    assert!(matches!(outcomes[..], [AppendOutcome::Written { .. }]));
}

async fn with_events() -> (TempDir, PathBuf, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let store = SqliteStore::open_file(&path).await.unwrap();
    for _ in 0..EVENTS {
        write(&store).await;
    }
    (folder, path, store)
}

fn write_ahead_log(path: &Path) -> u64 {
    let log = path.with_extension("db-wal");
    fs::metadata(log).map_or(0, |metadata| metadata.len())
}

/// Returns how many events are in a file that stands alone.
async fn events_in(file: &Path) -> u64 {
    let store = SqliteStore::open_file(file).await.unwrap();
    assert_log_is_sound(&(Arc::new(store.clone()) as Handle)).await;
    store.head(LogPartition::FIRST).await.unwrap().0
}

/// Returns how many events are in a copy of the one file.
async fn events_in_a_copy(path: &Path) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    fs::copy(path, &copy).unwrap();
    events_in(&copy).await
}

#[tokio::test]
async fn after_the_last_handle_the_file_is_the_whole_store() {
    let (_folder, path, store) = with_events().await;
    assert!(write_ahead_log(&path) > 0);
    let other = store.clone();
    drop(store);
    write(&other).await;
    // While this waits, on the one thread that the test has, the threads of the store end.
    drop(other);
    assert!(!path.with_extension("db-wal").exists());
    assert_eq!(events_in_a_copy(&path).await, EVENTS + 1);
}

#[tokio::test]
async fn what_was_asked_for_and_not_waited_for_is_in_the_file_too() {
    let (_folder, path, store) = with_events().await;
    let mut begun = Box::pin(write(&store));
    let _ = futures::poll!(&mut begun);
    drop(begun);
    drop(store);
    assert_eq!(events_in_a_copy(&path).await, EVENTS + 1);
}

#[tokio::test]
async fn after_a_flush_the_file_is_complete_and_the_store_goes_on() {
    let (_folder, path, store) = with_events().await;
    for more in 0..3 {
        store.flush().await.unwrap();
        assert_eq!(write_ahead_log(&path), 0);
        assert_eq!(events_in_a_copy(&path).await, EVENTS + more);
        write(&store).await;
    }
}

/// Another process that has the file open: what the one that ends has written is in the file, and what the other one
/// writes from then on until it ends is not.
#[tokio::test]
async fn of_several_that_have_the_file_open_each_leaves_what_there_is() {
    let (_folder, path, one) = with_events().await;
    let other = SqliteStore::open_file(&path).await.unwrap();
    write(&other).await;
    drop(one);
    assert_eq!(events_in_a_copy(&path).await, EVENTS + 1);
    write(&other).await;
    assert_eq!(events_in_a_copy(&path).await, EVENTS + 1);
    drop(other);
    assert!(!path.with_extension("db-wal").exists());
    assert_eq!(events_in_a_copy(&path).await, EVENTS + 2);
}

/// Somebody who reads an old state is not waited for without end, and nothing is lost.
#[tokio::test]
async fn one_who_reads_for_long_does_not_hold_up_the_end() {
    let (_folder, path, store) = with_events().await;
    let reader = Connection::open(&path).unwrap();
    let count = "SELECT count(*) FROM seriatim_events";
    reader.execute_batch("BEGIN").unwrap();
    let seen = || reader.query_row(count, [], |row| row.get::<_, u32>(0));
    assert_eq!(seen().map(u64::from), Ok(EVENTS));
    write(&store).await;
    let error = store.flush().await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unavailable);
    assert!(error.to_string().contains("another process"), "{error}");
    write(&store).await;
    drop(store);
    assert_eq!(seen().map(u64::from), Ok(EVENTS));
    drop(reader);
    assert_eq!(events_in_a_copy(&path).await, EVENTS + 2);
}

/// Both ways that the guide names, amid the work.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_made_by_sqlite_is_a_backup_at_any_time() {
    let (folder, path, store) = with_events().await;
    let working = tokio::spawn({
        let store = store.clone();
        async move {
            loop {
                write(&store).await;
            }
        }
    });
    let Position(at_first) = store.head(LogPartition::FIRST).await.unwrap();
    for number in 0..5 {
        let Position(before) = store.head(LogPartition::FIRST).await.unwrap();
        let vacuumed = folder.path().join(format!("vacuumed-{number}.db"));
        let direct = Connection::open(&path).unwrap();
        let into = direct.execute("VACUUM INTO ?", [vacuumed.to_str()]);
        into.unwrap();
        assert!(events_in(&vacuumed).await >= before);

        let backup = folder.path().join(format!("backup-{number}.db"));
        // What `.backup` of the shell does.
        direct.backup("main", &backup, None).unwrap();
        assert!(events_in(&backup).await >= before);
    }
    assert!(!working.is_finished());
    let Position(at_last) = store.head(LogPartition::FIRST).await.unwrap();
    assert!(at_last > at_first, "nothing was written meanwhile");
    working.abort();
}
