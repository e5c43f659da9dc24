//! Audits a store once: the whole log, all progress and all outcomes of effects.

use std::sync::Arc;
use std::time::Duration;

use seriatim_core::{CheckpointStore, Log, LogPartition, Position, Reaction, Store, StoreError};

use super::effects::Effects;
use super::finding::Finding;
use super::found::Found;
use super::kept::Kept;
use super::pass::Pass;
use super::progress::Places;
use super::track::AuditedEffects;
use super::unproven::Unproven;
use crate::Reactions;

/// The number of streams of each partition that are remembered; at most twice as many are. They take 16 MB.
const STREAMS: usize = 100_000;

/// Checks that a log is whole and that nothing derived from it contradicts it.
#[derive(Clone, Debug)]
pub struct Auditor {
    store: Arc<dyn Store>,
    /// The log whose events components get when they are asked again. All other checks read the stored form.
    log: Log,
    reactions: Vec<Arc<dyn Reaction>>,
    beside: Vec<Arc<dyn CheckpointStore>>,
    streams: usize,
}

/// The result of an audit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// The partitions of the log.
    pub partitions: Vec<AuditedPartition>,
    /// The components that could be asked again, in each partition.
    pub effects: Vec<AuditedEffects>,
    /// The number of checkpoints that were compared with the log.
    pub checkpoints: usize,
    /// The number of parked streams that were compared with the log.
    pub parked: usize,
    /// The number of claims that were followed back to their events.
    pub claims: u64,
    /// The number of timers that were followed back to their events.
    pub timers: u64,
    /// The findings: the first hundred of each kind of check.
    pub findings: Vec<Finding>,
    /// The number of all findings.
    pub findings_total: u64,
    /// The parts that were not checked.
    pub unproven: Vec<Unproven>,
}

/// The part of a partition that is proven to be sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditedPartition {
    /// The partition.
    pub partition: LogPartition,
    /// The position of its last event when it was audited.
    pub head: Position,
    /// The position up to which nothing was found, from the first event on.
    pub verified: Position,
    /// True if nothing was found at all.
    pub sound: bool,
}

/// The progress of an audit. It checks one thing after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditProgress {
    /// It checks the log itself.
    Log {
        /// The partition; those before it are done.
        partition: LogPartition,
        /// The position that was checked last.
        position: Position,
        /// The position of the partition's last event when its check began.
        head: Position,
    },
    /// It checks the effects of events.
    Effects {
        /// The partition.
        partition: LogPartition,
        /// The position of the last event whose effects were checked.
        position: Position,
    },
    /// It checks the outcomes of effects.
    Kept {
        /// The number of claims that were checked.
        claims: u64,
        /// The number of timers that were checked.
        timers: u64,
    },
}

impl Audit {
    /// Returns true if nothing was found. [`Audit::unproven`] lists what that does not cover.
    pub fn is_sound(&self) -> bool {
        self.findings_total == 0
    }

    fn add(&mut self, found: &Found) {
        self.findings.extend_from_slice(found.kept());
        self.findings_total += found.total();
    }
}

impl Auditor {
    /// Makes an auditor for the log of a store, and for the data derived from it in that store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            log: Log::as_stored(Arc::clone(&store) as _),
            store,
            reactions: Vec::new(),
            beside: Vec::new(),
            streams: STREAMS,
        }
    }

    /// Asks the components of this process again for their effects. If a component keeps its progress elsewhere, it is
    /// read there.
    #[must_use]
    pub fn reactions(mut self, reactions: &Reactions) -> Self {
        self.reactions = reactions.enrolled().to_vec();
        self.log = reactions.log().clone();
        self
    }

    /// Also compares the progress in another database with this log, such as that of read models.
    #[must_use]
    pub fn beside(mut self, checkpoints: Arc<dyn CheckpointStore>) -> Self {
        self.beside.push(checkpoints);
        self
    }

    /// Sets how many streams of each partition are remembered; at most twice as many are, and each takes 80 bytes. The
    /// default is 100,000. For other streams the event before is looked up in the store, which is slower.
    #[must_use]
    pub fn remembering(mut self, streams: usize) -> Self {
        self.streams = streams;
        self
    }

    /// Makes the storage check itself, and then checks everything up to the present end of the log, as fast as the
    /// store returns it. Calls `progress` after each page.
    ///
    /// It takes 16 MB for each partition, unless fewer streams are remembered, and memory for a page of events with
    /// their effects.
    pub async fn audit(
        &self,
        mut progress: impl FnMut(&AuditProgress) + Send,
    ) -> Result<Audit, StoreError> {
        self.store.check_storage().await?;
        let mut way = self.begin();
        way.go_on(0, Duration::MAX, &mut progress).await
    }

    pub(super) fn begin(&self) -> Way {
        Way {
            log: Pass::new(&self.store, self.streams),
            effects: Effects::new(&self.log, &self.reactions),
            kept: Kept::new(&self.store, &self.log, &self.reactions),
            places: Places {
                store: Arc::clone(&self.store),
                beside: self.beside.clone(),
                reactions: self.reactions.clone(),
            },
        }
    }
}

/// One pass through everything, which can be continued as the log grows.
#[derive(Debug)]
pub(super) struct Way {
    log: Pass,
    effects: Effects,
    kept: Kept,
    places: Places,
}

impl Way {
    /// Continues to the present end of the log and of the components' progress, and then checks the outcomes of effects
    /// until `time` is over or all are checked. After each page it rests `rest` times as long as the page took.
    pub(super) async fn go_on(
        &mut self,
        rest: u32,
        time: Duration,
        progress: &mut (impl FnMut(&AuditProgress) + Send),
    ) -> Result<Audit, StoreError> {
        self.log.catch_up(rest, progress).await?;
        self.effects.catch_up(rest, progress).await?;
        self.kept.go_on(rest, time, progress).await?;
        let compared = self.places.check().await?;
        let mut audit = Audit {
            partitions: self.log.audited(),
            effects: self.effects.audited(),
            checkpoints: compared.checkpoints,
            parked: compared.parked,
            claims: self.kept.claims(),
            timers: self.kept.timers(),
            ..Audit::default()
        };
        let compared_found = compared.findings.into_iter().collect();
        for found in [
            self.log.found(),
            &compared_found,
            self.effects.found(),
            self.kept.found(),
        ] {
            audit.add(found);
        }
        audit.unproven = self.effects.unproven().to_vec();
        audit.unproven.extend(self.kept.unproven());
        audit.unproven.extend(compared.unproven);
        Ok(audit)
    }
}
