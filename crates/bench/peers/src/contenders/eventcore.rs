//! eventcore with its PostgreSQL store: commands over streams, retried inside.

use std::time::Instant;

use ::eventcore::postgres::PostgresEventStore;
use ::eventcore::{
    Command, CommandError, CommandLogic, Event, NewEvents, RetryPolicy, StreamId, execute,
};
use async_trait::async_trait;
use eventcore_types::{BatchSize, EventFilter, EventPage, EventReader as _, EventStore as _};
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Outcome;
use crate::contender::{Contender, Kind, Library, connections, locked_version};
use crate::database::Database;
use crate::domain::{Entered, Ledger};
use crate::streams::Streams;
use crate::workload::Workload;

/// `execute` on a `PostgresEventStore`, as in its guide.
///
/// - Retries are its own, by its default policy: four, after 10 ms, 20 ms and so on. A command that was given up is
///   executed again until it is accepted.
/// - The store's normal migration is run, without the source of its transactional projections, which would order all
///   appends one after the other.
/// - It always loads, also for a new stream; there is no other way to send a command.
/// - The log is what its `EventReader` gives, in pages of 1,000.
pub(crate) struct EventCore;

#[derive(Clone, Debug, Serialize, Deserialize)]
enum LedgerEvent {
    Entered {
        ledger: StreamId,
        #[serde(flatten)]
        entered: Entered,
    },
}

impl Event for LedgerEvent {
    fn stream_id(&self) -> &StreamId {
        let Self::Entered { ledger, .. } = self;
        ledger
    }

    fn event_type_name() -> &'static str {
        "LedgerEvent"
    }
}

#[derive(Command)]
struct Enter {
    #[stream]
    ledger: StreamId,
    entered: Entered,
}

impl CommandLogic for Enter {
    type Event = LedgerEvent;
    type State = Ledger;

    fn apply(&self, mut state: Ledger, event: &LedgerEvent) -> Ledger {
        let LedgerEvent::Entered { entered, .. } = event;
        state.enter(entered);
        state
    }

    fn handle(&self, _: Ledger) -> Result<NewEvents<LedgerEvent>, CommandError> {
        let entered = LedgerEvent::Entered {
            ledger: self.ledger.clone(),
            entered: self.entered.clone(),
        };
        Ok(vec![entered].into())
    }
}

struct Open {
    pool: sqlx08::PgPool,
    store: PostgresEventStore,
}

#[async_trait]
impl Library for EventCore {
    fn name(&self) -> &'static str {
        "eventcore"
    }

    fn about(&self) -> String {
        let version = locked_version("eventcore");
        format!("{version}; retries inside by its default policy, then again")
    }

    fn kind(&self) -> Kind {
        Kind::Peer
    }

    fn does(&self, _: Workload) -> bool {
        true
    }

    async fn open(&self, database: &Database, in_flight: usize) -> Outcome<Box<dyn Contender>> {
        let pool = database.pool08(connections(in_flight)).await?;
        let store = PostgresEventStore::from_pool(pool.clone());
        store.migrate().await;
        Ok(Box::new(Open { pool, store }))
    }

    async fn fill(&self, database: &Database, streams: Streams) -> Outcome<()> {
        let rows = streams.rows();
        let copy = format!(
            "INSERT INTO eventcore_events
                 (event_id, stream_id, stream_version, event_type, event_data, metadata)
             SELECT rows.id, root::text, n, event_type,
                    jsonb_set(event_data, '{{Entered,ledger}}', to_jsonb(root::text)), metadata
             FROM (SELECT * FROM eventcore_events LIMIT 1) AS model, {rows}"
        );
        database.fill(&[&copy]).await
    }
}

fn stream(root: Uuid) -> Outcome<StreamId> {
    Ok(StreamId::try_new(root.to_string())?)
}

#[async_trait]
impl Contender for Open {
    async fn command(&self, _: usize, root: Uuid) -> Outcome<u64> {
        loop {
            let enter = Enter {
                ledger: stream(root)?,
                entered: Entered::sample(),
            };
            match execute(&self.store, enter, RetryPolicy::new()).await {
                Ok(_) => return Ok(1),
                Err(CommandError::ConcurrencyError(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn load(&self, _: usize, root: Uuid, _: u32) -> Outcome<u64> {
        let mut ledger = Ledger::default();
        let mut events = self.store.read_stream::<LedgerEvent>(stream(root)?).await?;
        while let Some(event) = events.next().await {
            let LedgerEvent::Entered { entered, .. } = event?;
            ledger.enter(&entered);
        }
        Ok(ledger.entries)
    }

    async fn read_log(&self, until: Instant) -> Outcome<u64> {
        let (mut events, mut ledger) = (0, Ledger::default());
        let mut page = EventPage::first(BatchSize::new(1_000));
        while Instant::now() < until {
            let read = self.store.read_events(EventFilter::all(), page).await?;
            let Some(next) = page.next_from_results(&read) else {
                break;
            };
            page = next;
            events += read.len() as u64;
            for (LedgerEvent::Entered { entered, .. }, _) in read {
                ledger.enter(&entered);
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
