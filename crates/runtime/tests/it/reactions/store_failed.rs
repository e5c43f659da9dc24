//! Tests stores that fail for good: a refusal is a failure of the step, and work on a damaged store is paused.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use seriatim_core::{
    Accountable, CheckpointStore, Component, EventFilter, Hold, LetterStatus, Log, Reaction,
    ReactionError, RecordedEvent, Sequence, Step, Store, StoreError, StoreErrorKind,
};
use seriatim_runtime::{AtLeastOnce, Enrolled, Feed, PieceState, ReactionSettings, Reactions};
use seriatim_store_memory::MemoryStore;
use seriatim_testkit::faults::FaultyStore;

use super::desk::letters;
use super::parking::until_given_up;
use super::tally::{
    Does, NAME, Tally, impatient_parking, is_paused, only, start, until, until_shown,
};
use crate::support::{append, fill, stream};

/// A component that writes to another store, which does not accept one of the events.
#[derive(Debug)]
struct WritesElsewhere {
    component: Component,
    filter: EventFilter,
    store: MemoryStore,
    kind: StoreErrorKind,
}

fn is_bad(event: &RecordedEvent) -> bool {
    event.stream == stream("order", 3) && event.sequence == Sequence(2)
}

#[async_trait]
impl Reaction for WritesElsewhere {
    fn component(&self) -> &Component {
        &self.component
    }

    fn filter(&self) -> &EventFilter {
        &self.filter
    }

    fn checkpoints(&self) -> &dyn CheckpointStore {
        &self.store
    }

    fn accountable(&self) -> Option<&dyn Accountable> {
        None
    }

    async fn handle(&self, step: Step<'_>) -> Result<Hold, ReactionError> {
        if step.events.iter().any(|event| is_bad(event)) {
            let error = StoreError::new("write elsewhere", self.kind, "invalid byte sequence");
            return Err(error.into());
        }
        Ok(step.finish(&self.store).await?)
    }
}

fn writes_elsewhere(store: &MemoryStore, kind: StoreErrorKind) -> Enrolled {
    let reaction = WritesElsewhere {
        component: Component::new(NAME).unwrap(),
        filter: EventFilter::default(),
        store: store.clone(),
        kind,
    };
    Enrolled {
        policy: impatient_parking(),
        ..Enrolled::new(Arc::new(reaction))
    }
}

/// A wait would hold up every other stream without an end and without a letter.
#[tokio::test]
async fn what_a_store_refuses_or_denies_is_parked_with_its_reason() {
    for kind in [StoreErrorKind::Refused, StoreErrorKind::Denied] {
        let store = MemoryStore::new();
        fill(&store, 8, 4).await;
        let reactions = start(&store, "one", vec![writes_elsewhere(&store, kind)]);
        until("the others are done", || only(&reactions).position.0 == 32).await;
        until_given_up(&store).await;
        let parked = letters(&reactions, LetterStatus::Parked).await;
        let [letter] = &parked[..] else {
            panic!("{kind:?}: {parked:?}");
        };
        assert_eq!(letter.stream, stream("order", 3));
        assert_eq!(letter.sequence, Sequence(2));
        let said = "the store could not write elsewhere: invalid byte sequence";
        assert!(letter.failure.contains(said), "{}", letter.failure);
        reactions.shutdown().await;
    }
}

/// No event is at fault, so none is parked, and no retry is in vain.
#[tokio::test]
async fn work_on_a_damaged_store_is_paused_and_goes_on_when_it_was_mended() {
    let store = MemoryStore::new();
    fill(&store, 2, 5).await;
    let faulty = FaultyStore::new(Arc::new(store.clone()));
    let shared: Arc<dyn Store> = Arc::new(faulty.clone());
    let tally = Tally::new();
    let reaction = AtLeastOnce::new(
        Component::new(NAME).unwrap(),
        EventFilter::default(),
        Arc::new(faulty.clone()),
        tally.clone(),
    );
    let settings = ReactionSettings {
        lease: Duration::from_millis(30),
        ..ReactionSettings::default()
    };
    let components = vec![Enrolled::new(Arc::new(reaction))];
    let reactions = Reactions::start(&Feed::new(Log::as_stored(shared)), components, &settings);
    until("all are seen", || tally.count() == 10).await;
    faulty.go_down(StoreErrorKind::Corrupt);
    until("it is paused", || is_paused(&only(&reactions))).await;
    let PieceState::Paused { failure, error } = only(&reactions).state else {
        panic!("{reactions:?}");
    };
    assert_eq!(failure, None);
    assert!(error.contains("a fault that a test has planned"), "{error}");

    faulty.come_back();
    for before in 0..10 {
        append(&store, &stream("order", 9), before, &["Noted"]).await;
    }
    until_shown(&store, true).await;
    assert_eq!(tally.count(), 10, "it does nothing meanwhile");
    reactions.resume(&NAME.parse().unwrap()).await.unwrap();
    until("the rest is seen", || tally.count() == 20).await;
    reactions.shutdown().await;
}

/// Returns a component whose progress is in another store than the log, which answers.
fn beside(log: &FaultyStore, tally: Tally) -> Reactions {
    let reaction = AtLeastOnce::new(
        Component::new(NAME).unwrap(),
        EventFilter::default(),
        Arc::new(MemoryStore::new()),
        tally,
    );
    Reactions::start(
        &Feed::new(Log::as_stored(Arc::new(log.clone()))),
        vec![Enrolled::new(Arc::new(reaction))],
        &ReactionSettings::default(),
    )
}

/// Returns how often a log is called within a minute while it is down.
async fn calls_while_down(log: &FaultyStore, reactions: &Reactions, action: &'static str) -> usize {
    let waits = || matches!(only(reactions).state, PieceState::WaitingForStore { .. });
    until("it waits", waits).await;
    let calls = || log.calls().get(action).copied().unwrap_or_default();
    let before = calls();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(waits(), "{reactions:?}");
    calls() - before
}

#[tokio::test(start_paused = true)]
async fn a_log_that_stays_down_is_asked_more_and_more_rarely_for_the_next_events() {
    let log = FaultyStore::new(Arc::new(MemoryStore::new()));
    // These are more events than the pages that may have been read by then hold.
    fill(&log, 1, 3000).await;
    let goes_down = log.clone();
    let tally = Tally::that(move |_| {
        goes_down.go_down(StoreErrorKind::Unavailable);
        Does::Notes
    });
    let reactions = beside(&log, tally);
    let calls = calls_while_down(&log, &reactions, "read the log").await;
    assert!((2..=20).contains(&calls), "{calls}");
    reactions.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_log_that_stays_down_is_asked_more_and_more_rarely_for_a_parked_stream() {
    let log = FaultyStore::new(Arc::new(MemoryStore::new()));
    fill(&log, 1, 2).await;
    let goes_down = log.clone();
    let tally = Tally::that(move |event| match event.sequence {
        Sequence(1) => {
            goes_down.go_down(StoreErrorKind::Unavailable);
            Does::Fails
        }
        _ => Does::Notes,
    });
    let reactions = beside(&log, tally);
    let calls = calls_while_down(&log, &reactions, "read a stream").await;
    assert!((2..=20).contains(&calls), "{calls}");
    reactions.shutdown().await;
}
