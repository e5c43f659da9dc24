//! Rules of the log's partitions, however many there are.

use futures::FutureExt;
use seriatim_core::AppendOutcome::{Conflict, Written};
use seriatim_core::{LogPartition, Position, StreamId};

use super::samples::*;
use crate::quiet;

/// All handles say what the log was created with, and each partition begins by itself.
pub async fn handles_agree_on_the_partitions(a: &Handle, b: &Handle) {
    assert_eq!(a.partitions(), b.partitions());
    for stream in one_stream_for_each_partition(a) {
        let partition = home(a, &stream);
        assert_eq!(b.head(partition).await.unwrap(), Position::START);
        assert!(read_partition(b, partition).await.is_empty());
        assert_eq!(
            write(a, append(&stream, None, events(2))).await,
            Position(2)
        );
        assert_eq!(b.head(partition).await.unwrap(), Position(2));
        let read = read_partition(b, partition).await;
        assert!(read.iter().all(|event| event.stream == stream));
    }
    assert_log_is_sound(b).await;
}

/// A page of a partition ends with the partition, and what is asked for beyond its end is not there.
pub async fn a_partition_is_read_in_pages(a: &Handle, b: &Handle) {
    for stream in one_stream_for_each_partition(a) {
        write(a, append(&stream, None, events(5))).await;
    }
    for partition in LogPartition::all(b.partitions()) {
        let read = async |after, limit| {
            b.read_log(partition, Position(after), limit)
                .await
                .unwrap()
                .events
        };
        let positions = async |after, limit| -> Vec<u64> {
            let events = read(after, limit).await;
            events.iter().map(|event| event.position.0).collect()
        };
        assert_eq!(positions(0, 3).await, [1, 2, 3]);
        assert_eq!(positions(3, 100).await, [4, 5]);
        for after in [5, 6, u64::MAX >> 1, u64::MAX] {
            assert!(read(after, 100).await.is_empty(), "after {after}");
        }
    }
}

/// A wait for events of a partition that does not exist would never end, so it must fail at once.
pub async fn a_partition_that_the_log_does_not_have_is_a_mistake(a: &Handle, b: &Handle) {
    let none = LogPartition(a.partitions().get());
    let refusals = [
        quiet::catch(|| drop(a.head(none).now_or_never())),
        quiet::catch(|| drop(a.read_log(none, Position::START, 1).now_or_never())),
        quiet::catch(|| {
            let _ = b.wait_past(none, Position::START).now_or_never();
        }),
    ];
    for refusal in refusals {
        let message = refusal.expect_err("it panics");
        assert!(message.contains("the log has no partition"), "{message}");
    }
}

/// A batch for all partitions is answered in its own order, and each partition counts on its own.
pub async fn a_batch_for_all_partitions_is_answered_in_its_order(a: &Handle, b: &Handle) {
    let streams = one_stream_for_each_partition(a);
    let batch = (0..3).flat_map(|round: u32| {
        let after = round.checked_sub(1).and_then(at);
        streams
            .iter()
            .map(move |stream| append(stream, after, events(1)))
    });
    let outcomes = append_all(b, batch.collect()).await;
    for (index, outcome) in outcomes.iter().enumerate() {
        assert_eq!(position(outcome).0, (index / streams.len()) as u64 + 1);
    }
    assert_eq!(assert_log_is_sound(a).await.len(), 3 * streams.len());
}

/// A refusal in one partition leaves the other partitions alone, and the other appends of its own.
pub async fn a_conflict_in_one_partition_leaves_the_others_alone(a: &Handle, b: &Handle) {
    let streams = one_stream_for_each_partition(a);
    let (moved, beside) = (&streams[streams.len() / 2], stream_beside(a, &streams[0]));
    write(a, append(moved, None, events(2))).await;
    let mut batch: Vec<_> = streams
        .iter()
        .flat_map(|stream| {
            [
                append(stream, None, events(1)),
                append(stream, at(0), events(1)),
            ]
        })
        .collect();
    batch.push(append(&beside, None, events(1)));
    let outcomes = append_all(b, batch.clone()).await;
    for (append, outcome) in batch.iter().zip(&outcomes) {
        match append.stream == *moved {
            true => assert_eq!(*outcome, Conflict { current: at(1) }),
            false => assert!(matches!(outcome, Written { .. }), "{outcome:?}"),
        }
    }
    assert_eq!(assert_log_is_sound(a).await.len(), 2 * streams.len() + 1);
}

/// Letters and claims belong to their stream; the answer names the head of its partition.
pub async fn letters_and_claims_are_of_their_streams_partition(a: &Handle, b: &Handle) {
    for (index, stream) in one_stream_for_each_partition(a).iter().enumerate() {
        let count = index + 1;
        write(a, append(stream, None, events(count))).await;
        let parked_one = letter(stream);
        let batch = vec![
            claimed(parked(&parked_one), "k", 1),
            claimed(append(stream, at(index as u32), events(0)), "n", 1),
        ];
        for outcome in append_all(b, batch).await {
            assert_eq!(position(&outcome).0, count as u64);
        }
        assert_eq!(a.letter(parked_one.id).await.unwrap(), Some(parked_one));
        let again = claimed(append(stream, at(index as u32), events(1)), "k", 1);
        claim_record(append_one(a, again).await);
    }
    assert_log_is_sound(b).await;
}

/// New streams, the first of which lives in the first partition, and so on.
pub(super) fn one_stream_for_each_partition(store: &Handle) -> Vec<StreamId> {
    let stream_in = |partition| loop {
        let stream = new_stream();
        if home(store, &stream) == partition {
            break stream;
        }
    };
    LogPartition::all(store.partitions())
        .map(stream_in)
        .collect()
}

fn stream_beside(store: &Handle, other: &StreamId) -> StreamId {
    loop {
        let stream = new_stream();
        if home(store, &stream) == home(store, other) {
            return stream;
        }
    }
}
