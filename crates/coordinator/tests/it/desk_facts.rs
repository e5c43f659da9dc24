//! Checks that what happened anyway is recorded once, and closes the letter in the same commit.

use std::sync::Arc;
use std::time::Duration;

use seriatim_coordinator::Coordinator;
use seriatim_core::{
    Action, CommandGateway, CommandLetter, DeadLetter, DeadLetterStore, Decision, EventStore,
    FactOrigin, FirstResult, HappenedAnyway, LetterSource, LetterStatus, MergeStrategy, Message,
    NewFact, OperatorError, Outcome, RecordedEvent, Sequence, Store, StreamId, SubmitError, Tried,
    Verb,
};
use seriatim_store_memory::MemoryStore;
use seriatim_testkit::faults::{FaultyStore, Interruption};
use uuid::Uuid;

use crate::cart::*;
use crate::desk::decide;

async fn park(coordinator: &Coordinator, stream: &StreamId) -> Uuid {
    let mut request = stale(stream, &name("mine"), 0, MergeStrategy::Manual);
    request.metadata.correlation_id = Some("move-4".into());
    match coordinator.submit(request).await.unwrap().outcome {
        Outcome::DeadLettered { id, .. } => id,
        other => panic!("{other:?}"),
    }
}

async fn moved_on(coordinator: &Coordinator) -> StreamId {
    stream_of(coordinator, [Do::Open, name("a"), name("b")]).await
}

fn happened(actor: &str, letter: Uuid, external_id: &str, cents: i64) -> Decision {
    let payload = Happened::Paid { cents }.encode().unwrap();
    Decision {
        letter,
        action: Action::Record(Box::new(HappenedAnyway {
            fact: NewFact {
                payload,
                origin: FactOrigin {
                    source: "stripe".into(),
                    description: "paid at the counter".into(),
                },
            },
            external_id: external_id.into(),
            route_to_aggregate: None,
        })),
        actor: Some(actor.into()),
        reason: None,
    }
}

async fn carry_out(
    coordinator: &Coordinator,
    decision: &Decision,
) -> Result<CommandLetter, OperatorError> {
    match coordinator.decide(decision).await? {
        Some(DeadLetter::Command(letter)) => Ok(*letter),
        other => panic!("{other:?}"),
    }
}

async fn events(store: &dyn EventStore, stream: &StreamId) -> Vec<RecordedEvent> {
    store.read_stream(stream, Sequence(0), 99).await.unwrap()
}

#[tokio::test]
async fn a_fact_closes_the_letter_and_is_known_under_its_external_id() {
    let (coordinator, store) = coordinator();
    let stream = moved_on(&coordinator).await;
    let id = park(&coordinator, &stream).await;
    let decision = happened("ann", id, "pay-1", 100);
    let letter = carry_out(&coordinator, &decision).await.unwrap();
    assert_eq!(letter.status, LetterStatus::Resolved);
    let [attempt] = &letter.attempts[..] else {
        panic!("{letter:?}")
    };
    assert_eq!(attempt.result, "accepted: events 3 to 3");
    assert!(attempt.closes);
    match &attempt.tried {
        Some(Tried::Record {
            facts,
            origin,
            external_id,
        }) => {
            assert_eq!(facts.len(), 1);
            assert_eq!(origin.source, "stripe");
            assert_eq!(external_id, "pay-1");
        }
        other => panic!("{other:?}"),
    }
    let recorded = events(&*store, &stream).await;
    assert_eq!(recorded.len(), 4);
    let metadata = &recorded[3].metadata;
    assert_eq!(metadata.causation_id, Some(id));
    assert_eq!(metadata.correlation_id.as_deref(), Some("move-4"));
    assert_eq!(metadata.external_id.as_deref(), Some("pay-1"));
    assert_eq!(metadata.actor.as_deref(), Some("ann"));
    let origin = metadata.origin.as_ref().unwrap();
    assert_eq!(origin.description, "paid at the counter");

    // Its source sends it too, and is told what it was recorded as.
    let again = fact(&stream, "pay-1", &Happened::Paid { cents: 100 });
    match coordinator.record(again).await.unwrap().outcome {
        Outcome::Duplicate(FirstResult::Committed { first, .. }) => {
            assert_eq!(first, Sequence(3));
        }
        other => panic!("{other:?}"),
    }
    match carry_out(&coordinator, &decision).await.unwrap_err() {
        OperatorError::Closed { by, .. } => {
            assert_eq!(by.unwrap().actor.as_deref(), Some("ann"));
        }
        other => panic!("{other}"),
    }
    assert_eq!(events(&*store, &stream).await.len(), 4);
}

/// The source was faster: the fact is not recorded twice, and the letter closes all the same.
#[tokio::test]
async fn a_fact_that_was_recorded_before_only_closes_the_letter() {
    let (coordinator, store) = coordinator();
    let stream = moved_on(&coordinator).await;
    let (one, other) = (
        park(&coordinator, &stream).await,
        park(&coordinator, &stream).await,
    );
    let paid = fact(&stream, "pay-1", &Happened::Paid { cents: 100 });
    coordinator.record(paid).await.unwrap();
    let count = events(&*store, &stream).await.len();
    for id in [one, other] {
        let letter = carry_out(&coordinator, &happened("ann", id, "pay-1", 100)).await;
        assert_eq!(letter.unwrap().status, LetterStatus::Resolved);
        let late = decide(&coordinator, Verb::Resubmit, id).await.unwrap_err();
        assert!(matches!(late, OperatorError::Closed { .. }), "{late}");
    }
    assert_eq!(events(&*store, &stream).await.len(), count);
}

#[tokio::test]
async fn an_external_id_that_stands_for_something_else_leaves_the_letter() {
    let (coordinator, store) = coordinator();
    let stream = moved_on(&coordinator).await;
    let id = park(&coordinator, &stream).await;
    let paid = fact(&stream, "pay-1", &Happened::Paid { cents: 7 });
    coordinator.record(paid).await.unwrap();
    let before = store.letter(id).await.unwrap();
    let count = events(&*store, &stream).await.len();
    match carry_out(&coordinator, &happened("ann", id, "pay-1", 100))
        .await
        .unwrap_err()
    {
        OperatorError::Submit(error) => match *error {
            SubmitError::ExternalIdReused { external_id, .. } => assert_eq!(external_id, "pay-1"),
            other => panic!("{other}"),
        },
        other => panic!("{other}"),
    }
    assert_eq!(store.letter(id).await.unwrap(), before);
    assert_eq!(events(&*store, &stream).await.len(), count);
    // Under its own name it is recorded.
    let letter = carry_out(&coordinator, &happened("ann", id, "pay-2", 100)).await;
    assert_eq!(letter.unwrap().status, LetterStatus::Resolved);
}

type Break = fn(&mut HappenedAnyway);

#[tokio::test]
async fn what_is_no_fact_is_refused_with_the_field() {
    let (coordinator, store) = coordinator();
    let stream = moved_on(&coordinator).await;
    let id = park(&coordinator, &stream).await;
    let before = store.letter(id).await.unwrap();
    let break_it: [(&str, Break); 4] = [
        ("external_id", |fact| fact.external_id.clear()),
        ("source", |fact| fact.fact.origin.source.clear()),
        ("description", |fact| {
            " ".clone_into(&mut fact.fact.origin.description);
        }),
        ("event", |fact| fact.fact.payload.type_name = "Sung".into()),
    ];
    for (field, break_it) in break_it {
        let mut decision = happened("ann", id, "pay-1", 100);
        if let Action::Record(fact) = &mut decision.action {
            break_it(fact);
        }
        match carry_out(&coordinator, &decision).await.unwrap_err() {
            OperatorError::Submit(error) => match *error {
                SubmitError::Invalid(violations) => assert_eq!(violations[0].field, field),
                other => panic!("{other}"),
            },
            other => panic!("{other}"),
        }
    }
    assert_eq!(store.letter(id).await.unwrap(), before);
}

/// Facts, discards and resubmissions, in several processes, and the source of the fact itself: the fact is there once at
/// most, and only if it has closed the letter or the source was faster.
#[tokio::test]
async fn of_all_who_decide_at_once_one_is_heard() {
    let store = Arc::new(MemoryStore::new());
    let others: Vec<_> = (0..4)
        .map(|_| on(&(Arc::clone(&store) as Arc<dyn Store>)))
        .collect();
    let mut statuses = Vec::new();
    for turn in 0..40 {
        let stream = moved_on(&others[0]).await;
        let id = park(&others[0], &stream).await;
        let decisions = others.iter().enumerate().map(|(at, one)| async move {
            for _ in 0..((at + 1) * turn % 5) {
                tokio::task::yield_now().await;
            }
            match at {
                0 => carry_out(one, &happened("operator-0", id, "pay-1", 100)).await,
                1 => carry_out(one, &happened("operator-1", id, "pay-2", 100)).await,
                2 => decide(one, Verb::Discard, id).await,
                _ => decide(one, Verb::Resubmit, id).await,
            }
        });
        let answers = futures::future::join_all(decisions).await;
        let heard: Vec<_> = answers.into_iter().filter_map(Result::ok).collect();
        assert_eq!(heard.len(), 1, "{heard:?}");
        let status = heard[0].status;
        statuses.push(status);
        let recorded = events(&*store, &stream).await;
        let expected = 3 + usize::from(status == LetterStatus::Resolved);
        assert_eq!(recorded.len(), expected);
        let mut keys = 0;
        for key in ["pay-1", "pay-2"] {
            keys += usize::from(store.find_claim(&stream, key).await.unwrap().is_some());
        }
        let is_fact = recorded
            .get(3)
            .is_some_and(|event| event.metadata.origin.is_some());
        assert_eq!(keys, usize::from(is_fact), "both keys or none");
    }
    assert!(statuses.contains(&LetterStatus::Resolved));
}

async fn until_interrupted(coordinator: &Coordinator, faulty: &FaultyStore, id: Uuid) {
    let decision = happened("ann", id, "pay-1", 100);
    let died = async {
        while !faulty.was_interrupted() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // What goes on without an answer is given time to come to its end.
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    tokio::select! {
        _ = carry_out(coordinator, &decision) => {}
        () = died => {}
    }
}

async fn parked_on_faulty() -> (MemoryStore, FaultyStore, StreamId, Uuid) {
    let plain = MemoryStore::new();
    let before = on(&(Arc::new(plain.clone()) as Arc<dyn Store>));
    let stream = moved_on(&before).await;
    let id = park(&before, &stream).await;
    let faulty = FaultyStore::new(Arc::new(plain.clone()));
    (plain, faulty, stream, id)
}

#[tokio::test]
async fn a_record_that_is_broken_off_anywhere_leaves_nothing_half() {
    let (_, faulty, _, id) = parked_on_faulty().await;
    faulty.interrupt("nothing", 1, Interruption::Refused);
    let coordinator = on(&(Arc::new(faulty.clone()) as Arc<dyn Store>));
    let decision = happened("ann", id, "pay-1", 100);
    carry_out(&coordinator, &decision).await.unwrap();
    let calls = faulty.calls();
    let (mut done, mut undone) = (0, 0);
    for (action, count) in calls {
        for nth in 1..=count {
            for how in Interruption::ALL {
                let (plain, faulty, stream, id) = parked_on_faulty().await;
                let coordinator = on(&(Arc::new(faulty.clone()) as Arc<dyn Store>));
                faulty.interrupt(action, nth, how);
                until_interrupted(&coordinator, &faulty, id).await;
                let place = format!("{action} {nth} {how:?}");
                assert!(faulty.was_interrupted(), "{place}");

                let recorded = events(&plain, &stream).await.len() == 4;
                let fact = plain.find_claim(&stream, "pay-1").await.unwrap();
                assert_eq!(fact.is_some(), recorded, "{place}");
                // The same, by another person in another process, is done once.
                let after = on(&(Arc::new(plain.clone()) as Arc<dyn Store>));
                let again = happened("zoe", id, "pay-1", 100);
                match carry_out(&after, &again).await {
                    Ok(_) => undone += 1,
                    Err(OperatorError::Closed { by, .. }) => {
                        let by = by.expect("it is in the log");
                        assert_eq!(by.actor.as_deref(), Some("ann"), "{place}");
                        assert!(recorded, "{place}");
                        done += 1;
                    }
                    Err(other) => panic!("{place}: {other}"),
                }
                assert_eq!(events(&plain, &stream).await.len(), 4, "{place}");
                let letter = plain.letter(id).await.unwrap().unwrap();
                assert_eq!(letter.status, LetterStatus::Resolved, "{place}");
            }
        }
    }
    assert!(done > 0 && undone > 0, "{done} {undone}");
}
