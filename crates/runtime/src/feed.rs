//! The log of a store, for any number of subscribers in this process.

use std::num::NonZero;
use std::sync::Arc;

use seriatim_core::{
    Begin, Cursor, EventFilter, Log, LogPartition, Position, StoreError, SubscribeError,
};

use crate::Subscription;
use crate::tail::Tail;

/// The log of a store, for any number of subscribers in this process. Cheap to clone; clones share what they read.
#[derive(Clone, Debug)]
pub struct Feed {
    log: Log,
    tails: Arc<[Arc<Tail>]>,
}

impl Feed {
    /// Reads a log. Nothing is read before somebody subscribes.
    pub fn new(log: Log) -> Self {
        let tail = |partition| Arc::new(Tail::new(log.clone(), partition));
        let tails = LogPartition::all(log.partitions()).map(tail).collect();
        Self { log, tails }
    }

    /// Begins to read all partitions of the log, handing out what passes the filter, in which former names of types count
    /// as today's. Must be called on a Tokio runtime.
    ///
    /// A cursor that is ahead of the log is refused: what it was ahead by was seen, but is not there any more.
    pub async fn subscribe(
        &self,
        begin: Begin,
        filter: EventFilter,
    ) -> Result<Subscription, SubscribeError> {
        let cursor = self.begin(begin).await?;
        let filter = self.log.shapes().rename(filter);
        let all = LogPartition::all(self.partitions());
        Ok(Subscription::to(self.clone(), all, cursor, filter))
    }

    async fn begin(&self, begin: Begin) -> Result<Cursor, SubscribeError> {
        let partitions = self.log.partitions();
        match begin {
            Begin::AtTheFirst => Ok(Cursor::start(partitions)),
            Begin::Now => {
                let mut cursor = Cursor::start(partitions);
                for partition in LogPartition::all(partitions) {
                    cursor.set(partition, self.log.head(partition).await?);
                }
                Ok(cursor)
            }
            Begin::After(cursor) if cursor.partitions() != self.tails.len() => {
                Err(SubscribeError::OtherLog {
                    given: cursor.partitions(),
                    partitions: partitions.get(),
                })
            }
            Begin::After(cursor) => {
                for (partition, position) in cursor.iter() {
                    self.check_not_ahead(partition, position).await?;
                }
                Ok(cursor)
            }
        }
    }

    async fn check_not_ahead(
        &self,
        partition: LogPartition,
        position: Position,
    ) -> Result<(), SubscribeError> {
        if position == Position::START {
            return Ok(());
        }
        let head = self.log.head(partition).await?;
        if position <= head {
            return Ok(());
        }
        Err(SubscribeError::AheadOfLog {
            partition,
            position,
            head,
        })
    }

    /// Begins to read one partition after a position.
    pub(crate) async fn follow(
        &self,
        partition: LogPartition,
        after: Position,
        filter: EventFilter,
    ) -> Result<Subscription, SubscribeError> {
        self.check_not_ahead(partition, after).await?;
        let mut cursor = Cursor::start(self.partitions());
        cursor.set(partition, after);
        Ok(Subscription::to(self.clone(), [partition], cursor, filter))
    }

    /// The last position of each partition of the log, in their order.
    pub async fn heads(&self) -> Result<Vec<Position>, StoreError> {
        let mut heads = Vec::new();
        for partition in LogPartition::all(self.partitions()) {
            heads.push(self.log.head(partition).await?);
        }
        Ok(heads)
    }

    /// How many partitions the log has.
    pub(crate) fn partitions(&self) -> NonZero<u16> {
        self.log.partitions()
    }

    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    pub(crate) fn tails(&self) -> &[Arc<Tail>] {
        &self.tails
    }
}
