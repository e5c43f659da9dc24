//! PostgreSQL obeys the rules of every store, with two handles on one database.

mod support;

use std::sync::Arc;

use seriatim_store_postgres::PostgresStore;
use support::Schema;

seriatim_testkit::store_conformance!(open(1));

mod with_four_partitions {
    seriatim_testkit::partitions_conformance!(super::open(4));
}

async fn open(partitions: u16) -> (Arc<PostgresStore>, Arc<PostgresStore>, Schema) {
    let schema = Schema::new();
    let url = format!("{}&partitions={partitions}", schema.url());
    // Both find nothing there, and one makes the tables.
    let (a, b) = tokio::join!(PostgresStore::open(&url), PostgresStore::open(&url));
    (Arc::new(a.unwrap()), Arc::new(b.unwrap()), schema)
}
