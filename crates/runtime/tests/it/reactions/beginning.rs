//! Checks where components begin: it is decided once, and a person can decide again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use seriatim_core::{
    Begin, Component, Cursor, EventFilter, LONGEST_LEASE, Log, OperatorError, Position,
    RecordedEvent, Sequence, Store, SubscribeError, Timestamp,
};
use seriatim_runtime::{
    AtLeastOnce, BackOff, Enrolled, FailurePolicy, Feed, PieceState, PieceStatus, ReactionSettings,
    Reactions,
};
use seriatim_store_memory::MemoryStore;
use seriatim_testkit::faults::{FaultyStore, Interruption};
use tokio::time::Instant;

use super::tally::{Does, IMPATIENT, NAME, Tally, checkpoints, is_paused, only, until};
use crate::support::{all_kinds, append, fill, memory, stream, subscribe, take};

fn name() -> Component {
    Component::new(NAME).unwrap()
}

fn start(store: &Arc<dyn Store>, begin: Begin, tally: &Tally) -> Reactions {
    start_with(store, begin, tally, IMPATIENT, Duration::from_millis(300))
}

fn start_with(
    store: &Arc<dyn Store>,
    begin: Begin,
    tally: &Tally,
    back_off: BackOff,
    lease: Duration,
) -> Reactions {
    let all = EventFilter::default();
    let reaction = AtLeastOnce::new(name(), all, Arc::clone(store) as _, tally.clone());
    let enrolled = Enrolled {
        begin,
        policy: FailurePolicy {
            back_off,
            ..FailurePolicy::pause()
        },
        ..Enrolled::new(Arc::new(reaction))
    };
    let settings = ReactionSettings {
        owner: "one".into(),
        lease,
        ..ReactionSettings::default()
    };
    let feed = Feed::new(Log::as_stored(Arc::clone(store) as _));
    Reactions::start(&feed, vec![enrolled], &settings)
}

/// Waits until all work of the component is done in this process.
async fn working(reactions: &Reactions) {
    until("all of it is taken", || {
        let status = reactions.status();
        status
            .iter()
            .all(|piece| piece.state == PieceState::Working)
    })
    .await;
}

/// Appends one event to each of ten streams, which have `before` events.
async fn round(store: &Arc<dyn Store>, before: u32) {
    for root in 0..10 {
        append(&**store, &stream("order", root), before, &["Noted"]).await;
    }
}

/// Returns the rounds that the tally has seen. Fails if one of them is not complete.
fn rounds(tally: &Tally) -> BTreeSet<u32> {
    let seen = tally.seen();
    let rounds: BTreeSet<_> = seen.iter().map(|(_, sequence)| sequence.0).collect();
    for round in &rounds {
        let of_it = seen.iter().filter(|(_, sequence)| sequence.0 == *round);
        assert_eq!(of_it.count(), 10, "round {round}");
    }
    rounds
}

async fn has_seen(tally: &Tally, wanted: impl IntoIterator<Item = u32>) {
    let wanted: BTreeSet<_> = wanted.into_iter().collect();
    until("all is seen", || tally.count() >= wanted.len() * 10).await;
    assert_eq!(rounds(tally), wanted);
}

#[tokio::test]
async fn now_is_when_its_work_is_first_taken() {
    for storage in all_kinds().await {
        let store = &storage.store;
        round(store, 0).await;
        round(store, 1).await;
        let tally = Tally::new();
        let reactions = start(store, Begin::Now, &tally);
        working(&reactions).await;
        round(store, 2).await;
        has_seen(&tally, [2]).await;
        reactions.shutdown().await;

        // The events that came while it was away are not left out, and those before its beginning are not delivered
        // later.
        round(store, 3).await;
        for said in [Begin::Now, Begin::AtTheFirst] {
            let reactions = start(store, said, &tally);
            has_seen(&tally, [2, 3]).await;
            reactions.shutdown().await;
        }
    }
}

#[tokio::test]
async fn it_begins_at_a_time_or_after_a_place() {
    for storage in all_kinds().await {
        let store = &storage.store;
        round(store, 0).await;
        tokio::time::sleep(Duration::from_millis(2)).await;
        round(store, 1).await;
        let all = take(&mut subscribe(store, Begin::AtTheFirst).await, 20).await;
        let second = |event: &&RecordedEvent| event.sequence == Sequence(1);
        let since = all.iter().filter(second).map(|event| event.recorded_at);
        let since = since.min().unwrap();
        let mut after = Cursor::start(store.log_id(), store.partitions());
        for event in all.iter().filter(|event| !second(event)) {
            after.pass(event);
        }
        for begin in [Begin::Since(since), Begin::After(after)] {
            store.forget(&name()).await.unwrap();
            let tally = Tally::new();
            let reactions = start(store, begin, &tally);
            has_seen(&tally, [1]).await;
            reactions.shutdown().await;
        }
    }
}

/// The process that decides first may die before it has taken any work. The events after that are not left out.
#[tokio::test]
async fn a_decision_outlives_who_has_made_it() {
    let action = "decide where a component begins";
    for (action, how) in [
        (action, Interruption::AnswerLost),
        (action, Interruption::DiesAfter),
        ("take a piece of work", Interruption::DiesBefore),
        ("take a piece of work", Interruption::DiesAfter),
    ] {
        let plain: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let faulty = FaultyStore::new(Arc::clone(&plain));
        faulty.interrupt(action, 1, how);
        round(&plain, 0).await;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let first = {
            let _inside = runtime.enter();
            start(&(Arc::new(faulty.clone()) as _), Begin::Now, &Tally::new())
        };
        until("the first process is interrupted", || {
            faulty.was_interrupted()
        })
        .await;
        seriatim_testkit::until("the beginning is decided", async || {
            plain.begun(&name()).await.unwrap().is_some()
        })
        .await;
        std::mem::forget(first);
        runtime.shutdown_background();

        round(&plain, 1).await;
        let tally = Tally::new();
        let reactions = start(&plain, Begin::Now, &tally);
        has_seen(&tally, [1]).await;
        reactions.shutdown().await;
    }
}

#[tokio::test]
async fn a_person_lets_it_begin_anew_while_it_works() {
    for storage in all_kinds().await {
        let store = &storage.store;
        round(store, 0).await;
        let tally = Tally::new();
        let reactions = start(store, Begin::AtTheFirst, &tally);
        has_seen(&tally, [0]).await;

        let at = reactions.begin(&name(), &Begin::AtTheFirst).await.unwrap();
        assert_eq!(at, Cursor::start(store.log_id(), store.partitions()));
        until("all is seen again", || tally.count() == 20).await;
        tally.assert_in_order();

        let last = reactions.begin(&name(), &Begin::Now).await.unwrap();
        assert_eq!(store.begun(&name()).await.unwrap(), Some(last));
        working_from(&reactions, store).await;
        round(store, 1).await;
        until("what comes is seen", || tally.count() == 30).await;
        reactions.shutdown().await;
        let again = start(store, Begin::AtTheFirst, &tally);
        round(store, 2).await;
        until("what comes is seen", || tally.count() == 40).await;
        again.shutdown().await;
    }
}

/// Waits until each piece of work has been taken since its progress was forgotten.
async fn working_from(reactions: &Reactions, store: &Arc<dyn Store>) {
    seriatim_testkit::until("each piece of work was taken", async || {
        let checkpoints = store.checkpoints(Some(&name())).await.unwrap();
        checkpoints.len() == reactions.status().len()
    })
    .await;
}

#[tokio::test]
async fn a_person_lets_it_leave_out_what_it_cannot_handle() {
    let store = MemoryStore::new();
    let shared: Arc<dyn Store> = Arc::new(store.clone());
    fill(&store, 1, 5).await;
    let tally = Tally::that(|event| match event.sequence {
        Sequence(3) => Does::Fails,
        _ => Does::Notes,
    });
    let reactions = start(&shared, Begin::AtTheFirst, &tally);
    until("it is paused", || is_paused(&only(&reactions))).await;
    let fifth = Begin::After("4".parse().unwrap());
    reactions.begin(&name(), &fifth).await.unwrap();
    until("it goes on", || tally.count() == 4).await;
    let seen: Vec<_> = tally.seen().iter().map(|(_, at)| at.0).collect();
    assert_eq!(seen, [0, 1, 2, 4]);
    until("its new position is shown", || {
        only(&reactions).position == Position(5)
    })
    .await;
    assert_eq!(checkpoints(&store).await[0].paused, None);
    reactions.shutdown().await;
}

#[tokio::test]
async fn what_is_no_place_for_a_component_is_refused_and_nothing_is_forgotten() {
    let storage = memory(2);
    let store = &storage.store;
    round(store, 0).await;
    let tally = Tally::new();
    let reactions = start(store, Begin::AtTheFirst, &tally);
    has_seen(&tally, [0]).await;
    let before = store.begun(&name()).await.unwrap();
    let other = Component::new("nobody").unwrap();
    let refused = reactions.begin(&other, &Begin::Now).await;
    assert!(matches!(
        refused,
        Err(OperatorError::UnknownComponent { known, .. }) if known == [name()]
    ));
    for (cursor, is_expected) in [
        (
            "3",
            (|error| matches!(error, SubscribeError::OtherPartitions { .. })) as fn(&_) -> _,
        ),
        ("3,99", |error| matches!(error, SubscribeError::Replaced(_))),
    ] {
        let begin = Begin::After(cursor.parse().unwrap());
        let refused = reactions.begin(&name(), &begin).await;
        let Err(OperatorError::Place(error)) = refused else {
            panic!("{cursor}");
        };
        assert!(is_expected(&error), "{error}");
    }
    assert_eq!(store.begun(&name()).await.unwrap(), before);
    round(store, 1).await;
    has_seen(&tally, [0, 1]).await;
    reactions.shutdown().await;
}

/// A time in the future counts as now: the events before it are not left out.
#[tokio::test]
async fn a_time_to_come_is_now() {
    let storage = memory(1);
    let store = &storage.store;
    round(store, 0).await;
    let tally = Tally::new();
    let reactions = start(store, Begin::Since(Timestamp::MAX), &tally);
    working(&reactions).await;
    round(store, 1).await;
    has_seen(&tally, [1]).await;
    reactions.shutdown().await;
}

#[tokio::test]
async fn what_cannot_begin_says_why_until_a_person_decides() {
    for (cursor, next_step) in [
        ("3", "give one position for each"),
        ("3,99", "`seriatim reactions begin tally --at first`"),
    ] {
        let storage = memory(2);
        let store = &storage.store;
        round(store, 0).await;
        let tally = Tally::new();
        let reactions = start(store, Begin::After(cursor.parse().unwrap()), &tally);
        let says_so = |piece: &PieceStatus| matches!(&piece.state, PieceState::CannotBegin { error } if error.contains(next_step));
        until("it says why it cannot begin", || {
            reactions.status().iter().all(says_so)
        })
        .await;
        reactions.begin(&name(), &Begin::AtTheFirst).await.unwrap();
        has_seen(&tally, [0]).await;
        working(&reactions).await;
        reactions.shutdown().await;
    }
}

/// The rota looks every thirty seconds under this lease. The time is that of a clock that stands still while something
/// is done.
#[tokio::test(start_paused = true)]
async fn what_cannot_begin_is_tried_again_however_long_its_lease_is() {
    for here in [true, false] {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        round(&store, 0).await;
        let (tally, nowhere) = (Tally::new(), Begin::After("99".parse().unwrap()));
        let reactions = start_with(&store, nowhere, &tally, BackOff::default(), LONGEST_LEASE);
        let cannot = |piece: &PieceStatus| matches!(piece.state, PieceState::CannotBegin { .. });
        until("it cannot begin", || cannot(&only(&reactions))).await;
        // By now it tries every five seconds.
        tokio::time::sleep(Duration::from_secs(300)).await;
        let decided = Instant::now();
        let patience = match here {
            true => {
                reactions.begin(&name(), &Begin::AtTheFirst).await.unwrap();
                Duration::from_millis(100)
            }
            false => {
                let first = Cursor::start(store.log_id(), store.partitions());
                store.begin_anew(&name(), &first).await.unwrap();
                Duration::from_secs(6)
            }
        };
        has_seen(&tally, [0]).await;
        assert!(decided.elapsed() < patience, "{:?}", decided.elapsed());
        reactions.shutdown().await;
    }
}
