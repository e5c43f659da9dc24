//! A job is broken off at each point at which it waits for the store, in every way. It neither skips nor doubles a letter.

use std::collections::BTreeSet;
use std::sync::Arc;

use seriatim::AppBuilder;
use seriatim::core::{DeadLetter, JobStatus, LetterFilter, LetterStatus, Store, Verb};
use seriatim::prelude::*;
use seriatim_testkit::faults::FaultyStore;

use crate::broken_off::{Scenario, break_off};
use crate::shelf::*;
use crate::storage::Storage;

/// More than a job takes in hand at once.
const LETTERS: u32 = 18;

const POINTS: [&str; 11] = [
    "append events",
    "flush",
    "list the dead letters",
    "list the streams",
    "load a stream",
    "look up an external id",
    "read a dead letter",
    "read a stream",
    "release a piece of work",
    "revise a dead letter",
    "take a piece of work",
];

/// The one that fails comes first, so that its attempt is there when the process dies.
fn in_order() -> impl Iterator<Item = u32> {
    (0..LETTERS).map(|number| (number + UNLUCKY) % LETTERS)
}

struct Bulk {
    app: App,
    job: Uuid,
    roots: [Uuid; 2],
    letters: Vec<Uuid>,
    _storage: Storage,
}

impl Scenario for Bulk {
    type Storage = Storage;
    const HAS_JOBS: bool = true;
    const NOW_AND_THEN: &[&str] = &["read the head of the log", "renew a lease"];

    fn log_url(storage: &Storage) -> String {
        storage.url().into()
    }

    fn app(store: Arc<dyn Store>) -> AppBuilder {
        app(store)
    }

    async fn new(storage: Storage, app: App) -> Self {
        Self {
            app,
            job: Uuid::nil(),
            roots: [Uuid::nil(); 2],
            letters: Vec::new(),
            _storage: storage,
        }
    }

    fn process(
        &self,
        app: AppBuilder,
        _: FaultyStore,
    ) -> impl Future<Output = AppBuilder> + Send + 'static {
        std::future::ready(app)
    }

    async fn happen(&mut self) {
        self.clear().await;
        self.roots = [shelf(&self.app).await, shelf(&self.app).await];
        self.letters.clear();
        for number in in_order() {
            let root = self.roots[(number % 2) as usize];
            self.letters.push(park(&self.app, root, number).await);
        }
        self.job = start(&self.app, &resubmit_all()).await.id;
    }

    async fn is_done(&self) -> bool {
        let job = self.app.jobs().get(self.job).await.unwrap();
        if job.status != JobStatus::Finished {
            return false;
        }
        let results = results(&self.app, self.job).await;
        let tried: Vec<_> = results.iter().map(|result| result.letter).collect();
        assert_eq!(tried, self.letters);
        let counts = (job.counts.done, job.counts.failed, job.counts.passed);
        assert_eq!(counts, (u64::from(LETTERS) - 1, 1, 0), "{results:?}");
        for (half, root) in (0..).zip(self.roots) {
            let ours = in_order().filter(|n| n % 2 == half && *n != UNLUCKY);
            assert_eq!(numbers(&self.app, root).await, Vec::from_iter(ours));
        }
        assert_eq!(waiting(&self.app).await, (1, 1));
        true
    }
}

impl Bulk {
    /// Discards what an earlier job has left.
    async fn clear(&self) {
        let filter = LetterFilter {
            status: Some(LetterStatus::Parked),
            ..LetterFilter::default()
        };
        let left = self.app.desk().letters(&filter, 100).await.unwrap();
        let ids: BTreeSet<_> = left.iter().map(DeadLetter::id).collect();
        for letter in ids {
            let decision = seriatim::core::Decision {
                letter,
                action: Verb::Discard.into(),
                actor: None,
                reason: Some("the next begins".into()),
            };
            self.app.desk().decide(&decision).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite() {
    break_off::<Bulk>(Storage::sqlite, &POINTS, 3).await;
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread")]
async fn on_postgresql() {
    break_off::<Bulk>(Storage::postgresql, &POINTS, 3).await;
}
