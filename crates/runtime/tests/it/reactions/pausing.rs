//! Tests components that a person has paused: they stay paused until a person resumes them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use seriatim_core::{
    Accountable, CheckpointStore, Component, EventFilter, Hold, Log, OperatorError, Reaction,
    ReactionError, Step,
};
use seriatim_runtime::{
    AtLeastOnce, BackOff, Enrolled, FailurePolicy, Feed, PieceState, ReactionSettings, Reactions,
};
use seriatim_store_memory::MemoryStore;
use seriatim_testkit::faults::{FaultyStore, Interruption};

use super::tally::{
    Does, NAME, Tally, checkpoints, enrolled, is_paused, only, start, start_with, until,
    until_shown,
};
use crate::support::{append, fill, stream};

const HOUR: Duration = Duration::from_secs(3600);

fn name() -> Component {
    NAME.parse().unwrap()
}

async fn pause(reactions: &Reactions, reason: Option<&str>) -> usize {
    let paused = reactions.pause(&name(), Some("zoe"), reason).await;
    paused.unwrap().len()
}

#[tokio::test]
async fn a_component_is_paused_by_hand_and_goes_on_where_it_was() {
    let store = MemoryStore::new();
    let tally = Tally::new();
    fill(&store, 2, 2).await;
    // The lease is so long that there is no heartbeat: the piece is told.
    let reactions = start_with(&store, "one", HOUR, vec![enrolled(&store, &tally)]);
    until("all are seen", || tally.count() == 4).await;
    assert_eq!(pause(&reactions, Some("too many mails")).await, 1);
    until("it is paused", || is_paused(&only(&reactions))).await;
    append(&store, &stream("order", 0), 2, &["Noted"]).await;
    let PieceState::Paused { failure, error } = only(&reactions).state else {
        panic!("{reactions:?}");
    };
    assert_eq!(
        (failure, &*error),
        (None, "zoe has paused it: too many mails")
    );
    let shown = until_shown(&store, true).await;
    assert_eq!(shown.as_deref(), Some("zoe has paused it: too many mails"));
    assert_eq!(tally.count(), 4);

    assert_eq!(reactions.resume(&name()).await.unwrap().len(), 1);
    until("it goes on", || tally.count() == 5).await;
    assert_eq!(checkpoints(&store).await[0].paused, None);
    reactions.shutdown().await;
    tally.assert_in_order();
}

#[tokio::test]
async fn neither_a_restart_nor_a_take_over_ends_it() {
    let store = MemoryStore::new();
    let tally = Tally::new();
    fill(&store, 1, 2).await;
    let first = start(&store, "first", vec![enrolled(&store, &tally)]);
    until("all are seen", || tally.count() == 2).await;
    let second = start(&store, "second", vec![enrolled(&store, &tally)]);
    // The request goes to a process that does not do the work.
    assert_eq!(pause(&second, None).await, 1);
    until("it is paused", || is_paused(&only(&first))).await;
    append(&store, &stream("order", 0), 2, &["Noted"]).await;
    first.shutdown().await;
    until("the other has it", || is_paused(&only(&second))).await;
    second.shutdown().await;

    let third = start(&store, "third", vec![enrolled(&store, &tally)]);
    until("it is paused again", || is_paused(&only(&third))).await;
    let shown = until_shown(&store, true).await;
    assert_eq!(shown.as_deref(), Some("zoe has paused it"));
    assert_eq!(tally.count(), 2);
    third.resume(&name()).await.unwrap();
    until("it goes on", || tally.count() == 3).await;
    third.shutdown().await;
    let fourth = start(&store, "fourth", vec![enrolled(&store, &tally)]);
    append(&store, &stream("order", 0), 3, &["Noted"]).await;
    until("it is not paused any more", || tally.count() == 4).await;
    fourth.shutdown().await;
}

#[tokio::test]
async fn what_has_not_begun_is_paused_from_the_beginning() {
    let store = MemoryStore::new();
    let tally = Tally::new();
    fill(&store, 1, 2).await;
    store.set_pause(&name(), Some("not yet")).await.unwrap();
    let reactions = start(&store, "one", vec![enrolled(&store, &tally)]);
    until("it is paused", || is_paused(&only(&reactions))).await;
    assert_eq!(tally.count(), 0);
    reactions.resume(&name()).await.unwrap();
    until("it goes on", || tally.count() == 2).await;
    reactions.shutdown().await;
}

#[tokio::test]
async fn what_is_not_here_is_not_paused() {
    let store = MemoryStore::new();
    let reactions = start(&store, "one", vec![enrolled(&store, &Tally::new())]);
    let other = "other".parse().unwrap();
    let refused = reactions.pause(&other, None, None).await.unwrap_err();
    assert!(matches!(refused, OperatorError::UnknownComponent { .. }));
    assert_eq!(store.pause_of(&other).await.unwrap(), None);
    reactions.shutdown().await;
}

/// A component that sends to a target that never answers.
#[derive(Debug)]
struct TargetIsDown {
    component: Component,
    filter: EventFilter,
    store: MemoryStore,
}

#[async_trait]
impl Reaction for TargetIsDown {
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

    async fn handle(&self, _: Step<'_>) -> Result<Hold, ReactionError> {
        Err(ReactionError::Unavailable {
            target: "stock".parse().unwrap(),
            source: "no answer".into(),
        })
    }
}

/// Returns two components that only retry: one waits for its target, the other fails on its first event.
fn trying(store: &MemoryStore, pause: Duration) -> [Enrolled; 2] {
    let policy = FailurePolicy {
        back_off: BackOff {
            first: pause,
            longest: pause,
            retries: u32::MAX,
        },
        ..FailurePolicy::pause()
    };
    let waits = TargetIsDown {
        component: name(),
        filter: EventFilter::default(),
        store: store.clone(),
    };
    let fails = enrolled(store, &Tally::that(|_| Does::Fails));
    [Enrolled::new(Arc::new(waits)), fails].map(|component| Enrolled {
        policy: policy.clone(),
        ..component
    })
}

fn tries_again(reactions: &Reactions) -> bool {
    use PieceState::{Retrying, WaitingForTarget};
    let state = only(reactions).state;
    matches!(state, Retrying { .. } | WaitingForTarget { .. })
}

#[tokio::test]
async fn a_pause_is_heeded_at_once_between_two_tries() {
    for at in 0..2 {
        let store = MemoryStore::new();
        fill(&store, 1, 1).await;
        let [waits, fails] = trying(&store, HOUR);
        let component = if at == 0 { waits } else { fails };
        let reactions = start_with(&store, "one", HOUR, vec![component]);
        until("it tries again", || tries_again(&reactions)).await;
        assert_eq!(pause(&reactions, None).await, 1);
        until("it is paused", || is_paused(&only(&reactions))).await;
        let shown = until_shown(&store, true).await;
        assert_eq!(shown.as_deref(), Some("zoe has paused it"));
        reactions.resume(&name()).await.unwrap();
        until("it tries again", || tries_again(&reactions)).await;
        reactions.shutdown().await;
    }
}

/// Every pause between two tries is shorter than a third of the lease.
#[tokio::test]
async fn a_pause_from_elsewhere_is_heeded_however_short_the_pauses_between_tries_are() {
    for at in 0..2 {
        let store = MemoryStore::new();
        fill(&store, 1, 1).await;
        let [waits, fails] = trying(&store, Duration::from_millis(1));
        let component = if at == 0 { waits } else { fails };
        let lease = Duration::from_secs(1);
        let reactions = start_with(&store, "one", lease, vec![component]);
        until("it tries again", || tries_again(&reactions)).await;
        store.set_pause(&name(), Some("enough")).await.unwrap();
        until("it is paused", || is_paused(&only(&reactions))).await;
        reactions.shutdown().await;
    }
}

#[tokio::test]
async fn nothing_is_begun_before_the_store_says_that_it_is_not_paused() {
    let plain = MemoryStore::new();
    fill(&plain, 1, 2).await;
    plain.set_pause(&name(), Some("not yet")).await.unwrap();
    let store = FaultyStore::new(Arc::new(plain.clone()));
    store.interrupt("look for a pause", 1, Interruption::Refused);
    let all = EventFilter::default();
    let reaction = AtLeastOnce::new(name(), all, Arc::new(store.clone()), Tally::new());
    let reactions = Reactions::start(
        &Feed::new(Log::as_stored(Arc::new(plain))),
        vec![Enrolled::new(Arc::new(reaction))],
        &ReactionSettings::default(),
    );
    until("it is paused", || is_paused(&only(&reactions))).await;
    assert!(store.was_interrupted());
    assert!(!store.calls().contains_key("list the parked streams"));
    reactions.shutdown().await;
}
