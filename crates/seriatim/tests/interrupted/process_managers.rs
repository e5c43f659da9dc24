//! A process manager: its inputs, what it sends, and its timers.

use std::future::ready;
use std::sync::Arc;

use seriatim::AppBuilder;
use seriatim::core::Store;
use seriatim::prelude::*;
use seriatim_testkit::faults::FaultyStore;

use crate::broken_off::Scenario;
use crate::on_every_storage;
use crate::storage::Storage;
use crate::told::Told;
use crate::vigil::{Job, JobCommand, Vigil};

/// Every point at which a process manager waits for its store. One that is added there is to be added here.
const POINTS: &[&str] = &[
    "advance a checkpoint",
    "append events",
    "clear timers",
    "flush",
    "list the parked streams",
    "list who does the work",
    "load a stream",
    "look for the next timer",
    "look for a pause",
    "look what the checkpoints speak of",
    "look where a component begins",
    "read a stream",
    "read the log",
    "release a piece of work",
    "renew a lease",
    "ring timers",
    "set timers",
    "take a piece of work",
];

const NEVER: u64 = 3_600_000;

struct Vigils {
    app: App,
    _storage: Storage,
}

impl Scenario for Vigils {
    type Storage = Storage;

    fn log_url(storage: &Storage) -> String {
        storage.url().to_owned()
    }

    fn app(store: Arc<dyn Store>) -> AppBuilder {
        crate::plain(store)
    }

    async fn new(_storage: Storage, app: App) -> Self {
        Self { app, _storage }
    }

    fn process(
        &self,
        app: AppBuilder,
        _: FaultyStore,
    ) -> impl Future<Output = AppBuilder> + Send + 'static {
        ready(app.process_manager::<Vigil>())
    }

    /// One timer fires, one is cancelled, one replaced; and one ends with its process.
    async fn happen(&mut self) {
        let begin = |due_ms| JobCommand::Begin { due_ms };
        for commands in [
            vec![begin([1, NEVER]), JobCommand::Calm],
            vec![begin([NEVER, 20]), JobCommand::Delay { due_ms: 1 }],
            vec![begin([NEVER, NEVER]), JobCommand::End],
        ] {
            let job = Uuid::now_v7();
            for command in commands {
                self.app.of::<Job>(job).send(command).await.unwrap();
            }
        }
    }

    async fn is_done(&self) -> bool {
        Told::by(&self.app).await.is_done()
    }
}

on_every_storage! {
    Vigils, POINTS, 1,
    a_process_manager_that_is_broken_off_goes_on_on_sqlite,
    a_process_manager_that_is_broken_off_goes_on_on_postgresql
}
