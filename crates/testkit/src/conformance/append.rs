//! Rules of appending: sequences, positions, conflicts, batches.

use seriatim_core::AppendOutcome::{Conflict, Written};
use seriatim_core::{Position, StreamId, Timestamp};
use uuid::Uuid;

use super::samples::*;

/// A stream's events are numbered 0, 1, 2 ... whatever they were appended with.
pub async fn sequences_are_dense_from_zero(a: &Handle, b: &Handle) {
    let stream = new_stream();
    write(a, append(&stream, None, events(1))).await;
    write(b, append(&stream, at(0), events(3))).await;
    write(a, append(&stream, at(3), events(2))).await;
    let sequences: Vec<_> = read_stream(b, &stream)
        .await
        .iter()
        .map(|event| event.sequence.0)
        .collect();
    assert_eq!(sequences, [0, 1, 2, 3, 4, 5]);
    assert_log_is_sound(a).await;
}

/// Events of all streams are numbered 1, 2, 3 ... in the order they were committed in.
pub async fn positions_are_dense_from_one(a: &Handle, b: &Handle) {
    assert_eq!(head(a).await, Position::START);
    let (one, two) = (new_stream(), new_stream());
    assert_eq!(write(a, append(&one, None, events(2))).await, Position(2));
    assert_eq!(write(b, append(&two, None, events(3))).await, Position(5));
    assert_eq!(write(a, append(&one, at(1), events(1))).await, Position(6));
    assert_eq!(head(b).await, Position(6));
    assert_log_is_sound(b).await;
}

/// A flush is for those who copy the storage. Writers and readers do not notice it, through either handle.
pub async fn a_flush_changes_nothing(a: &Handle, b: &Handle) {
    for handle in [a, b] {
        let before = (read_log(b).await, head(a).await);
        handle.flush().await.unwrap();
        handle.flush().await.unwrap();
        assert_eq!((read_log(b).await, head(a).await), before);
        stream_of(a, 3).await;
        stream_of(b, 2).await;
    }
    assert_log_is_sound(b).await;
}

/// The answer says where and when the last event was recorded, as reading does.
pub async fn the_answer_names_place_and_time_of_the_last_event(a: &Handle, b: &Handle) {
    let stream = new_stream();
    let before = Timestamp::now();
    let outcome = append_one(a, append(&stream, None, events(3))).await;
    let last = read_stream(b, &stream).await.pop().unwrap();
    let expected = Written {
        position: last.position,
        recorded_at: last.recorded_at,
    };
    assert_eq!(outcome, expected);
    assert!(last.recorded_at >= before, "recorded by a clock");
}

/// Events, claim, letter, positions, streams: nothing of a refused append stays behind.
pub async fn a_refused_append_leaves_no_trace(a: &Handle, b: &Handle) {
    let (known, unknown) = (stream_of(a, 2).await, new_stream());
    let before = head(a).await;
    for (stream, after) in [(&known, None), (&known, at(7)), (&unknown, at(0))] {
        let refused = claimed(append(stream, after, events(2)), "once", 1);
        let outcome = append_one(a, refused).await;
        assert!(matches!(outcome, Conflict { .. }), "{outcome:?}");
        assert_eq!(b.find_claim(stream, "once").await.unwrap(), None);
    }
    let spent = letter(&known);
    write(a, claimed(parked(&spent), "spent", 1)).await;
    let refused = letter(&known);
    let outcome = append_one(b, claimed(parked(&refused), "spent", 2)).await;
    claim_record(outcome);
    assert_eq!(a.letter(refused.id).await.unwrap(), None);

    assert_eq!(head(b).await, before);
    assert_eq!(read_stream(b, &known).await.len(), 2);
    assert!(read_stream(b, &unknown).await.is_empty());
    let next = write(b, append(&unknown, None, events(1))).await;
    assert_eq!(next.0, before.0 + 1, "no position was used up");
    assert_log_is_sound(a).await;
}

/// A stream of three events by `by`, of which `handle` knows nothing, though it knows where the log stands.
async fn unknown_to(handle: &Handle, by: &Handle) -> StreamId {
    let stream = stream_of(by, 3).await;
    write(handle, append(&new_stream(), None, events(1))).await;
    stream
}

/// Somebody else was first: the answer says what is current.
pub async fn an_append_behind_the_current_sequence_conflicts(a: &Handle, b: &Handle) {
    for after in [None, at(0), at(1)] {
        let stream = unknown_to(b, a).await;
        let outcome = append_one(b, append(&stream, after, events(1))).await;
        assert_eq!(
            outcome,
            Conflict {
                part: 0,
                current: at(2)
            }
        );
    }
}

/// Nobody can append after an event that does not exist yet: it would leave a gap.
pub async fn an_append_beyond_the_current_sequence_conflicts(a: &Handle, b: &Handle) {
    for after in [at(3), at(4), at(u32::MAX)] {
        let stream = unknown_to(b, a).await;
        let outcome = append_one(b, append(&stream, after, events(1))).await;
        assert_eq!(
            outcome,
            Conflict {
                part: 0,
                current: at(2)
            }
        );
    }
}

/// A stream without events has no current sequence.
pub async fn an_append_after_an_event_of_a_missing_stream_conflicts(a: &Handle, b: &Handle) {
    let stream = new_stream();
    let outcome = append_one(a, append(&stream, at(0), events(1))).await;
    assert_eq!(
        outcome,
        Conflict {
            part: 0,
            current: None
        }
    );
    assert_eq!(b.streams(None, None, 10).await.unwrap(), []);
}

/// A restored log may be as long as it was before, so the holder of a state names the event that the state ends with.
pub async fn an_append_after_another_event_conflicts(a: &Handle, b: &Handle) {
    let stream = new_stream();
    let first = events(2);
    write(a, append(&stream, None, first.clone())).await;
    // From here on `b` knows where the log stands, and nothing of the stream.
    write(b, append(&new_stream(), None, events(1))).await;
    for handle in [b, a] {
        let [begin, end] = [first[0].id, first[1].id];
        for last in [Uuid::now_v7(), begin] {
            for count in [0, 1] {
                let next = following(&stream, at(1), last, events(count));
                assert_eq!(
                    append_one(handle, next).await,
                    Conflict {
                        part: 0,
                        current: at(1)
                    }
                );
            }
        }
        let nothing = following(&stream, at(1), end, events(0));
        write(handle, nothing).await;
    }
    // What a batch has written itself counts as well.
    let next = events(1);
    let batch = vec![
        following(&stream, at(1), first[1].id, next.clone()),
        following(&stream, at(2), first[1].id, events(0)),
        following(&stream, at(2), next[0].id, events(1)),
    ];
    let outcomes = append_all(b, batch).await;
    assert_eq!(
        outcomes[1],
        Conflict {
            part: 0,
            current: at(2)
        }
    );
    assert_eq!(position(&outcomes[2]), Position(5));
    assert_log_is_sound(a).await;
}

/// Each append of a batch stands for itself.
pub async fn one_conflict_leaves_the_rest_of_the_batch_alone(a: &Handle, b: &Handle) {
    let (first, moved, last) = (new_stream(), stream_of(a, 2).await, new_stream());
    let batch = vec![
        append(&first, None, events(2)),
        append(&moved, at(0), events(5)),
        append(&last, None, events(1)),
    ];
    let outcomes = append_all(b, batch).await;
    assert_eq!(position(&outcomes[0]), Position(4));
    assert_eq!(
        outcomes[1],
        Conflict {
            part: 0,
            current: at(1)
        }
    );
    assert_eq!(position(&outcomes[2]), Position(5));
    assert_eq!(read_stream(a, &moved).await.len(), 2);
    assert_log_is_sound(a).await;
}

/// Later appends of a batch see the earlier ones, also when other streams' stand between them.
pub async fn appends_of_one_batch_form_a_chain(a: &Handle, b: &Handle) {
    let (new, old) = (new_stream(), stream_of(a, 1).await);
    let batch = vec![
        append(&new, None, events(2)),
        append(&old, at(0), events(1)),
        append(&new, at(1), events(1)),
        append(&new, at(2), events(1)),
        append(&old, at(1), events(2)),
    ];
    let outcomes = append_all(b, batch).await;
    let positions: Vec<_> = outcomes.iter().map(|outcome| position(outcome).0).collect();
    assert_eq!(positions, [3, 4, 5, 6, 8]);
    assert_eq!(read_stream(a, &new).await.len(), 4);
    assert_eq!(read_stream(a, &old).await.len(), 4);
    assert_log_is_sound(b).await;
}

/// An append that was decided upon a refused one is refused too, even if its sequence happens to be current.
pub async fn a_chain_ends_where_one_of_it_is_refused(a: &Handle, b: &Handle) {
    let (stream, other) = (stream_of(a, 1).await, new_stream());
    let batch = vec![
        append(&stream, at(0), events(1)),
        append(&stream, at(2), events(1)),
        append(&other, None, events(1)),
        append(&stream, at(3), events(1)),
        append(&stream, at(1), events(1)),
        append(&stream, at(1), events(0)),
        parked(&letter(&stream)),
        append(&other, at(0), events(1)),
    ];
    let outcomes = append_all(b, batch).await;
    for refused in [1, 3, 4, 5] {
        assert_eq!(
            outcomes[refused],
            Conflict {
                part: 0,
                current: at(1)
            }
        );
    }
    let written = [0, 2, 6, 7].map(|index| position(&outcomes[index]).0);
    assert_eq!(written, [2, 3, 3, 4]);
    assert_eq!(write(b, append(&stream, at(1), events(1))).await.0, 5);
    assert_log_is_sound(a).await;
}

/// An append that is refused by its claim ends its chain like any other: its events are not there.
pub async fn a_chain_ends_where_an_external_id_was_spent(a: &Handle, b: &Handle) {
    let stream = new_stream();
    write(a, claimed(append(&stream, None, events(1)), "spent", 1)).await;
    let batch = vec![
        claimed(append(&stream, at(0), events(1)), "spent", 1),
        claimed(append(&stream, at(0), events(1)), "new", 1),
        claimed(append(&stream, at(1), events(1)), "spent", 1),
    ];
    let mut outcomes = append_all(b, batch).await;
    claim_record(outcomes.remove(2));
    assert_eq!(
        outcomes[1],
        Conflict {
            part: 0,
            current: at(0)
        }
    );
    claim_record(outcomes.remove(0));
    assert_eq!(a.find_claim(&stream, "new").await.unwrap(), None);
    assert_eq!(assert_log_is_sound(a).await.len(), 1);
}

/// Nothing is built on an append without events, so its refusal ends no chain.
pub async fn a_refused_append_without_events_ends_no_chain(a: &Handle, b: &Handle) {
    let stream = stream_of(a, 1).await;
    let batch = vec![
        append(&stream, None, events(0)),
        append(&stream, at(0), events(1)),
    ];
    let outcomes = append_all(b, batch).await;
    assert_eq!(
        outcomes[0],
        Conflict {
            part: 0,
            current: at(0)
        }
    );
    assert_eq!(position(&outcomes[1]), Position(2));
}

/// Letters, claims and appends without events take no position: a subscriber would wait for it forever.
pub async fn only_events_take_positions(a: &Handle, b: &Handle) {
    let stream = stream_of(a, 2).await;
    let batch = vec![
        append(&stream, at(1), events(0)),
        claimed(append(&stream, at(1), events(0)), "nothing", 1),
        parked(&letter(&stream)),
        append(&stream, at(1), events(1)),
        append(&stream, at(2), events(0)),
    ];
    let outcomes = append_all(b, batch).await;
    let positions: Vec<_> = outcomes.iter().map(|outcome| position(outcome).0).collect();
    assert_eq!(positions, [2, 2, 2, 3, 3]);
    assert_log_is_sound(a).await;
}

/// An append without events still says whether its sender's view is current.
pub async fn an_append_without_events_checks_the_sequence(a: &Handle, b: &Handle) {
    let stream = stream_of(a, 2).await;
    for after in [None, at(0), at(2)] {
        let outcome = append_one(b, append(&stream, after, events(0))).await;
        assert_eq!(
            outcome,
            Conflict {
                part: 0,
                current: at(1)
            }
        );
    }
    assert_eq!(
        write(b, append(&stream, at(1), events(0))).await,
        Position(2)
    );
    assert_eq!(
        write(b, append(&new_stream(), None, events(0))).await,
        Position(2)
    );
    assert_eq!(a.streams(None, None, 10).await.unwrap().len(), 1);
}

/// A batch of nothing is answered with nothing.
pub async fn an_empty_batch_is_no_error(a: &Handle, b: &Handle) {
    assert!(append_all(a, Vec::new()).await.is_empty());
    assert_eq!(head(b).await, Position::START);
}

/// Batches may be large.
pub async fn a_batch_of_a_thousand_appends(a: &Handle, b: &Handle) {
    let streams: Vec<_> = (0..1000).map(|_| new_stream()).collect();
    let batch = streams
        .iter()
        .map(|stream| append(stream, None, events(2)))
        .collect();
    let outcomes = append_all(a, batch).await;
    for (index, outcome) in outcomes.iter().enumerate() {
        assert_eq!(position(outcome).0, (index as u64 + 1) * 2);
    }
    assert_eq!(assert_log_is_sound(b).await.len(), 2000);
}

/// So may appends.
pub async fn an_append_of_a_thousand_events(a: &Handle, b: &Handle) {
    let (stream, written) = (new_stream(), events(1000));
    write(a, append(&stream, None, written.clone())).await;
    assert_eq!(ids(&read_stream(b, &stream).await), new_ids(&written));
}

/// Whole or not at all, also if nobody waits for the answer any more; and the next one works.
pub async fn a_dropped_append_is_written_whole_or_not_at_all(a: &Handle, b: &Handle) {
    for polls in 0..4 {
        let streams = [new_stream(), new_stream()];
        let batch = vec![
            append(&streams[0], None, events(1)),
            append(&streams[1], None, events(1)),
            append(&streams[0], at(0), events(100)),
        ];
        let mut appending = a.append(batch);
        for _ in 0..polls {
            if futures::poll!(appending.as_mut()).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(appending);
        write(a, append(&new_stream(), None, events(1))).await;
        let log = read_log(b).await;
        let written = streams.map(|stream| {
            let events = log.iter().filter(|event| event.stream == stream);
            events.count()
        });
        assert!(written == [101, 1] || written == [0, 0], "{written:?}");
    }
    assert_log_is_sound(b).await;
}
