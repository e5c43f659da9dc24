//! What somebody does to the files of a store that is open, and what it acknowledges then.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use seriatim_core::{
    Append, AppendError, AppendOutcome, Domain, EventStore, LogPartition, NewEvent, Payload,
    Position, StoreErrorKind, StreamId, Write,
};
use seriatim_store_sqlite::SqliteStore;
use tempfile::TempDir;
use uuid::Uuid;

struct Open {
    folder: TempDir,
    store: SqliteStore,
}

impl Open {
    /// With a few commits in the file, and a few in the log beside it.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("store.db");
        let store = SqliteStore::open_file(&file).await.unwrap();
        let open = Self { folder, store };
        for _ in 0..10 {
            open.append().await.unwrap();
        }
        open.store.flush().await.unwrap();
        for _ in 0..10 {
            open.append().await.unwrap();
        }
        open
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("store.db-wal")
    }

    async fn append(&self) -> Result<(), AppendError> {
        let event = NewEvent {
            id: Uuid::now_v7(),
            payload: Payload::json("Noted", format!("\"{}\"", "x".repeat(1000))),
            metadata: Arc::default(),
        };
        let append = Append {
            stream: StreamId::new(Domain::new("note").unwrap(), Uuid::now_v7()),
            write: Write::Events {
                after: None,
                last: None,
                events: Arc::new([event]),
            },
            claim: None,
        };
        let outcomes = self.store.append(vec![append]).await?;
        assert!(matches!(outcomes[..], [AppendOutcome::Written { .. }]));
        Ok(())
    }

    /// Nothing is acknowledged any more, and whoever asks is told why.
    async fn assert_stopped(&self, why: &str) {
        for _ in 0..3 {
            let error = self.append().await.unwrap_err();
            let AppendError::NotWritten(error) = error else {
                panic!("{error}")
            };
            assert_eq!(error.kind, StoreErrorKind::Corrupt, "{error}");
            let text = error.to_string();
            assert!(
                text.contains(why) && text.contains("stop the program"),
                "{text}"
            );
        }
        let flushed = self.store.flush().await.unwrap_err();
        assert_eq!(flushed.kind, StoreErrorKind::Corrupt, "{flushed}");
    }

    async fn assert_goes_on(&self) {
        let before = self.store.head(LogPartition::FIRST).await.unwrap();
        for _ in 0..3 {
            self.append().await.unwrap();
        }
        let head = self.store.head(LogPartition::FIRST).await.unwrap();
        assert_eq!(head, Position(before.0 + 3));
    }
}

fn cut(path: &Path, length: u64) {
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_len(length).unwrap();
}

#[tokio::test]
async fn nothing_is_written_into_files_that_were_deleted() {
    let open = Open::new().await;
    for entry in fs::read_dir(open.folder.path()).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    open.assert_stopped("it was deleted or replaced").await;
}

#[tokio::test]
async fn nothing_is_written_if_the_log_alone_was_deleted() {
    let open = Open::new().await;
    fs::remove_file(open.log()).unwrap();
    open.assert_stopped("its write-ahead log was deleted").await;
}

#[tokio::test]
async fn nothing_is_written_if_another_file_has_the_name() {
    let open = Open::new().await;
    let backup = open.folder.path().join("backup.db");
    fs::copy(open.file(), &backup).unwrap();
    fs::rename(backup, open.file()).unwrap();
    open.assert_stopped("it was deleted or replaced").await;
}

#[tokio::test]
async fn nothing_is_written_if_the_log_was_cut_off() {
    for left in [0, 2] {
        let open = Open::new().await;
        let length = fs::metadata(open.log()).unwrap().len();
        cut(&open.log(), length * left / 3);
        open.assert_stopped("its write-ahead log was cut off").await;
    }
}

#[tokio::test]
async fn nothing_is_written_if_the_database_was_cut_off() {
    for (left, why) in [(0, "it was emptied"), (1, "malformed")] {
        let open = Open::new().await;
        let length = fs::metadata(open.file()).unwrap().len();
        cut(&open.file(), length * left / 3);
        open.assert_stopped(why).await;
    }
}

/// What others may do is no damage: another process that copies the log into the file and empties it, or compacts the file.
#[tokio::test]
async fn a_log_that_was_emptied_and_a_file_that_was_compacted_are_in_order() {
    let open = Open::new().await;
    let other = SqliteStore::open_file(&open.file()).await.unwrap();
    other.flush().await.unwrap();
    assert_eq!(fs::metadata(open.log()).unwrap().len(), 0);
    open.assert_goes_on().await;

    let database = rusqlite::Connection::open(open.file()).unwrap();
    database
        .execute_batch("CREATE TABLE own (data); INSERT INTO own VALUES (zeroblob(1000000))")
        .unwrap();
    other.flush().await.unwrap();
    open.assert_goes_on().await;
    let before = fs::metadata(open.file()).unwrap().len();
    database.execute_batch("DROP TABLE own; VACUUM").unwrap();
    other.flush().await.unwrap();
    assert!(fs::metadata(open.file()).unwrap().len() < before);
    open.assert_goes_on().await;
}
