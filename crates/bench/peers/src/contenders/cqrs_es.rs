//! cqrs-es with postgres-es: one table of events, JSON columns.

use std::convert::Infallible;
use std::time::Instant;

use ::cqrs_es::event_sink::EventSink;
use ::cqrs_es::persist::{PersistedEventRepository as _, PersistedEventStore};
use ::cqrs_es::{Aggregate, AggregateContext as _, AggregateError, DomainEvent, EventStore as _};
use async_trait::async_trait;
use postgres_es::{PostgresCqrs, PostgresEventRepository, postgres_cqrs};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Outcome;
use crate::contender::{Contender, Kind, Library, connections, locked_version};
use crate::database::Database;
use crate::domain::{self, Entered};
use crate::streams::Streams;
use crate::workload::Workload;

/// `postgres_cqrs` on a pool, as in its guide, with no queries attached.
///
/// - The events are the source of truth. Its snapshots would cost two more statements, and none of the streams here
///   is long enough for them to pay: the longest that is written to grows to some hundred events.
/// - It always loads, also for a new stream; there is no other way to send a command.
/// - `AggregateConflict` is tried again at once: its documentation leaves that to the caller.
/// - The table is the one that its documentation has users make.
/// - The log is what its replays read: all events of a type, in the order of their sequences.
pub(crate) struct CqrsEs;

#[derive(Default, Serialize, Deserialize)]
struct Ledger(domain::Ledger);

impl DomainEvent for Entered {
    fn event_type(&self) -> String {
        "Entered".into()
    }

    fn event_version(&self) -> String {
        "1.0".into()
    }
}

impl Aggregate for Ledger {
    const TYPE: &'static str = "ledger";
    type Command = Entered;
    type Event = Entered;
    type Error = Infallible;
    type Services = ();

    async fn handle(
        &mut self,
        command: Entered,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), Infallible> {
        sink.write(command, self).await;
        Ok(())
    }

    fn apply(&mut self, event: Entered) {
        self.0.enter(&event);
    }
}

struct Open {
    pool: sqlx08::PgPool,
    cqrs: PostgresCqrs<Ledger>,
    store: PersistedEventStore<PostgresEventRepository, Ledger>,
}

const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS events (
        aggregate_type text NOT NULL,
        aggregate_id   text NOT NULL,
        sequence       bigint NOT NULL CHECK (sequence >= 0),
        event_type     text NOT NULL,
        event_version  text NOT NULL,
        payload        json NOT NULL,
        metadata       json NOT NULL,
        PRIMARY KEY (aggregate_type, aggregate_id, sequence)
    )";

#[async_trait]
impl Library for CqrsEs {
    fn name(&self) -> &'static str {
        "cqrs-es"
    }

    fn about(&self) -> String {
        format!(
            "{}, postgres-es {}; a conflict is tried again at once",
            locked_version("cqrs-es"),
            locked_version("postgres-es")
        )
    }

    fn kind(&self) -> Kind {
        Kind::Peer
    }

    fn does(&self, _: Workload) -> bool {
        true
    }

    async fn open(&self, database: &Database, in_flight: usize) -> Outcome<Box<dyn Contender>> {
        database.run(&[TABLE]).await?;
        let pool = database.pool08(connections(in_flight)).await?;
        let repository = PostgresEventRepository::new(pool.clone());
        Ok(Box::new(Open {
            cqrs: postgres_cqrs(pool.clone(), vec![], ()),
            store: PersistedEventStore::new_event_store(repository),
            pool,
        }))
    }

    async fn fill(&self, database: &Database, streams: Streams) -> Outcome<()> {
        let rows = streams.rows();
        let copy = format!(
            "INSERT INTO events
             SELECT aggregate_type, root::text, n, event_type, event_version, payload, metadata
             FROM (SELECT * FROM events LIMIT 1) AS model, {rows}"
        );
        database.fill(&[&copy]).await
    }
}

#[async_trait]
impl Contender for Open {
    async fn command(&self, _: usize, root: Uuid) -> Outcome<u64> {
        let id = root.to_string();
        loop {
            match self.cqrs.execute(&id, Entered::sample()).await {
                Ok(()) => return Ok(1),
                Err(AggregateError::AggregateConflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn load(&self, _: usize, root: Uuid, _: u32) -> Outcome<u64> {
        let mut context = self.store.load_aggregate(&root.to_string()).await?;
        Ok(context.aggregate().0.entries)
    }

    async fn read_log(&self, until: Instant) -> Outcome<u64> {
        let repository = PostgresEventRepository::new(self.pool.clone());
        let (mut events, mut ledger) = (0, domain::Ledger::default());
        let mut log = repository.stream_all_events::<Ledger>().await?;
        while let Some(event) = log.next::<Ledger>(&[]).await {
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
