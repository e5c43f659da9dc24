//! Tables as earlier programs have left them are brought up to date.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use seriatim_core::{
    AppendError, Bookmark, CheckpointStore, Component, Domain, EventStore, LetterFilter,
    LetterStatus, LogPartition, Position, Share, Store, StoreErrorKind, TimerStore, Verb, Work,
};
use seriatim_store_sqlite::SqliteStore;
use seriatim_testkit::earlier_logs::{Dialect, assert_all_is_there, log_of_schema};
use sha2::{Digest, Sha256};
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
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/sqlite");
    let scripts = std::fs::read_dir(scripts).unwrap();
    let mut scripts: Vec<_> = scripts.map(|entry| entry.unwrap().path()).collect();
    scripts.sort();
    for script in scripts.iter().take(count) {
        let text = std::fs::read_to_string(script).unwrap();
        connection.execute_batch(&text).unwrap();
        let stem = script.file_stem().unwrap().to_str().unwrap();
        let (number, name) = stem.split_once('_').unwrap();
        let digest = Sha256::digest(&text);
        let checksum: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let insert = "INSERT INTO seriatim_migrations VALUES (?, ?, ?, 0)";
        let number: u32 = number.parse().unwrap();
        connection
            .execute(insert, (number, name, checksum))
            .unwrap();
    }
    (folder, file, connection)
}

const DIALECT: Dialect = Dialect {
    uuid: |id| format!("x'{}'", id.simple()),
    bytes: |bytes| {
        bytes
            .iter()
            .fold("x'".to_owned(), |hex, byte| format!("{hex}{byte:02x}"))
            + "'"
    },
    data: |json| format!("'{json}'"),
    key: |key| format!("'{key}'"),
};

#[tokio::test]
async fn a_log_of_every_earlier_schema_is_brought_up_to_date() {
    let made = SqliteStore::pending("sqlite://not-there.db").await.unwrap();
    for schema in 1..=made.after() {
        let (_folder, file, connection) = tables_at(schema as usize);
        for statement in log_of_schema(schema, DIALECT) {
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
        .execute_batch(
            "INSERT INTO seriatim_checkpoints
                 (component, partition, share_count, share_index, position, epoch, leased_until, moved_at, tenure)
                 VALUES ('printer', 0, 1, 0, 7, 1, 0, 0, zeroblob(16));
             INSERT INTO seriatim_parked VALUES
                 ('printer', 0, 1, 0, 'order', zeroblob(16), 4, 3, 1700000000000001, 'no paper', '[]', NULL, NULL, NULL, NULL),
                 ('printer', 0, 1, 0, 'order', x'11111111111111111111111111111111', 5, 0, 1700000000000001, 'no ink', '[]', 'retry', 'Zoë', NULL, 7);
             INSERT INTO seriatim_skipped VALUES
                 ('printer', 0, 1, 0, 'order', zeroblob(16), 3, 1600000000000001, 'torn', 'Zoë', 'by hand'),
                 ('printer', 0, 1, 0, 'order', zeroblob(16), 2, 1600000000000001, 'torn', NULL, 'the policy')",
        )
        .unwrap();
    drop(connection);

    let store = SqliteStore::open_file(&file).await.unwrap();
    let parked = store.parked(None).await.unwrap();
    let letters: Vec<_> = parked.iter().map(|parked| parked.id).collect();
    let [Some(waiting), None] = letters[..] else {
        panic!("{letters:?}")
    };
    let wish = parked[1].decision.as_ref().unwrap();
    assert_eq!(wish.verb, Verb::Resubmit);
    let component = &parked[0].work.component;
    let every = LetterFilter::default();
    let mut closed = store.reaction_letters(&every, 9).await.unwrap();
    assert!(
        closed.pop().unwrap().closed_at.is_none(),
        "the latest waits"
    );
    let mut skipped: Vec<_> = (closed.iter())
        .map(|letter| (letter.sequence.0, letter.decision.clone().unwrap().actor))
        .collect();
    skipped.sort_unstable();
    assert_eq!(skipped, [(2, None), (3, Some("Zoë".to_owned()))]);
    for letter in closed {
        assert_eq!(letter.status, LetterStatus::Discarded);
        assert_eq!(
            (
                letter.id.unwrap().get_version_num(),
                waiting.get_version_num()
            ),
            (7, 7)
        );
        // They sort by their time.
        assert!(letter.id < Some(waiting));
    }

    // It has begun at the first event, whatever is said now, and names no event before it moves.
    let checkpoints = store.checkpoints(Some(component)).await.unwrap();
    assert_eq!(checkpoints[0].at, Bookmark::at(Position(7)));
    let begun = store.begin(component, &"9".parse().unwrap()).await.unwrap();
    assert!(begun.positions().eq([Position::START]), "{begun}");
}
