//! PostgreSQL obeys the rules of every store, with two handles on one database.

mod support;

use std::sync::Arc;

use seriatim_store_postgres::PostgresStore;
use support::Schema;
use support::account::Account;

// With no other rights than those that opening asks for.
seriatim_testkit::store_conformance!(async {
    let account = Account::with_what_it_needs().await;
    let url = account.url();
    let (a, b) = tokio::join!(PostgresStore::open(&url), PostgresStore::open(&url));
    (Arc::new(a.unwrap()), Arc::new(b.unwrap()), account)
});

mod with_four_partitions {
    seriatim_testkit::partitions_conformance!(super::open());
}

async fn open() -> (Arc<PostgresStore>, Arc<PostgresStore>, Schema) {
    let schema = Schema::new();
    let url = format!("{}&partitions=4", schema.url());
    // Both find nothing there, and one makes the tables.
    let (a, b) = tokio::join!(PostgresStore::open(&url), PostgresStore::open(&url));
    (Arc::new(a.unwrap()), Arc::new(b.unwrap()), schema)
}
