//! A projector that records the events that it sees, and fails when it is told to.

use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use seriatim_core::{
    Checkpoint, CheckpointStore, Component, EventFilter, Log, RecordedEvent, Sequence, StreamId,
};
use seriatim_runtime::{
    AtLeastOnce, BackOff, Enrolled, FailurePolicy, Feed, PieceState, PieceStatus, Projector,
    ReactionSettings, Reactions,
};
use seriatim_store_memory::MemoryStore;
use seriatim_testkit::{PATIENCE, soon};

pub(crate) const NAME: &str = "tally";

/// The reaction of the projector to an event.
pub(crate) enum Does {
    Notes,
    Fails,
    Panics,
    /// Never returns.
    Hangs,
}

type Plan = dyn Fn(&RecordedEvent) -> Does + Send + Sync;

/// The projector. Its clones share one record.
#[derive(Clone)]
pub(crate) struct Tally {
    seen: Arc<Mutex<Vec<(StreamId, Sequence)>>>,
    hanging: Arc<()>,
    plan: Arc<Plan>,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self::that(|_| Does::Notes)
    }

    pub(crate) fn that(plan: impl Fn(&RecordedEvent) -> Does + Send + Sync + 'static) -> Self {
        Self {
            seen: Arc::default(),
            hanging: Arc::default(),
            plan: Arc::new(plan),
        }
    }

    pub(crate) fn seen(&self) -> Vec<(StreamId, Sequence)> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// Returns how many calls are hanging now.
    pub(crate) fn hanging(&self) -> usize {
        Arc::weak_count(&self.hanging)
    }

    /// Fails unless all events of each stream were seen in order and once.
    pub(crate) fn assert_exactly(&self, streams: usize, events: u32) {
        let seen = self.seen();
        assert_eq!(seen.len(), streams * events as usize);
        self.assert_in_order();
    }

    /// Fails unless each stream was seen in order, from its first event to its last. Repetitions begin at some event
    /// and go on to the end.
    pub(crate) fn assert_in_order(&self) {
        let mut next = std::collections::HashMap::new();
        for (stream, sequence) in self.seen() {
            let next = next.entry(stream.clone()).or_insert(0);
            assert!(sequence.0 <= *next, "{stream}: {sequence} before {next}");
            *next = sequence.0 + 1;
        }
    }
}

impl Projector for Tally {
    async fn project(&self, events: &[&RecordedEvent]) -> Result<(), Box<dyn Error + Send + Sync>> {
        // As in a transaction, all events are recorded or none.
        for event in events {
            match (self.plan)(event) {
                Does::Notes => {}
                Does::Fails => return Err("it was told to fail".into()),
                Does::Panics => panic!("it was told to panic"),
                Does::Hangs => {
                    let _hanging = Arc::downgrade(&self.hanging);
                    std::future::pending::<()>().await;
                }
            }
        }
        let places = events
            .iter()
            .map(|event| (event.stream.clone(), event.sequence));
        self.seen.lock().unwrap().extend(places);
        Ok(())
    }
}

/// A back-off with short pauses and few tries.
pub(crate) const IMPATIENT: BackOff = BackOff {
    first: Duration::from_millis(1),
    longest: Duration::from_millis(4),
    retries: 3,
};

pub(crate) fn enrolled(store: &MemoryStore, tally: &Tally) -> Enrolled {
    named(NAME, store, tally)
}

pub(crate) fn named(name: &str, store: &MemoryStore, tally: &Tally) -> Enrolled {
    let reaction = AtLeastOnce::new(
        Component::new(name).unwrap(),
        EventFilter::default(),
        Arc::new(store.clone()),
        tally.clone(),
    );
    Enrolled {
        policy: FailurePolicy {
            back_off: IMPATIENT,
            ..FailurePolicy::pause()
        },
        ..Enrolled::new(Arc::new(reaction))
    }
}

/// Returns a component that parks the streams on which it fails.
pub(crate) fn parking(store: &MemoryStore, tally: &Tally) -> Enrolled {
    Enrolled {
        policy: impatient_parking(),
        ..enrolled(store, tally)
    }
}

pub(crate) fn impatient_parking() -> FailurePolicy {
    FailurePolicy {
        back_off: IMPATIENT,
        ..FailurePolicy::park()
    }
}

pub(crate) fn start(store: &MemoryStore, owner: &str, components: Vec<Enrolled>) -> Reactions {
    start_with(store, owner, Duration::from_millis(300), components)
}

pub(crate) fn start_with(
    store: &MemoryStore,
    owner: &str,
    lease: Duration,
    components: Vec<Enrolled>,
) -> Reactions {
    let settings = ReactionSettings {
        owner: owner.into(),
        lease,
        ..ReactionSettings::default()
    };
    Reactions::start(
        &Feed::new(Log::as_stored(Arc::new(store.clone()))),
        components,
        &settings,
    )
}

/// Waits until `is_so` returns true. Unlike that of [`seriatim_testkit::until`] the future is `Send`.
pub(crate) async fn until(what: &str, is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, wait).await;
    assert!(waited.is_ok(), "it never came about that {what}");
}

pub(crate) fn only(reactions: &Reactions) -> PieceStatus {
    let status = reactions.status();
    assert_eq!(status.len(), 1);
    status[0].clone()
}

pub(crate) fn is_paused(status: &PieceStatus) -> bool {
    matches!(status.state, PieceState::Paused { .. })
}

/// Waits until observers see that the first work is paused, or that it is not. Returns the reason of the pause.
pub(crate) async fn until_shown(store: &MemoryStore, is_paused: bool) -> Option<String> {
    let shown = async {
        loop {
            let all = checkpoints(store).await;
            if let Some(checkpoint) = all.first()
                && checkpoint.paused.is_some() == is_paused
            {
                return checkpoint.paused.clone();
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    soon(shown).await
}

pub(crate) async fn checkpoints(store: &MemoryStore) -> Vec<Checkpoint> {
    store.checkpoints(None).await.unwrap()
}
