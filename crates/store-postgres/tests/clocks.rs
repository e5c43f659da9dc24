//! A store on PostgreSQL bears a clock that jumps: that of the server, and not that of this machine.

mod support;

use std::sync::Arc;
use std::time::Duration;

use seriatim_core::{AppendOutcome, EventStore, LogPartition, Position, Timestamp};
use seriatim_store_postgres::PostgresStore;
use seriatim_testkit::conformance::{StorageClock, new_stream};
use support::clock::Clock;
use support::samples::append;

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

/// The clocks of the processes that append may differ; recorded times are those of one clock, and never go back.
#[tokio::test(flavor = "multi_thread")]
async fn recorded_times_are_those_of_the_server() {
    const DAY: i64 = 24 * 3600;
    let clock = Clock::new().await;
    let a = PostgresStore::open(&clock.url()).await.unwrap();
    let b = PostgresStore::open(&clock.url()).await.unwrap();
    let record = async |store: &PostgresStore| {
        let batch = vec![append(&new_stream(), None, 2)];
        let outcomes = store.append(batch).await.unwrap();
        match outcomes[..] {
            [AppendOutcome::Written { recorded_at, .. }] => recorded_at,
            _ => panic!("{outcomes:?}"),
        }
    };
    let mut answered = vec![record(&a).await];
    clock.jump_by(DAY).await;
    answered.push(record(&b).await);
    let ahead = answered[1].since(Timestamp::now());
    assert!(ahead > Duration::from_secs(23 * 3600), "{ahead:?}");
    clock.jump_by(-2 * DAY).await;
    // With a look at the head, and on the strength of what it remembers.
    for store in [&a, &a, &b] {
        answered.push(record(store).await);
    }
    assert!(answered.is_sorted(), "{answered:?}");
    assert_eq!(answered[1], answered[4]);
    let log = a.read_log(LogPartition::FIRST, Position::START, 100).await;
    let recorded = log
        .unwrap()
        .events
        .into_iter()
        .map(|event| event.recorded_at);
    let expected = answered.iter().flat_map(|time| [*time, *time]);
    assert!(recorded.eq(expected), "they are as they were answered");
}
