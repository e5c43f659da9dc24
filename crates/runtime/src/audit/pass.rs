//! One way through the log, from its first event to its end, which goes on as the log grows.

use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use seriatim_core::{EventStore, LogPartition, Position, RecordedEvent, Sequence, StoreError};
use tokio::time::Instant;

use super::auditor::{Audit, AuditProgress, AuditedPartition};
use super::checker::{Checker, follows};
use super::finding::Finding;
use crate::page_size::PageSize;

/// Findings that are kept; more are only counted.
pub(super) const FINDINGS: usize = 100;
/// Events whose predecessors are looked up at once.
const LOOK_UPS: usize = 8;

/// How far one way through the log has come, and what was found on it.
#[derive(Debug)]
pub(super) struct Pass {
    store: Arc<dyn EventStore>,
    partitions: Vec<Partition>,
    findings: Vec<Finding>,
    findings_total: u64,
}

#[derive(Debug)]
struct Partition {
    checker: Checker,
    size: PageSize,
    audited: AuditedPartition,
}

impl Pass {
    /// `streams`: how many streams of each partition are remembered.
    pub(super) fn new(store: &Arc<dyn EventStore>, streams: usize) -> Self {
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
            findings: Vec::new(),
            findings_total: 0,
        }
    }

    /// What is to be said of the log, as far as it was read.
    pub(super) fn audit(&self) -> Audit {
        let partitions = self.partitions.iter();
        Audit {
            partitions: partitions.map(|partition| partition.audited).collect(),
            findings: self.findings.clone(),
            findings_total: self.findings_total,
            ..Audit::default()
        }
    }

    /// Goes on to where the log ends now. After each page it rests `rest` times as long as the page took, so as to leave
    /// the store to others.
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
                progress(&AuditProgress {
                    partition,
                    position: self.partitions[index].checker.last(),
                    head,
                });
                pause(begun.elapsed().saturating_mul(rest)).await;
            }
        }
        Ok(())
    }

    /// Checks the next page; whether there was one.
    async fn page(&mut self, index: usize, head: Position) -> Result<bool, StoreError> {
        let Partition {
            checker,
            size,
            audited,
        } = &mut self.partitions[index];
        let (partition, last) = (audited.partition, checker.last());
        let events = self.store.read_log(partition, last, size.limit()).await?;
        if events.is_empty() {
            let finding = Finding::EndMissing {
                partition,
                last,
                head,
            };
            // Told once, however often it is looked at.
            if !self.findings.contains(&finding) {
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
        // The first finding is not always the one that was found first: what is looked up is known later.
        audited.verified = match audited.sound {
            true => sound,
            false => audited.verified.min(sound),
        };
        audited.sound = false;
        self.findings_total += 1;
        if self.findings.len() < FINDINGS {
            self.findings.push(finding);
        }
    }
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

/// What is wrong with events of whose streams nothing is remembered.
async fn look_up(
    store: &dyn EventStore,
    events: &[RecordedEvent],
) -> Result<Vec<Finding>, StoreError> {
    let mut found = Vec::new();
    for some in events.chunks(LOOK_UPS) {
        let reads = some.iter().map(|event| {
            let before = Sequence(event.sequence.0.saturating_sub(1));
            store.read_stream(&event.stream, before, 2)
        });
        let read = try_join_all(reads).await?;
        let checked = some.iter().zip(read);
        found.extend(checked.filter_map(|(event, read)| follows(event, &read).err()));
    }
    Ok(found)
}
