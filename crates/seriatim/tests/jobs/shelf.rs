//! A shelf, and letters about what was to be put on it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use seriatim::core::{
    JobRecord, JobResult, JobStatus, LetterFilter, LetterStatus, NewJob, ResultPlace, Store, Verb,
};
use seriatim::prelude::*;
use seriatim::{AppBuilder, ReactionSettings};
use seriatim_testkit::until;

/// The number that no shelf takes.
pub(crate) const UNLUCKY: u32 = 13;

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) enum ShelfEvent {
    Put { number: u32 },
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
pub(crate) enum ShelfCommand {
    Put { number: u32 },
}

#[derive(Rejection, thiserror::Error, Debug)]
pub(crate) enum ShelfRejection {
    #[error("{number} is unlucky")]
    Unlucky { number: u32 },
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Shelf {
    last: u32,
}

impl Aggregate for Shelf {
    const DOMAIN: &'static str = "shelf";
    type Command = ShelfCommand;
    type Event = ShelfEvent;
    type Rejection = ShelfRejection;

    fn decide(&self, command: &ShelfCommand) -> Result<Vec<ShelfEvent>, ShelfRejection> {
        let ShelfCommand::Put { number } = *command;
        match number % 100 {
            UNLUCKY => Err(ShelfRejection::Unlucky { number }),
            _ => Ok(vec![ShelfEvent::Put { number }]),
        }
    }

    fn evolve(&mut self, ShelfEvent::Put { number }: &ShelfEvent) {
        self.last = *number;
    }
}

pub(crate) fn app(store: Arc<dyn Store>) -> AppBuilder {
    App::on(store).aggregate::<Shelf>()
}

pub(crate) async fn open(url: &str) -> AppBuilder {
    App::open(url).await.unwrap().aggregate::<Shelf>()
}

/// The lease is short, so that another process takes over soon.
pub(crate) fn settings() -> ReactionSettings {
    ReactionSettings {
        lease: std::time::Duration::from_millis(300),
        ..ReactionSettings::default()
    }
}

/// Makes a shelf with one event, behind which commands are parked.
pub(crate) async fn shelf(app: &App) -> Uuid {
    let root = Uuid::now_v7();
    let put = ShelfCommand::Put { number: 0 };
    app.of::<Shelf>(root).send(put).await.unwrap();
    root
}

/// Parks a command. Returns its letter.
pub(crate) async fn park(app: &App, root: Uuid, number: u32) -> Uuid {
    let shelf = app.of::<Shelf>(root);
    let put = shelf.send(ShelfCommand::Put { number });
    match put.expecting(NoStream).merge(Manual).await.unwrap().outcome {
        Outcome::DeadLettered { id, .. } => id,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn numbers(app: &App, root: Uuid) -> Vec<u32> {
    let store = app.coordinator().store();
    let stream = StreamId::new(Domain::of::<Shelf>(), root);
    let events = store
        .read_stream(&stream, Sequence(1), 10_000)
        .await
        .unwrap();
    let numbers = events.iter().map(|event| {
        let ShelfEvent::Put { number } = event.of::<Shelf>().unwrap().unwrap();
        number
    });
    numbers.collect()
}

pub(crate) fn resubmit_all() -> NewJob {
    NewJob {
        verb: Verb::Resubmit,
        filter: LetterFilter::default(),
        through: None,
        reason: Some("the shelf is free".into()),
        stop_at_failure: false,
    }
}

pub(crate) async fn start(app: &App, new: &NewJob) -> JobRecord {
    let plan = app.jobs().plan(new, |_| true).await.unwrap();
    let started = app.jobs().start(new, &plan, Some("ann".into())).await;
    started.unwrap()
}

pub(crate) async fn reaches(app: &App, id: Uuid, status: JobStatus) -> JobRecord {
    until("the job is there", async || {
        app.jobs().get(id).await.unwrap().status == status
    })
    .await;
    app.jobs().get(id).await.unwrap()
}

pub(crate) async fn results(app: &App, id: Uuid) -> Vec<JobResult> {
    let (mut all, mut place) = (Vec::new(), ResultPlace::default());
    loop {
        let (some, next) = app.jobs().results(id, place, 7).await.unwrap();
        all.extend(some);
        match next {
            Some(next) => place = next,
            None => return all,
        }
    }
}

/// Returns the number of letters that wait, and of the attempts at them.
pub(crate) async fn waiting(app: &App) -> (usize, usize) {
    let filter = LetterFilter {
        status: Some(LetterStatus::Parked),
        ..LetterFilter::default()
    };
    let letters = app.desk().letters(&filter, 10_000).await.unwrap();
    let attempts = letters.iter().map(|letter| letter.attempts().len());
    (letters.len(), attempts.sum())
}
