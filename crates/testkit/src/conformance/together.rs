//! Rules of appends to several streams of one partition: all of them are written, or none, and guards are compared in
//! the same step.

use seriatim_core::AppendOutcome::{Conflict, Written};
use seriatim_core::{Append, LogPartition, Sequence, StreamId, StreamWrite};
use uuid::Uuid;

use super::samples::*;
use crate::quiet;

/// Returns the append with one more stream.
fn beside(append: Append, stream: &StreamId, after: Option<Sequence>, count: usize) -> Append {
    let mut append = append;
    append.beside.push(StreamWrite {
        stream: stream.clone(),
        after,
        last: None,
        events: events(count),
    });
    append
}

/// Returns streams that share a partition.
fn streams_of_one_partition<const N: usize>(store: &Handle) -> [StreamId; N] {
    let first = new_stream();
    std::array::from_fn(|_| stream_beside(store, &first))
}

/// The events of all streams are written in one step, one stream after another, and its own comes last.
pub async fn several_streams_are_written_together(a: &Handle, b: &Handle) {
    let [own, first, second] = streams_of_one_partition(a);
    write(a, append(&second, None, events(1))).await;
    let both = beside(append(&own, None, events(2)), &first, None, 1);
    let outcome = append_one(b, beside(both, &second, at(0), 2)).await;
    assert_eq!(position(&outcome).0, 6);
    for (stream, expected) in [
        (&first, vec![2]),
        (&second, vec![1, 3, 4]),
        (&own, vec![5, 6]),
    ] {
        let read = read_stream(a, stream).await;
        let positions: Vec<_> = read.iter().map(|event| event.position.0).collect();
        assert_eq!(positions, expected);
    }
    // Each stream can be written to as before.
    write(a, append(&first, at(0), events(1))).await;
    write(b, append(&own, at(1), events(1))).await;
    assert_log_is_sound(b).await;
}

/// If one of the streams is elsewhere, nothing of the append is written: no event, no claim, no letter.
pub async fn of_several_streams_all_or_none_is_written(a: &Handle, b: &Handle) {
    let [own, other, empty] = streams_of_one_partition(a);
    write(a, append(&own, None, events(2))).await;
    write(a, append(&other, None, events(3))).await;
    let before = head_of(a, &own).await;
    let all = |own_after, other_after, empty_after| {
        let append = claimed(append(&own, own_after, events(1)), "once", 1);
        beside(
            beside(append, &other, other_after, 1),
            &empty,
            empty_after,
            1,
        )
    };
    for (append, part, current) in [
        (all(at(0), at(2), None), 2, at(1)),
        (all(at(1), at(1), None), 0, at(2)),
        (all(at(1), None, None), 0, at(2)),
        (all(at(1), at(3), None), 0, at(2)),
        (all(at(1), at(2), at(0)), 1, None),
        // The first of several is named.
        (all(at(0), at(2), at(0)), 1, None),
    ] {
        for store in [b, a] {
            let outcome = append_one(store, append.clone()).await;
            assert_eq!(outcome, Conflict { part, current });
            assert_eq!(store.find_claim(&own, "once").await.unwrap(), None);
        }
    }
    let guarded = letter(&own);
    let outcome = append_one(b, beside(parked(&guarded), &other, at(1), 0)).await;
    let current = at(2);
    assert_eq!(outcome, Conflict { part: 0, current });
    assert_eq!(a.letter(guarded.id).await.unwrap(), None);
    assert_eq!(head_of(b, &own).await, before);
    write(b, all(at(1), at(2), None)).await;
    // A repetition is recognised, although all streams have moved.
    claim_record(append_one(a, all(at(1), at(2), None)).await);
    assert_log_is_sound(a).await;
}

/// A guard is compared, by its last event too, and changes nothing of its stream.
pub async fn a_guard_is_only_compared(a: &Handle, b: &Handle) {
    let [own, guard, empty] = streams_of_one_partition(a);
    write(a, append(&guard, None, events(2))).await;
    let last = read_stream(a, &guard).await[1].id;
    let guarded = |after, last| {
        let mut append = beside(append(&own, None, events(1)), &guard, at(1), 0);
        append.beside[0].last = Some(last);
        beside(append, &empty, after, 0)
    };
    for (append, part, current) in [
        (guarded(None, Uuid::now_v7()), 0, at(1)),
        (guarded(at(0), last), 1, None),
    ] {
        assert_eq!(append_one(b, append).await, Conflict { part, current });
    }
    assert_eq!(write(b, guarded(None, last)).await.0, 3);
    assert_eq!(read_stream(a, &guard).await.len(), 2);
    assert!(read_stream(a, &empty).await.is_empty());
    let parked_one = letter(&guard);
    write(a, beside(parked(&parked_one), &guard, at(1), 0)).await;
    assert_eq!(b.letter(parked_one.id).await.unwrap(), Some(parked_one));
    assert_log_is_sound(b).await;
}

/// An append whose predecessor on one of its streams was refused is refused, even if the numbers happen to match.
pub async fn a_chain_holds_over_several_streams(a: &Handle, b: &Handle) {
    let [own, other, third] = streams_of_one_partition(a);
    write(a, append(&own, None, events(1))).await;
    let refused = beside(append(&own, None, events(1)), &other, None, 1);
    let call = vec![
        refused,
        append(&other, None, events(1)),
        beside(append(&third, None, events(1)), &other, None, 0),
        append(&third, None, events(1)),
        beside(append(&own, at(0), events(1)), &third, at(0), 1),
    ];
    let outcomes = append_all(b, call).await;
    let conflict = |part, current| Conflict { part, current };
    // The third append is refused too, which breaks its stream as well; the last two name broken streams.
    assert_eq!(
        outcomes[..3],
        [conflict(1, at(0)), conflict(0, None), conflict(0, None)]
    );
    assert!(
        outcomes[3..]
            .iter()
            .all(|outcome| matches!(outcome, Conflict { .. }))
    );
    let chain = vec![
        beside(append(&own, at(0), events(1)), &other, None, 2),
        beside(append(&other, at(1), events(1)), &own, at(1), 1),
        append(&own, at(2), events(1)),
    ];
    for outcome in append_all(a, chain).await {
        assert!(matches!(outcome, Written { .. }), "{outcome:?}");
    }
    assert_log_is_sound(b).await;
}

/// If two writers each look at the stream that the other one writes, they cannot both be right.
pub async fn of_writers_that_guard_each_others_streams_one_wins(a: &Handle, b: &Handle) {
    for round in 0..20 {
        let [one, two] = streams_of_one_partition(a);
        let left = beside(append(&one, None, events(1)), &two, None, 0);
        let right = beside(append(&two, None, events(1)), &one, None, 0);
        let (left, right) = match round % 2 {
            0 => futures::join!(append_one(a, left), append_one(b, right)),
            _ => {
                let left = append_one(a, left).await;
                (left, append_one(b, right).await)
            }
        };
        let won = [&left, &right].map(|outcome| matches!(outcome, Written { .. }));
        assert!(won[0] != won[1], "{left:?} and {right:?}");
    }
    assert_eq!(assert_log_is_sound(b).await.len(), 20);
}

/// An append that cannot be one step is a mistake of the program, and nothing is written.
pub async fn streams_that_cannot_be_written_together_are_a_mistake(a: &Handle, b: &Handle) {
    use futures::FutureExt;
    let streams = one_stream_for_each_partition(a);
    let own = &streams[0];
    let mut mistakes = vec![
        vec![beside(append(own, None, events(1)), own, None, 1)],
        vec![beside(
            beside(
                append(own, None, events(1)),
                &stream_beside(a, own),
                None,
                1,
            ),
            own,
            None,
            0,
        )],
    ];
    if let Some(far) = streams.get(1) {
        mistakes.push(vec![beside(append(own, None, events(1)), far, None, 0)]);
        mistakes.push(vec![
            append(own, None, events(1)),
            append(far, None, events(1)),
        ]);
    }
    for call in mistakes {
        let refused = quiet::catch(|| drop(b.append(call).now_or_never()));
        let message = refused.expect_err("it panics");
        assert!(message.contains("stream"), "{message}");
    }
    for partition in LogPartition::all(a.partitions()) {
        assert_eq!(a.head(partition).await.unwrap().0, 0);
    }
}
