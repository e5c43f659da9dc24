//! A process that is broken off at one point of its work, and another one that goes on where it has died.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use seriatim::core::Store;
use seriatim::prelude::*;
use seriatim::{AppBuilder, ReactionSettings, open_store};
use seriatim_testkit::faults::{FaultyStore, Interruption};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

/// At any time it may return, so nothing comes of it that it fails.
const WAITING: &str = "wait for the log";

/// Done once for each storage, before anything is broken off there; the tests of the loop break it off.
const ONCE: [&str; 2] = [
    "decide where a component begins",
    "record the scope of a checkpoint",
];

const LEASE: Duration = Duration::from_millis(90);
const PATIENCE: Duration = Duration::from_secs(60);

/// The number of storages, each with one process at a time.
const BESIDE: usize = 8;

/// A scenario that is broken off, again and again on one storage.
pub(crate) trait Scenario: Send + Sync + Sized + 'static {
    /// The storage that it stands on, which is removed with it.
    type Storage: Send + 'static;

    /// Names the log.
    fn log_url(storage: &Self::Storage) -> String;

    /// The application without reactions.
    fn app(store: Arc<dyn Store>) -> AppBuilder;

    /// Makes things happen, and looks at what comes of it, through an application without reactions.
    fn new(storage: Self::Storage, app: App) -> impl Future<Output = Self> + Send;

    /// What the clock makes it do, or not. It is not broken off there.
    const NOW_AND_THEN: &[&str] = &[];

    /// Whether the process works for bulk jobs too.
    const HAS_JOBS: bool = false;

    /// The reactions that the process adds, on a store that breaks off.
    fn process(
        &self,
        app: AppBuilder,
        store: FaultyStore,
    ) -> impl Future<Output = AppBuilder> + Send + 'static;

    /// Something happens to which the process reacts.
    fn happen(&mut self) -> impl Future<Output = ()> + Send;

    /// Returns whether everything that has to follow has followed. Fails if something else has followed.
    fn is_done(&self) -> impl Future<Output = bool> + Send;
}

/// Breaks a scenario off at each of the points, at each of the first times that it comes to it, in every way there is.
/// Fails if something does not happen without being broken off, or is not among the points.
pub(crate) async fn break_off<S: Scenario>(
    storage: impl Fn() -> S::Storage,
    points: &[&'static str],
    times: usize,
) {
    let all = points.iter().flat_map(|point| {
        (1..=times).flat_map(|nth| Interruption::ALL.map(|how| (*point, nth, how)))
    });
    let all: Vec<_> = all.collect();
    let mut workers = JoinSet::new();
    for worker in 0..BESIDE {
        let mine: Vec<_> = all.iter().copied().skip(worker).step_by(BESIDE).collect();
        let (storage, points) = (storage(), BTreeSet::from_iter(points.iter().copied()));
        workers.spawn(async move {
            let mut stage = Stage::<S>::new(storage).await;
            stage.whole(&points).await;
            for (point, nth, how) in mine {
                let reached = stage.interrupted(point, nth, how).await;
                // How often something is done later depends on the clock.
                assert!(reached || nth > 1, "{point} was never reached");
            }
            stage.plain.shutdown().await.unwrap();
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker.unwrap();
    }
}

struct Stage<S> {
    url: String,
    plain: App,
    faulty: FaultyStore,
    scenario: S,
}

/// It dies with its runtime.
struct Process {
    app: Option<App>,
    runtime: Option<Runtime>,
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nobody says goodbye.
        std::mem::forget(self.app.take());
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl<S: Scenario> Stage<S> {
    async fn new(storage: S::Storage) -> Self {
        let url = S::log_url(&storage);
        let store = open_store(&url).await.unwrap();
        let plain = S::app(Arc::clone(&store)).works_for_jobs(false);
        let plain = plain.start().await.unwrap();
        Self {
            url,
            scenario: S::new(storage, plain.clone()).await,
            plain,
            faulty: FaultyStore::new(store),
        }
    }

    /// May die before it has started.
    async fn start(&self, dies: bool) -> Process {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (url, faulty) = (self.url.clone(), self.faulty.clone());
        let app = S::app(Arc::new(faulty.clone())).works_for_jobs(S::HAS_JOBS);
        let process = self.scenario.process(app, faulty.clone());
        // As in a process of its own: its connections die with it.
        let app = runtime.spawn(async move {
            faulty.replace(open_store(&url).await.unwrap());
            let settings = ReactionSettings {
                owner: "it".into(),
                lease: LEASE,
                ..ReactionSettings::default()
            };
            let app = process.await.reaction_settings(settings);
            app.start().await.unwrap()
        });
        let app = tokio::select! {
            app = app => Some(app.unwrap()),
            () = self.died(dies) => None,
        };
        Process {
            app,
            runtime: Some(runtime),
        }
    }

    /// Nothing is broken off, and nothing is done that is not among the points.
    async fn whole(&mut self, points: &BTreeSet<&str>) {
        self.run(false).await;
        let calls = self.faulty.calls().into_keys();
        let unknown: Vec<_> = calls
            .filter(|call| {
                *call != WAITING
                    && !S::NOW_AND_THEN.contains(call)
                    && !ONCE.contains(call)
                    && !points.contains(call)
            })
            .collect();
        assert!(unknown.is_empty(), "{unknown:?} are points too");
    }

    async fn interrupted(&mut self, point: &'static str, nth: usize, how: Interruption) -> bool {
        println!("{point}, {nth}, {how:?}");
        self.faulty.interrupt(point, nth, how);
        let dies = matches!(how, Interruption::DiesBefore | Interruption::DiesAfter);
        self.run(dies).await;
        self.faulty.was_interrupted()
    }

    /// Until all is done and the process has ended; another one is started when it has died.
    async fn run(&mut self, dies: bool) {
        self.scenario.happen().await;
        let begin = Instant::now();
        let mut process = self.start(dies).await;
        let mut has_died = false;
        let mut idle = 0;
        // Its heartbeat goes on when there is nothing to do.
        while idle < 3 {
            if dies && !has_died && self.faulty.was_interrupted() {
                // The old one is gone before the new one begins.
                drop(process);
                process = self.start(false).await;
                has_died = true;
            }
            idle = if self.scenario.is_done().await {
                idle + 1
            } else {
                0
            };
            let app = process.app.as_ref().unwrap();
            assert!(begin.elapsed() < PATIENCE, "{:?}", app.reactions());
            tokio::time::sleep(LEASE / 6).await;
        }
        let app = process.app.as_ref().unwrap();
        tokio::select! {
            ended = app.shutdown() => ended.unwrap(),
            () = self.died(dies && !has_died) => {}
        }
    }

    async fn died(&self, may: bool) {
        while !may || !self.faulty.was_interrupted() {
            tokio::time::sleep(LEASE / 6).await;
        }
    }
}
