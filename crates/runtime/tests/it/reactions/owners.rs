//! Runs the same component in several processes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use seriatim_core::CheckpointStore;
use seriatim_runtime::PieceState;
use seriatim_store_memory::MemoryStore;

use super::tally::{Does, NAME, Tally, checkpoints, enrolled, only, start, start_with, until};
use crate::support::{append, fill, stream};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn one_works_and_the_other_stands_by_until_it_is_let() {
    let store = MemoryStore::new();
    let tally = Tally::new();
    fill(&store, 2, 2).await;
    let first = start_with(&store, "first", HOUR, vec![enrolled(&store, &tally)]);
    until("the first works", || tally.count() == 4).await;
    // Its lease is short, so that it looks often. The lease of the first one is not.
    let second = start_with(
        &store,
        "second",
        Duration::from_millis(3),
        vec![enrolled(&store, &tally)],
    );
    let stands_by = PieceState::StandingBy {
        owner: Some("first".into()),
    };
    until("the second stands by", || only(&second).state == stands_by).await;
    append(&store, &stream("order", 0), 2, &["Noted"]).await;
    until("the first goes on", || tally.count() == 5).await;
    first.shutdown().await;
    assert_eq!(only(&first).state, PieceState::Stopped);
    append(&store, &stream("order", 1), 2, &["Noted"]).await;
    until("the second goes on", || tally.count() == 6).await;
    second.shutdown().await;
    tally.assert_exactly(2, 3);
    assert_eq!(checkpoints(&store).await[0].epoch, 2);
}

#[test]
fn the_work_of_a_process_that_vanished_is_taken_over() {
    let store = MemoryStore::new();
    let tally = Tally::new();
    let vanishing = tokio::runtime::Runtime::new().unwrap();
    vanishing.block_on(async {
        fill(&store, 3, 4).await;
        let reactions = start(&store, "vanishing", vec![enrolled(&store, &tally)]);
        until("it works", || tally.count() == 12).await;
        // Its work is not released.
        std::mem::forget(reactions);
    });
    vanishing.shutdown_background();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let reactions = start(&store, "next", vec![enrolled(&store, &tally)]);
        append(&store, &stream("order", 0), 4, &["Noted"]).await;
        until("the next one works", || tally.count() == 13).await;
        tally.assert_in_order();
        reactions.shutdown().await;
        assert_eq!(checkpoints(&store).await[0].epoch, 2);
    });
}

#[tokio::test]
async fn who_has_lost_its_work_is_stopped_in_the_middle_of_it() {
    let store = MemoryStore::new();
    fill(&store, 1, 3).await;
    let once = AtomicBool::new(true);
    let tally = Tally::that(move |event| match event.sequence.0 {
        2 if once.swap(false, Ordering::Relaxed) => Does::Hangs,
        _ => Does::Notes,
    });
    let lease = Duration::from_millis(30);
    let slow = start_with(&store, "slow", lease, vec![enrolled(&store, &tally)]);
    until("it hangs", || tally.hanging() == 1).await;
    // A slow component keeps its work, because its lease is renewed meanwhile.
    let patient = Tally::new();
    let next = start_with(&store, "next", lease, vec![enrolled(&store, &patient)]);
    let busy = PieceState::StandingBy {
        owner: Some("slow".into()),
    };
    until("the next stands by", || only(&next).state == busy).await;
    tokio::time::sleep(lease * 4).await;
    assert_eq!((tally.hanging(), patient.count()), (1, 0));
    // A person resets the component. The process that takes the work first begins again.
    let before = tally.count();
    store.forget(&NAME.parse().unwrap()).await.unwrap();
    until("it is stopped", || tally.hanging() == 0).await;
    until("one of them does it all", || {
        patient.count() == 3 || tally.count() == before + 3
    })
    .await;
    slow.shutdown().await;
    next.shutdown().await;
}

#[tokio::test]
async fn a_lease_of_nothing_is_a_short_one() {
    let store = MemoryStore::new();
    let tally = Tally::new();
    fill(&store, 2, 2).await;
    let component = vec![enrolled(&store, &tally)];
    let reactions = start_with(&store, "one", Duration::ZERO, component);
    until("all are seen", || tally.count() == 4).await;
    assert_eq!(only(&reactions).state, PieceState::Working);
    reactions.shutdown().await;
}
