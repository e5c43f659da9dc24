//! The log of a store, for any number of subscribers in this process.

use std::num::NonZero;
use std::sync::Arc;

use seriatim_core::{
    Begin, Bookmark, Checkpoint, Component, Cursor, EventFilter, Log, LogPartition, LogReplaced,
    Position, ReadModelVersion, StoreError, SubscribeError,
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
    /// A cursor that is not of this log is refused: what was seen before it is not what is there.
    pub async fn subscribe(
        &self,
        begin: Begin,
        filter: EventFilter,
    ) -> Result<Subscription, SubscribeError> {
        let cursor = self.log.locate(&begin).await?;
        let filter = self.log.shapes().rename(filter);
        let all = LogPartition::all(self.partitions());
        Ok(Subscription::to(self.clone(), all, cursor, filter))
    }

    /// Begins to read one partition after a place, which must be in this log.
    pub(crate) async fn follow(
        &self,
        partition: LogPartition,
        after: &Bookmark,
        filter: EventFilter,
    ) -> Result<Subscription, SubscribeError> {
        self.log.check(partition, after).await?;
        let mut cursor = Cursor::start(self.log.id(), self.partitions());
        cursor.set(
            partition,
            Bookmark {
                log: None,
                ..*after
            },
        );
        Ok(Subscription::to(self.clone(), [partition], cursor, filter))
    }

    /// Holds checkpoints against the log. One whose place is not in it has handled nothing of it: it stands at the start then,
    /// and is paused for that reason, whether somebody works for it or not.
    pub async fn confront(&self, checkpoints: &mut [Checkpoint]) -> Result<(), StoreError> {
        let partitions = self.partitions().get();
        for checkpoint in checkpoints {
            let partition = checkpoint.work.partition;
            if partition.0 < partitions
                && let Some(replaced) = self.log.replaced(partition, &checkpoint.at).await?
            {
                checkpoint.at = Bookmark::START;
                checkpoint.paused = Some(when_replaced(&checkpoint.work.component, &replaced));
            }
        }
        Ok(())
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

/// What happened, and the ways out of it.
pub(crate) fn when_replaced(component: &Component, replaced: &LogReplaced) -> String {
    match ReadModelVersion::fed_by(component) {
        Some(version) => format!(
            "{replaced}; build {} anew as another version, and switch to that",
            version.name()
        ),
        None => format!(
            "{replaced}; let it begin anew with `seriatim reactions begin {component} --at first`, or `--at now`"
        ),
    }
}
