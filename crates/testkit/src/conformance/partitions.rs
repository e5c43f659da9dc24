//! Rules of the log's partitions, however many there are.

use futures::FutureExt;
use futures::future::join_all;
use seriatim_core::AppendOutcome::{Conflict, Written};
use seriatim_core::{LogPartition, Position};

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

/// Each partition counts on its own, also if all are written to at once.
pub async fn each_partition_counts_on_its_own(a: &Handle, b: &Handle) {
    let streams = one_stream_for_each_partition(a);
    for round in 0..3u32 {
        let after = round.checked_sub(1).and_then(at);
        let writes = streams.iter().map(|stream| {
            let store = if round % 2 == 0 { a } else { b };
            write(store, append(stream, after, events(1)))
        });
        for position in join_all(writes).await {
            assert_eq!(position.0, u64::from(round) + 1);
        }
    }
    assert_eq!(assert_log_is_sound(a).await.len(), 3 * streams.len());
}

/// A refusal in one partition leaves the other partitions alone, and the other appends of its own.
pub async fn a_conflict_in_one_partition_leaves_the_others_alone(a: &Handle, b: &Handle) {
    let streams = one_stream_for_each_partition(a);
    let (moved, other) = (&streams[streams.len() / 2], stream_beside(a, &streams[0]));
    write(a, append(moved, None, events(2))).await;
    let calls = streams.iter().map(async |stream| {
        let mut call = vec![
            append(stream, None, events(1)),
            append(stream, at(0), events(1)),
        ];
        if *stream == streams[0] {
            call.push(append(&other, None, events(1)));
        }
        (call.clone(), append_all(b, call).await)
    });
    for (call, outcomes) in join_all(calls).await {
        for (append, outcome) in call.iter().zip(&outcomes) {
            match append.stream == *moved {
                true => assert_eq!(
                    *outcome,
                    Conflict {
                        part: 0,
                        current: at(1)
                    }
                ),
                false => assert!(matches!(outcome, Written { .. }), "{outcome:?}"),
            }
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
