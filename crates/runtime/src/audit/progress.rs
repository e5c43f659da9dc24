//! Compares the progress of components with the log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use seriatim_core::{
    Checkpoint, CheckpointStore, Component, EventStore, Log, LogPartition, Position, Reaction,
    ReactionLetter, ReadModelVersion, Store, StoreError, Work,
};

use super::finding::Finding;
use super::unproven::Unproven;

/// The places where progress is kept.
#[derive(Clone, Debug)]
pub(super) struct Places {
    /// The store of the log.
    pub(super) store: Arc<dyn Store>,
    /// Databases of which only the progress is read.
    pub(super) beside: Vec<Arc<dyn CheckpointStore>>,
    /// The components of this process, which may keep their progress elsewhere.
    pub(super) reactions: Vec<Arc<dyn Reaction>>,
}

/// The amount that was compared, and the findings.
#[derive(Debug, Default)]
pub(super) struct Compared {
    pub(super) checkpoints: usize,
    pub(super) parked: usize,
    pub(super) findings: Vec<Finding>,
    pub(super) unproven: Vec<Unproven>,
}

/// The progress of some components in one place.
struct Recorded {
    checkpoints: BTreeMap<Work, Checkpoint>,
    parked: Vec<ReactionLetter>,
    /// True if it is in the log's own store.
    with_log: bool,
}

impl Places {
    /// Compares all progress with the log. The log is read later than the progress, so events that were handled
    /// meanwhile do not look as if they were ahead.
    pub(super) async fn check(&self) -> Result<Compared, StoreError> {
        let all = self.read().await?;
        let partitions = self.store.partitions();
        let mut heads = Vec::new();
        for partition in LogPartition::all(partitions) {
            heads.push(self.store.head(partition).await?);
        }
        let log = Log::as_stored(Arc::clone(&self.store) as _);
        let mut compared = Compared::default();
        compared.unproven.extend(self.not_asked(&all));
        for recorded in all {
            compared.progress(&recorded, &log, &heads).await?;
            compared.parked(&recorded, &*self.store).await?;
        }
        Ok(compared)
    }

    /// Reads all progress. That of this process's components is read where they keep it, and nowhere else.
    async fn read(&self) -> Result<Vec<Recorded>, StoreError> {
        let mut own = Recorded::of(&*self.store, None).await?;
        let mut all = Vec::new();
        for reaction in &self.reactions {
            let component = reaction.component();
            own.parked
                .retain(|parked| parked.work.component != *component);
            own.checkpoints
                .retain(|work, _| work.component != *component);
            all.push(Recorded::of(reaction.checkpoints(), Some(component)).await?);
        }
        own.with_log = true;
        all.insert(0, own);
        for place in &self.beside {
            all.push(Recorded::of(&**place, None).await?);
        }
        Ok(all)
    }

    /// Returns the components that have progress and are not in this process.
    fn not_asked(&self, places: &[Recorded]) -> Option<Unproven> {
        let works = places.iter().flat_map(|place| place.checkpoints.keys());
        let all: BTreeSet<&Component> = works.map(|work| &work.component).collect();
        let at_hand: BTreeSet<_> = self.reactions.iter().map(|one| one.component()).collect();
        let components: Vec<_> = all.difference(&at_hand).copied().cloned().collect();
        (!components.is_empty()).then_some(Unproven::NotAsked { components })
    }
}

impl Recorded {
    /// Reads the parked streams first: their checkpoint has then passed them.
    async fn of(
        place: &dyn CheckpointStore,
        component: Option<&Component>,
    ) -> Result<Self, StoreError> {
        let parked = place.parked(component).await?;
        let checkpoints = place.checkpoints(component).await?.into_iter();
        Ok(Self {
            checkpoints: checkpoints.map(|one| (one.work.clone(), one)).collect(),
            parked,
            with_log: false,
        })
    }

    fn position(&self, work: &Work) -> Position {
        let checkpoint = self.checkpoints.get(work);
        checkpoint.map_or(Position::START, |checkpoint| checkpoint.at.position)
    }
}

impl Compared {
    async fn progress(
        &mut self,
        recorded: &Recorded,
        log: &Log,
        heads: &[Position],
    ) -> Result<(), StoreError> {
        // A read model in a database without events shows the events of another log.
        let is_empty = heads.iter().all(|head| *head == Position::START);
        for Checkpoint { work, at, .. } in recorded.checkpoints.values() {
            let work = || work.clone();
            if recorded.with_log
                && is_empty
                && at.position > Position::START
                && ReadModelVersion::fed_by(&work().component).is_some()
            {
                self.unproven.push(Unproven::OtherLog {
                    work: work(),
                    position: at.position,
                });
                continue;
            }
            self.checkpoints += 1;
            let partition = work().partition;
            let finding = match heads.get(partition.index()) {
                None => Some(Finding::NoSuchPartition {
                    work: work(),
                    partitions: heads.len(),
                }),
                Some(_) => {
                    (log.replaced(partition, at).await?).map(|replaced| Finding::LogReplaced {
                        work: work(),
                        replaced: Box::new(replaced),
                    })
                }
            };
            self.findings.extend(finding);
        }
        Ok(())
    }

    async fn parked(
        &mut self,
        recorded: &Recorded,
        log: &dyn EventStore,
    ) -> Result<(), StoreError> {
        self.parked += recorded.parked.len();
        for parked in &recorded.parked {
            let position = recorded.position(&parked.work);
            let found = log.read_stream(&parked.stream, parked.sequence, 1).await?;
            let is_there = found.first().is_some_and(|event| {
                event.sequence == parked.sequence && event.position <= position
            });
            if !is_there {
                self.findings.push(Finding::ParkedElsewhere {
                    work: parked.work.clone(),
                    stream: parked.stream.clone(),
                    sequence: parked.sequence,
                    position,
                });
            }
        }
        Ok(())
    }
}
