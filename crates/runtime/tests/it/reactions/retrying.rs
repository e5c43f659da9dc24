//! Tests streams between two tries: they wait in order, they are counted, and a crash at any point loses nothing.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use seriatim_core::{
    Append, CheckpointStore, EventStore, NewEvent, Payload, ReactionLetter, RecordedEvent,
    Sequence, StreamId, Write,
};
use seriatim_runtime::{BackOff, Enrolled, FailurePolicy};
use seriatim_store_memory::MemoryStore;
use uuid::Uuid;

use super::parking::until_parked;
use super::tally::{Does, Tally, only, parking, start, until};
use crate::support::{append, fill, stream};

/// The most streams of one piece of work that may be between two tries.
const BESIDE: usize = 64;

const HOUR: Duration = Duration::from_secs(3600);

/// The second try never comes within a test.
const NEVER: BackOff = BackOff {
    first: HOUR,
    longest: HOUR,
    retries: 5,
};

/// There is always another try.
const OFTEN: BackOff = BackOff {
    first: Duration::from_millis(5),
    longest: Duration::from_millis(5),
    retries: u32::MAX,
};

fn with(back_off: BackOff, store: &MemoryStore, tally: &Tally) -> Enrolled {
    Enrolled {
        policy: FailurePolicy {
            back_off,
            ..FailurePolicy::park()
        },
        ..parking(store, tally)
    }
}

fn of(tally: &Tally, of: &StreamId) -> Vec<u32> {
    let seen = tally.seen().into_iter().filter(|(stream, _)| stream == of);
    seen.map(|(_, sequence)| sequence.0).collect()
}

fn poisoned(root: u128) -> StreamId {
    stream("poisoned", root)
}

fn is_poisoned(event: &RecordedEvent) -> Does {
    match event.stream.domain.as_str() {
        "poisoned" => Does::Fails,
        _ => Does::Notes,
    }
}

#[tokio::test]
async fn a_stream_that_is_tried_again_holds_up_no_other() {
    let store = MemoryStore::new();
    let bad = stream("order", 3);
    let is_bad = bad.clone();
    let tally =
        Tally::that(
            move |event| match (&event.stream, event.sequence) == (&is_bad, Sequence(2)) {
                true => Does::Fails,
                false => Does::Notes,
            },
        );
    fill(&store, 8, 4).await;
    let reactions = start(&store, "one", vec![with(NEVER, &store, &tally)]);
    until("the others are done", || tally.count() == 30).await;
    append(&store, &bad, 4, &["Noted"]).await;
    append(&store, &stream("order", 4), 4, &["Noted"]).await;
    until("the others go on", || tally.count() == 31).await;
    assert_eq!(of(&tally, &bad), [0, 1]);
    assert_eq!(only(&reactions).parked, 1);
    let waiting = store.parked(None).await.unwrap();
    let [waiting] = &waiting[..] else {
        panic!("{waiting:?}");
    };
    // It needs no decision of a person.
    assert_eq!((waiting.sequence, waiting.tries), (Sequence(2), 1));
    assert_eq!(waiting.id, None);
    assert!(waiting.failure.contains("told to fail"));
    reactions.shutdown().await;
}

#[tokio::test]
async fn what_heals_between_two_tries_is_handled_in_order_and_leaves_no_letter() {
    let store = MemoryStore::new();
    let tries = Mutex::new(HashMap::<StreamId, u32>::new());
    let tally = Tally::that(move |event| {
        let mut tries = tries.lock().unwrap();
        let tried = tries.entry(event.stream.clone()).or_default();
        *tried += u32::from(event.sequence.0 == 1);
        match event.sequence.0 == 1 && *tried < 5 {
            true => Does::Fails,
            false => Does::Notes,
        }
    });
    let quick = BackOff {
        first: Duration::from_millis(1),
        longest: Duration::from_millis(4),
        retries: 20,
    };
    fill(&store, 20, 6).await;
    let reactions = start(&store, "one", vec![with(quick, &store, &tally)]);
    until("all are seen", || tally.count() == 120).await;
    until("nothing is parked", || only(&reactions).parked == 0).await;
    reactions.shutdown().await;
    tally.assert_exactly(20, 6);
    assert_eq!(store.parked(None).await.unwrap(), []);
}

#[tokio::test]
async fn who_takes_over_tries_again_what_was_set_aside() {
    let store = MemoryStore::new();
    let broken = Arc::new(AtomicBool::new(true));
    let switch = Arc::clone(&broken);
    let tally =
        Tally::that(
            move |event| match event.sequence.0 == 1 && switch.load(Ordering::Relaxed) {
                true => Does::Fails,
                false => Does::Notes,
            },
        );
    fill(&store, 2, 3).await;
    let first = start(&store, "one", vec![with(NEVER, &store, &tally)]);
    until("both wait", || only(&first).parked == 2).await;
    first.shutdown().await;
    broken.store(false, Ordering::Relaxed);
    let second = start(&store, "two", vec![with(NEVER, &store, &tally)]);
    until("all are seen", || tally.count() == 6).await;
    second.shutdown().await;
    tally.assert_exactly(2, 3);
}

#[tokio::test]
async fn only_so_many_streams_wait_and_the_checkpoint_stands_before_the_next() {
    let store = MemoryStore::new();
    let tally = Tally::that(is_poisoned);
    for root in 0..BESIDE as u128 + 6 {
        append(&store, &poisoned(root), 0, &["Noted"]).await;
    }
    append(&store, &stream("order", 1), 0, &["Noted"]).await;
    let reactions = start(&store, "one", vec![with(NEVER, &store, &tally)]);
    until("so many wait", || only(&reactions).parked == BESIDE).await;
    // By then the next event has been tried, or soon will be. In both cases it must not be passed.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(only(&reactions).parked, BESIDE);
    assert_eq!(only(&reactions).position.0, BESIDE as u64);
    assert_eq!(tally.count(), 0);
    reactions.shutdown().await;
}

#[tokio::test]
async fn more_than_may_wait_are_all_parked_in_the_end_and_healthy_streams_go_on() {
    let store = MemoryStore::new();
    let tally = Tally::that(is_poisoned);
    let all = 3 * BESIDE;
    for root in 0..all as u128 {
        append(&store, &poisoned(root), 0, &["Noted"]).await;
        append(&store, &stream("order", root), 0, &["Noted"]).await;
    }
    let reactions = start(&store, "one", vec![parking(&store, &tally)]);
    until("the others are done", || tally.count() == all).await;
    until_parked(&store, "all have letters", |parked| {
        let is_given_up =
            |parked: &ReactionLetter| parked.id.is_some() && parked.decision.is_none();
        parked.len() == all && parked.iter().all(is_given_up)
    })
    .await;
    reactions.shutdown().await;
}

/// The stream is parked when a batch begins and not any more when the batch ends, and has events before and after that.
#[tokio::test]
async fn a_stream_that_heals_while_others_wait_for_room_loses_nothing() {
    let store = MemoryStore::new();
    let (healing, last) = (stream("order", 1), poisoned(2000));
    let (is_healing, is_last) = (healing.clone(), last.clone());
    let healed = AtomicBool::new(false);
    let tally = Tally::that(move |event| {
        // The event comes when there is no room.
        healed.fetch_or(event.stream == is_last, Ordering::Relaxed);
        match event.stream == is_healing {
            true if healed.load(Ordering::Relaxed) => Does::Notes,
            true => Does::Fails,
            false => is_poisoned(event),
        }
    });
    append(&store, &healing, 0, &["Noted"]).await;
    for root in 0..BESIDE as u128 - 1 {
        append(&store, &poisoned(root), 0, &["Noted"]).await;
    }
    let reactions = start(&store, "one", vec![with(OFTEN, &store, &tally)]);
    until("so many wait", || only(&reactions).parked == BESIDE).await;
    let one_batch = vec![
        noted(&healing, Some(0)),
        noted(&last, None),
        noted(&healing, Some(1)),
        noted(&stream("order", 2), None),
    ];
    store.append(one_batch).await.unwrap();
    until("all that can be is handled", || tally.count() == 4).await;
    assert_eq!(of(&tally, &healing), [0, 1, 2]);
    until("the rest waits", || only(&reactions).parked == BESIDE).await;
    reactions.shutdown().await;
}

fn noted(stream: &StreamId, after: Option<u32>) -> Append {
    let event = NewEvent {
        id: Uuid::now_v7(),
        payload: Payload::json("Noted", "{}"),
        metadata: Arc::default(),
    };
    Append {
        stream: stream.clone(),
        write: Write::Events {
            after: after.map(Sequence),
            last: None,
            events: Arc::new([event]),
        },
        claim: None,
        beside: Vec::new(),
    }
}
