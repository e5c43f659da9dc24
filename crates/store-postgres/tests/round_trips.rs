//! Counts how often the store waits for the server, which is what PostgreSQL costs most.

mod support;

use std::sync::Arc;

use seriatim_core::{
    AppendOutcome, EventStore, Fingerprint, Load, LogPartition, Position, Sequence, Shape,
    Snapshot, SnapshotStore,
};
use seriatim_store_postgres::PostgresStore;
use seriatim_testkit::conformance::new_stream;
use support::Schema;
use support::proxy::Proxy;
use support::samples::{append, is_written};

async fn start() -> (Schema, Proxy, PostgresStore) {
    let schema = Schema::new();
    let proxy = Proxy::before(&schema.url()).await;
    let store = PostgresStore::open(proxy.url()).await.unwrap();
    // The first batches look at the head and make a number for the domain; each statement is prepared once.
    for _ in 0..3 {
        write_some(&store, 1).await;
    }
    let known = new_stream();
    store.append(vec![append(&known, None, 1)]).await.unwrap();
    proxy.take_round_trips();
    (schema, proxy, store)
}

async fn write_some(store: &PostgresStore, appends: usize) {
    let batch = (0..appends).map(|_| append(&new_stream(), None, 2));
    let outcomes = store.append(batch.collect()).await.unwrap();
    assert!(outcomes.iter().all(is_written));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_for_any_number_of_streams_is_one_round_trip() {
    let (_schema, proxy, store) = start().await;
    for appends in [1, 10, 1000] {
        write_some(&store, appends).await;
        assert_eq!(proxy.take_round_trips(), 1, "{appends} appends");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cold_command_is_two_round_trips() {
    let (schema, proxy, store) = start().await;
    let stream = new_stream();
    let other = PostgresStore::open(&schema.url()).await.unwrap();
    other.append(vec![append(&stream, None, 10)]).await.unwrap();
    // It finds out that somebody else has written; each of its statements is used once.
    let load = Load {
        stream: stream.clone(),
        through: None,
        snapshots: Some(Fingerprint(1)),
    };
    for sequence in 9..12 {
        store.load(load.clone()).await.unwrap();
        let batch = vec![append(&stream, Some(Sequence(sequence)), 1)];
        assert!(store.append(batch).await.unwrap().iter().all(is_written));
    }
    let cold = new_stream();
    store.append(vec![append(&cold, None, 10)]).await.unwrap();
    let restarted = PostgresStore::open(proxy.url()).await.unwrap();
    warm_up_checks(&restarted, &stream).await;
    restarted.load(load).await.unwrap();
    proxy.take_round_trips();
    let load = Load {
        stream: cold.clone(),
        through: None,
        snapshots: Some(Fingerprint(1)),
    };
    assert_eq!(restarted.load(load).await.unwrap().payloads.len(), 10);
    let batch = vec![append(&cold, Some(Sequence(9)), 1)];
    assert!(
        restarted
            .append(batch)
            .await
            .unwrap()
            .iter()
            .all(is_written)
    );
    assert_eq!(proxy.take_round_trips(), 2);
}

/// Has the statement prepared that checks streams which this store has not written to.
async fn warm_up_checks(store: &PostgresStore, stream: &seriatim_core::StreamId) {
    write_some(store, 1).await;
    write_some(store, 1).await;
    let mut wrong = append(stream, Some(Sequence(500)), 1);
    wrong.claim = None;
    let outcomes = store.append(vec![wrong]).await.unwrap();
    assert!(matches!(outcomes[0], AppendOutcome::Conflict { .. }));
    let unknown = new_stream();
    let wrong = append(&unknown, Some(Sequence(500)), 1);
    let outcomes = store.append(vec![wrong]).await.unwrap();
    assert!(matches!(outcomes[0], AppendOutcome::Conflict { .. }));
}

/// Those that find a place are sent alone; the others gather until one of these is answered.
#[tokio::test(flavor = "multi_thread")]
async fn simultaneous_cold_loads_share_round_trips() {
    let (_schema, proxy, store) = start().await;
    let streams: Vec<_> = (0..64).map(|_| new_stream()).collect();
    for stream in &streams {
        store.append(vec![append(stream, None, 10)]).await.unwrap();
    }
    for turn in 0..20 {
        proxy.take_round_trips();
        let mut loading = tokio::task::JoinSet::new();
        for stream in streams.clone() {
            let store = store.clone();
            loading.spawn(async move {
                let load = Load {
                    stream,
                    through: None,
                    snapshots: Some(Fingerprint(1)),
                };
                assert_eq!(store.load(load).await.unwrap().payloads.len(), 10);
            });
        }
        while let Some(loaded) = loading.join_next().await {
            loaded.unwrap();
        }
        let round_trips = proxy.take_round_trips();
        // In the first turns connections are opened and statements prepared.
        if turn > 4 && round_trips <= 16 {
            return;
        }
    }
    panic!("64 loads at once cost more than a quarter of as many round trips, again and again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_after_somebody_else_has_written_is_five_round_trips_once() {
    let (schema, proxy, store) = start().await;
    let other = PostgresStore::open(&schema.url()).await.unwrap();
    let mut counts = Vec::new();
    // The first time the statements are prepared.
    for _ in 0..2 {
        counts.clear();
        write_some(&other, 1).await;
        proxy.take_round_trips();
        for _ in 0..3 {
            write_some(&store, 10).await;
            counts.push(proxy.take_round_trips());
        }
    }
    // In vain, lock, look, write, commit; four of them as long as it is not sure to be alone; then one again.
    assert_eq!(counts, [5, 4, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_question_is_one_round_trip() {
    let (_schema, proxy, store) = start().await;
    let stream = new_stream();
    let batch = vec![append(&stream, None, 3)];
    store.append(batch).await.unwrap();
    let event = store.read_stream(&stream, Sequence(1), 1).await.unwrap();
    let snapshot = Snapshot {
        fingerprint: Fingerprint(7),
        shape: Shape(0),
        sequence: Sequence(1),
        event: event[0].id,
        state: "{}".into(),
    };
    store.save_snapshot(&stream, snapshot).await.unwrap();
    let load = Load {
        stream: stream.clone(),
        through: None,
        snapshots: Some(Fingerprint(7)),
    };
    let store = Arc::new(store);
    for _ in 0..2 {
        let mut counts = Vec::new();
        proxy.take_round_trips();
        assert_eq!(store.load(load.clone()).await.unwrap().payloads.len(), 1);
        counts.push(proxy.take_round_trips());
        store.find_claim(&stream, "k").await.unwrap();
        counts.push(proxy.take_round_trips());
        store
            .read_log(LogPartition::FIRST, Position::START, 100)
            .await
            .unwrap();
        counts.push(proxy.take_round_trips());
        store.read_stream(&stream, Sequence(0), 9).await.unwrap();
        counts.push(proxy.take_round_trips());
        store.head(LogPartition::FIRST).await.unwrap();
        counts.push(proxy.take_round_trips());
        if counts == [1; 5] {
            return;
        }
    }
    panic!("questions cost more than one round trip each, even when they are prepared");
}
