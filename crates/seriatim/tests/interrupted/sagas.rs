//! A saga: each effect is there once, in the order of its stream.

use std::future::ready;
use std::sync::Arc;

use seriatim::AppBuilder;
use seriatim::core::{Effects, Saga, Store};
use seriatim::prelude::*;
use seriatim_testkit::faults::FaultyStore;

use crate::broken_off::Scenario;
use crate::on_every_storage;
use crate::storage::Storage;
use crate::vigil::{Job, JobCommand, JobEvent, Ledger, Note, Noted};

/// Every point at which a saga waits for its store. One that is added there is to be added here.
const POINTS: &[&str] = &[
    "advance a checkpoint",
    "append events",
    "flush",
    "list the parked streams",
    "list who does the work",
    "load a stream",
    "look for a pause",
    "look what the checkpoints speak of",
    "look where a component begins",
    "read the log",
    "release a piece of work",
    "renew a lease",
    "take a piece of work",
];

/// Notes in two ledgers what happens to a job: in that of the job, and in one that they share.
struct Noting;

impl Saga for Noting {
    const NAME: &'static str = "noting";
    type Source = Job;

    fn react(&self, _: &JobEvent, recorded: &RecordedEvent, effects: &mut Effects) {
        let job = recorded.stream.root;
        let tag = format!("{job}/{}", recorded.sequence);
        for ledger in [job, Uuid::nil()] {
            let tag = tag.clone();
            effects.send::<Ledger>(ledger, &Note { tag });
        }
    }
}

struct Notes {
    app: App,
    jobs: Vec<Uuid>,
    _storage: Storage,
}

impl Notes {
    async fn noted(&self, ledger: Uuid) -> Vec<String> {
        let noted = self
            .app
            .of::<Ledger>(ledger)
            .events(Sequence::FIRST, 100_000);
        let noted = noted.await.unwrap().into_iter().map(|recorded| {
            let Noted { tag } = recorded.of::<Ledger>().unwrap().unwrap();
            tag
        });
        noted.collect()
    }
}

impl Scenario for Notes {
    type Storage = Storage;

    fn log_url(storage: &Storage) -> String {
        storage.url().to_owned()
    }

    fn app(store: Arc<dyn Store>) -> AppBuilder {
        crate::plain(store)
    }

    async fn new(_storage: Storage, app: App) -> Self {
        let jobs = Vec::new();
        Self {
            app,
            jobs,
            _storage,
        }
    }

    fn process(
        &self,
        app: AppBuilder,
        _: FaultyStore,
    ) -> impl Future<Output = AppBuilder> + Send + 'static {
        ready(app.saga(Noting))
    }

    async fn happen(&mut self) {
        for _ in 0..2 {
            let job = Uuid::now_v7();
            for _ in 0..2 {
                self.app
                    .of::<Job>(job)
                    .send(JobCommand::Calm)
                    .await
                    .unwrap();
            }
            self.jobs.push(job);
        }
    }

    async fn is_done(&self) -> bool {
        let all = self.noted(Uuid::nil()).await;
        assert!(all.len() <= self.jobs.len() * 2, "too often: {all:?}");
        let mut is_done = all.len() == self.jobs.len() * 2;
        for job in self.jobs.iter().rev().take(2) {
            let expected = [format!("{job}/0"), format!("{job}/1")];
            let shared = all.iter().filter(|tag| expected.contains(tag)).cloned();
            for noted in [self.noted(*job).await, shared.collect()] {
                assert!(expected.starts_with(&noted), "{noted:?}");
                is_done &= noted == expected;
            }
        }
        is_done
    }
}

on_every_storage! {
    Notes, POINTS, 1,
    a_saga_that_is_broken_off_goes_on_on_sqlite,
    a_saga_that_is_broken_off_goes_on_on_postgresql
}
