//! disintegrate with its PostgreSQL store: decisions over whatever events a query names.

use std::convert::Infallible;
use std::time::Instant;

use ::disintegrate::serde::json::Json;
use ::disintegrate::{
    Decision, Event, EventSourcedStateStore, EventStore as _, LoadState as _, NoSnapshot,
    StateMutate, StateQuery, StreamItem, StreamQuery, query,
};
use async_trait::async_trait;
use disintegrate_postgres::{
    Error as PgError, Migrator, PgDecisionMaker, PgEventId, PgEventStore, decision_maker,
};
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Outcome;
use crate::contender::{Contender, Kind, Library, connections, locked_version};
use crate::database::Database;
use crate::domain::{self, Entered};
use crate::streams::Streams;
use crate::workload::Workload;

/// A decision maker on a `PgEventStore`, as in its README, without snapshots.
///
/// - `Error::Concurrency` and failures of serialization are tried again at once.
/// - On PostgreSQL 15 and older its function `event_store_begin_epoch` does not compile: it has a hexadecimal number.
///   Its documentation allows one to make the structure by hand; that is done here for what its migrator has not
///   made by then, with the same number in decimal.
/// - It always loads, also for a new stream; there is no other way to make a decision.
/// - The log is one stream over all events, as its listeners read it.
pub(crate) struct Disintegrate;

#[derive(Clone, Debug, PartialEq, Eq, Event, Serialize, Deserialize)]
enum LedgerEvent {
    Entered {
        #[id]
        ledger: Uuid,
        amount: u64,
        text: String,
    },
}

#[derive(Clone, Default, StateQuery, Serialize, Deserialize)]
#[state_query(LedgerEvent)]
struct Ledger {
    #[id]
    ledger: Uuid,
    state: domain::Ledger,
}

impl StateMutate for Ledger {
    fn mutate(&mut self, event: LedgerEvent) {
        let LedgerEvent::Entered { amount, text, .. } = event;
        self.state.enter(&Entered { amount, text });
    }
}

struct Enter {
    ledger: Uuid,
    entered: Entered,
}

impl Decision for Enter {
    type Event = LedgerEvent;
    type StateQuery = Ledger;
    type Error = Infallible;

    fn state_query(&self) -> Ledger {
        ledger(self.ledger)
    }

    fn process(&self, _: &Ledger) -> Result<Vec<LedgerEvent>, Infallible> {
        let Entered { amount, text } = self.entered.clone();
        Ok(vec![LedgerEvent::Entered {
            ledger: self.ledger,
            amount,
            text,
        }])
    }
}

fn ledger(root: Uuid) -> Ledger {
    Ledger {
        ledger: root,
        ..Ledger::default()
    }
}

type Store = PgEventStore<LedgerEvent, Json<LedgerEvent>>;

struct Open {
    pool: sqlx08::PgPool,
    store: Store,
    maker: PgDecisionMaker<LedgerEvent, Json<LedgerEvent>, NoSnapshot>,
}

/// The statements that the migrator runs after the function that older servers refuse, and that function.
const REST_OF_THE_STRUCTURE: [&str; 3] = [
    "CREATE OR REPLACE FUNCTION event_store_begin_epoch() RETURNS void LANGUAGE plpgsql AS $$
     BEGIN
         PERFORM pg_try_advisory_xact_lock_shared(base.oid::int, 0),
                 pg_try_advisory_xact_lock_shared(1, (last_value & 4294967295)::bit(32)::int),
                 pg_try_advisory_xact_lock_shared(2, (last_value >> 32)::bit(32)::int)
         FROM seq_event_event_id, pg_database AS base
         WHERE base.datname = current_database();
     END $$",
    "ALTER TABLE event ADD COLUMN IF NOT EXISTS ledger uuid",
    "CREATE INDEX IF NOT EXISTS idx_event_ledger ON event (ledger) WHERE ledger IS NOT NULL",
];

#[async_trait]
impl Library for Disintegrate {
    fn name(&self) -> &'static str {
        "disintegrate"
    }

    fn about(&self) -> String {
        format!(
            "{}, disintegrate-postgres {}; a conflict is tried again at once; before PostgreSQL 16 with one function \
             of its schema made by hand",
            locked_version("disintegrate"),
            locked_version("disintegrate-postgres")
        )
    }

    fn kind(&self) -> Kind {
        Kind::Peer
    }

    fn does(&self, _: Workload) -> bool {
        true
    }

    async fn open(&self, database: &Database, in_flight: usize) -> Outcome<Box<dyn Contender>> {
        let pool = database.pool08(connections(in_flight)).await?;
        let store = Store::new_uninitialized(pool.clone(), Json::default());
        if Migrator::new(store.clone())
            .init_event_store()
            .await
            .is_err()
        {
            database.run(&REST_OF_THE_STRUCTURE).await?;
        }
        Ok(Box::new(Open {
            maker: decision_maker(store.clone(), NoSnapshot),
            store,
            pool,
        }))
    }

    async fn fill(&self, database: &Database, streams: Streams) -> Outcome<()> {
        let rows = streams.rows();
        let copy = format!(
            "INSERT INTO event (event_type, payload, ledger)
             SELECT event_type,
                    convert_to(replace(convert_from(payload, 'UTF8'), ledger::text, root::text), 'UTF8'),
                    root
             FROM (SELECT * FROM event LIMIT 1) AS model, {rows}"
        );
        database.fill(&[&copy]).await
    }
}

/// Returns whether another writer was faster.
fn is_conflict(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    match error.downcast_ref::<PgError>() {
        Some(PgError::Concurrency) => true,
        Some(PgError::Database(sqlx08::Error::Database(error))) => {
            matches!(error.code().as_deref(), Some("40001" | "40P01"))
        }
        _ => false,
    }
}

#[async_trait]
impl Contender for Open {
    async fn command(&self, _: usize, root: Uuid) -> Outcome<u64> {
        use ::disintegrate::DecisionError as Error;
        loop {
            let enter = Enter {
                ledger: root,
                entered: Entered::sample(),
            };
            match self.maker.make(enter).await {
                Ok(_) => return Ok(1),
                Err(Error::StateStore(error) | Error::EventStore(error))
                    if is_conflict(&*error) => {}
                Err(error) => return Err(error.to_string().into()),
            }
        }
    }

    async fn load(&self, _: usize, root: Uuid, _: u32) -> Outcome<u64> {
        let states = EventSourcedStateStore::new(self.store.clone(), NoSnapshot);
        let loaded = states.load(ledger(root)).await?;
        Ok(loaded.state().state.entries)
    }

    async fn read_log(&self, until: Instant) -> Outcome<u64> {
        let all: StreamQuery<PgEventId, LedgerEvent> = query!(LedgerEvent);
        let (mut events, mut ledger) = (0, domain::Ledger::default());
        let mut log = self.store.stream(&all);
        while let Some(item) = log.next().await {
            let StreamItem::Event(event) = item? else {
                break;
            };
            let LedgerEvent::Entered { amount, text, .. } = event.into_inner();
            ledger.enter(&Entered { amount, text });
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
