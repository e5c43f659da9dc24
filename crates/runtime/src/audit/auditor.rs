//! Audits a store once: the whole log, all progress and all outcomes of effects.

use std::sync::Arc;
use std::time::Duration;

use seriatim_core::{CheckpointStore, Log, Reaction, Store, StoreError};

use super::backwards::Backwards;
use super::effects::Effects;
use super::pass::Pass;
use super::progress::Places;
use super::report::{Audit, AuditProgress};
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
            backwards: Backwards::new(&self.store, &self.log, &self.reactions),
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
    backwards: Backwards,
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
        self.backwards.go_on(rest, time, progress).await?;
        let compared = self.places.check().await?;
        let mut audit = Audit {
            partitions: self.log.audited(),
            effects: self.effects.audited(),
            checkpoints: compared.checkpoints,
            parked: compared.parked,
            claims: self.backwards.claims(),
            timers: self.backwards.timers(),
            ..Audit::default()
        };
        let compared_found = compared.findings.into_iter().collect();
        for found in [
            self.log.found(),
            &compared_found,
            self.effects.found(),
            self.backwards.found(),
        ] {
            audit.add(found);
        }
        audit.unproven = self.effects.unproven().to_vec();
        audit.unproven.extend(self.backwards.unproven());
        audit.unproven.extend(compared.unproven);
        Ok(audit)
    }
}
