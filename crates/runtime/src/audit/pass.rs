//! Makes one pass through the log, from its first event to its end, and continues it as the log grows.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use seriatim_core::{
    EventStore, LogPartition, Position, RecordedEvent, Sequence, Store, StoreError,
};
use tokio::time::Instant;

use super::checker::{Checker, follows};
use super::finding::Finding;
use super::found::Found;
use super::report::{AuditProgress, AuditedPartition};
use crate::page_size::PageSize;

/// The number of look-ups that run at once.
const BESIDE: usize = 8;

/// The place that one pass through the log has reached, and its findings.
#[derive(Debug)]
pub(super) struct Pass {
    store: Arc<dyn Store>,
    partitions: Vec<Partition>,
    found: Found,
}

#[derive(Debug)]
struct Partition {
    checker: Checker,
    size: PageSize,
    audited: AuditedPartition,
}

impl Pass {
    /// Makes a pass that remembers this many streams of each partition.
    pub(super) fn new(store: &Arc<dyn Store>, streams: usize) -> Self {
        let count = store.partitions();
        let partition = |partition| Partition {
            checker: Checker::new(partition, count, streams),
            size: PageSize::default(),
            audited: AuditedPartition {
                partition,
                head: Position::START,
                verified: Position::START,
                sound: true,
            },
        };
        Self {
            store: Arc::clone(store),
            partitions: LogPartition::all(count).map(partition).collect(),
            found: Found::default(),
        }
    }

    pub(super) fn found(&self) -> &Found {
        &self.found
    }

    /// Returns the part of each partition that is proven.
    pub(super) fn audited(&self) -> Vec<AuditedPartition> {
        let partitions = self.partitions.iter();
        partitions.map(|partition| partition.audited).collect()
    }

    /// Continues to the present end of the log. After each page it rests `rest` times as long as the page took, to
    /// leave the store to others.
    pub(super) async fn catch_up(
        &mut self,
        rest: u32,
        progress: &mut (impl FnMut(&AuditProgress) + Send),
    ) -> Result<(), StoreError> {
        for index in 0..self.partitions.len() {
            let partition = self.partitions[index].audited.partition;
            let head = self.store.head(partition).await?;
            self.partitions[index].audited.head = head;
            while self.partitions[index].checker.last() < head {
                let begun = Instant::now();
                if !self.page(index, head).await? {
                    break;
                }
                progress(&AuditProgress::Log {
                    partition,
                    position: self.partitions[index].checker.last(),
                    head,
                });
                pause(begun.elapsed().saturating_mul(rest)).await;
            }
        }
        Ok(())
    }

    /// Checks the next page. Returns true if there was one.
    async fn page(&mut self, index: usize, head: Position) -> Result<bool, StoreError> {
        let Partition {
            checker,
            size,
            audited,
        } = &mut self.partitions[index];
        let (partition, last) = (audited.partition, checker.last());
        let page = self.store.read_log(partition, last, size.limit()).await?;
        let events = page.events;
        if events.is_empty() {
            let finding = Finding::EndMissing {
                partition,
                last,
                head,
            };
            // A finding is reported once, however often it is looked at.
            if !self.found.has(&finding) {
                self.note(index, finding);
            }
            return Ok(false);
        }
        size.learn(&events);
        let mut found = Vec::new();
        let mut unknown = Vec::new();
        for event in &events {
            let checked = checker.check(event);
            found.extend(checked.findings);
            if checked.look_up {
                unknown.push(event.clone());
            }
        }
        found.extend(look_up(&*self.store, &unknown).await?);
        let last = checker.last();
        for finding in found {
            self.note(index, finding);
        }
        let audited = &mut self.partitions[index].audited;
        if audited.sound {
            audited.verified = last;
        }
        Ok(true)
    }

    fn note(&mut self, index: usize, finding: Finding) {
        let audited = &mut self.partitions[index].audited;
        let sound = finding.sound_before().unwrap_or(audited.verified);
        // The first finding is not always the one that was found first: lookups finish later.
        audited.verified = match audited.sound {
            true => sound,
            false => audited.verified.min(sound),
        };
        audited.sound = false;
        self.found.note(finding);
    }
}

/// Looks things up, several at once. Returns the results in order.
pub(super) async fn beside<T>(
    look_ups: Vec<BoxFuture<'_, Result<T, StoreError>>>,
) -> Result<Vec<T>, StoreError> {
    stream::iter(look_ups).buffered(BESIDE).try_collect().await
}

pub(super) async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

/// Returns the faults of events whose streams are not remembered.
async fn look_up(
    store: &dyn EventStore,
    events: &[RecordedEvent],
) -> Result<Vec<Finding>, StoreError> {
    let checked = events.iter().map(|event| {
        let check = async {
            let before = Sequence(event.sequence.0.saturating_sub(1));
            let read = store.read_stream(&event.stream, before, 2).await?;
            Ok(follows(event, &read).err())
        };
        check.boxed()
    });
    let found = beside(checked.collect()).await?;
    Ok(found.into_iter().flatten().collect())
}
