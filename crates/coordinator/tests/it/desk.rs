//! Checks that a decision about a parked command is carried out once, and that its result is kept.

use std::sync::Arc;

use seriatim_coordinator::Coordinator;
use seriatim_core::{
    CommandGateway, CommandLetter, DeadLetter, DeadLetterStore, Decision, EventStore, LetterFilter,
    LetterKind, LetterSource, LetterStatus, MergeStrategy, OperatorError, Outcome, Store,
    StoreErrorKind, StreamId, Verb,
};
use seriatim_store_memory::MemoryStore;
use seriatim_testkit::faults::{Fault, FaultyStore, Interruption};
use uuid::Uuid;

use crate::cart::*;

/// Parks a command on a stream that has moved on. Returns the letter's id.
async fn park(coordinator: &Coordinator, stream: &StreamId, command: Do) -> Uuid {
    let request = under("form-7", stale(stream, &command, 0, MergeStrategy::Manual));
    let receipt = coordinator.submit(request).await.unwrap();
    match receipt.outcome {
        Outcome::DeadLettered { id, .. } => id,
        other => panic!("{other:?}"),
    }
}

fn decision(verb: Verb, letter: Uuid) -> Decision {
    Decision {
        letter,
        action: verb.into(),
        actor: Some("ann".into()),
        reason: Some("the customer called".into()),
    }
}

pub(crate) async fn decide(
    coordinator: &Coordinator,
    verb: Verb,
    id: Uuid,
) -> Result<CommandLetter, OperatorError> {
    match coordinator.decide(&decision(verb, id)).await? {
        Some(DeadLetter::Command(letter)) => Ok(*letter),
        other => panic!("{other:?}"),
    }
}

fn closed(refused: OperatorError) -> LetterStatus {
    match refused {
        OperatorError::Closed { status, .. } => status,
        other => panic!("{other}"),
    }
}

async fn moved_on(coordinator: &Coordinator) -> StreamId {
    stream_of(coordinator, [name("a"), name("b")]).await
}

#[tokio::test]
async fn a_resubmitted_command_is_decided_on_what_is_current() {
    let (coordinator, store) = coordinator();
    let stream = moved_on(&coordinator).await;
    let id = park(&coordinator, &stream, name("mine")).await;
    let letter = decide(&coordinator, Verb::Resubmit, id).await.unwrap();
    assert_eq!(letter.status, LetterStatus::Resolved);
    let [attempt] = &letter.attempts[..] else {
        panic!("{letter:?}")
    };
    assert_eq!(attempt.actor.as_deref(), Some("ann"));
    assert_eq!(attempt.reason.as_deref(), Some("the customer called"));
    assert_eq!(attempt.result, "accepted: events 2 to 2");
    assert_eq!(store.letter(id).await.unwrap(), Some(letter));
    // The event still carries its sender's metadata.
    let events = store
        .read_stream(&stream, seriatim_core::Sequence(2), 9)
        .await;
    let events = events.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].metadata.external_id.as_deref(), Some("form-7"));

    for verb in [Verb::Resubmit, Verb::Discard] {
        let again = decide(&coordinator, verb, id).await.unwrap_err();
        assert_eq!(closed(again), LetterStatus::Resolved);
    }
    assert_eq!(history(&store, &stream).await.len(), 3);
}

#[tokio::test]
async fn what_is_rejected_stays_parked_with_one_attempt_more() {
    let (coordinator, store) = coordinator();
    let stream = moved_on(&coordinator).await;
    let id = park(&coordinator, &stream, Do::Take { count: 5 }).await;
    for tried in 1..=2 {
        let letter = decide(&coordinator, Verb::Resubmit, id).await.unwrap();
        assert_eq!(letter.status, LetterStatus::Parked);
        assert_eq!(letter.attempts.len(), tried);
        assert_eq!(
            letter.attempts[tried - 1].result,
            "not accepted: there are only 0"
        );
    }
    accept(&coordinator, &stream, Do::Add { count: 9 }).await;
    let letter = decide(&coordinator, Verb::Resubmit, id).await.unwrap();
    assert_eq!(
        (letter.status, letter.attempts.len()),
        (LetterStatus::Resolved, 3)
    );
    assert_eq!(history(&store, &stream).await.len(), 4);
}

#[tokio::test]
async fn what_gives_no_events_is_resolved_all_the_same() {
    let (coordinator, store) = coordinator();
    let stream = moved_on(&coordinator).await;
    let id = park(&coordinator, &stream, Do::Nothing).await;
    let letter = decide(&coordinator, Verb::Resubmit, id).await.unwrap();
    assert_eq!(letter.status, LetterStatus::Resolved);
    let again = decide(&coordinator, Verb::Discard, id).await.unwrap_err();
    assert_eq!(closed(again), LetterStatus::Resolved);
    assert_eq!(history(&store, &stream).await.len(), 2);
}

#[tokio::test]
async fn a_discarded_command_is_never_run() {
    let (coordinator, store) = coordinator();
    let stream = moved_on(&coordinator).await;
    let id = park(&coordinator, &stream, name("mine")).await;
    let letter = decide(&coordinator, Verb::Discard, id).await.unwrap();
    assert_eq!(letter.status, LetterStatus::Discarded);
    assert_eq!(
        letter.attempts[0].reason.as_deref(),
        Some("the customer called")
    );
    let again = decide(&coordinator, Verb::Resubmit, id).await.unwrap_err();
    assert_eq!(closed(again), LetterStatus::Discarded);
    assert_eq!(history(&store, &stream).await.len(), 2);
}

/// The first decision counts, even if others are made in other processes, whose senders are told of it.
#[tokio::test]
async fn of_many_who_decide_at_once_one_is_heard() {
    let store = Arc::new(MemoryStore::new());
    let others: Vec<_> = (0..8)
        .map(|_| on(&(Arc::clone(&store) as Arc<dyn Store>)))
        .collect();
    for _ in 0..20 {
        let stream = moved_on(&others[0]).await;
        let id = park(&others[0], &stream, name("mine")).await;
        let decisions = others.iter().enumerate().map(|(at, one)| {
            let verb = if at % 2 == 0 {
                Verb::Resubmit
            } else {
                Verb::Discard
            };
            decide(one, verb, id)
        });
        let answers = futures::future::join_all(decisions).await;
        let (heard, late): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        let [heard] = &heard[..] else {
            panic!("{heard:?}")
        };
        let status = heard.as_ref().unwrap().status;
        for refused in late {
            assert_eq!(closed(refused.unwrap_err()), status);
        }
        let events = store.read_stream(&stream, seriatim_core::Sequence(0), 9);
        let expected = if status == LetterStatus::Resolved {
            3
        } else {
            2
        };
        assert_eq!(events.await.unwrap().len(), expected);
        assert_eq!(store.letter(id).await.unwrap().unwrap().status, status);
    }
}

/// The commit has carried out the decision, although the letter was never updated.
#[tokio::test]
async fn who_dies_before_the_letter_is_revised_has_decided_all_the_same() {
    for (verb, status, events) in [
        (Verb::Resubmit, LetterStatus::Resolved, 3),
        (Verb::Discard, LetterStatus::Discarded, 2),
    ] {
        let plain = MemoryStore::new();
        let faulty = FaultyStore::new(Arc::new(plain.clone()));
        let coordinator = on(&(Arc::new(faulty.clone()) as Arc<dyn Store>));
        let stream = moved_on(&coordinator).await;
        let id = park(&coordinator, &stream, name("mine")).await;
        faulty.interrupt("revise a dead letter", 1, Interruption::Refused);
        let unsaid = decide(&coordinator, verb, id).await.unwrap_err();
        assert!(matches!(unsaid, OperatorError::Query(_)), "{unsaid}");
        let letter = plain.letter(id).await.unwrap().unwrap();
        assert_eq!(letter.status, LetterStatus::Parked);

        let late = decide(&coordinator, Verb::Resubmit, id).await.unwrap_err();
        assert_eq!(closed(late), status);
        let letter = plain.letter(id).await.unwrap().unwrap();
        assert_eq!((letter.status, letter.attempts.len()), (status, 1));
        let read = plain.read_stream(&stream, seriatim_core::Sequence(0), 9);
        assert_eq!(read.await.unwrap().len(), events);
    }
}

#[tokio::test]
async fn letters_of_others_are_not_its_own() {
    let (coordinator, _) = coordinator();
    let nobody = Uuid::now_v7();
    let decided = coordinator.decide(&decision(Verb::Discard, nobody)).await;
    assert_eq!(decided.unwrap(), None);
    assert_eq!(coordinator.open(nobody).await.unwrap(), None);
    let stream = moved_on(&coordinator).await;
    park(&coordinator, &stream, name("mine")).await;
    let filters = [
        (LetterFilter::default(), 1),
        (
            LetterFilter {
                kind: Some(LetterKind::Reaction),
                ..LetterFilter::default()
            },
            0,
        ),
        (
            LetterFilter {
                component: Some("printer".parse().unwrap()),
                ..LetterFilter::default()
            },
            0,
        ),
    ];
    for (filter, count) in filters {
        let found = LetterSource::letters(&coordinator, &filter, 9)
            .await
            .unwrap();
        assert_eq!(found.len(), count, "{filter:?}");
    }
}

/// The sender relied on a field: if that has changed, the command does not mean the same any more.
#[tokio::test]
async fn premises_hold_when_a_letter_is_resubmitted() {
    let (coordinator, _) = coordinator();
    let stream = moved_on(&coordinator).await;
    let mut request = stale(&stream, &note("for b"), 0, MergeStrategy::Manual);
    request.premises = vec!["name".parse().unwrap()];
    let parked = coordinator.submit(request).await.unwrap();
    let Outcome::DeadLettered { id, .. } = parked.outcome else {
        panic!("{parked:?}")
    };
    let letter = decide(&coordinator, Verb::Resubmit, id).await.unwrap();
    assert_eq!(letter.status, LetterStatus::Parked);
    let result = &letter.attempts[0].result;
    assert!(result.contains("`name` was changed"), "{result}");

    // The field is again what the sender saw.
    accept(&coordinator, &stream, name("a")).await;
    let letter = decide(&coordinator, Verb::Resubmit, id).await.unwrap();
    assert_eq!(letter.status, LetterStatus::Resolved, "{letter:?}");
}

#[tokio::test]
async fn what_cannot_be_tried_at_the_moment_is_no_attempt() {
    let plain = MemoryStore::new();
    let faulty = FaultyStore::new(Arc::new(plain.clone()));
    let coordinator = on(&(Arc::new(faulty.clone()) as Arc<dyn Store>));
    let stream = stream_of(&coordinator, [name("a"), name("b")]).await;
    let id = park(&coordinator, &stream, name("mine")).await;
    for verb in [Verb::Resubmit, Verb::Discard] {
        faulty.fail_next(Fault::NotWritten(StoreErrorKind::Unavailable));
        let refused = decide(&coordinator, verb, id).await.unwrap_err();
        assert!(matches!(refused, OperatorError::Submit(_)), "{refused:?}");
        let letter = plain.letter(id).await.unwrap().unwrap();
        assert_eq!(letter.status, LetterStatus::Parked);
        assert_eq!(letter.attempts, []);
    }
    let letter = decide(&coordinator, Verb::Resubmit, id).await.unwrap();
    assert_eq!(letter.attempts.len(), 1);
}
