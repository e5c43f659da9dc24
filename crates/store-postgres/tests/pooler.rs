//! The store works through PgBouncer in transaction mode, whichever version it is: it keeps no prepared statements.

mod support;

use std::sync::Arc;

use seriatim_core::{EventStore, Sequence};
use seriatim_store_postgres::PostgresStore;
use seriatim_testkit::conformance::{Handle, assert_log_is_sound, new_stream};
use support::Schema;
use support::load::Load;
use support::pgbouncer::PgBouncer;
use support::proxy::{Fault, Proxy};
use support::samples::{append, is_written};
use tokio::sync::Notify;
use tokio::task::JoinSet;

const RESTARTS: usize = 10;

mod conformance {
    use super::{Arc, PgBouncer, PostgresStore, Schema};

    seriatim_testkit::store_conformance!(async {
        let (schema, pooler) = (Schema::new(), PgBouncer::start());
        let url = pooler.url(&schema);
        // Both find nothing there, and one makes the tables.
        let (a, b) = tokio::join!(PostgresStore::open(&url), PostgresStore::open(&url));
        (Arc::new(a.unwrap()), Arc::new(b.unwrap()), (pooler, schema))
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_killed_pooler() {
    let (schema, mut pooler) = (Schema::new(), PgBouncer::start());
    let load = Load::start(&pooler.url(&schema)).await;
    for round in 0..RESTARTS {
        // Not before something was written since the last time, and then at any moment.
        load.go_on(20 + round * 13 % 100).await;
        pooler.restart();
    }
    load.assert_nothing_is_lost_or_doubled().await;
}

/// One batch is four requests: begin, parse, execute, commit. Each of them is lost in each way.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_written_once_whatever_is_lost_on_the_way_to_the_pooler() {
    let (schema, pooler) = (Schema::new(), PgBouncer::start());
    let proxy = Proxy::before(&pooler.url(&schema)).await;
    // What is left idle in a transaction that holds the head is given up soon.
    let url = format!("{}&lock_timeout=1", proxy.url());
    let store = PostgresStore::open(&url).await.unwrap();
    let mut expected = 0;
    for step in 0..4 {
        let (release, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let delay = Fault::Delay(release.clone(), done.clone());
        for fault in [Fault::LoseRequest, Fault::LoseAnswer, delay] {
            // After these it is sure to be alone.
            for _ in 0..2 {
                let batch = vec![append(&new_stream(), None, 1)];
                store.append(batch).await.unwrap();
            }
            let is_late = matches!(fault, Fault::Delay(..));
            proxy.take_round_trips();
            proxy.inject_after(step, fault);
            let mut wanted = append(&new_stream(), None, 2);
            // An external id would keep it from being written twice.
            wanted.claim = None;
            let outcomes = store.append(vec![wanted]).await;
            assert!(is_written(&outcomes.unwrap()[0]), "step {step}");
            assert!(proxy.take_round_trips() > 4, "something was lost");
            if is_late {
                release.notify_one();
                done.notified().await;
            }
            expected += 4;
        }
    }
    let store: Handle = Arc::new(PostgresStore::open(&schema.url()).await.unwrap());
    assert_eq!(assert_log_is_sound(&store).await.len(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_and_a_question_are_four_round_trips_each() {
    let (schema, pooler) = (Schema::new(), PgBouncer::start());
    let proxy = Proxy::before(&pooler.url(&schema)).await;
    let store = PostgresStore::open(proxy.url()).await.unwrap();
    let stream = new_stream();
    let mut current = None;
    for _ in 0..3 {
        proxy.take_round_trips();
        store
            .append(vec![append(&stream, current, 10)])
            .await
            .unwrap();
        current = Sequence::advance(current, 10).unwrap();
    }
    assert_eq!(proxy.take_round_trips(), 4);
    let load = seriatim_core::Load {
        stream,
        through: None,
        snapshots: None,
    };
    store.load(load.clone()).await.unwrap();
    proxy.take_round_trips();
    assert_eq!(store.load(load).await.unwrap().payloads.len(), 30);
    assert_eq!(proxy.take_round_trips(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn loads_gather_behind_a_pooler_too() {
    let (schema, pooler) = (Schema::new(), PgBouncer::start());
    let store = PostgresStore::open(&pooler.url(&schema)).await.unwrap();
    let streams: Vec<_> = (0..64).map(|_| new_stream()).collect();
    for (number, stream) in streams.iter().enumerate() {
        let batch = vec![append(stream, None, number)];
        store.append(batch).await.unwrap();
    }
    let mut loading = JoinSet::new();
    for (number, stream) in streams.into_iter().enumerate() {
        let store = store.clone();
        let load = seriatim_core::Load {
            stream,
            through: None,
            snapshots: None,
        };
        loading.spawn(async move { (number, store.load(load).await.unwrap()) });
    }
    while let Some(loaded) = loading.join_next().await {
        let (number, loaded) = loaded.unwrap();
        assert_eq!(loaded.payloads.len(), number);
    }
}
