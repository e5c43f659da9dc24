//! Bare statements: what the server can do if each event is a commit of its own, or a hundred events are one.

use std::time::Instant;

use async_trait::async_trait;
use uuid::Uuid;

use super::raw_table::RawTable;
use crate::Outcome;
use crate::contender::{Contender, Kind, Library, connections};
use crate::database::Database;
use crate::streams::Streams;
use crate::workload::Workload;

/// Prepared statements on held connections; nothing is decoded, and no pool is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Raw {
    /// A select of a stream's last event and an insert, without a transaction around them; the unique index says who
    /// was first, the loser tries again at once. Streams are loaded by one select, the log by one scan.
    Cycle,
    /// One insert and one commit an event.
    Inserts,
    /// One `unnest` statement and one commit for 100 events of different new streams, on one connection. It stands
    /// beside new streams with 64 in flight.
    Batches,
}

const BATCH: u64 = 100;

struct Open {
    how: Raw,
    table: RawTable,
}

#[async_trait]
impl Library for Raw {
    fn name(&self) -> &'static str {
        match self {
            Self::Cycle => "raw select + insert",
            Self::Inserts => "raw insert",
            Self::Batches => "raw batches of 100",
        }
    }

    fn about(&self) -> String {
        let about = match self {
            Self::Cycle => "two statements a command; loads: one select; the log: one scan",
            Self::Inserts => "one statement and one commit an event",
            Self::Batches => "one statement and one commit for 100 events, on one connection",
        };
        about.into()
    }

    fn kind(&self) -> Kind {
        Kind::Limit
    }

    fn does(&self, workload: Workload) -> bool {
        match self {
            Self::Cycle => true,
            Self::Inserts => matches!(workload, Workload::New(_)),
            Self::Batches => workload == Workload::New(64),
        }
    }

    fn callers(&self, in_flight: usize) -> usize {
        match self {
            Self::Cycle | Self::Inserts => in_flight,
            Self::Batches => 1,
        }
    }

    async fn open(&self, database: &Database, in_flight: usize) -> Outcome<Box<dyn Contender>> {
        let connections = connections(self.callers(in_flight));
        Ok(Box::new(Open {
            how: *self,
            table: RawTable::open(database, connections).await?,
        }))
    }

    async fn fill(&self, database: &Database, streams: Streams) -> Outcome<()> {
        RawTable::fill(database, streams).await
    }
}

#[async_trait]
impl Contender for Open {
    async fn command(&self, caller: usize, root: Uuid) -> Outcome<u64> {
        let mut log = self.table.log(caller).await;
        match self.how {
            Raw::Cycle => log.load_decide_insert(root).await?,
            Raw::Inserts => log.insert(root, 0).await?,
            Raw::Batches => {
                let more = (1..BATCH).map(|_| (Uuid::now_v7(), 0));
                let places: Vec<_> = [(root, 0)].into_iter().chain(more).collect();
                log.insert_batch(&places).await?;
                return Ok(BATCH);
            }
        }
        Ok(1)
    }

    async fn load(&self, caller: usize, root: Uuid, _: u32) -> Outcome<u64> {
        self.table.load(caller, root).await
    }

    async fn read_log(&self, until: Instant) -> Outcome<u64> {
        self.table.scan(until).await
    }

    async fn close(&self) -> Outcome<()> {
        Ok(())
    }
}
