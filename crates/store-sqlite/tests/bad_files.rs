//! Files that cannot be used, or not any more, and what is said about them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use seriatim_core::{
    Append, AppendOutcome, Bookmark, CheckpointStore, Domain, EventStore, LetterFilter,
    LetterStatus, Load, LogPartition, NewEvent, Payload, Position, Sequence, StoreErrorKind,
    StreamId, Verb, Write,
};
use seriatim_store_sqlite::{OpenError, SqliteStore};
use seriatim_testkit::conformance::{Handle, assert_log_is_sound};
use tempfile::TempDir;
use uuid::Uuid;

fn file() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    (folder, file)
}

fn append(stream: &StreamId, after: Option<Sequence>, count: usize) -> Append {
    let events = (0..count).map(|_| NewEvent {
        id: Uuid::now_v7(),
        payload: Payload::json("Noted", format!("\"{}\"", "x".repeat(1000))),
        metadata: Arc::default(),
    });
    Append {
        stream: stream.clone(),
        write: Write::Events {
            after,
            events: events.collect(),
        },
        claim: None,
    }
}

fn new_stream() -> StreamId {
    StreamId::new(Domain::new("note").unwrap(), Uuid::now_v7())
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
    let OpenError::SchemaNewer {
        found: 99,
        supported,
        ..
    } = error
    else {
        panic!("{error}");
    };
    let own = "SELECT max(number) FROM seriatim_migrations WHERE number < 99";
    let own: u32 = connection.query_row(own, [], |row| row.get(0)).unwrap();
    assert_eq!(supported, own);
    let up_to = format!("up to {supported}");
    assert!(error.to_string().contains("at 99") && error.to_string().contains(&up_to));
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
        matches!(error, OpenError::ChangedMigration { number: 2, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn an_older_schema_is_brought_up_to_date() {
    let (_folder, file) = file();
    written(&file, 3).await;
    let connection = Connection::open(&file).unwrap();
    connection
        .execute_batch(
            "DROP TABLE seriatim_dead_letters; DROP TABLE seriatim_checkpoints;
             DROP TABLE seriatim_parked; DROP TABLE seriatim_closed_letters;
             DROP TABLE seriatim_timers; DROP TABLE seriatim_read_models; DROP TABLE seriatim_log;
             DROP TABLE seriatim_beginnings; DROP TABLE seriatim_pauses;
             DELETE FROM seriatim_migrations WHERE number >= 4",
        )
        .unwrap();
    let store: Handle = Arc::new(SqliteStore::open_file(&file).await.unwrap());
    assert_eq!(assert_log_is_sound(&store).await.len(), 3);
    let letters = store.letters(&LetterFilter::default(), 1).await;
    assert_eq!(letters.unwrap(), []);
}

/// As the program before letters had an identity has left it.
#[tokio::test]
async fn what_was_parked_and_skipped_before_has_letters_afterwards() {
    let (_folder, file) = file();
    written(&file, 1).await;
    let connection = Connection::open(&file).unwrap();
    connection
        .execute_batch(
            "DROP TABLE seriatim_parked; DROP TABLE seriatim_closed_letters;
             ALTER TABLE seriatim_checkpoints DROP COLUMN paused; ALTER TABLE seriatim_checkpoints DROP COLUMN owner_process;
             ALTER TABLE seriatim_dead_letters DROP COLUMN revision;
             DROP TABLE seriatim_log; ALTER TABLE seriatim_checkpoints DROP COLUMN log;
             DROP TABLE seriatim_beginnings; DROP TABLE seriatim_pauses; ALTER TABLE seriatim_checkpoints DROP COLUMN event;
             INSERT INTO seriatim_checkpoints
                 (component, partition, share_count, share_index, position, epoch, leased_until, moved_at, tenure)
                 VALUES ('printer', 0, 1, 0, 7, 1, 0, 0, zeroblob(16));",
        )
        .unwrap();
    connection
        .execute_batch(include_str!("../../../migrations/sqlite/0006_parked.sql"))
        .unwrap();
    connection
        .execute_batch(
            "INSERT INTO seriatim_parked VALUES
                 ('printer', 0, 1, 0, 'order', zeroblob(16), 4, 3, 1700000000000001, 'no paper', '[]', NULL, NULL, NULL, NULL),
                 ('printer', 0, 1, 0, 'order', x'11111111111111111111111111111111', 5, 0, 1700000000000001, 'no ink', '[]', 'retry', 'Zoë', NULL, 7);
             INSERT INTO seriatim_skipped VALUES
                 ('printer', 0, 1, 0, 'order', zeroblob(16), 3, 1600000000000001, 'torn', 'Zoë', 'by hand'),
                 ('printer', 0, 1, 0, 'order', zeroblob(16), 2, 1600000000000001, 'torn', NULL, 'the policy');
             DELETE FROM seriatim_migrations WHERE number >= 10",
        )
        .unwrap();
    drop(connection);

    let store = SqliteStore::open_file(&file).await.unwrap();
    let parked = store.parked(None).await.unwrap();
    let letters: Vec<_> = parked.iter().map(|parked| parked.letter).collect();
    let [Some(waiting), None] = letters[..] else {
        panic!("{letters:?}")
    };
    let wish = parked[1].wish.as_ref().unwrap();
    assert_eq!(wish.verb, Verb::Resubmit);
    let component = &parked[0].work.component;
    let every = LetterFilter::default();
    let closed = store.closed_letters(component, &every, 9).await.unwrap();
    let mut skipped: Vec<_> = (closed.iter())
        .map(|letter| (letter.sequence.0, letter.decision.clone().unwrap().actor))
        .collect();
    skipped.sort_unstable();
    assert_eq!(skipped, [(2, None), (3, Some("Zoë".to_owned()))]);
    for letter in closed {
        assert_eq!(letter.status, LetterStatus::Discarded);
        assert_eq!(
            (letter.id.get_version_num(), waiting.get_version_num()),
            (7, 7)
        );
        // They sort by their time.
        assert!(letter.id < waiting);
    }

    // It has begun at the first event, whatever is said now, and names no event before it moves.
    let checkpoints = store.checkpoints(Some(component)).await.unwrap();
    assert_eq!(checkpoints[0].at, Bookmark::at(Position(7)));
    let begun = store.begin(component, &"9".parse().unwrap()).await.unwrap();
    assert!(begun.positions().eq([Position::START]), "{begun}");
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
