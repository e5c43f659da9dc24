//! A store on PostgreSQL bears a clock that jumps: that of the server, and not that of this machine.

mod support;

use std::sync::Arc;

use seriatim_store_postgres::PostgresStore;
use seriatim_testkit::conformance::StorageClock;
use support::clock::Clock;

#[async_trait::async_trait]
impl StorageClock for Clock {
    async fn jump(&self, seconds: i64) {
        self.jump_by(seconds).await;
    }
}

seriatim_testkit::clock_conformance!(async {
    let clock = Clock::new().await;
    let url = clock.url();
    let a = PostgresStore::open(&url).await.unwrap();
    let b = PostgresStore::open(&url).await.unwrap();
    (Arc::new(a), Arc::new(b), clock)
});
