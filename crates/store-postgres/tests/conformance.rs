//! PostgreSQL obeys the rules of every store, with two handles on one database.

mod support;

use std::sync::Arc;

use seriatim_store_postgres::PostgresStore;

seriatim_testkit::store_conformance!(async {
    let schema = support::Schema::new();
    let url = schema.url();
    // Both find nothing there, and one makes the tables.
    let (a, b) = tokio::join!(PostgresStore::open(&url), PostgresStore::open(&url));
    (Arc::new(a.unwrap()), Arc::new(b.unwrap()), schema)
});
