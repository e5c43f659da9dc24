//! Projectors of an application: they go on after a restart, and two under one name are refused.

use std::error::Error;
use std::num::NonZero;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use seriatim::core::{
    Append, Domain, EventFilter, NewEvent, Payload, RecordedEvent, Store, StreamId, Write,
};
use seriatim::prelude::*;
use seriatim::{
    BackOff, Begin, DeadLetter, Decision, FailurePolicy, LetterFilter, LetterStatus, PieceState,
    Projector, StartAppError, Verb,
};
use seriatim_testkit::until;

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
enum Happened {
    Added { count: u32 },
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
enum Do {
    Add { count: u32 },
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Counter {
    total: u32,
}

impl Aggregate for Counter {
    const DOMAIN: &'static str = "counter";
    type Command = Do;
    type Event = Happened;
    type Rejection = Never;

    fn decide(&self, Do::Add { count }: &Do) -> Result<Vec<Happened>, Never> {
        Ok(vec![Happened::Added { count: *count }])
    }

    fn evolve(&mut self, Happened::Added { count }: &Happened) {
        self.total += count;
    }
}

/// The numbers that were added, in the order of the log.
#[derive(Clone, Default)]
struct Additions(Arc<Mutex<Vec<u32>>>);

impl Additions {
    async fn until(&self, count: usize) -> Vec<u32> {
        loop {
            let seen = self.0.lock().unwrap().clone();
            if seen.len() >= count {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

impl Projector for Additions {
    async fn project(&self, events: &[&RecordedEvent]) -> Result<(), Box<dyn Error + Send + Sync>> {
        for event in events {
            if let Some(event) = event.of::<Counter>() {
                let Happened::Added { count } = event?;
                self.0.lock().unwrap().push(count);
            }
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_projector_goes_on_after_a_restart_where_it_stood() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("app.db").display());
    let additions = Additions::default();
    let root = Uuid::now_v7();
    for start in 0..3 {
        let app = App::open(&url)
            .await
            .unwrap()
            .aggregate::<Counter>()
            .projector("additions", EventFilter::default(), additions.clone())
            .start()
            .await
            .unwrap();
        for count in [10 * start, 10 * start + 1] {
            app.of::<Counter>(root)
                .send(Do::Add { count })
                .await
                .unwrap();
        }
        let seen = additions.until(2 * (start as usize + 1)).await;
        assert_eq!(seen.last(), Some(&(10 * start + 1)));
        app.shutdown().await.unwrap();
        assert_eq!(app.reactions().status()[0].state, PieceState::Stopped);
    }
    assert_eq!(additions.until(6).await, [0, 1, 10, 11, 20, 21]);
}

#[tokio::test]
async fn names_that_no_component_can_have_are_refused_at_the_start() {
    let builder = || async { App::open("memory:").await.unwrap().aggregate::<Counter>() };
    let all = EventFilter::default;
    let bad = builder()
        .await
        .projector("Additions!", all(), Additions::default())
        .projector("good", all(), Additions::default());
    let refused = bad.start().await.unwrap_err();
    assert!(matches!(refused, StartAppError::Component(_)), "{refused}");
    let twice = builder()
        .await
        .projector("additions", all(), Additions::default())
        .projector("additions", all(), Additions::default());
    match twice.start().await.unwrap_err() {
        StartAppError::ComponentTwice { name } => assert_eq!(name.as_str(), "additions"),
        other => panic!("{other}"),
    }
}

/// Takes in nothing but small numbers.
struct Small(Additions);

impl Projector for Small {
    async fn project(&self, events: &[&RecordedEvent]) -> Result<(), Box<dyn Error + Send + Sync>> {
        for event in events {
            if let Some(Ok(Happened::Added { count: 100.. })) = event.of::<Counter>() {
                return Err("that is too much".into());
            }
        }
        self.0.project(events).await
    }
}

#[tokio::test]
async fn what_fails_is_parked_or_paused_as_the_application_has_it() {
    let impatient = BackOff {
        retries: 0,
        ..BackOff::default()
    };
    let additions = Additions::default();
    let app = App::open("memory:")
        .await
        .unwrap()
        .aggregate::<Counter>()
        .projector("parking", EventFilter::default(), Small(additions.clone()))
        .projector(
            "pausing",
            EventFilter::default(),
            Small(Additions::default()),
        )
        .failure_policy(
            "parking",
            FailurePolicy {
                back_off: impatient,
                ..FailurePolicy::park()
            },
        )
        .failure_policy(
            "pausing",
            FailurePolicy {
                back_off: impatient,
                ..FailurePolicy::pause()
            },
        )
        .start()
        .await
        .unwrap();
    let (bad, good) = (Uuid::now_v7(), Uuid::now_v7());
    for (root, count) in [(bad, 100), (bad, 1), (good, 2)] {
        app.of::<Counter>(root)
            .send(Do::Add { count })
            .await
            .unwrap();
    }
    assert_eq!(additions.until(1).await, [2]);
    let reactions = app.reactions();
    let parked = parked(&app).await;
    assert_eq!((parked.len(), parked[0].stream().root), (1, bad));
    let is_paused = async || {
        let mut status = reactions.status().into_iter();
        status.any(|piece| matches!(piece.state, PieceState::Paused { .. }))
    };
    until("it is paused", is_paused).await;
    let skip = Decision {
        letter: parked[0].id(),
        action: Verb::Discard.into(),
        actor: None,
        reason: Some("a test".into()),
    };
    app.desk().decide(&skip).await.unwrap();
    assert_eq!(additions.until(2).await, [2, 1]);
    app.shutdown().await.unwrap();
}

async fn parked(app: &App) -> Vec<DeadLetter> {
    let waiting = LetterFilter {
        status: Some(LetterStatus::Parked),
        ..LetterFilter::default()
    };
    app.desk().letters(&waiting, 10).await.unwrap()
}

/// Written by another program: this one does not know the type.
async fn append_unknown(store: &dyn Store, root: Uuid) {
    let event = NewEvent {
        id: Uuid::now_v7(),
        payload: Payload::json("Multiplied", "{}"),
        metadata: Arc::default(),
    };
    let append = Append {
        stream: StreamId::new(Domain::of::<Counter>(), root),
        write: Write::Events {
            after: None,
            last: None,
            events: Arc::new([event]),
        },
        claim: None,
        beside: Vec::new(),
    };
    store.append(vec![append]).await.unwrap();
}

#[tokio::test]
async fn an_event_that_does_not_decode_parks_its_stream_alone() {
    let store = seriatim::open_store("memory:").await.unwrap();
    let (unknown, known) = (Uuid::now_v7(), Uuid::now_v7());
    append_unknown(&*store, unknown).await;
    let additions = Additions::default();
    let at_once = FailurePolicy {
        back_off: BackOff {
            retries: 0,
            ..BackOff::default()
        },
        ..FailurePolicy::park()
    };
    let app = App::on(store)
        .aggregate::<Counter>()
        .projector("additions", EventFilter::default(), additions.clone())
        .failure_policy("additions", at_once)
        .start()
        .await
        .unwrap();
    app.of::<Counter>(known)
        .send(Do::Add { count: 7 })
        .await
        .unwrap();
    assert_eq!(additions.until(1).await, [7]);
    let parked = parked(&app).await;
    let [DeadLetter::Reaction(letter)] = &parked[..] else {
        panic!("{parked:?}")
    };
    assert_eq!(letter.stream.root, unknown);
    assert!(letter.failure.contains("Multiplied"), "{letter:?}");
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_policy_for_nobody_is_refused_at_the_start() {
    let app = App::open("memory:").await.unwrap().aggregate::<Counter>();
    let app = app.failure_policy("adition", FailurePolicy::pause());
    match app.start().await.unwrap_err() {
        StartAppError::PolicyForNobody { name } => assert_eq!(name, "adition"),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn shares_for_nobody_are_refused_at_the_start() {
    let app = App::open("memory:").await.unwrap().aggregate::<Counter>();
    let app = app.shares("adition", NonZero::new(4).unwrap());
    match app.start().await.unwrap_err() {
        StartAppError::SharesForNobody { name } => assert_eq!(name, "adition"),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_beginning_for_nobody_is_refused_at_the_start() {
    let app = App::open("memory:").await.unwrap().aggregate::<Counter>();
    let app = app.begin("adition", Begin::Now);
    match app.start().await.unwrap_err() {
        StartAppError::BeginForNobody { name } => assert_eq!(name, "adition"),
        other => panic!("{other}"),
    }
}
