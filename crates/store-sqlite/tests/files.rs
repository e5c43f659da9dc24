//! Checks what a store acknowledges while somebody does things to its open files.

use std::fs;
use std::path::{Path, PathBuf};

use seriatim_core::{
    AppendError, AppendOutcome, CheckpointStore, Component, EventStore, LogPartition, Payload,
    Position, StoreErrorKind,
};
use seriatim_store_sqlite::SqliteStore;
use seriatim_testkit::conformance::{append, event, new_stream};
use tempfile::TempDir;

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
        let noted = event(Payload::json("Noted", format!("\"{}\"", "x".repeat(1000))));
        let append = append(&new_stream(), None, [noted]);
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

/// The rest of a log may be all that a person has to save: closing copies no half of it into the file.
#[tokio::test]
async fn what_is_left_of_a_log_that_was_cut_off_stays_as_it_is() {
    let open = Open::new().await;
    open.store.flush().await.unwrap();
    // The first page of the file comes first in the log, and would be copied first.
    let database = rusqlite::Connection::open(open.file()).unwrap();
    database.execute_batch("CREATE TABLE own (n)").unwrap();
    drop(database);
    let printer = Component::new("printer").unwrap();
    for why in ["no paper", "no ink", "no paper"] {
        open.store.set_pause(&printer, Some(why)).await.unwrap();
    }
    let length = fs::metadata(open.log()).unwrap().len();
    cut(&open.log(), length - 100);
    open.assert_stopped("its write-ahead log was cut off").await;
    let before = fs::read(open.file()).unwrap();
    let Open { folder, store } = open;
    drop(store);
    let file = folder.path().join("store.db");
    assert!(fs::read(file).unwrap() == before);
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

/// It is no damage if another process copies the log into the file and empties it, or compacts the file.
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

/// A fault in an application's own tables in the file is no reason to stop.
#[tokio::test]
async fn a_table_of_an_application_that_breaks_its_own_rules_stops_nothing() {
    let open = Open::new().await;
    let database = rusqlite::Connection::open(open.file()).unwrap();
    database
        .execute_batch(
            "CREATE TABLE own (n CHECK (n > 0)); PRAGMA ignore_check_constraints = ON; INSERT INTO own VALUES (0)",
        )
        .unwrap();
    let database = rusqlite::Connection::open(open.file()).unwrap();
    let check = "PRAGMA integrity_check(1)";
    let said: String = database.query_row(check, [], |row| row.get(0)).unwrap();
    assert_ne!(said, "ok", "SQLite complains of it");
    open.store.check_storage().await.unwrap();
    open.assert_goes_on().await;
}

/// Read models are written on a connection of their own.
#[cfg(feature = "read-models")]
#[tokio::test]
async fn no_read_model_is_written_into_files_that_were_deleted() {
    use seriatim_core::{ReadModel, ReadModelStore, ReadModelTables, RecordedEvent, RegisterError};
    use seriatim_store_sqlite::sqlx::{self, SqliteConnection};

    type Failure = Box<dyn std::error::Error + Send + Sync>;

    struct Rows;

    impl ReadModel<SqliteConnection> for Rows {
        const NAME: &'static str = "rows";
        const VERSION: u32 = 1;
        const TABLES: &'static [&'static str] = &["rows"];

        async fn create(
            &self,
            connection: &mut SqliteConnection,
            tables: &ReadModelTables,
        ) -> Result<(), Failure> {
            let create = sqlx::AssertSqlSafe(tables.in_sql("CREATE TABLE {rows} (n INTEGER)"));
            sqlx::query(create).execute(connection).await?;
            Ok(())
        }

        async fn project(
            &self,
            _: &mut SqliteConnection,
            _: &ReadModelTables,
            _: &[&RecordedEvent],
        ) -> Result<(), Failure> {
            Ok(())
        }
    }

    let open = Open::new().await;
    fs::remove_file(open.file()).unwrap();
    let refused = open.store.register(&Rows).await;
    let Err(RegisterError::Store(error)) = refused else {
        panic!("{refused:?}")
    };
    assert!(
        error.to_string().contains("it was deleted or replaced"),
        "{error}"
    );
    assert!(!open.file().exists(), "no new one is made");
    open.assert_stopped("it was deleted or replaced").await;
}
