//! esrs: one table of events an aggregate; optimistic, or with its advisory lock.

use std::convert::Infallible;
use std::time::Instant;

use ::esrs::manager::AggregateManager;
use ::esrs::store::postgres::{PgStore, PgStoreBuilder, PgStoreError, UuidFormat};
use ::esrs::{Aggregate, AggregateState};
use async_trait::async_trait;
use futures::StreamExt as _;
use uuid::Uuid;

use crate::Outcome;
use crate::contender::{Contender, Kind, Library, connections, locked_version};
use crate::database::Database;
use crate::domain::{Entered, Ledger};
use crate::streams::Streams;
use crate::workload::Workload;

/// An `AggregateManager` on a `PgStore` as in its README, without handlers and buses, so that nothing but the events
/// is written.
///
/// - A new stream is begun with a fresh `AggregateState`, without a load.
/// - Its documentation offers two ways to write: optimistically (`load`, `handle_command`, and the caller deals with
///   the conflict: here, at once again), and under its advisory lock (`lock_and_load`). The first is the one measured
///   everywhere; the second takes part where callers compete for streams, as a contender of its own.
/// - The lock holds a connection while two others load and write, so that way gets twice the connections and one
///   more: with fewer, all of them end up in the hands of callers that wait for the lock.
/// - Ids of events are of version 7, which its builder offers and which keeps their index small.
/// - The log is what `stream_events` gives: the table in the order of time.
pub(crate) struct Esrs {
    pub(crate) locking: bool,
}

struct LedgerAggregate;

impl Aggregate for LedgerAggregate {
    const NAME: &'static str = "ledger";
    type State = Ledger;
    type Command = Entered;
    type Event = Entered;
    type Error = Infallible;

    fn handle_command(_: &Ledger, command: Entered) -> Result<Vec<Entered>, Infallible> {
        Ok(vec![command])
    }

    fn apply_event(mut state: Ledger, event: Entered) -> Ledger {
        state.enter(&event);
        state
    }
}

struct Open {
    pool: sqlx08::PgPool,
    store: PgStore<LedgerAggregate>,
    manager: AggregateManager<PgStore<LedgerAggregate>>,
    locking: bool,
}

#[async_trait]
impl Library for Esrs {
    fn name(&self) -> &'static str {
        match self.locking {
            false => "esrs",
            true => "esrs, locking",
        }
    }

    fn about(&self) -> String {
        let version = locked_version("esrs");
        match self.locking {
            false => format!("{version}; optimistic, a conflict is tried again at once"),
            true => format!("{version}; lock_and_load, twice the connections"),
        }
    }

    fn kind(&self) -> Kind {
        Kind::Peer
    }

    fn does(&self, workload: Workload) -> bool {
        !self.locking || matches!(workload, Workload::Contended(_))
    }

    async fn open(&self, database: &Database, in_flight: usize) -> Outcome<Box<dyn Contender>> {
        let connections = match self.locking {
            false => connections(in_flight),
            true => 2 * connections(in_flight) + 1,
        };
        let pool = database.pool08(connections).await?;
        let store: PgStore<LedgerAggregate> = PgStoreBuilder::new(pool.clone())
            .with_event_id_format(UuidFormat::V7)
            .try_build()
            .await?;
        Ok(Box::new(Open {
            manager: AggregateManager::new(store.clone()),
            store,
            pool,
            locking: self.locking,
        }))
    }

    async fn fill(&self, database: &Database, streams: Streams) -> Outcome<()> {
        let rows = streams.rows();
        let copy = format!(
            "INSERT INTO ledger_events (id, aggregate_id, payload, occurred_on, sequence_number)
             SELECT rows.id, root, model.payload, clock_timestamp(), n
             FROM (SELECT payload FROM ledger_events LIMIT 1) AS model, {rows}"
        );
        database.fill(&[&copy]).await
    }
}

impl Open {
    /// Sends a command once. Returns whether it was accepted.
    async fn attempt(&self, state: AggregateState<Ledger>) -> Outcome<bool> {
        match self.manager.handle_command(state, Entered::sample()).await {
            Ok(Ok(_)) => Ok(true),
            Ok(Err(never)) => match never {},
            Err(PgStoreError::Sqlx(sqlx08::Error::Database(error)))
                if error.is_unique_violation() =>
            {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }
}

#[async_trait]
impl Contender for Open {
    async fn command(&self, _: usize, root: Uuid) -> Outcome<u64> {
        loop {
            let state = match self.locking {
                true => self.manager.lock_and_load(root).await?.unwrap_or_default(),
                false => match self.manager.load(root).await? {
                    Some(state) => state,
                    None => AggregateState::with_id(root),
                },
            };
            if self.attempt(state).await? {
                return Ok(1);
            }
        }
    }

    async fn begin(&self, _: usize, root: Uuid) -> Outcome<u64> {
        match self.attempt(AggregateState::with_id(root)).await? {
            true => Ok(1),
            false => Err("a new stream was not new".into()),
        }
    }

    async fn load(&self, _: usize, root: Uuid, _: u32) -> Outcome<u64> {
        let state = self.manager.load(root).await?;
        Ok(state.map_or(0, |state| state.inner().entries))
    }

    async fn read_log(&self, until: Instant) -> Outcome<u64> {
        let (mut events, mut ledger) = (0, Ledger::default());
        let mut log = self.store.stream_events(&self.pool);
        while let Some(event) = log.next().await {
            ledger.enter(&event?.payload);
            events += 1;
            if events % 1_000 == 0 && Instant::now() >= until {
                break;
            }
        }
        std::hint::black_box(ledger);
        Ok(events)
    }

    async fn close(&self) -> Outcome<()> {
        self.pool.close().await;
        Ok(())
    }
}
