//! An audit: the whole log, all progress and all outcomes of effects, checked once.

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

/// How many streams of each partition are remembered, and twice as many at most: 16 MB.
const STREAMS: usize = 100_000;

/// Checks that a log is whole and that nothing derived from it contradicts it.
#[derive(Clone, Debug)]
pub struct Auditor {
    store: Arc<dyn Store>,
    /// The log for asking components again: the events as components get them. All other checks read the stored form.
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
    /// How many checkpoints were compared with the log.
    pub checkpoints: usize,
    /// How many parked streams were compared with the log.
    pub parked: usize,
    /// How many claims were followed back to their events.
    pub claims: u64,
    /// How many timers were followed back to their events.
    pub timers: u64,
    /// The findings: the first hundred of each kind of check.
    pub findings: Vec<Finding>,
    /// How many findings there are in all.
    pub findings_total: u64,
    /// What was not checked.
    pub unproven: Vec<Unproven>,
}

/// How far a partition is proven to be sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditedPartition {
    /// The partition.
    pub partition: LogPartition,
    /// The position of its last event at that time.
    pub head: Position,
    /// The position up to which, from the first event on, nothing was found.
    pub verified: Position,
    /// Whether nothing was found at all.
    pub sound: bool,
}

/// How far an audit has come. It checks one thing after the other.
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
        /// How many claims were checked.
        claims: u64,
        /// How many timers were checked.
        timers: u64,
    },
}

impl Audit {
    /// Returns whether nothing was found. [`Audit::unproven`] lists what that does not cover.
    pub fn is_sound(&self) -> bool {
        self.findings_total == 0
    }

    fn add(&mut self, found: &Found) {
        self.findings.extend_from_slice(found.kept());
        self.findings_total += found.total();
    }
}

impl Auditor {
    /// Makes an auditor for the log of a store, and the data derived from it there.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            log: Log::as_stored(Arc::clone(&store) as _),
            store,
            reactions: Vec::new(),
            beside: Vec::new(),
            streams: STREAMS,
        }
    }

    /// Asks the components of this process again for their effects. If one keeps its progress elsewhere, it is read
    /// there.
    #[must_use]
    pub fn reactions(mut self, reactions: &Reactions) -> Self {
        self.reactions = reactions.enrolled().to_vec();
        self.log = reactions.log().clone();
        self
    }

    /// Compares progress that another database has with this log: that of read models.
    #[must_use]
    pub fn beside(mut self, checkpoints: Arc<dyn CheckpointStore>) -> Self {
        self.beside.push(checkpoints);
        self
    }

    /// Sets how many streams of each partition are remembered, and twice as many at most; each takes 80 bytes. Default
    /// 100,000. For all others the event before is looked up in the store, which is slower.
    #[must_use]
    pub fn remembering(mut self, streams: usize) -> Self {
        self.streams = streams;
        self
    }

    /// Makes the storage check itself first, and then checks everything up to the present end of the log, as fast as
    /// the store returns it. `progress` is called after each page.
    ///
    /// It takes 16 MB for each partition, unless fewer streams are remembered, and a page of events with their effects.
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

/// One pass through everything, which continues as the log grows.
#[derive(Debug)]
pub(super) struct Way {
    log: Pass,
    effects: Effects,
    kept: Kept,
    places: Places,
}

impl Way {
    /// Continues to the present end of the log and of the components; through the outcomes of effects for the given
    /// time, or to the end. After each page it rests `rest` times as long as the page took.
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
