//! SQLite obeys the rules of every store, with two handles on one file.

use std::sync::Arc;

use seriatim_store_sqlite::SqliteStore;

seriatim_testkit::store_conformance!(async {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exam.db");
    let a = SqliteStore::open_file(&path).await.unwrap();
    let b = SqliteStore::open_file(&path).await.unwrap();
    (Arc::new(a), Arc::new(b), folder)
});
