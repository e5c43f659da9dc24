//! Checks that it is said what resubmitting parked commands would give, and that nothing is written by asking.

use std::sync::Arc;

use seriatim_coordinator::Coordinator;
use seriatim_core::{
    CommandGateway, ConflictReason, Desk, Domain, Forecast, LetterFilter, LetterSimulation,
    LetterStatus, MergeStrategy, OperatorError, Outcome, Sequence, Simulated, Simulation, Store,
    StreamId, Verb,
};
use seriatim_store_memory::MemoryStore;
use seriatim_testkit::faults::{FaultyStore, Interruption};
use uuid::Uuid;

use crate::cart::*;
use crate::desk::decide;

async fn park(coordinator: &Coordinator, stream: &StreamId, command: &Do) -> Uuid {
    let request = stale(stream, command, 0, MergeStrategy::Manual);
    match coordinator.submit(request).await.unwrap().outcome {
        Outcome::DeadLettered { id, .. } => id,
        other => panic!("{other:?}"),
    }
}

async fn moved_on(coordinator: &Coordinator) -> StreamId {
    stream_of(coordinator, [name("a"), name("b")]).await
}

fn desk(coordinator: &Coordinator) -> Desk {
    Desk::new(vec![Arc::new(coordinator.clone())])
}

async fn simulate(coordinator: &Coordinator, id: Uuid) -> Simulation {
    match desk(coordinator).simulate(id).await.unwrap() {
        LetterSimulation::Command(simulation) => *simulation,
        other @ LetterSimulation::Reaction(_) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_letter_is_simulated_on_what_is_current() {
    let (coordinator, store) = coordinator();
    let stream = moved_on(&coordinator).await;
    let id = park(&coordinator, &stream, &name("mine")).await;
    let before = store.letter(id).await.unwrap();
    let simulation = simulate(&coordinator, id).await;
    assert_eq!(simulation.before.sequence, Some(Sequence(1)));
    assert_eq!(simulation.before.to_json().unwrap()["name"], "b");
    let Simulated::Commits {
        events,
        merged,
        after,
    } = simulation.outcome
    else {
        panic!("{simulation:?}")
    };
    assert_eq!((events.len(), merged), (1, false));
    assert_eq!(after.sequence, Some(Sequence(2)));
    assert_eq!(after.to_json().unwrap()["name"], "mine");

    assert_eq!(history(&store, &stream).await.len(), 2);
    assert_eq!(store.letter(id).await.unwrap(), before);
    // What was said comes true.
    let letter = decide(&coordinator, Verb::Resubmit, id).await.unwrap();
    assert_eq!(letter.attempts[0].result, "accepted: events 2 to 2");
}

#[tokio::test]
async fn a_refusal_is_told_with_its_reason() {
    let (coordinator, _) = coordinator();
    let stream = moved_on(&coordinator).await;
    let id = park(&coordinator, &stream, &Do::Take { count: 5 }).await;
    match simulate(&coordinator, id).await.outcome {
        Simulated::Rejected(rejected) => assert_eq!(rejected.message, "there are only 0"),
        other => panic!("{other:?}"),
    }
    let id = park(&coordinator, &stream, &Do::Nothing).await;
    let simulated = simulate(&coordinator, id).await.outcome;
    assert_eq!(simulated, Simulated::Unchanged);

    let mut request = stale(&stream, &note("for b"), 0, MergeStrategy::Manual);
    request.premises = vec!["name".parse().unwrap()];
    let parked = coordinator.submit(request).await.unwrap();
    let Outcome::DeadLettered { id, .. } = parked.outcome else {
        panic!("{parked:?}")
    };
    match simulate(&coordinator, id).await.outcome {
        Simulated::Conflict(conflict) => assert!(
            matches!(conflict.reason, ConflictReason::PremiseChanged { .. }),
            "{conflict:?}"
        ),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_decided_is_not_simulated() {
    let plain = MemoryStore::new();
    let faulty = FaultyStore::new(Arc::new(plain.clone()));
    let coordinator = on(&(Arc::new(faulty.clone()) as Arc<dyn Store>));
    let stream = moved_on(&coordinator).await;
    let nobody = Uuid::now_v7();
    let refused = desk(&coordinator).simulate(nobody).await.unwrap_err();
    assert!(refused.to_string().contains("no dead letter"), "{refused}");

    // The claims are spent, although the letters have not learned of it.
    for (verb, expected) in [
        (Verb::Resubmit, LetterStatus::Resolved),
        (Verb::Discard, LetterStatus::Discarded),
    ] {
        let id = park(&coordinator, &stream, &name("mine")).await;
        faulty.interrupt("revise a dead letter", 1, Interruption::Refused);
        decide(&coordinator, verb, id).await.unwrap_err();
        let letter = coordinator.store().letter(id).await.unwrap().unwrap();
        assert_eq!(letter.status, LetterStatus::Parked);
        match desk(&coordinator).simulate(id).await.unwrap_err() {
            OperatorError::Closed { status, .. } => assert_eq!(status, expected),
            other => panic!("{other}"),
        }
    }
}

/// Returns the sum of all pages.
async fn forecast(desk: &Desk, filter: &LetterFilter, page: usize) -> Forecast {
    let mut filter = filter.clone();
    let mut all = Forecast::default();
    for _ in 0..100 {
        let part = desk.forecast(&filter, page, |_| true).await.unwrap();
        assert!(part.forecast.letters() <= page as u64);
        all.add(&part.forecast);
        filter.after = part.next;
        if part.next.is_none() {
            return all;
        }
    }
    panic!("the pages do not end")
}

#[tokio::test]
async fn what_would_become_of_many_is_counted() {
    let (coordinator, store) = coordinator();
    let (one, other) = (moved_on(&coordinator).await, moved_on(&coordinator).await);
    for _ in 0..11 {
        park(&coordinator, &one, &name("mine")).await;
    }
    park(&coordinator, &one, &Do::Take { count: 5 }).await;
    park(&coordinator, &other, &Do::Nothing).await;
    let closed = park(&coordinator, &other, &name("mine")).await;
    decide(&coordinator, Verb::Discard, closed).await.unwrap();
    let desk = desk(&coordinator);
    let expected = Forecast {
        committed: 11,
        unchanged: 1,
        rejected: 1,
        ..Forecast::default()
    };
    for page in [1, 2, 8, 9, 13, 100] {
        let found = forecast(&desk, &LetterFilter::default(), page).await;
        assert_eq!(found, expected, "{page} a page");
    }
    let of_other = LetterFilter {
        stream: Some(other.clone()),
        ..LetterFilter::default()
    };
    assert_eq!(forecast(&desk, &of_other, 5).await.letters(), 1);
    let of_nobody = LetterFilter {
        domain: Some(Domain::new("nobody").unwrap()),
        ..LetterFilter::default()
    };
    assert_eq!(forecast(&desk, &of_nobody, 5).await.letters(), 0);
    let any = LetterFilter::default();
    let left_out = desk.forecast(&any, 100, |letter| letter.stream() == &other);
    assert_eq!(left_out.await.unwrap().forecast.letters(), 1);
    assert_eq!(history(&store, &one).await.len(), 2);
}

/// A store that does not answer says nothing about the letters.
#[tokio::test]
async fn a_failing_store_gives_no_counts() {
    let faulty = FaultyStore::new(Arc::new(MemoryStore::new()));
    let coordinator = on(&(Arc::new(faulty.clone()) as Arc<dyn Store>));
    let stream = moved_on(&coordinator).await;
    park(&coordinator, &stream, &name("mine")).await;
    for action in [
        "list the dead letters",
        "read a dead letter",
        "look up an external id",
    ] {
        faulty.interrupt(action, 1, Interruption::Refused);
        let (desk, any) = (desk(&coordinator), LetterFilter::default());
        let counted = desk.forecast(&any, 9, |_| true).await;
        assert!(counted.is_err(), "{action}");
        assert!(faulty.was_interrupted(), "{action}");
    }
}
