//! Offers the log of a store to any number of subscribers in this process.

use std::num::NonZero;
use std::sync::Arc;

use seriatim_core::{
    Begin, Bookmark, Checkpoint, Component, Cursor, EventFilter, Log, LogPartition, LogReplaced,
    Position, ReadModelVersion, StoreError, SubscribeError,
};

use crate::Subscription;
use crate::tail::Tail;

/// The log of a store, for any number of subscribers in this process. It is cheap to clone; clones share what they
/// read.
#[derive(Clone, Debug)]
pub struct Feed {
    log: Log,
    tails: Arc<[Arc<Tail>]>,
}

impl Feed {
    /// Makes a feed of a log. Nothing is read before somebody subscribes.
    pub fn new(log: Log) -> Self {
        let tail = |partition| Arc::new(Tail::new(log.clone(), partition));
        let tails = LogPartition::all(log.partitions()).map(tail).collect();
        Self { log, tails }
    }

    /// Subscribes to all partitions of the log. The subscription returns the events that pass the filter, in which
    /// former names of types count as today's. It must be called on a Tokio runtime.
    ///
    /// Fails if the cursor is of another log: its events are then not the events that the subscriber has seen.
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

    /// Compares checkpoints with the log. If the place of a checkpoint is not in the log, it has handled nothing of it:
    /// it is then set to the start and marked as paused for that reason, even if no process works for it.
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

    /// Returns the last position of each partition of the log, in order.
    pub async fn heads(&self) -> Result<Vec<Position>, StoreError> {
        let mut heads = Vec::new();
        for partition in LogPartition::all(self.partitions()) {
            heads.push(self.log.head(partition).await?);
        }
        Ok(heads)
    }

    /// Returns how many partitions the log has.
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

/// Returns text for people that says what happened and what to do about it.
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
