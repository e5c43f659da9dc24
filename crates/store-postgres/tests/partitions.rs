//! A log with several partitions: what it is created with it keeps, and what befalls the writer of one partition is
//! no matter of another's.

mod support;

use std::sync::Arc;

use seriatim_core::{Append, AppendError, EventStore, LogPartition, Position, Sequence, StreamId};
use seriatim_store_postgres::{OpenError, PostgresStore};
use seriatim_testkit::conformance::{Handle, assert_log_is_sound, new_stream};
use seriatim_testkit::until;
use support::Schema;
use support::proxy::{Fault, Proxy};
use support::samples::{append, is_written};
use tokio::sync::Notify;

fn stream_in(store: &PostgresStore, partition: u16) -> StreamId {
    loop {
        let stream = new_stream();
        if LogPartition::of(&stream, store.partitions()) == LogPartition(partition) {
            return stream;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_keeps_the_partitions_it_was_created_with() {
    for (created, count) in [("", 1), ("&partitions=1", 1), ("&partitions=5", 5)] {
        let schema = Schema::new();
        let url = |options: &str| format!("{}{options}", schema.url());
        drop(PostgresStore::open(&url(created)).await.unwrap());
        for options in ["".to_owned(), format!("&partitions={count}")] {
            let store = PostgresStore::open(&url(&options)).await.unwrap();
            assert_eq!(store.partitions().get(), count);
        }
        let other = PostgresStore::open(&url("&partitions=7")).await;
        let error = other.expect_err("it has another number");
        let OpenError::OtherPartitions { found, asked, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!((found.get(), asked.get()), (count, 7));
        assert!(error.to_string().contains("cannot be changed"), "{error}");
    }
}

/// If several processes create a log at one moment with different numbers, one decides, and the others are told.
#[tokio::test(flavor = "multi_thread")]
async fn of_simultaneous_creators_one_decides_about_the_partitions() {
    let schema = Schema::new();
    let opening = (1..=4).map(|count| {
        let url = format!("{}&partitions={count}", schema.url());
        tokio::spawn(async move { (count, PostgresStore::open(&url).await) })
    });
    let opening: Vec<_> = opening.collect();
    let (mut opened, mut refused) = (Vec::new(), Vec::new());
    for task in opening {
        match task.await.unwrap() {
            (count, Ok(store)) => opened.push((count, store.partitions().get())),
            (_, Err(OpenError::OtherPartitions { found, .. })) => refused.push(found.get()),
            (_, Err(error)) => panic!("{error}"),
        }
    }
    let [(asked, count)] = opened[..] else {
        panic!("{opened:?}");
    };
    assert_eq!(asked, count);
    assert_eq!(refused, [count; 3]);
}

struct Rig {
    schema: Schema,
    proxy: Proxy,
    store: PostgresStore,
    /// One in each partition, each with one event.
    streams: [StreamId; 2],
}

/// The next batch for one partition is one request.
async fn start() -> Rig {
    let schema = Schema::new();
    let proxy = Proxy::before(&format!("{}&partitions=2", schema.url())).await;
    let store = PostgresStore::open(proxy.url()).await.unwrap();
    let streams = [stream_in(&store, 0), stream_in(&store, 1)];
    for partition in 0..2 {
        for _ in 0..3 {
            let batch = vec![append(&stream_in(&store, partition), None, 1)];
            store.append(batch).await.unwrap();
        }
    }
    for stream in &streams {
        store.append(vec![append(stream, None, 1)]).await.unwrap();
    }
    // Their next events need no look at the streams.
    for _ in 0..2 {
        proxy.take_round_trips();
        for stream in &streams {
            let mut check = append(stream, Some(Sequence(0)), 0);
            check.claim = None;
            store.append(vec![check]).await.unwrap();
        }
    }
    Rig {
        schema,
        proxy,
        store,
        streams,
    }
}

async fn log_length(rig: &Rig) -> usize {
    let store = PostgresStore::open(&rig.schema.url()).await.unwrap();
    let store: Handle = Arc::new(store);
    assert_log_is_sound(&store).await.len()
}

fn next(rig: &Rig, partition: usize) -> Append {
    append(&rig.streams[partition], Some(Sequence(0)), 2)
}

/// Appends to both partitions at once.
async fn append_to_both(rig: &Rig) -> [Result<bool, AppendError>; 2] {
    let append = async |partition| {
        let outcomes = rig.store.append(vec![next(rig, partition)]).await?;
        Ok(outcomes.iter().all(is_written))
    };
    tokio::join!(append(0), append(1)).into()
}

/// The answer of one partition's writer is lost and found again, while the other's comes at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_of_one_partition_is_found_while_the_other_writes() {
    for fault in [Fault::LoseAnswer, Fault::LoseRequest] {
        let rig = start().await;
        rig.proxy.inject(fault);
        let both = append_to_both(&rig).await;
        assert!(both.into_iter().all(Result::unwrap));
        assert_eq!(log_length(&rig).await, 12);
    }
}

/// That nobody can say what was written in one partition is no matter of the other.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_unknown_of_one_partition_is_known_of_the_other() {
    let rig = start().await;
    let release = Arc::new(Notify::new());
    rig.proxy.inject(Fault::LoseAnswerAndHold(release.clone()));
    let cover_up = async {
        let other = PostgresStore::open(&rig.schema.url()).await.unwrap();
        for partition in [0, 1].map(LogPartition) {
            let written = async || other.head(partition).await.unwrap() >= Position(6);
            until("both partitions are written to", written).await;
            let batch = vec![append(&stream_in(&other, partition.0), None, 1)];
            other.append(batch).await.unwrap();
        }
        release.notify_one();
    };
    let (mut both, ()) = tokio::join!(append_to_both(&rig), cover_up);
    both.sort_by_key(Result::is_ok);
    assert!(
        matches!(both, [Err(AppendError::Unknown(_)), Ok(true)]),
        "{both:?}"
    );
    assert_eq!(log_length(&rig).await, 14);
}

/// A batch for one of several partitions costs no more than in a log with one.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_for_one_partition_is_one_round_trip() {
    let rig = start().await;
    for partition in 0..2 {
        rig.proxy.take_round_trips();
        let outcomes = rig.store.append(vec![next(&rig, partition)]).await;
        assert!(outcomes.unwrap().iter().all(is_written));
        assert_eq!(rig.proxy.take_round_trips(), 1);
    }
}
