//! Checks that another command in place of a parked one closes the letter if, and only if, it is accepted.

use std::sync::Arc;
use std::time::Duration;

use seriatim_coordinator::Coordinator;
use seriatim_core::{
    Action, CommandGateway, CommandLetter, DeadLetter, DeadLetterStore, Decision, EventStore,
    ExpectedSequence, LetterSource, LetterStatus, MergeStrategy, Message, OperatorError, Outcome,
    Payload, RecordedEvent, Sequence, Store, StreamId, SubmitError, Tried, Verb,
};
use seriatim_store_memory::MemoryStore;
use seriatim_testkit::faults::{FaultyStore, Interruption};
use uuid::Uuid;

use crate::cart::*;
use crate::desk::decide;

async fn park(coordinator: &Coordinator, stream: &StreamId, command: &Do) -> Uuid {
    let mut request = under("form-7", stale(stream, command, 0, MergeStrategy::Manual));
    request.metadata.correlation_id = Some("move-4".into());
    request.metadata.actor = Some("cid".into());
    match coordinator.submit(request).await.unwrap().outcome {
        Outcome::DeadLettered { id, .. } => id,
        other => panic!("{other:?}"),
    }
}

async fn moved_on(coordinator: &Coordinator) -> StreamId {
    stream_of(coordinator, [name("a"), name("b")]).await
}

fn edit_by(actor: &str, letter: Uuid, commands: &[Do], expected: ExpectedSequence) -> Decision {
    let commands = commands.iter().map(|command| command.encode().unwrap());
    Decision {
        letter,
        action: Action::Edit {
            commands: commands.collect(),
            expected,
        },
        actor: Some(actor.into()),
        reason: Some("the customer called".into()),
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

async fn edit(
    coordinator: &Coordinator,
    letter: Uuid,
    commands: &[Do],
) -> Result<CommandLetter, OperatorError> {
    let decision = edit_by("ann", letter, commands, ExpectedSequence::Any);
    carry_out(coordinator, &decision).await
}

async fn events(store: &dyn EventStore, stream: &StreamId) -> Vec<RecordedEvent> {
    store.read_stream(stream, Sequence(0), 99).await.unwrap()
}

#[tokio::test]
async fn an_accepted_edit_closes_the_letter_and_stays_in_its_workflow() {
    let (coordinator, store) = coordinator();
    let stream = moved_on(&coordinator).await;
    let id = park(&coordinator, &stream, &name("mine")).await;
    let commands = [name("ours"), note("agreed")];
    let letter = edit(&coordinator, id, &commands).await.unwrap();
    assert_eq!(letter.status, LetterStatus::Resolved);
    let [attempt] = &letter.attempts[..] else {
        panic!("{letter:?}")
    };
    assert_eq!(attempt.result, "accepted: events 2 to 3");
    assert!(attempt.closes);
    let sent: Vec<Payload> = (commands.iter().map(|one| one.encode().unwrap())).collect();
    assert_eq!(attempt.tried, Some(Tried::Edit { commands: sent }));
    // What was parked is kept as it was.
    assert_eq!(letter.request.commands, [name("mine").encode().unwrap()]);
    assert_eq!(store.letter(id).await.unwrap(), Some(letter));

    let events = events(&*store, &stream).await;
    assert_eq!(events.len(), 4);
    for event in &events[2..] {
        let metadata = &event.metadata;
        assert_eq!(metadata.causation_id, Some(id));
        assert_eq!(metadata.correlation_id.as_deref(), Some("move-4"));
        assert_eq!(metadata.external_id.as_deref(), Some("form-7"));
        assert_eq!(metadata.actor.as_deref(), Some("ann"));
    }
}

#[tokio::test]
async fn a_rejected_edit_leaves_the_letter_and_shows_what_was_tried() {
    let (coordinator, _) = coordinator();
    let stream = moved_on(&coordinator).await;
    let id = park(&coordinator, &stream, &name("mine")).await;
    let take = Do::Take { count: 5 };
    for tried in 1..=2 {
        let letter = edit(&coordinator, id, std::slice::from_ref(&take)).await;
        let letter = letter.unwrap();
        assert_eq!(letter.status, LetterStatus::Parked);
        assert_eq!(letter.attempts.len(), tried);
        let attempt = letter.attempts.last().unwrap();
        assert_eq!(attempt.result, "not accepted: there are only 0");
        assert!(!attempt.closes);
        let commands = vec![take.encode().unwrap()];
        assert_eq!(attempt.tried, Some(Tried::Edit { commands }));
    }
    // All or nothing: the first of two would have been accepted.
    let letter = edit(&coordinator, id, &[name("ours"), take]).await.unwrap();
    assert_eq!(letter.status, LetterStatus::Parked);
    assert_eq!(events(&**coordinator.store(), &stream).await.len(), 2);
    // It can still be resubmitted as it was.
    let letter = decide(&coordinator, Verb::Resubmit, id).await.unwrap();
    assert_eq!(
        (letter.status, letter.attempts.len()),
        (LetterStatus::Resolved, 4)
    );
}

#[tokio::test]
async fn an_edit_with_nothing_to_change_closes_the_letter() {
    let (coordinator, _) = coordinator();
    let stream = moved_on(&coordinator).await;
    let id = park(&coordinator, &stream, &name("mine")).await;
    let letter = edit(&coordinator, id, &[Do::Nothing]).await.unwrap();
    assert_eq!(letter.status, LetterStatus::Resolved);
    match edit(&coordinator, id, &[name("ours")]).await.unwrap_err() {
        OperatorError::Closed { by, .. } => {
            assert_eq!(by.unwrap().actor.as_deref(), Some("ann"));
        }
        other => panic!("{other}"),
    }
    assert_eq!(events(&**coordinator.store(), &stream).await.len(), 2);
}

/// A slip of the pen is no attempt.
#[tokio::test]
async fn what_is_no_command_of_the_domain_is_refused_and_not_counted() {
    let (coordinator, store) = coordinator();
    let stream = moved_on(&coordinator).await;
    let id = park(&coordinator, &stream, &name("mine")).await;
    let before = store.letter(id).await.unwrap();
    let good = name("ours").encode().unwrap();
    for (commands, field, why) in [
        (vec![], "commands", ""),
        (vec![Payload::json("Sing", "{}")], "commands[0]", "Sing"),
        (
            vec![
                good.clone(),
                Payload::json(good.type_name.clone(), "{\"name\":"),
            ],
            "commands[1]",
            "line 1",
        ),
        (
            vec![Payload::json(good.type_name.clone(), "{\"nam\":\"x\"}")],
            "commands[0]",
            "name",
        ),
    ] {
        let decision = Decision {
            action: Action::Edit {
                commands,
                expected: ExpectedSequence::Any,
            },
            ..edit_by("ann", id, &[], ExpectedSequence::Any)
        };
        match carry_out(&coordinator, &decision).await.unwrap_err() {
            OperatorError::Submit(error) => match *error {
                SubmitError::Invalid(violations) => {
                    assert_eq!(violations[0].field, field);
                    assert!(violations[0].description.contains(why), "{violations:?}");
                }
                other => panic!("{other}"),
            },
            other => panic!("{other}"),
        }
    }
    assert_eq!(store.letter(id).await.unwrap(), before);
}

#[tokio::test]
async fn an_edit_is_tried_only_where_the_stream_was_seen() {
    let (coordinator, store) = coordinator();
    let stream = moved_on(&coordinator).await;
    let id = park(&coordinator, &stream, &name("mine")).await;
    let before = store.letter(id).await.unwrap();
    let at = |sequence| {
        let expected = ExpectedSequence::Exactly(Sequence(sequence));
        edit_by("ann", id, &[name("ours")], expected)
    };
    for elsewhere in [0, 2] {
        match carry_out(&coordinator, &at(elsewhere)).await.unwrap_err() {
            OperatorError::Moved { conflict, .. } => {
                assert_eq!(conflict.current, Some(Sequence(1)));
            }
            other => panic!("{other}"),
        }
        assert_eq!(store.letter(id).await.unwrap(), before);
    }
    let letter = carry_out(&coordinator, &at(1)).await.unwrap();
    assert_eq!(letter.status, LetterStatus::Resolved);
}

/// The first one counts, in whatever process, and the others are told who it was and when.
#[tokio::test]
async fn of_many_who_edit_at_once_one_wins_and_the_others_are_told_who() {
    let store = Arc::new(MemoryStore::new());
    let others: Vec<_> = (0..6)
        .map(|_| on(&(Arc::clone(&store) as Arc<dyn Store>)))
        .collect();
    for turn in 0..20 {
        let stream = moved_on(&others[0]).await;
        let id = park(&others[0], &stream, &name("mine")).await;
        let edits = others.iter().enumerate().map(|(at, one)| async move {
            // Some begin later than others.
            for _ in 0..(at * turn % 4) {
                tokio::task::yield_now().await;
            }
            let actor = format!("operator-{at}");
            // Two of them say the same.
            let commands = [name(&format!("by {}", at / 2))];
            let decision = edit_by(&actor, id, &commands, ExpectedSequence::Any);
            (actor, carry_out(one, &decision).await)
        });
        let answers = futures::future::join_all(edits).await;
        let (heard, late): (Vec<_>, Vec<_>) =
            (answers.into_iter()).partition(|(_, answer)| answer.is_ok());
        let [(winner, _)] = &heard[..] else {
            panic!("{heard:?}")
        };
        let events = events(&*store, &stream).await;
        assert_eq!(events.len(), 3);
        assert_eq!(events[2].metadata.actor.as_ref(), Some(winner));
        for (_, refused) in late {
            match refused.unwrap_err() {
                OperatorError::Closed { status, by, .. } => {
                    assert_eq!(status, LetterStatus::Resolved);
                    let by = by.expect("it is known");
                    assert_eq!(by.actor.as_ref(), Some(winner));
                    assert!(by.at >= events[1].recorded_at, "{by:?}");
                }
                other => panic!("{other}"),
            }
        }
        let letter = store.letter(id).await.unwrap().unwrap();
        let closing: Vec<_> = (letter.attempts.iter().filter(|one| one.closes)).collect();
        assert_eq!(closing.len(), 1);
        assert_eq!(closing[0].actor.as_ref(), Some(winner));
    }
}

#[tokio::test]
async fn whoever_comes_after_a_discard_is_told_who_discarded() {
    let (coordinator, _) = coordinator();
    let stream = moved_on(&coordinator).await;
    let id = park(&coordinator, &stream, &name("mine")).await;
    decide(&coordinator, Verb::Discard, id).await.unwrap();
    let late = edit(&coordinator, id, &[name("ours")]).await.unwrap_err();
    match &late {
        OperatorError::Closed { status, by, .. } => {
            assert_eq!(*status, LetterStatus::Discarded);
            assert_eq!(by.as_ref().unwrap().actor.as_deref(), Some("ann"));
        }
        other => panic!("{other}"),
    }
    assert!(
        late.to_string().contains("discarded already, by ann at 2"),
        "{late}"
    );
}

/// Runs an edit until it ends, or until the process that does it would have died.
async fn until_interrupted(coordinator: &Coordinator, faulty: &FaultyStore, id: Uuid) {
    let commands = [name("ours")];
    let edit = edit(coordinator, id, &commands);
    let died = async {
        while !faulty.was_interrupted() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // What goes on without an answer is given time to come to its end.
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    tokio::select! {
        _ = edit => {}
        () = died => {}
    }
}

#[tokio::test]
async fn an_edit_that_is_broken_off_anywhere_leaves_nothing_half() {
    let (plain, faulty, stream, id) = parked_on_faulty().await;
    // It counts the calls, and interrupts none.
    faulty.interrupt("nothing", 1, Interruption::Refused);
    let coordinator = on(&(Arc::new(faulty.clone()) as Arc<dyn Store>));
    edit(&coordinator, id, &[name("ours")]).await.unwrap();
    let calls = faulty.calls();
    assert_eq!(events(&plain, &stream).await.len(), 3);
    assert!(calls.len() >= 4, "{calls:?}");
    let (mut done, mut undone) = (0, 0);
    for (action, count) in calls {
        for nth in 1..=count {
            for how in Interruption::ALL {
                let (plain, faulty, stream, id) = parked_on_faulty().await;
                let coordinator = on(&(Arc::new(faulty.clone()) as Arc<dyn Store>));
                faulty.interrupt(action, nth, how);
                until_interrupted(&coordinator, &faulty, id).await;
                assert!(faulty.was_interrupted(), "{action} {nth} {how:?}");

                // Another process, and another person.
                let after = on(&(Arc::new(plain.clone()) as Arc<dyn Store>));
                let wanted = edit_by("zoe", id, &[name("zoe's")], ExpectedSequence::Any);
                let place = format!("{action} {nth} {how:?}");
                let said = carry_out(&after, &wanted).await;
                let events = events(&plain, &stream).await;
                assert_eq!(events.len(), 3, "{place}: one of both, and once");
                let letter = plain.letter(id).await.unwrap().unwrap();
                assert_eq!(letter.status, LetterStatus::Resolved, "{place}");
                let writer = events[2].metadata.actor.as_deref();
                match said {
                    Ok(_) => {
                        assert_eq!(writer, Some("zoe"), "{place}");
                        undone += 1;
                    }
                    Err(OperatorError::Closed { by, .. }) => {
                        assert_eq!(writer, Some("ann"), "{place}");
                        let by = by.expect("it is in the log");
                        assert_eq!(by.actor.as_deref(), Some("ann"), "{place}");
                        done += 1;
                    }
                    Err(other) => panic!("{place}: {other}"),
                }
            }
        }
    }
    assert!(done > 0 && undone > 0, "{done} {undone}");
}

async fn parked_on_faulty() -> (MemoryStore, FaultyStore, StreamId, Uuid) {
    let plain = MemoryStore::new();
    let before = on(&(Arc::new(plain.clone()) as Arc<dyn Store>));
    let stream = moved_on(&before).await;
    let id = park(&before, &stream, &name("mine")).await;
    let faulty = FaultyStore::new(Arc::new(plain.clone()));
    (plain, faulty, stream, id)
}

/// A letter that is edited again and again does not grow without end.
#[tokio::test]
async fn the_history_keeps_the_latest_large_edits() {
    let (coordinator, _) = coordinator();
    let stream = moved_on(&coordinator).await;
    let id = park(&coordinator, &stream, &name("mine")).await;
    let large = name(&"x".repeat(100_000));
    let mut letter = None;
    for _ in 0..6 {
        let commands = [large.clone(), Do::Take { count: 5 }];
        letter = Some(edit(&coordinator, id, &commands).await.unwrap());
    }
    let letter = letter.unwrap();
    assert_eq!(letter.attempts.len(), 6);
    let kept = letter.attempts.iter().map(|attempt| match &attempt.tried {
        Some(Tried::Edit { commands }) => commands.len(),
        other => panic!("{other:?}"),
    });
    assert_eq!(kept.collect::<Vec<_>>(), [0, 0, 0, 0, 2, 2]);
}
