//! Checks what those who run components see and decide over the wire.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use seriatim_core::{
    Begin, Component, DeadLetter, Decision, EventFilter, LetterFilter, LetterKind, LetterStatus,
    Log, MergeStrategy, OpenLetter, OperatorError, Position, QueryError, ReactionLetter,
    RecordedEvent, Sequence, StreamId, SubscribeError, Verb,
};
use seriatim_proto::{CallError, Client, convert, v1};
use seriatim_runtime::{
    AtLeastOnce, BackOff, Enrolled, FailurePolicy, Feed, Projector, ReactionSettings, Reactions,
};
use seriatim_store_memory::MemoryStore;
use tonic::Code;
use uuid::Uuid;

use crate::rig::*;

/// A projector that fails on the second event of a stream as long as it is broken.
struct Fussy(Arc<AtomicBool>);

impl Projector for Fussy {
    async fn project(&self, events: &[&RecordedEvent]) -> Result<(), Box<dyn Error + Send + Sync>> {
        let second = |event: &&RecordedEvent| event.sequence == Sequence(1);
        match events.iter().any(second) && self.0.load(Ordering::Relaxed) {
            true => Err("the second one is too much".into()),
            false => Ok(()),
        }
    }
}

struct Stage {
    rig: Rig,
    client: Client,
    broken: Arc<AtomicBool>,
    stream: StreamId,
}

/// Starts a component that fails under a policy, on a stream of four events.
async fn stage(policy: FailurePolicy) -> Stage {
    let store = Arc::new(MemoryStore::new());
    let broken = Arc::new(AtomicBool::new(true));
    let reaction = AtLeastOnce::new(
        Component::new("fussy").unwrap(),
        EventFilter::default(),
        Arc::clone(&store) as _,
        Fussy(Arc::clone(&broken)),
    );
    let enrolled = Enrolled {
        policy: FailurePolicy {
            back_off: BackOff {
                retries: 0,
                ..BackOff::default()
            },
            ..policy
        },
        ..Enrolled::new(Arc::new(reaction))
    };
    let feed = Feed::new(Log::as_stored(Arc::clone(&store) as _));
    let reactions = Reactions::start(&feed, vec![enrolled], &ReactionSettings::default());
    let rig = Rig::start_on_store(store, |server| server.reactions(Arc::new(reactions))).await;
    let commands = [("Label", r#"{"label":"a"}"#); 1];
    let stream = rig.till_with(&commands).await;
    for label in ["b", "c", "d"] {
        rig.submit(ask(&stream, "Label", &format!(r#"{{"label":"{label}"}}"#)))
            .await;
    }
    let client = Client::connect(&rig.url, Duration::from_secs(60)).await;
    Stage {
        rig,
        client: client.unwrap(),
        broken,
        stream,
    }
}

impl Stage {
    /// Waits until the log is read to its end and this many events are parked. Returns their letters.
    async fn until_parked(&self, count: usize) -> Vec<ReactionLetter> {
        let mut parked = Vec::new();
        until(async || {
            parked = self.letters(LetterStatus::Parked).await;
            let progress = self.client.progress().await.unwrap();
            // There is no progress between the moment when the component began anew and the one when its work is taken.
            let progress = progress.first();
            let is_so = progress.is_some_and(|one| one.lag() == 0 && one.parked == count);
            is_so && parked.len() == count
        })
        .await;
        parked
    }

    async fn letters(&self, status: LetterStatus) -> Vec<ReactionLetter> {
        let filter = LetterFilter {
            component: Some(Component::new("fussy").unwrap()),
            status: Some(status),
            ..LetterFilter::default()
        };
        let (letters, next) = self.client.letters(&filter, None).await.unwrap();
        assert_eq!(next, None);
        let letters = letters.into_iter().map(|listed| listed.letter);
        letters.map(of_reaction).collect()
    }

    async fn refused(&self, decision: &Decision) -> OperatorError {
        match self.client.decide(decision).await.unwrap_err() {
            CallError::Refused(refused) => refused,
            other => panic!("{other}"),
        }
    }
}

fn of_reaction(letter: DeadLetter) -> ReactionLetter {
    match letter {
        DeadLetter::Reaction(letter) => *letter,
        DeadLetter::Command(letter) => panic!("{letter:?}"),
    }
}

fn decision(verb: Verb, letter: Uuid) -> Decision {
    Decision {
        letter,
        action: verb.into(),
        actor: Some("Zoë".into()),
        reason: Some("it was done by hand".into()),
    }
}

#[tokio::test]
async fn an_event_that_was_given_up_is_shown_and_discarded() {
    let stage = stage(FailurePolicy::park()).await;
    let parked = stage.until_parked(1).await.remove(0);
    assert_eq!(parked.stream, stage.stream);
    assert_eq!((parked.sequence, parked.tries), (Sequence(1), 1));
    assert_eq!(parked.failure, "the second one is too much");
    let (OpenLetter::Reaction(opened), _) = stage.client.letter(parked.id.unwrap()).await.unwrap()
    else {
        panic!("it is no command")
    };
    assert_eq!(opened.letter, parked);
    assert_eq!(opened.event.unwrap().payload.type_name, "Labelled");
    assert_eq!((opened.followers, opened.more_followers), (2, false));

    let discard = decision(Verb::Discard, parked.id.unwrap());
    let decided = of_reaction(stage.client.decide(&discard).await.unwrap());
    assert_eq!(decided.decision.unwrap().verb, Verb::Discard);
    stage.until_parked(0).await;
    let discarded = stage.letters(LetterStatus::Discarded).await;
    let [kept] = &discarded[..] else {
        panic!("{discarded:?}")
    };
    assert_eq!((kept.id, kept.parked_at), (parked.id, parked.parked_at));
    let why = kept.decision.as_ref().unwrap();
    assert_eq!(why.actor.as_deref(), Some("Zoë"));
    assert_eq!(why.reason.as_deref(), Some("it was done by hand"));
    match stage.refused(&discard).await {
        OperatorError::Closed { id, status, by } => {
            assert_eq!(by.unwrap().actor.as_deref(), Some("Zoë"));
            assert_eq!((Some(id), status), (parked.id, LetterStatus::Discarded));
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn an_event_that_was_given_up_is_resubmitted() {
    let stage = stage(FailurePolicy::park()).await;
    let parked = stage.until_parked(1).await.remove(0);
    stage.broken.store(false, Ordering::Relaxed);
    let resubmit = Decision {
        reason: None,
        ..decision(Verb::Resubmit, parked.id.unwrap())
    };
    stage.client.decide(&resubmit).await.unwrap();
    stage.until_parked(0).await;
    assert_eq!(stage.letters(LetterStatus::Discarded).await, []);
    let resolved = stage.letters(LetterStatus::Resolved).await;
    assert_eq!(resolved[0].id, parked.id);
    assert!(resolved[0].closed_at >= Some(parked.parked_at));
}

/// One list shows all letters in the order of parking, page by page, whatever they are about.
#[tokio::test]
async fn commands_and_events_lie_on_one_desk() {
    let stage = stage(FailurePolicy::park()).await;
    let event = stage.until_parked(1).await.remove(0);
    let mut expected = vec![event.id.unwrap()];
    for label in ["x", "y"] {
        let payload = format!(r#"{{"label":"{label}"}}"#);
        let request = stale(
            0,
            MergeStrategy::Manual,
            ask(&stage.stream, "Label", &payload),
        );
        let response = stage.rig.submit(request).await;
        let id = dead_lettered(&response).id.as_ref();
        expected.push(convert::uuid(id, "id").unwrap());
    }
    for latest_first in [false, true] {
        let (mut seen, mut page_token) = (Vec::new(), String::new());
        for count in [2, 1] {
            let request = v1::DeadLetterServiceListRequest {
                page_size: 2,
                page_token,
                latest_first,
                ..Default::default()
            };
            let answer = stage
                .rig
                .letters()
                .list(request)
                .await
                .unwrap()
                .into_inner();
            assert_eq!(answer.letters.len(), count);
            let letters = answer.letters.into_iter();
            seen.extend(letters.map(|letter| DeadLetter::try_from(letter).unwrap().id()));
            page_token = answer.next_page_token;
        }
        assert_eq!(page_token, "");
        assert_eq!(seen, expected);
        expected.reverse();
    }
    for (kind, count) in [(LetterKind::Command, 2), (LetterKind::Reaction, 1)] {
        let filter = LetterFilter {
            kind: Some(kind),
            domain: Some(stage.stream.domain.clone()),
            ..LetterFilter::default()
        };
        let (letters, _) = stage.client.letters(&filter, None).await.unwrap();
        assert_eq!(letters.len(), count, "{kind:?}");
    }
    // The same verbs apply to both kinds.
    let discard = decision(Verb::Discard, expected[1]);
    let discarded = stage.client.decide(&discard).await.unwrap();
    assert_eq!(discarded.status(), LetterStatus::Discarded);
    let resubmit = decision(Verb::Resubmit, expected[2]);
    let resolved = stage.client.decide(&resubmit).await.unwrap();
    assert_eq!(resolved.status(), LetterStatus::Resolved);
    assert_eq!(resolved.attempts()[0].actor.as_deref(), Some("Zoë"));
    assert_eq!(stage.letters(LetterStatus::Parked).await, [event]);
}

#[tokio::test]
async fn paused_work_is_resumed() {
    let stage = stage(FailurePolicy::pause()).await;
    let mut why = None;
    until(async || {
        let progress = stage.client.progress().await.unwrap();
        why = progress.into_iter().find_map(|one| one.checkpoint.paused);
        why.is_some()
    })
    .await;
    let why = why.unwrap();
    assert!(why.contains("the second one is too much"), "{why}");
    stage.broken.store(false, Ordering::Relaxed);
    let fussy = Component::new("fussy").unwrap();
    let resumed = stage.client.resume(&fussy).await.unwrap();
    assert_eq!(resumed.len(), 1);
    assert_eq!(resumed[0].component, fussy);
    stage.until_parked(0).await;
}

#[tokio::test]
async fn a_component_begins_anew() {
    let stage = stage(FailurePolicy::park()).await;
    stage.until_parked(1).await;
    let fussy = Component::new("fussy").unwrap();
    let cursor = stage.client.begin(&fussy, &Begin::Now).await.unwrap();
    assert!(cursor.positions().eq([Position(4)]), "{cursor}");
    assert_eq!(stage.letters(LetterStatus::Parked).await, []);
    // It works again when all before that place is left out, and nothing is parked.
    stage.until_parked(0).await;
    let beyond = Begin::After("99".parse().unwrap());
    let refused = stage.client.begin(&fussy, &beyond).await.unwrap_err();
    assert!(
        matches!(
            &refused,
            CallError::Refused(OperatorError::Place(SubscribeError::Replaced(_)))
        ),
        "{refused}"
    );
    let other = Component::new("other").unwrap();
    let refused = stage.client.begin(&other, &Begin::Now).await.unwrap_err();
    assert!(
        matches!(
            &refused,
            CallError::Refused(OperatorError::UnknownComponent { .. })
        ),
        "{refused}"
    );
    // It begins at the first event and fails where it did before.
    let cursor = stage.client.begin(&fussy, &Begin::AtTheFirst).await;
    assert!(cursor.unwrap().positions().eq([Position::START]));
    stage.until_parked(1).await;
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_with_its_reason() {
    let stage = stage(FailurePolicy::park()).await;
    let parked = stage.until_parked(1).await.remove(0);
    let of_other = LetterFilter {
        component: Some(Component::new("other").unwrap()),
        ..LetterFilter::default()
    };
    match stage.client.letters(&of_other, None).await.unwrap_err() {
        CallError::Refused(OperatorError::UnknownComponent { component, known }) => {
            assert_eq!((component.as_str(), known[0].as_str()), ("other", "fussy"));
        }
        other => panic!("{other}"),
    }
    for reason in [None, Some(" ".into())] {
        let unsaid = Decision {
            reason,
            ..decision(Verb::Discard, parked.id.unwrap())
        };
        let refused = stage.refused(&unsaid).await;
        assert!(matches!(refused, OperatorError::NoReason), "{refused}");
    }
    let nobody = Uuid::now_v7();
    match stage.refused(&decision(Verb::Resubmit, nobody)).await {
        OperatorError::Query(QueryError::UnknownLetter { id }) => assert_eq!(id, nobody),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_decision_about_nothing_is_malformed() {
    let rig = Rig::start().await;
    let request = v1::DeadLetterServiceDiscardRequest::default();
    let refused = rig.letters().discard(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(faulty_fields(&refused), ["id"]);
    let request = v1::DeadLetterServiceResubmitRequest::default();
    let refused = rig.letters().resubmit(request).await.unwrap_err();
    assert_eq!(faulty_fields(&refused), ["id"]);
}
