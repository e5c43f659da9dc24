//! Checks that events that are too large are refused before they are written, whatever they result from.

use std::sync::Arc;

use seriatim_coordinator::{Coordinator, Settings};
use seriatim_core::{
    At, CommandGateway, LetterFilter, LetterStatus, Limits, MergeStrategy, Store, StreamId,
    SubmitError, Verb,
};
use seriatim_store_memory::MemoryStore;

use crate::cart::*;
use crate::desk::decide;
use crate::effects::Reacting;

/// Returns a coordinator where an event may take 100 bytes, and those of one request 1,000.
fn small() -> (Coordinator, Arc<dyn Store>) {
    let limits = Limits {
        event_bytes: 100,
        commit_bytes: 1000,
        ..Limits::default()
    };
    let settings = Settings {
        limits,
        ..Settings::default()
    };
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    (with(&store, settings), store)
}

#[track_caller]
fn assert_too_large<T: std::fmt::Debug>(answer: Result<T, SubmitError>, field: &str) {
    let Err(SubmitError::Invalid(violations)) = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(violations[0].field, field, "{violations:?}");
    assert!(
        violations[0].description.contains("at most"),
        "{violations:?}"
    );
}

fn long() -> String {
    "x".repeat(100)
}

async fn count(store: &Arc<dyn Store>, stream: &StreamId) -> usize {
    history(store, stream).await.len()
}

#[tokio::test]
async fn of_a_command() {
    let (coordinator, store) = small();
    let stream = cart();
    let large = ask(&stream, &name(&long()));
    assert_too_large(coordinator.submit(large.clone()).await, "events[0]");
    assert_too_large(coordinator.simulate(large, At::Current).await, "events[0]");
    // A book is written all or nothing.
    let mut book = ask(&stream, &Do::Open);
    book.commands.extend(ask(&stream, &name(&long())).commands);
    assert_too_large(coordinator.submit(book).await, "events[1]");
    let many = ask(&stream, &Do::AddMany { n: 200 });
    assert_too_large(coordinator.submit(many).await, "events");
    assert_eq!(count(&store, &stream).await, 0);
    accept(&coordinator, &stream, name(&"x".repeat(80))).await;
}

#[tokio::test]
async fn of_a_merge() {
    let (coordinator, store) = small();
    let stream = stream_of(&coordinator, [Do::Open, name(&"x".repeat(70))]).await;
    // The command would be accepted by itself, but with the name that came meanwhile its event is too large.
    let merged = stale(
        &stream,
        &name(&"y".repeat(70)),
        0,
        MergeStrategy::AggregateHandles,
    );
    assert_too_large(coordinator.submit(merged).await, "events[0]");
    assert_eq!(count(&store, &stream).await, 2);
}

#[tokio::test]
async fn of_a_fact() {
    let (coordinator, store) = small();
    let stream = cart();
    for route in [Some(true), Some(false)] {
        let mut large = fact(&stream, "evt-1", &named(&long()));
        large.route_to_aggregate = route;
        assert_too_large(coordinator.record(large).await, "events[0]");
    }
    assert_eq!(count(&store, &stream).await, 0);
    // The external id was not spent.
    let small = fact(&stream, "evt-1", &added(1));
    coordinator.record(small).await.unwrap();
}

#[tokio::test]
async fn of_an_effect_and_of_one_that_comes_back() {
    let (coordinator, store) = small();
    let stream = stream_of(&coordinator, [Do::Open]).await;
    let saga = Reacting {
        source: stream.clone(),
        ..Reacting::new("test")
    };
    let target = cart();
    let large = saga.effect(0, ask(&target, &name(&long())));
    assert_too_large(coordinator.submit(large).await, "events[0]");
    // The refusal is not the effect's result: the effect may succeed later.
    let again = saga.effect(0, ask(&target, &Do::Open));
    coordinator.submit(again).await.unwrap();
    let returned = saga.rejected(1, &name(&"x".repeat(70)));
    assert_too_large(coordinator.hand_back(returned).await, "events[0]");
    assert_eq!(count(&store, &stream).await, 1);
}

#[tokio::test]
async fn of_a_letter_that_is_resubmitted() {
    let (coordinator, store) = small();
    let stream = stream_of(&coordinator, [Do::Open, added_by(1)]).await;
    let parked = stale(&stream, &name(&long()), 0, MergeStrategy::Manual);
    coordinator.submit(parked).await.unwrap();
    let letter = store
        .letters(&LetterFilter::default(), 9)
        .await
        .unwrap()
        .remove(0);
    let letter = decide(&coordinator, Verb::Resubmit, letter.id)
        .await
        .unwrap();
    assert_eq!(letter.status, LetterStatus::Parked);
    let said = &letter.attempts[0].result;
    assert!(said.contains("at most 100"), "{said}");
    assert_eq!(count(&store, &stream).await, 2);
}

fn added_by(count: i64) -> Do {
    Do::Add { count }
}

/// Small events are shown up to the number in the settings, large ones up to a megabyte.
#[tokio::test]
async fn a_refusal_shows_no_more_events_than_can_be_taken() {
    for (bytes, count, shown) in [
        (1, 40, 32),
        (600_000, 3, 1),
        (40_000, 40, 26),
        (2_000, 9, 9),
    ] {
        let (coordinator, _) = coordinator();
        let names = (0..count).map(|_| name(&"x".repeat(bytes)));
        let stream = stream_of(&coordinator, [Do::Open].into_iter().chain(names)).await;
        let behind = stale(&stream, &Do::Double, 0, MergeStrategy::Strict);
        let conflict = conflict(coordinator.submit(behind).await);
        assert_eq!(conflict.intervening.len(), shown, "{bytes}");
        assert_eq!(conflict.intervening_total, count);
        let sequences = conflict.intervening.iter().map(|event| event.sequence.0);
        assert!(sequences.eq((1..).take(shown)), "{bytes}");
    }
}
