//! Seriatim by its public face, with its default settings.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use async_trait::async_trait;
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use seriatim::core::{Begin, EventFilter, Message as _};
use seriatim::prelude::*;

use crate::Outcome;
use crate::contender::{Contender, Kind, Library};
use crate::database::Database;
use crate::domain;
use crate::streams::Streams;
use crate::workload::Workload;

/// One writing connection and four that read, which is the default; no pool to choose a size for.
///
/// Messages are JSON, as they are where nothing is said. A new stream is begun by a sender who says so
/// (`expecting(NoStream)`); all else expects nothing and is merged by the default strategy. Colliding commands are
/// decided anew inside. Snapshots are taken as they are by default, every 100 events; only of the streams that are
/// longer than that from the start there are none, so that loading them means folding all of their events.
pub(crate) struct Seriatim;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
enum LedgerEvent {
    Entered { amount: u64, text: String },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Command)]
enum LedgerCommand {
    Enter { amount: u64, text: String },
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Ledger {
    total: u64,
    entries: u64,
}

impl Aggregate for Ledger {
    const DOMAIN: &'static str = "ledger";
    type Command = LedgerCommand;
    type Event = LedgerEvent;
    type Rejection = Never;

    fn decide(&self, command: &LedgerCommand) -> Result<Vec<LedgerEvent>, Never> {
        let LedgerCommand::Enter { amount, text } = command;
        Ok(vec![LedgerEvent::Entered {
            amount: *amount,
            text: text.clone(),
        }])
    }

    fn evolve(&mut self, event: &LedgerEvent) {
        let LedgerEvent::Entered { amount, .. } = event;
        self.total += amount;
        self.entries += 1;
    }
}

/// The same without snapshots.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
struct Archive(Ledger);

impl Aggregate for Archive {
    const DOMAIN: &'static str = "archive";
    const SNAPSHOTS: SnapshotPolicy = SnapshotPolicy::Never;
    type Command = LedgerCommand;
    type Event = LedgerEvent;
    type Rejection = Never;

    fn decide(&self, command: &LedgerCommand) -> Result<Vec<LedgerEvent>, Never> {
        self.0.decide(command)
    }

    fn evolve(&mut self, event: &LedgerEvent) {
        self.0.evolve(event);
    }
}

/// Returns whether a stream that was filled with so many events is an archive.
fn is_archive(filled: u32) -> bool {
    filled >= 100
}

fn enter() -> LedgerCommand {
    let domain::Entered { amount, text } = domain::Entered::sample();
    LedgerCommand::Enter { amount, text }
}

struct Open {
    app: App,
}

#[async_trait]
impl Library for Seriatim {
    fn name(&self) -> &'static str {
        "Seriatim"
    }

    fn about(&self) -> String {
        "this commit; default settings: one connection that writes, four that read".into()
    }

    fn kind(&self) -> Kind {
        Kind::Product
    }

    fn does(&self, _: Workload) -> bool {
        true
    }

    fn remembers(&self) -> bool {
        true
    }

    async fn open(&self, database: &Database, _: usize) -> Outcome<Box<dyn Contender>> {
        Ok(Box::new(open(database).await?))
    }

    /// By its own commands, so that all it keeps is as it would be.
    async fn fill(&self, database: &Database, streams: Streams) -> Outcome<()> {
        const WRITERS: usize = 1_024;
        let open = Arc::new(open(database).await?);
        let next = Arc::new(AtomicU64::new(0));
        let writers = (0..WRITERS).map(|_| {
            let (open, next) = (Arc::clone(&open), Arc::clone(&next));
            tokio::spawn(async move { write(&open, &next, streams).await })
        });
        for written in try_join_all(writers).await? {
            written?;
        }
        open.close().await
    }
}

/// Takes one event after another in the order of the log: of the streams that grow abreast, each gets its first,
/// then each its second.
async fn write(open: &Open, next: &AtomicU64, streams: Streams) -> Outcome<()> {
    let (abreast, length) = (streams.abreast(), u64::from(streams.length));
    loop {
        let place = next.fetch_add(1, Ordering::Relaxed);
        if place >= streams.count * length {
            return Ok(());
        }
        let chunk = place / (abreast * length);
        let number = chunk * abreast + place % abreast;
        let root = streams.root(number);
        match is_archive(streams.length) {
            true => open.app.of::<Archive>(root).send(enter()).await?,
            false => open.app.of::<Ledger>(root).send(enter()).await?,
        };
    }
}

async fn open(database: &Database) -> Outcome<Open> {
    let app = App::open(database.url())
        .await?
        .aggregate::<Ledger>()
        .aggregate::<Archive>();
    Ok(Open {
        app: app.start().await?,
    })
}

#[async_trait]
impl Contender for Open {
    async fn command(&self, _: usize, root: Uuid) -> Outcome<u64> {
        self.app.of::<Ledger>(root).send(enter()).await?;
        Ok(1)
    }

    async fn begin(&self, _: usize, root: Uuid) -> Outcome<u64> {
        let send = self.app.of::<Ledger>(root).send(enter());
        send.expecting(NoStream).await?;
        Ok(1)
    }

    async fn load(&self, _: usize, root: Uuid, filled: u32) -> Outcome<u64> {
        let state = match is_archive(filled) {
            true => self.app.of::<Archive>(root).state().await?.state.0,
            false => self.app.of::<Ledger>(root).state().await?.state,
        };
        Ok(state.entries)
    }

    async fn read_log(&self, until: Instant) -> Outcome<u64> {
        let mut log = self
            .app
            .subscribe(Begin::AtTheFirst, EventFilter::default())
            .await?;
        let (mut events, mut total) = (0, 0);
        while Instant::now() < until {
            let batch = log.next().await?;
            for recorded in batch.events() {
                let LedgerEvent::Entered { amount, .. } = LedgerEvent::decode(&recorded.payload)?;
                total += amount;
                events += 1;
            }
            if batch.caught_up() {
                break;
            }
        }
        std::hint::black_box(total);
        Ok(events)
    }

    async fn close(&self) -> Outcome<()> {
        self.app.shutdown().await;
        Ok(())
    }
}
