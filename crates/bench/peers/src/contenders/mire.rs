//! mire: streams with a version each, appended to in one statement; optimistic, or with its row lock.

use std::convert::Infallible;
use std::time::Instant;

use ::mire::{
    Aggregate, AggregateRoot, Command, CommandError, EventData, EventStore, EventStoreError,
};
use async_trait::async_trait;
use uuid::Uuid;

use crate::Outcome;
use crate::contender::{Contender, Kind, Library, connections, locked_version};
use crate::database::Database;
use crate::domain::{Entered, Ledger};
use crate::streams::Streams;
use crate::workload::Workload;

/// `repository().send` as in its examples.
///
/// - A new stream is begun with a fresh `AggregateRoot`, without a load.
/// - A conflict is tried again at once, as its example on concurrency does. It also has a transaction that locks the
///   stream (`load_for_update`), meant for decisions over several streams; that takes part where callers compete for
///   streams, as a contender of its own.
/// - The log is what `read_category_after_bounded` gives for the only category there is, in pages of at most 1,000
///   events and 1 MiB. (`read_all_after` looks at all events before a page again.)
pub(crate) struct Mire {
    pub(crate) locking: bool,
}

impl EventData for Entered {
    fn event_type(&self) -> &'static str {
        "ledger.entered"
    }
}

impl Aggregate for Ledger {
    type Event = Entered;

    fn stream_category() -> &'static str {
        "ledger"
    }

    fn apply(&mut self, event: &Entered) {
        self.enter(event);
    }
}

struct Enter(Entered);

impl Command for Enter {
    type Aggregate = Ledger;
    type Error = Infallible;
    type Events = [Entered; 1];

    fn handle(self, _: &Ledger) -> Result<[Entered; 1], Infallible> {
        Ok([self.0])
    }
}

struct Open {
    pool: sqlx::PgPool,
    store: EventStore,
    locking: bool,
}

#[async_trait]
impl Library for Mire {
    fn name(&self) -> &'static str {
        match self.locking {
            false => "mire",
            true => "mire, locking",
        }
    }

    fn about(&self) -> String {
        let version = locked_version("mire");
        match self.locking {
            false => format!("{version}; optimistic, a conflict is tried again at once"),
            true => format!("{version}; load_for_update in a transaction"),
        }
    }

    fn kind(&self) -> Kind {
        Kind::Peer
    }

    fn does(&self, workload: Workload) -> bool {
        !self.locking || matches!(workload, Workload::Contended(_))
    }

    async fn open(&self, database: &Database, in_flight: usize) -> Outcome<Box<dyn Contender>> {
        let pool = database.pool(connections(in_flight)).await?;
        let store = EventStore::new(pool.clone());
        store.migrate().await?;
        Ok(Box::new(Open {
            pool,
            store,
            locking: self.locking,
        }))
    }

    async fn fill(&self, database: &Database, streams: Streams) -> Outcome<()> {
        let (rows, length) = (streams.rows(), streams.length);
        let copy_streams = format!(
            "INSERT INTO es_streams (stream_id, stream_category, stream_version)
             SELECT 'ledger-' || root, 'ledger', {length} FROM {rows} WHERE n = 1"
        );
        let copy_events = format!(
            "INSERT INTO es_events (stream_id, stream_version, event_type, data, metadata,
                                    stream_category, payload_size, metadata_size)
             SELECT 'ledger-' || root, n, event_type, data, metadata,
                    stream_category, payload_size, metadata_size
             FROM (SELECT * FROM es_events LIMIT 1) AS model, {rows}"
        );
        database.fill(&[&copy_streams, &copy_events]).await
    }
}

impl Open {
    async fn attempt(&self, id: &str) -> Result<(), EventStoreError> {
        let ledgers = self.store.repository::<Ledger>();
        match ledgers.send(id, Enter(Entered::sample())).await {
            Ok(_) => Ok(()),
            Err(CommandError::Rejected(never)) => match never {},
            Err(CommandError::Store(error)) => Err(error),
        }
    }

    async fn attempt_locking(&self, id: &str) -> Result<(), EventStoreError> {
        let mut scope = self.store.begin_transaction().await?;
        let locked = scope.load_for_update::<Ledger>(id).await?;
        let mut root = locked.unwrap_or_else(|| AggregateRoot::new(id));
        let Ok(()) = root.execute(Enter(Entered::sample()));
        scope.save(&mut root).await?;
        scope.commit().await?;
        Ok(())
    }
}

#[async_trait]
impl Contender for Open {
    async fn command(&self, _: usize, root: Uuid) -> Outcome<u64> {
        let id = root.to_string();
        loop {
            let sent = match self.locking {
                true => self.attempt_locking(&id).await,
                false => self.attempt(&id).await,
            };
            match sent {
                Ok(()) => return Ok(1),
                Err(EventStoreError::ConcurrencyConflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn begin(&self, _: usize, root: Uuid) -> Outcome<u64> {
        let mut root = AggregateRoot::<Ledger>::new(&root.to_string());
        let Ok(()) = root.execute(Enter(Entered::sample()));
        self.store.save(&mut root).await?;
        Ok(1)
    }

    async fn load(&self, _: usize, root: Uuid, _: u32) -> Outcome<u64> {
        let root = self.store.load::<Ledger>(&root.to_string()).await?;
        Ok(root.map_or(0, |root| root.state.entries))
    }

    async fn read_log(&self, until: Instant) -> Outcome<u64> {
        const PAGE: i64 = 1_000;
        const PAGE_BYTES: i64 = 1 << 20;
        let (mut events, mut ledger, mut after) = (0, Ledger::default(), (0, 0));
        while Instant::now() < until {
            let page = self
                .store
                .read_category_after_bounded("ledger", after.0, after.1, PAGE, PAGE_BYTES)
                .await?;
            let Some(last) = page.last() else { break };
            after = (last.transaction_id, last.global_position);
            events += page.len() as u64;
            for recorded in page {
                ledger.enter(&serde_json::from_value(recorded.data)?);
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
