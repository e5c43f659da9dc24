//! Tests parked streams: the others go on, and the parked events are handled in order when a person wants it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use seriatim_core::{
    Action, CheckpointStore, Component, Decision, EventFilter, ExpectedSequence, FactOrigin,
    HappenedAnyway, LetterDecision, LetterFilter, LetterSimulation, LetterSource, LetterStatus,
    NewFact, OpenLetter, OperatorError, Payload, ReactionLetter, RecordedEvent, Sequence, StreamId,
    Timestamp, Verb,
};
use seriatim_runtime::{AtLeastOnce, BackOff, Enrolled, FailurePolicy};
use seriatim_store_memory::MemoryStore;
use uuid::Uuid;

use super::desk::{decide, decision, letters, resubmit_all};
use super::tally::{
    Does, IMPATIENT, NAME, Tally, impatient_parking, is_paused, only, parking, start, start_with,
    until,
};
use crate::support::{append, fill, stream};

const HOUR: Duration = Duration::from_secs(3600);

/// Returns a component that fails on one event as long as the switch is on.
fn broken_at(root: u128, sequence: u32) -> (Tally, Arc<AtomicBool>) {
    let broken = Arc::new(AtomicBool::new(true));
    let switch = Arc::clone(&broken);
    let bad = (stream("order", root), Sequence(sequence));
    let tally = Tally::that(move |event| {
        let is_bad = (&event.stream, event.sequence) == (&bad.0, bad.1);
        match is_bad && switch.load(Ordering::Relaxed) {
            true => Does::Fails,
            false => Does::Notes,
        }
    });
    (tally, broken)
}

async fn parked(store: &MemoryStore) -> Vec<ReactionLetter> {
    store.parked(None).await.unwrap()
}

pub(super) async fn until_parked(
    store: &MemoryStore,
    what: &str,
    is_so: impl Fn(&[ReactionLetter]) -> bool,
) {
    seriatim_testkit::until(what, async || is_so(&parked(store).await)).await;
}

/// Waits until one stream is parked for a person to decide about.
pub(super) async fn until_given_up(store: &MemoryStore) {
    until_parked(store, "it is given up", |parked| match parked {
        [parked] => parked.id.is_some() && parked.decision.is_none(),
        _ => false,
    })
    .await;
}

fn of(tally: &Tally, root: u128) -> Vec<u32> {
    let is_it = |(of, _): &(StreamId, Sequence)| *of == stream("order", root);
    let seen = tally.seen().into_iter().filter(is_it);
    seen.map(|(_, sequence)| sequence.0).collect()
}

#[tokio::test]
async fn a_stream_that_fails_is_parked_and_the_others_go_on() {
    let store = MemoryStore::new();
    let (tally, _) = broken_at(3, 2);
    fill(&store, 8, 4).await;
    let reactions = start(&store, "one", vec![parking(&store, &tally)]);
    until("the others are done", || tally.count() == 30).await;
    until_given_up(&store).await;
    append(&store, &stream("order", 3), 4, &["Noted"]).await;
    append(&store, &stream("order", 4), 4, &["Noted"]).await;
    until("they go on", || tally.count() == 31).await;
    assert_eq!(of(&tally, 3), [0, 1]);

    let all = letters(&reactions, LetterStatus::Parked).await;
    let [letter] = &all[..] else {
        panic!("{all:?}");
    };
    assert_eq!(letter.stream, stream("order", 3));
    assert_eq!(letter.sequence, Sequence(2));
    assert_eq!(letter.tries, IMPATIENT.retries + 1);
    assert!(
        letter.failure.contains("told to fail"),
        "{}",
        letter.failure
    );
    assert_eq!(only(&reactions).parked, 1);
    let progress = reactions.progress().await.unwrap();
    assert_eq!(progress[0].parked, 1);
    assert!(progress[0].lag() <= 1, "{progress:?}");
    reactions.shutdown().await;
}

#[tokio::test]
async fn a_retried_stream_is_handled_in_order_and_parked_no_longer() {
    let store = MemoryStore::new();
    let (tally, broken) = broken_at(1, 2);
    fill(&store, 3, 250).await;
    let reactions = start(&store, "one", vec![parking(&store, &tally)]);
    until("the others are done", || tally.count() == 502).await;
    until_given_up(&store).await;
    broken.store(false, Ordering::Relaxed);
    let decided = decide(&reactions, Verb::Resubmit, &stream("order", 1)).await;
    let decided = decided.unwrap();
    assert_eq!(decided.sequence, Sequence(2));
    assert_eq!(decided.decision.unwrap().actor.as_deref(), Some("zoe"));
    until("it is done too", || tally.count() == 750).await;
    append(&store, &stream("order", 1), 250, &["Noted"]).await;
    until("it goes on as any other", || tally.count() == 751).await;
    assert_eq!(of(&tally, 1), Vec::from_iter(0..251));
    assert_eq!(parked(&store).await, []);
    assert_eq!(only(&reactions).parked, 0);
    reactions.shutdown().await;
}

/// Events of a parked stream are read and left out. The checkpoint is moved past them later, with the heartbeat.
#[tokio::test]
async fn what_came_while_a_stream_was_parked_is_in_line_too() {
    let store = MemoryStore::new();
    let (tally, broken) = broken_at(1, 0);
    fill(&store, 2, 1).await;
    // The lease is so long that there is no heartbeat.
    let reactions = start_with(&store, "one", HOUR, vec![parking(&store, &tally)]);
    until("the other is done", || tally.count() == 1).await;
    until_given_up(&store).await;
    append(&store, &stream("order", 1), 1, &["Noted", "Noted"]).await;
    // Once this event is handled, those before it have been read.
    append(&store, &stream("order", 0), 1, &["Noted"]).await;
    until("the other goes on", || tally.count() == 2).await;
    append(&store, &stream("order", 1), 3, &["Noted"]).await;
    broken.store(false, Ordering::Relaxed);
    decide(&reactions, Verb::Resubmit, &stream("order", 1))
        .await
        .unwrap();
    until("it is done too", || tally.count() == 6).await;
    assert_eq!(of(&tally, 1), [0, 1, 2, 3]);
    reactions.shutdown().await;
    tally.assert_in_order();
}

#[tokio::test]
async fn a_skipped_event_is_given_up_for_a_reason_and_the_rest_goes_on() {
    let store = MemoryStore::new();
    let (tally, _) = broken_at(1, 2);
    fill(&store, 2, 5).await;
    let reactions = start(&store, "one", vec![parking(&store, &tally)]);
    until("the others are done", || tally.count() == 7).await;
    until_given_up(&store).await;
    decide(&reactions, Verb::Discard, &stream("order", 1))
        .await
        .unwrap();
    until("it goes on", || tally.count() == 9).await;
    until_parked(&store, "nothing is parked", <[_]>::is_empty).await;
    assert_eq!(of(&tally, 1), [0, 1, 3, 4]);

    let discarded = letters(&reactions, LetterStatus::Discarded).await;
    let [letter] = &discarded[..] else {
        panic!("{discarded:?}");
    };
    assert_eq!(
        (&letter.stream, letter.sequence),
        (&stream("order", 1), Sequence(2))
    );
    let decision = letter.decision.as_ref().unwrap();
    assert_eq!(decision.verb, Verb::Discard);
    assert_eq!(decision.actor.as_deref(), Some("zoe"));
    assert_eq!(decision.reason.as_deref(), Some("it was printed by hand"));
    assert!(letter.failure.contains("told to fail"));
    assert!(letter.closed_at > Some(letter.parked_at));
    reactions.shutdown().await;
}

#[tokio::test]
async fn the_last_event_of_a_stream_can_be_skipped() {
    let store = MemoryStore::new();
    let (tally, _) = broken_at(0, 1);
    fill(&store, 1, 2).await;
    let reactions = start(&store, "one", vec![parking(&store, &tally)]);
    until_given_up(&store).await;
    decide(&reactions, Verb::Discard, &stream("order", 0))
        .await
        .unwrap();
    until_parked(&store, "nothing is parked", <[_]>::is_empty).await;
    append(&store, &stream("order", 0), 2, &["Noted"]).await;
    until("it goes on", || tally.count() == 2).await;
    assert_eq!(of(&tally, 0), [0, 2]);
    reactions.shutdown().await;
}

#[tokio::test]
async fn what_fails_again_waits_with_one_more_attempt() {
    let store = MemoryStore::new();
    let (tally, _) = broken_at(0, 1);
    fill(&store, 1, 3).await;
    let reactions = start(&store, "one", vec![parking(&store, &tally)]);
    until_given_up(&store).await;
    for attempts in 1..=102 {
        decide(&reactions, Verb::Resubmit, &stream("order", 0))
            .await
            .unwrap();
        until_parked(&store, "it was tried", |parked| {
            let expected = (attempts + 1) * (IMPATIENT.retries + 1);
            parked[0].decision.is_none() && parked[0].tries == expected
        })
        .await;
        let letter = &parked(&store).await[0];
        assert_eq!(letter.attempts.len() as u32, attempts.min(100));
        let last = letter.attempts.last().unwrap();
        assert_eq!(last.actor.as_deref(), Some("zoe"));
        assert!(last.result.contains("told to fail"));
    }
    assert_eq!(of(&tally, 0), [0]);
    reactions.shutdown().await;
}

#[tokio::test]
async fn a_follower_that_fails_is_parked_in_its_turn() {
    let store = MemoryStore::new();
    let first = Arc::new(AtomicBool::new(true));
    let switch = Arc::clone(&first);
    let tally = Tally::that(move |event| match event.sequence.0 {
        1 if switch.load(Ordering::Relaxed) => Does::Fails,
        4 => Does::Panics,
        _ => Does::Notes,
    });
    fill(&store, 1, 6).await;
    let reactions = start(&store, "one", vec![parking(&store, &tally)]);
    until_given_up(&store).await;
    first.store(false, Ordering::Relaxed);
    decide(&reactions, Verb::Resubmit, &stream("order", 0))
        .await
        .unwrap();
    until_parked(&store, "the next is parked", |parked| {
        parked[0].sequence == Sequence(4) && parked[0].decision.is_none()
    })
    .await;
    let letter = &parked(&store).await[0];
    assert_eq!(letter.tries, IMPATIENT.retries + 1);
    assert!(letter.failure.contains("panicked"), "{}", letter.failure);
    assert_eq!(of(&tally, 0), [0, 1, 2, 3]);
    reactions.shutdown().await;
}

#[tokio::test]
async fn events_of_declared_types_are_skipped_wherever_they_fail() {
    let store = MemoryStore::new();
    let broken = Arc::new(AtomicBool::new(true));
    let switch = Arc::clone(&broken);
    let tally = Tally::that(move |event| match &*event.payload.type_name {
        "Optional" => Does::Fails,
        "Needed" if switch.load(Ordering::Relaxed) => Does::Fails,
        _ => Does::Notes,
    });
    let component = Enrolled {
        policy: FailurePolicy {
            skip: vec!["Optional".into()],
            ..impatient_parking()
        },
        ..parking(&store, &tally)
    };
    let types = ["Noted", "Optional", "Needed", "Optional", "Noted"];
    append(&store, &stream("order", 0), 0, &types).await;
    let reactions = start(&store, "one", vec![component]);
    until_given_up(&store).await;
    assert_eq!(parked(&store).await[0].sequence, Sequence(2));
    broken.store(false, Ordering::Relaxed);
    decide(&reactions, Verb::Resubmit, &stream("order", 0))
        .await
        .unwrap();
    until_parked(&store, "nothing is parked", <[_]>::is_empty).await;
    assert_eq!(of(&tally, 0), [0, 2, 4]);
    let discarded = letters(&reactions, LetterStatus::Discarded).await;
    let skipped: Vec<_> = (discarded.into_iter())
        .map(|letter| (letter.sequence.0, letter.decision.unwrap()))
        .map(|(sequence, decision)| (sequence, decision.actor, decision.reason.unwrap()))
        .collect();
    let reason = || "the policy skips `Optional`".to_owned();
    assert_eq!(skipped, [(1, None, reason()), (3, None, reason())]);
    let resolved = letters(&reactions, LetterStatus::Resolved).await;
    assert_eq!(resolved[0].sequence, Sequence(2));
    reactions.shutdown().await;
}

/// The component gets only some of the events of these types.
#[tokio::test]
async fn events_that_concern_others_are_not_in_line() {
    let store = MemoryStore::new();
    let (tally, broken) = broken_at(0, 2);
    let filter = EventFilter {
        types: vec!["Ours".into()],
        ..EventFilter::default()
    };
    let reaction = AtLeastOnce::new(
        NAME.parse().unwrap(),
        filter,
        Arc::new(store.clone()),
        tally.clone(),
    );
    let component = Enrolled {
        policy: impatient_parking(),
        ..Enrolled::new(Arc::new(reaction))
    };
    let types = [
        "Theirs", "Ours", "Ours", "Theirs", "Theirs", "Ours", "Theirs",
    ];
    append(&store, &stream("order", 0), 0, &types).await;
    let reactions = start(&store, "one", vec![component]);
    until_given_up(&store).await;
    broken.store(false, Ordering::Relaxed);
    decide(&reactions, Verb::Resubmit, &stream("order", 0))
        .await
        .unwrap();
    until_parked(&store, "nothing is parked", <[_]>::is_empty).await;
    assert_eq!(of(&tally, 0), [1, 2, 5]);
    reactions.shutdown().await;
}

#[tokio::test]
async fn what_is_parked_and_wished_outlives_a_restart() {
    let store = MemoryStore::new();
    let (tally, broken) = broken_at(1, 1);
    fill(&store, 2, 4).await;
    let reactions = start(&store, "one", vec![parking(&store, &tally)]);
    until("the other is done", || tally.count() == 5).await;
    until_given_up(&store).await;
    reactions.shutdown().await;
    let letter = parked(&store).await;

    append(&store, &stream("order", 1), 4, &["Noted"]).await;
    append(&store, &stream("order", 0), 4, &["Noted"]).await;
    let reactions = start(&store, "two", vec![parking(&store, &tally)]);
    until("the other goes on", || tally.count() == 6).await;
    reactions.shutdown().await;
    assert_eq!(parked(&store).await, letter);
    assert_eq!(of(&tally, 1), [0]);

    broken.store(false, Ordering::Relaxed);
    let wish = LetterDecision {
        verb: Verb::Resubmit,
        actor: None,
        reason: None,
        at: Timestamp::now(),
    };
    let letter = &letter[0];
    let noted = store.decide(&letter.work, &letter.stream, letter.sequence, &wish);
    assert!(noted.await.unwrap());
    let reactions = start(&store, "three", vec![parking(&store, &tally)]);
    until("all are seen", || tally.count() == 10).await;
    reactions.shutdown().await;
    assert_eq!(of(&tally, 1), [0, 1, 2, 3, 4]);
    assert_eq!(parked(&store).await, []);
}

/// The operator's process stands by, or does not do the component's work for another reason.
#[tokio::test]
async fn what_is_decided_elsewhere_is_found() {
    let store = MemoryStore::new();
    let (tally, broken) = broken_at(0, 0);
    fill(&store, 1, 3).await;
    let lease = Duration::from_millis(30);
    let owner = start_with(&store, "owner", lease, vec![parking(&store, &tally)]);
    until_given_up(&store).await;
    let other = start_with(&store, "other", HOUR, vec![parking(&store, &tally)]);
    broken.store(false, Ordering::Relaxed);
    assert_eq!(resubmit_all(&other).await, 1);
    until("all are seen", || tally.count() == 3).await;
    owner.shutdown().await;
    other.shutdown().await;
}

#[tokio::test]
async fn a_decision_about_what_is_not_so_is_refused() {
    let store = MemoryStore::new();
    let tally = Tally::that(|_| Does::Fails);
    fill(&store, 1, 3).await;
    let patient = Enrolled {
        policy: FailurePolicy {
            back_off: BackOff {
                first: HOUR,
                longest: HOUR,
                retries: 0,
            },
            ..FailurePolicy::park()
        },
        ..parking(&store, &tally)
    };
    let reactions = start(&store, "one", vec![patient]);
    until_given_up(&store).await;
    let of_other = LetterFilter {
        component: Some(Component::new("other").unwrap()),
        ..LetterFilter::default()
    };
    let refused = reactions.letters(&of_other, 9).await.unwrap_err();
    assert!(
        refused.to_string().contains("name one of `tally`"),
        "{refused}"
    );
    let letter = letters(&reactions, LetterStatus::Parked).await.remove(0);
    let unknown = Decision {
        letter: Uuid::now_v7(),
        ..decision(Verb::Discard, &letter)
    };
    assert_eq!(reactions.decide(&unknown).await.unwrap(), None);
    assert_eq!(reactions.open(unknown.letter).await.unwrap(), None);
    reactions.shutdown().await;
    let id = letter.id.unwrap();
    let where_it_was_seen = Decision {
        action: Action::Resubmit {
            expected: ExpectedSequence::Exactly(letter.sequence),
        },
        ..decision(Verb::Resubmit, &letter)
    };
    let refused = reactions.decide(&where_it_was_seen).await.unwrap_err();
    assert!(
        matches!(refused, OperatorError::OnlyOfCommands { id: of, .. } if of == id),
        "{refused}"
    );
    let edit = Decision {
        action: Action::Edit {
            commands: Vec::new(),
            expected: ExpectedSequence::Any,
        },
        ..decision(Verb::Resubmit, &letter)
    };
    let refused = reactions.decide(&edit).await.unwrap_err();
    assert!(
        refused.to_string().contains("cannot be edited"),
        "{refused}"
    );
    let happened = HappenedAnyway {
        fact: NewFact {
            payload: Payload::json("Happened", "{}"),
            origin: FactOrigin {
                source: "paper".into(),
                description: "it was printed by hand".into(),
            },
        },
        external_id: "slip-1".into(),
        route_to_aggregate: None,
    };
    let record = Decision {
        action: Action::Record(Box::new(happened)),
        ..decision(Verb::Resubmit, &letter)
    };
    let refused = reactions.decide(&record).await.unwrap_err();
    assert!(
        refused.to_string().contains("in the log already"),
        "{refused}"
    );
    match reactions.simulate(id).await.unwrap() {
        Some(LetterSimulation::Reaction(given_up)) => {
            assert_eq!(given_up.letter, letter);
            assert_eq!(given_up.event.unwrap().sequence, letter.sequence);
        }
        other => panic!("{other:?}"),
    }
    // No process carries the decision out now.
    reactions
        .decide(&decision(Verb::Resubmit, &letter))
        .await
        .unwrap();
    let again = reactions.decide(&decision(Verb::Discard, &letter)).await;
    match again.unwrap_err() {
        OperatorError::Decided { id, by } => {
            assert_eq!(Some(id), letter.id);
            assert_eq!(by.unwrap().actor.as_deref(), Some("zoe"));
        }
        other => panic!("{other}"),
    }
    let refused = reactions.simulate(id).await.unwrap_err();
    assert!(
        matches!(refused, OperatorError::Decided { .. }),
        "{refused}"
    );
    assert_eq!(reactions.simulate(unknown.letter).await.unwrap(), None);
    assert_eq!(resubmit_all(&reactions).await, 0);
}

/// The letter names all who tried, when, why, and the result. It can be shown, and listed with the parked ones.
#[tokio::test]
async fn what_became_of_a_letter_is_kept() {
    let store = MemoryStore::new();
    let (tally, broken) = broken_at(0, 1);
    fill(&store, 1, 4).await;
    let lease = Duration::from_millis(30);
    let reactions = start_with(&store, "one", lease, vec![parking(&store, &tally)]);
    until_given_up(&store).await;
    let letter = letters(&reactions, LetterStatus::Parked).await.remove(0);
    decide(&reactions, Verb::Resubmit, &letter.stream)
        .await
        .unwrap();
    until_parked(&store, "it was tried", |parked| {
        parked[0].decision.is_none()
    })
    .await;
    let waiting = async || {
        let opened = reactions.open(letter.id.unwrap()).await.unwrap().unwrap();
        let OpenLetter::Reaction(given_up) = opened else {
            panic!("{opened:?}")
        };
        *given_up
    };
    until_parked(&store, "all are read", |_| only(&reactions).position.0 == 4).await;
    let now = waiting().await;
    assert_eq!(now.event.unwrap().sequence, Sequence(1));
    assert_eq!((now.followers, now.more_followers), (2, false));

    broken.store(false, Ordering::Relaxed);
    decide(&reactions, Verb::Resubmit, &letter.stream)
        .await
        .unwrap();
    until_parked(&store, "nothing is parked", <[_]>::is_empty).await;
    let now = waiting().await;
    assert_eq!(now.letter.status, LetterStatus::Resolved);
    assert_eq!(now.letter.parked_at, letter.parked_at);
    assert_eq!(now.letter.attempts.len(), 1);
    assert_eq!(now.letter.attempts[0].actor.as_deref(), Some("zoe"));
    let last = now.letter.decision.as_ref().unwrap();
    assert_eq!(last.reason.as_deref(), Some("it was printed by hand"));
    assert_eq!((now.followers, now.more_followers), (0, false));
    let closed = letters(&reactions, LetterStatus::Resolved).await;
    assert_eq!(closed, std::slice::from_ref(&now.letter));
    match reactions.decide(&decision(Verb::Discard, &letter)).await {
        Err(OperatorError::Closed { id, status, by }) => {
            assert_eq!(by.unwrap().actor.as_deref(), Some("zoe"));
            assert_eq!((Some(id), status), (letter.id, LetterStatus::Resolved));
        }
        other => panic!("{other:?}"),
    }
    reactions.shutdown().await;
}

#[tokio::test]
async fn a_component_that_fails_on_everything_is_paused_in_the_end() {
    let store = MemoryStore::new();
    let tally = Tally::that(|_: &RecordedEvent| Does::Fails);
    fill(&store, 1002, 1).await;
    let component = Enrolled {
        policy: FailurePolicy {
            back_off: BackOff {
                retries: 0,
                ..IMPATIENT
            },
            ..FailurePolicy::park()
        },
        ..parking(&store, &tally)
    };
    let reactions = start(&store, "one", vec![component]);
    until("it is paused", || is_paused(&only(&reactions))).await;
    assert_eq!(parked(&store).await.len(), 1000);
    reactions.shutdown().await;
}
