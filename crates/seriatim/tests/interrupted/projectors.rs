//! Two projectors: one parks what fails, and the other pauses; a person decides about both.

use std::collections::HashSet;
use std::error::Error;
use std::future::ready;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use seriatim::core::{
    Domain, EventFilter, LetterDecision, LetterFilter, LetterStatus, LogPartition, ReactionLetter,
    Store, StreamId, Timestamp, Verb,
};
use seriatim::prelude::*;
use seriatim::{AppBuilder, BackOff, FailurePolicy, Projector, Then};
use seriatim_testkit::faults::FaultyStore;

use crate::broken_off::Scenario;
use crate::on_every_storage;
use crate::storage::Storage;
use crate::vigil::{Job, JobCommand, JobEvent};

/// Every point at which the loop waits for somebody else than the clock. One that is added there is to be added here.
const POINTS: &[&str] = &[
    "advance a checkpoint",
    "flush",
    "handle events",
    "list the checkpoints",
    "list the parked streams",
    "list who does the work",
    "look for a pause",
    "look what the checkpoints speak of",
    "look where a component begins",
    "park a stream again",
    "park a stream",
    "pause a piece of work",
    "read a stream",
    "read the log",
    "release a piece of work",
    "renew a lease",
    "skip an event",
    "take a piece of work",
];

/// The name of a projector, and the stream and the number of an event that it has seen.
type Event = (&'static str, StreamId, u32);

/// The events that the projectors have seen, in any of their processes.
#[derive(Clone, Default)]
struct Seen {
    events: Arc<Mutex<Vec<Event>>>,
    /// `true` if events of one type do not fail any more.
    is_healed: Arc<AtomicBool>,
}

/// Fails on `Delayed` until that is healed; the one that parks fails on `Calmed` and `Ended` for ever.
struct Noting {
    name: &'static str,
    seen: Seen,
    store: FaultyStore,
}

impl Noting {
    fn note(&self, events: &[&RecordedEvent]) -> Result<(), Box<dyn Error + Send + Sync>> {
        for event in events {
            let bad = match event.of::<Job>() {
                Some(Ok(JobEvent::Delayed { .. })) => !self.seen.is_healed.load(Ordering::Relaxed),
                Some(Ok(JobEvent::Calmed | JobEvent::Ended)) => self.name == PARKING,
                _ => false,
            };
            if bad {
                return Err("it was told to fail".into());
            }
        }
        let places =
            (events.iter()).map(|event| (self.name, event.stream.clone(), event.sequence.0));
        self.seen.events.lock().unwrap().extend(places);
        Ok(())
    }
}

impl Projector for Noting {
    async fn project(&self, events: &[&RecordedEvent]) -> Result<(), Box<dyn Error + Send + Sync>> {
        let noted = self
            .store
            .call("handle events", async { Ok(self.note(events)) });
        noted.await?
    }
}

const PARKING: &str = "parking";
const PAUSING: &str = "pausing";

fn impatient(then: Then) -> FailurePolicy {
    FailurePolicy {
        back_off: BackOff {
            first: Duration::from_millis(1),
            retries: 2,
            ..BackOff::default()
        },
        skip: vec!["Calmed".into()],
        then,
    }
}

struct Projectors {
    app: App,
    seen: Seen,
    /// The jobs of the last run: one that is sound, one that is healed, one whose event is skipped, and one that is
    /// given up.
    jobs: [Uuid; 4],
    _storage: Storage,
}

impl Projectors {
    fn store(&self) -> &Arc<dyn Store> {
        self.app.coordinator().store()
    }

    async fn parked(&self, job: Uuid) -> Option<ReactionLetter> {
        let all = self.store().parked(None).await.unwrap();
        all.into_iter().find(|parked| parked.stream == stream(job))
    }

    async fn wish(&self, parked: &ReactionLetter, verb: Verb) {
        let wish = LetterDecision {
            verb,
            actor: None,
            reason: None,
            at: Timestamp::now(),
        };
        let (work, stream) = (&parked.work, &parked.stream);
        let decided = self.store().decide(work, stream, parked.sequence, &wish);
        decided.await.unwrap();
    }

    /// Does what a person does now. Returns whether there is nothing left to do.
    async fn decide(&self) -> bool {
        let [_, healed, _, given_up] = self.jobs;
        if !self.seen.is_healed.load(Ordering::Relaxed) {
            let (one, other) = (self.parked(healed).await, self.parked(given_up).await);
            let (Some(one), Some(other)) = (one, other) else {
                return false;
            };
            // It is still tried again, and nobody is asked.
            if other.id.is_none() {
                return false;
            }
            match (&one.decision, one.attempts.is_empty()) {
                (Some(_), _) => {}
                // In vain.
                (None, true) => self.wish(&one, Verb::Resubmit).await,
                (None, false) => {
                    self.seen.is_healed.store(true, Ordering::Relaxed);
                    self.wish(&one, Verb::Resubmit).await;
                    self.wish(&other, Verb::Discard).await;
                }
            }
            return false;
        }
        let head = self.store().head(LogPartition::FIRST).await.unwrap();
        let checkpoints = self.store().checkpoints(None).await.unwrap();
        for checkpoint in &checkpoints {
            if checkpoint.paused.is_some() {
                self.store().resume(&checkpoint.work).await.unwrap();
            }
        }
        let is_done = checkpoints.len() == 2
            && (checkpoints.iter()).all(|one| one.paused.is_none() && one.at.position == head);
        is_done && self.store().parked(None).await.unwrap().is_empty()
    }

    /// Every stream from its first event to its last, without what was given up; repeated from a point on, perhaps.
    fn check(&self) {
        for (name, missing) in [(PARKING, &self.jobs[2..]), (PAUSING, &[])] {
            for job in &self.jobs {
                let expected: &[u32] = if missing.contains(job) {
                    &[0, 2]
                } else {
                    &[0, 1, 2]
                };
                let events = self.seen.events.lock().unwrap();
                let of_it = |(of, id, _): &&Event| *of == name && id.root == *job;
                let seen: Vec<_> = events.iter().filter(of_it).map(|one| one.2).collect();
                let mut next = 0;
                for sequence in &seen {
                    let place = expected.iter().position(|one| one == sequence);
                    let place = place.unwrap_or_else(|| panic!("{name}: {seen:?}"));
                    assert!(place <= next, "{name}: {sequence} has overtaken, {seen:?}");
                    next = place + 1;
                }
                assert_eq!(next, expected.len(), "{name}: {seen:?}");
            }
        }
    }
}

fn stream(job: Uuid) -> StreamId {
    StreamId::new(Domain::of::<Job>(), job)
}

impl Scenario for Projectors {
    type Storage = Storage;

    fn log_url(storage: &Storage) -> String {
        storage.url().to_owned()
    }

    fn app(store: Arc<dyn Store>) -> AppBuilder {
        crate::plain(store)
    }

    async fn new(_storage: Storage, app: App) -> Self {
        Self {
            app,
            seen: Seen::default(),
            jobs: [Uuid::nil(); 4],
            _storage,
        }
    }

    fn process(
        &self,
        app: AppBuilder,
        store: FaultyStore,
    ) -> impl Future<Output = AppBuilder> + Send + 'static {
        let noting = |name| Noting {
            name,
            seen: self.seen.clone(),
            store: store.clone(),
        };
        let all = EventFilter::default;
        let app = app
            .projector(PARKING, all(), noting(PARKING))
            .failure_policy(PARKING, impatient(Then::Park))
            .projector(PAUSING, all(), noting(PAUSING))
            .failure_policy(PAUSING, impatient(Then::Pause));
        ready(app)
    }

    async fn happen(&mut self) {
        self.seen.is_healed.store(false, Ordering::Relaxed);
        self.jobs = [(); 4].map(|()| Uuid::now_v7());
        let begin = || JobCommand::Begin { due_ms: [0, 0] };
        let second = [
            begin(),
            JobCommand::Delay { due_ms: 0 },
            JobCommand::Calm,
            JobCommand::End,
        ];
        for (job, second) in self.jobs.into_iter().zip(second) {
            for command in [begin(), second, begin()] {
                self.app.of::<Job>(job).send(command).await.unwrap();
            }
        }
    }

    async fn is_done(&self) -> bool {
        if !self.decide().await {
            return false;
        }
        self.check();
        let discarded = LetterFilter {
            component: Some(PARKING.parse().unwrap()),
            status: Some(LetterStatus::Discarded),
            ..LetterFilter::default()
        };
        let store = self.store();
        let skipped = store.reaction_letters(&discarded, usize::MAX);
        let skipped: HashSet<_> = (skipped.await.unwrap().into_iter())
            .map(|one| (one.stream.root, one.sequence.0))
            .collect();
        assert!(
            self.jobs[2..]
                .iter()
                .all(|job| skipped.contains(&(*job, 1))),
            "{skipped:?}"
        );
        true
    }
}

on_every_storage! {
    Projectors, POINTS, 1,
    projectors_that_are_broken_off_go_on_on_sqlite,
    projectors_that_are_broken_off_go_on_on_postgresql
}
