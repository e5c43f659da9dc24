//! A store on SQLite bears a clock that jumps.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;
use seriatim_store_sqlite::SqliteStore;
use seriatim_testkit::clock;
use seriatim_testkit::conformance::StorageClock;

/// Its clock is that of this machine, so the times in the file are moved instead.
struct Clock(PathBuf);

#[async_trait::async_trait]
impl StorageClock for Clock {
    async fn jump(&self, seconds: i64) {
        let connection = Connection::open(&self.0).unwrap();
        connection.execute_batch(&clock::jump("", seconds)).unwrap();
    }
}

seriatim_testkit::clock_conformance!(async {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exam.db");
    let a = SqliteStore::open_file(&path).await.unwrap();
    let b = SqliteStore::open_file(&path).await.unwrap();
    (Arc::new(a), Arc::new(b), Clock(path), folder)
});
