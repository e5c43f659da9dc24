//! An audit: all of the log and all progress, once.

use std::sync::Arc;

use seriatim_core::{CheckpointStore, EventStore, LogPartition, Position, StoreError};

use super::finding::Finding;
use super::pass::{FINDINGS, Pass};
use super::progress::Places;
use crate::Reactions;

/// Streams that are remembered of each partition, and twice as many at most: 16 MB.
const STREAMS: usize = 100_000;

/// Proves that a log is whole and that no progress contradicts it.
#[derive(Clone, Debug)]
pub struct Auditor {
    log: Arc<dyn EventStore>,
    places: Places,
    streams: usize,
}

/// What an audit has to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Each partition of the log.
    pub partitions: Vec<AuditedPartition>,
    /// How many checkpoints were compared with it.
    pub checkpoints: usize,
    /// How many parked streams were.
    pub parked: usize,
    /// What was found: the first hundred about the log, and the first hundred about progress.
    pub findings: Vec<Finding>,
    /// How many there were.
    pub findings_total: u64,
}

/// How far a partition is proven to be sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditedPartition {
    /// Which one.
    pub partition: LogPartition,
    /// Where it ended when it was looked at.
    pub head: Position,
    /// Up to where, from the first event on, nothing was found.
    pub verified: Position,
    /// Whether nothing was found at all.
    pub sound: bool,
}

/// How far an audit has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditProgress {
    /// In which partition, of which those before are done.
    pub partition: LogPartition,
    /// What was checked last.
    pub position: Position,
    /// Where it ended when it was begun.
    pub head: Position,
}

impl Audit {
    /// Whether nothing was found.
    pub fn is_sound(&self) -> bool {
        self.findings_total == 0
    }
}

impl Auditor {
    /// For a log, and the progress that is kept in `checkpoints` or by the components of this process.
    pub fn new(
        log: Arc<dyn EventStore>,
        checkpoints: Arc<dyn CheckpointStore>,
        reactions: Option<&Reactions>,
    ) -> Self {
        let reactions = reactions.map(|reactions| reactions.enrolled().to_vec());
        Self {
            log,
            places: Places {
                store: checkpoints,
                reactions: reactions.unwrap_or_default(),
            },
            streams: STREAMS,
        }
    }

    /// How many streams of each partition are remembered, and twice as many at most; 80 bytes each. Default 100,000. Of
    /// all others the event before is looked up in the store, which is slower.
    #[must_use]
    pub fn remembering(mut self, streams: usize) -> Self {
        self.streams = streams;
        self
    }

    /// Goes through all of the log, up to where it ends now, as fast as the store gives it. `progress` is told after each
    /// page.
    ///
    /// Takes 16 MB for each partition, unless it is to remember less, and a page of events.
    pub async fn audit(
        &self,
        mut progress: impl FnMut(&AuditProgress) + Send,
    ) -> Result<Audit, StoreError> {
        let mut pass = self.begin();
        pass.catch_up(0, &mut progress).await?;
        self.conclude(pass.audit()).await
    }

    pub(super) fn begin(&self) -> Pass {
        Pass::new(&self.log, self.streams)
    }

    /// Adds what is to be said of progress.
    pub(super) async fn conclude(&self, mut audit: Audit) -> Result<Audit, StoreError> {
        let progress = self.places.check(&*self.log).await?;
        audit.checkpoints = progress.checkpoints;
        audit.parked = progress.parked;
        audit.findings_total += progress.findings.len() as u64;
        let some = progress.findings.into_iter().take(FINDINGS);
        audit.findings.extend(some);
        Ok(audit)
    }
}
