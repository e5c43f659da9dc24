//! The check of what components say of themselves against the log.

use std::collections::BTreeMap;
use std::sync::Arc;

use seriatim_core::{
    Checkpoint, CheckpointStore, EventStore, LogPartition, Parked, Position, Reaction, StoreError,
    Work,
};

use super::finding::Finding;

/// Where progress is kept.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) store: Arc<dyn CheckpointStore>,
    /// Components of this process, which may keep theirs elsewhere.
    pub(super) reactions: Vec<Arc<dyn Reaction>>,
}

/// What was looked at, and what contradicts the log.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) checkpoints: usize,
    pub(super) parked: usize,
    pub(super) findings: Vec<Finding>,
}

impl Places {
    /// Compares all progress with the log. The log is asked later than the progress, so what was handled meanwhile does
    /// not look as if it were ahead.
    pub(super) async fn check(&self, log: &dyn EventStore) -> Result<Progress, StoreError> {
        let (checkpoints, parked) = self.read().await?;
        let mut progress = Progress {
            checkpoints: checkpoints.len(),
            parked: parked.len(),
            findings: Vec::new(),
        };
        let partitions = log.partitions();
        let mut heads = Vec::new();
        for partition in LogPartition::all(partitions) {
            heads.push(log.head(partition).await?);
        }
        for checkpoint in checkpoints.values() {
            let head = heads.get(checkpoint.work.partition.index());
            progress
                .findings
                .extend(ahead(checkpoint, head.copied(), partitions.get()));
        }
        for parked in &parked {
            let position = checkpoints
                .get(&parked.work)
                .map_or(Position::START, |checkpoint| checkpoint.position);
            let found = log.read_stream(&parked.stream, parked.sequence, 1).await?;
            let is_there = found.first().is_some_and(|event| {
                event.sequence == parked.sequence && event.position <= position
            });
            if !is_there {
                progress.findings.push(Finding::ParkedElsewhere {
                    work: parked.work.clone(),
                    stream: parked.stream.clone(),
                    sequence: parked.sequence,
                    position,
                });
            }
        }
        Ok(progress)
    }

    /// What is parked is read first: its checkpoint has passed it then.
    async fn read(&self) -> Result<(BTreeMap<Work, Checkpoint>, Vec<Parked>), StoreError> {
        let mut parked: Vec<_> = self.store.parked(None).await?;
        let mut checkpoints = by_work(self.store.checkpoints(None).await?);
        for reaction in &self.reactions {
            let (component, store) = (reaction.component(), reaction.checkpoints());
            let own = store.parked(Some(component)).await?;
            parked.retain(|parked| parked.work.component != *component);
            parked.extend(own);
            checkpoints.retain(|work, _| work.component != *component);
            checkpoints.extend(by_work(store.checkpoints(Some(component)).await?));
        }
        Ok((checkpoints, parked))
    }
}

fn by_work(checkpoints: Vec<Checkpoint>) -> BTreeMap<Work, Checkpoint> {
    let pair = |checkpoint: Checkpoint| (checkpoint.work.clone(), checkpoint);
    checkpoints.into_iter().map(pair).collect()
}

fn ahead(checkpoint: &Checkpoint, head: Option<Position>, partitions: u16) -> Option<Finding> {
    let work = checkpoint.work.clone();
    match head {
        None => Some(Finding::NoSuchPartition { work, partitions }),
        Some(head) if checkpoint.position > head => Some(Finding::CheckpointAhead {
            work,
            position: checkpoint.position,
            head,
        }),
        Some(_) => None,
    }
}
