//! Tables as earlier programs have left them are brought up to date.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use seriatim_core::{
    AppendError, CheckpointStore, Component, Domain, EventStore, LogPartition, Position, Share,
    Store, StoreErrorKind, TimerStore, Work,
};
use seriatim_store_sql::migrations;
use seriatim_store_sqlite::SqliteStore;
use seriatim_testkit::earlier_logs::{
    SQLITE, assert_all_is_there, assert_letters_have_identity, letters_without_identity,
    log_of_schema,
};
use tempfile::TempDir;

/// A file with the tables of the first `count` migrations, noted in its ledger.
fn tables_at(count: usize) -> (TempDir, PathBuf, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let connection = Connection::open(&file).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE seriatim_migrations (
                 number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL
             ) STRICT",
        )
        .unwrap();
    for script in migrations!("sqlite").after(0).take(count) {
        connection.execute_batch(script.sql).unwrap();
        let row = (script.number, script.name, script.checksum());
        let insert = "INSERT INTO seriatim_migrations VALUES (?, ?, ?, 0)";
        connection.execute(insert, row).unwrap();
    }
    (folder, file, connection)
}

#[tokio::test]
async fn a_log_of_every_earlier_schema_is_brought_up_to_date() {
    let made = SqliteStore::pending("sqlite://not-there.db").await.unwrap();
    for schema in 1..=made.after() {
        let (_folder, file, connection) = tables_at(schema as usize);
        for statement in log_of_schema(schema, SQLITE) {
            connection.execute_batch(&statement).unwrap();
        }
        drop(connection);
        let store = Arc::new(SqliteStore::open_file(&file).await.unwrap());
        assert_all_is_there(&(store as Arc<dyn Store>), schema).await;
    }
}

/// A newer program has migrated the file under it.
#[tokio::test]
async fn a_store_that_meets_another_schema_writes_nothing_more_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let store = SqliteStore::open_file(&file).await.unwrap();
    let work = Work {
        component: Component::new("printer").unwrap(),
        partition: LogPartition::FIRST,
        share: Share::WHOLE,
    };
    let newer = Connection::open(&file).unwrap();
    newer
        .execute_batch(
            "INSERT INTO seriatim_migrations VALUES (99, 'later', 'x', 0);
             ALTER TABLE seriatim_events RENAME COLUMN type TO kind",
        )
        .unwrap();
    let written = store.append(Vec::new()).await;
    let AppendError::NotWritten(written) = written.unwrap_err() else {
        panic!("nothing was sent")
    };
    let resumed = store.resume(&work).await.unwrap_err();
    let read = store.read_log(LogPartition::FIRST, Position::START, 1);
    for error in [written, resumed, read.await.unwrap_err()] {
        assert_eq!(error.kind, StoreErrorKind::Refused, "{error}");
        assert!(
            error.to_string().contains("brought to schema 99"),
            "{error}"
        );
    }
}

/// They ring when they are due.
#[tokio::test]
async fn timers_that_were_set_before_stay_as_they_are() {
    let (_folder, file, connection) = tables_at(11);
    connection
        .execute_batch(
            "INSERT INTO seriatim_timers VALUES ('till', zeroblob(16), 'close', 3, 0, 1000, 1000),
                 ('till', zeroblob(16), 'open', 4, 1, 9000000000000000, 9000000000000000)",
        )
        .unwrap();
    drop(connection);
    let store = SqliteStore::open_file(&file).await.unwrap();
    let till = Domain::new("till").unwrap();
    let next = store.next_timer(&till).await.unwrap();
    assert_eq!(next, Some(Duration::ZERO));
    let rung = store.ring_timers(&till, 9, Duration::from_secs(60)).await;
    let names: Vec<_> = rung.unwrap().into_iter().map(|timer| timer.name).collect();
    assert_eq!(names, ["close"]);
}

/// As the program before letters had an identity has left it.
#[tokio::test]
async fn what_was_parked_and_skipped_before_has_letters_afterwards() {
    let (_folder, file, connection) = tables_at(9);
    connection
        .execute_batch(&letters_without_identity(SQLITE))
        .unwrap();
    drop(connection);
    let store = Arc::new(SqliteStore::open_file(&file).await.unwrap());
    assert_letters_have_identity(&(store as Arc<dyn Store>)).await;
}
