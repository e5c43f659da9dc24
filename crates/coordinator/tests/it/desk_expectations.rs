//! Checks that a letter is resubmitted only where the person saw its stream.

use std::sync::Arc;

use seriatim_coordinator::Coordinator;
use seriatim_core::{
    Action, CommandGateway, CommandLetter, Conflict, DeadLetter, Decision, ExpectedSequence,
    LetterSource, LetterStatus, MergeStrategy, OperatorError, Outcome, Sequence, Store, StreamId,
    Verb,
};
use seriatim_store_memory::MemoryStore;
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

async fn resubmit(
    coordinator: &Coordinator,
    letter: Uuid,
    expected: ExpectedSequence,
) -> Result<CommandLetter, OperatorError> {
    let decision = Decision {
        letter,
        action: Action::Resubmit { expected },
        actor: Some("ann".into()),
        reason: None,
    };
    match coordinator.decide(&decision).await? {
        Some(DeadLetter::Command(letter)) => Ok(*letter),
        other => panic!("{other:?}"),
    }
}

fn at(sequence: u32) -> ExpectedSequence {
    ExpectedSequence::Exactly(Sequence(sequence))
}

#[tokio::test]
async fn a_stream_that_has_moved_leaves_the_letter_as_it_is() {
    let (coordinator, store) = coordinator();
    let stream = stream_of(&coordinator, [name("a"), name("b")]).await;
    let id = park(&coordinator, &stream, &name("mine")).await;
    let before = store.letter(id).await.unwrap();
    for expected in [at(0), at(2), at(u32::MAX), ExpectedSequence::NoStream] {
        match resubmit(&coordinator, id, expected).await.unwrap_err() {
            OperatorError::Moved {
                id: of,
                stream: moved,
                conflict,
            } => {
                assert_eq!((of, moved), (id, stream.clone()));
                let current = Some(Sequence(1));
                assert_eq!(conflict, Conflict { expected, current });
            }
            other => panic!("{other}"),
        }
        assert_eq!(store.letter(id).await.unwrap(), before, "{expected}");
    }
    assert_eq!(history(&store, &stream).await.len(), 2);

    let letter = resubmit(&coordinator, id, at(1)).await.unwrap();
    assert_eq!(letter.status, LetterStatus::Resolved);
    assert_eq!(history(&store, &stream).await.len(), 3);
    // What is closed is told before where the stream stands.
    let late = resubmit(&coordinator, id, at(1)).await.unwrap_err();
    assert!(matches!(late, OperatorError::Closed { .. }), "{late}");
}

/// What the letter's sender relied on is another question than what the operator saw.
#[tokio::test]
async fn premises_hold_beside_the_expectation() {
    let (coordinator, _) = coordinator();
    let stream = stream_of(&coordinator, [name("a"), name("b")]).await;
    let mut request = stale(&stream, &note("for b"), 0, MergeStrategy::Manual);
    request.premises = vec!["name".parse().unwrap()];
    let parked = coordinator.submit(request).await.unwrap();
    let Outcome::DeadLettered { id, .. } = parked.outcome else {
        panic!("{parked:?}")
    };
    let moved = resubmit(&coordinator, id, at(0)).await.unwrap_err();
    assert!(matches!(moved, OperatorError::Moved { .. }), "{moved}");
    let letter = resubmit(&coordinator, id, at(1)).await.unwrap();
    assert_eq!(letter.status, LetterStatus::Parked);
    let result = &letter.attempts[0].result;
    assert!(result.contains("`name` was changed"), "{result}");
}

/// A command between the look and the decision, in the same process or in another: never both, and nothing in between.
#[tokio::test]
async fn of_a_command_and_an_operator_who_expects_one_is_first() {
    let store = Arc::new(MemoryStore::new());
    let [one, other] = [0, 1].map(|_| on(&(Arc::clone(&store) as Arc<dyn Store>)));
    let (mut done, mut moved) = (0, 0);
    for turn in 0..40 {
        let sender = if turn % 2 == 0 { &one } else { &other };
        let stream = stream_of(&one, [name("a"), name("b")]).await;
        let id = park(&one, &stream, &tag("mine")).await;
        let command = async {
            if turn % 4 < 2 {
                tokio::task::yield_now().await;
            }
            accept(sender, &stream, tag("theirs")).await
        };
        let (_, decided) = tokio::join!(command, resubmit(&one, id, at(1)));
        let letter = store_letter(&one, id).await;
        match decided {
            Ok(decided) => {
                assert_eq!((decided.status, decided), (LetterStatus::Resolved, letter));
                done += 1;
            }
            Err(OperatorError::Moved { conflict, .. }) => {
                assert_eq!(conflict.current, Some(Sequence(2)));
                assert_eq!(
                    (letter.status, letter.attempts),
                    (LetterStatus::Parked, vec![])
                );
                moved += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(done + moved, 40);
}

async fn store_letter(coordinator: &Coordinator, id: Uuid) -> CommandLetter {
    coordinator.store().letter(id).await.unwrap().unwrap()
}

/// A letter that was discarded is closed, wherever its stream stands.
#[tokio::test]
async fn who_decided_before_is_told_first() {
    let (coordinator, _) = coordinator();
    let stream = stream_of(&coordinator, [name("a"), name("b")]).await;
    let id = park(&coordinator, &stream, &name("mine")).await;
    decide(&coordinator, Verb::Discard, id).await.unwrap();
    let late = resubmit(&coordinator, id, at(0)).await.unwrap_err();
    assert!(matches!(late, OperatorError::Closed { .. }), "{late}");
}
