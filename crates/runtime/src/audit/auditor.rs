//! An audit: all of the log, all progress, and all that effects left behind, once.

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

/// Streams that are remembered of each partition, and twice as many at most: 16 MB.
const STREAMS: usize = 100_000;

/// Proves that a log is whole and that nothing which was derived from it contradicts it.
#[derive(Clone, Debug)]
pub struct Auditor {
    store: Arc<dyn Store>,
    /// What components are asked about again: the events as they are given them. All else is looked at as it is stored.
    log: Log,
    reactions: Vec<Arc<dyn Reaction>>,
    beside: Vec<Arc<dyn CheckpointStore>>,
    streams: usize,
}

/// What an audit has to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Each partition of the log.
    pub partitions: Vec<AuditedPartition>,
    /// Each component that could be asked again what it asked for, in each partition.
    pub effects: Vec<AuditedEffects>,
    /// How many checkpoints were compared with the log.
    pub checkpoints: usize,
    /// How many parked streams were.
    pub parked: usize,
    /// How many claims were followed back to their events.
    pub claims: u64,
    /// How many timers were.
    pub timers: u64,
    /// What was found: the first hundred of each kind of check.
    pub findings: Vec<Finding>,
    /// How many there were.
    pub findings_total: u64,
    /// What was not looked at.
    pub unproven: Vec<Unproven>,
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

/// How far an audit has come. It looks at one thing after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditProgress {
    /// At the log itself.
    Log {
        /// In which partition, of which those before are done.
        partition: LogPartition,
        /// What was checked last.
        position: Position,
        /// Where it ended when it was begun.
        head: Position,
    },
    /// At what components asked for because of events.
    Effects {
        /// In which partition.
        partition: LogPartition,
        /// Of which event last.
        position: Position,
    },
    /// At what effects left behind.
    Kept {
        /// How many claims.
        claims: u64,
        /// How many timers.
        timers: u64,
    },
}

impl Audit {
    /// Whether nothing was found. What that does not say is in [`Audit::unproven`].
    pub fn is_sound(&self) -> bool {
        self.findings_total == 0
    }

    fn add(&mut self, found: &Found) {
        self.findings.extend_from_slice(found.kept());
        self.findings_total += found.total();
    }
}

impl Auditor {
    /// For the log of a store, and what is derived from it there.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            log: Log::as_stored(Arc::clone(&store) as _),
            store,
            reactions: Vec::new(),
            beside: Vec::new(),
            streams: STREAMS,
        }
    }

    /// Asks the components of this process again what they asked for. Where one keeps its progress elsewhere, it is looked
    /// at there.
    #[must_use]
    pub fn reactions(mut self, reactions: &Reactions) -> Self {
        self.reactions = reactions.enrolled().to_vec();
        self.log = reactions.log().clone();
        self
    }

    /// Compares progress with this log that is kept in another database: that of read models.
    #[must_use]
    pub fn beside(mut self, checkpoints: Arc<dyn CheckpointStore>) -> Self {
        self.beside.push(checkpoints);
        self
    }

    /// How many streams of each partition are remembered, and twice as many at most; 80 bytes each. Default 100,000. Of
    /// all others the event before is looked up in the store, which is slower.
    #[must_use]
    pub fn remembering(mut self, streams: usize) -> Self {
        self.streams = streams;
        self
    }

    /// Lets the storage check itself first, and then goes through all of it, up to where the log ends now, as fast as the store gives it. `progress` is told after each
    /// page.
    ///
    /// Takes 16 MB for each partition, unless it is to remember less, and a page of events with their effects.
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

/// One way through everything, which goes on as it grows.
#[derive(Debug)]
pub(super) struct Way {
    log: Pass,
    effects: Effects,
    kept: Kept,
    places: Places,
}

impl Way {
    /// Goes on to where the log and the components are now; through what effects left behind for so long, or to the end.
    /// After each page it rests `rest` times as long as that took.
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
