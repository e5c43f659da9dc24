//! Tests components that fail: now and then, always, by a panic, or because of the store.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use seriatim_core::{
    Advance, Bookmark, CheckpointStore, Component, EventStore, Hold, LogPartition, Owner, Position,
    Share, Taking, Update, Work,
};
use seriatim_runtime::{Enrolled, PieceState};
use seriatim_store_memory::MemoryStore;

use super::tally::{
    Does, IMPATIENT, NAME, Tally, checkpoints, enrolled, is_paused, named, only, start, until,
};
use crate::support::{append, fill, stream};

#[tokio::test]
async fn who_fails_now_and_then_sees_everything_in_order_all_the_same() {
    let store = MemoryStore::new();
    let calls = AtomicU32::new(0);
    let tally = Tally::that(move |_| match calls.fetch_add(1, Ordering::Relaxed) % 7 {
        3 => Does::Fails,
        5 => Does::Panics,
        _ => Does::Notes,
    });
    fill(&store, 7, 11).await;
    let reactions = start(&store, "one", vec![enrolled(&store, &tally)]);
    until("all are seen", || tally.count() == 77).await;
    reactions.shutdown().await;
    tally.assert_exactly(7, 11);
}

#[tokio::test]
async fn an_event_that_always_fails_pauses_its_piece_of_work_and_nothing_else() {
    for panics in [false, true] {
        let store = MemoryStore::with_partitions(NonZero::new(2).unwrap());
        let tries = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&tries);
        let bad = move |event: &seriatim_core::RecordedEvent| {
            let is_bad = event.stream == stream("order", 3) && event.sequence.0 == 2;
            match (is_bad, panics) {
                (false, _) => return Does::Notes,
                (true, _) => counted.fetch_add(1, Ordering::Relaxed),
            };
            if panics { Does::Panics } else { Does::Fails }
        };
        let (tally, other) = (Tally::that(bad), Tally::new());
        let components = vec![enrolled(&store, &tally), named("other", &store, &other)];
        fill(&store, 8, 4).await;
        let partition = LogPartition::of(&stream("order", 3), store.partitions());
        let reactions = start(&store, "one", components);
        let paused = || reactions.status().into_iter().find(is_paused);
        until("one is paused", || paused().is_some()).await;
        until("the others are done", || other.count() == 32).await;

        let status = paused().unwrap();
        let PieceState::Paused {
            failure: Some(failure),
            error,
        } = &status.state
        else {
            panic!("{status:?}");
        };
        assert_eq!(status.work.partition, partition);
        assert_eq!(
            (&failure.stream, failure.sequence.0),
            (&stream("order", 3), 2)
        );
        assert_eq!(failure.type_name, "Noted");
        assert!(
            error.contains(if panics {
                "told to panic"
            } else {
                "told to fail"
            }),
            "{error}"
        );
        // Everything before the event is done, and nothing after it.
        assert_eq!(status.position.0 + 1, failure.position.0);
        tally.assert_in_order();
        // It is tried together with others at least once, and then alone as often as the policy says.
        assert!(tries.load(Ordering::Relaxed) > IMPATIENT.retries + 1);
        reactions.shutdown().await;

        // Once corrected, the component goes on at exactly this event.
        let seen = tally.count();
        let corrected = Tally::new();
        let reactions = start(&store, "one", vec![enrolled(&store, &corrected)]);
        until("the rest is seen", || seen + corrected.count() == 32).await;
        assert_eq!(
            corrected.seen()[0],
            (stream("order", 3), seriatim_core::Sequence(2))
        );
        reactions.shutdown().await;
    }
}

#[tokio::test]
async fn what_precedes_the_failing_event_in_its_batch_is_done_once() {
    let store = MemoryStore::new();
    fill(&store, 1, 10).await;
    let tally = Tally::that(|event| match event.sequence.0 {
        6 => Does::Fails,
        _ => Does::Notes,
    });
    let reactions = start(&store, "one", vec![enrolled(&store, &tally)]);
    until("it is paused", || is_paused(&only(&reactions))).await;
    tally.assert_exactly(1, 6);
    reactions.shutdown().await;
}

#[tokio::test]
async fn a_checkpoint_ahead_of_the_log_is_no_place_to_go_on_from() {
    let store = MemoryStore::new();
    fill(&store, 1, 3).await;
    let work = Work {
        component: Component::new(NAME).unwrap(),
        partition: LogPartition::FIRST,
        share: Share::WHOLE,
    };
    let lease = std::time::Duration::ZERO;
    let Taking::Taken(tenure) = store
        .take(&work, &Owner::new("before"), lease)
        .await
        .unwrap()
    else {
        panic!("nobody had it");
    };
    let moved = store
        .write(
            &tenure,
            &Update::Advance(Advance::Checkpoint(Bookmark::at(Position(9)))),
            lease,
        )
        .await
        .unwrap();
    assert_eq!(moved, Hold::Held);
    let tally = Tally::new();
    let reactions = start(&store, "one", vec![enrolled(&store, &tally)]);
    until("it is paused", || is_paused(&only(&reactions))).await;
    let PieceState::Paused {
        failure: None,
        error,
    } = only(&reactions).state
    else {
        panic!("{reactions:?}");
    };
    assert!(error.contains("position 9"), "{error}");
    // This also holds when the log has grown past it, because these are other events.
    for before in 3..12 {
        append(&store, &stream("order", 0), before, &["Noted"]).await;
    }
    tokio::task::yield_now().await;
    assert!(is_paused(&only(&reactions)));
    assert_eq!(tally.count(), 0);
    reactions.shutdown().await;
    assert_eq!(checkpoints(&store).await[0].at.position, Position(9));
}

#[tokio::test]
async fn a_share_that_is_paused_holds_up_no_other_share() {
    let store = MemoryStore::new();
    fill(&store, 30, 2).await;
    let bad = stream("order", 17);
    let tally = Tally::that(move |event| match event.stream == bad {
        true => Does::Fails,
        false => Does::Notes,
    });
    let four = NonZero::new(4).unwrap();
    let component = Enrolled {
        shares: four,
        ..enrolled(&store, &tally)
    };
    let share = Share::all(four)
        .find(|share| share.has(&stream("order", 17)))
        .unwrap();
    let others = (0..30)
        .filter(|root| !share.has(&stream("order", *root)))
        .count();
    let reactions = start(&store, "one", vec![component]);
    let of_others = || tally.seen().iter().filter(|(of, _)| !share.has(of)).count();
    until("the others are done", || of_others() == 2 * others).await;
    until("one is paused", || reactions.status().iter().any(is_paused)).await;
    let paused = reactions.status().into_iter().filter(is_paused);
    assert!(paused.map(|status| status.work.share).eq([share]));
    reactions.shutdown().await;
}
