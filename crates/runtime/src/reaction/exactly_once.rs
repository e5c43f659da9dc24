//! Feeds read models in SQL: the read model and the checkpoint change in one transaction.

use std::error::Error;
use std::fmt;
use std::num::NonZero;

use async_trait::async_trait;
use seriatim_core::{
    Accountable, Advance, Checkpoint, CheckpointStore, Component, EventFilter, Hold, Position,
    Reaction, ReactionError, ReadModel, ReadModelStore, ReadModelTables, ReadModelVersion,
    RegisterError, Step, StoreError, StoreErrorKind, VersionStore, Work,
};

/// A read model as a component: its tables show every event exactly once.
pub struct ExactlyOnce<S, M> {
    component: Component,
    filter: EventFilter,
    version: ReadModelVersion,
    tables: ReadModelTables,
    store: S,
    model: M,
}

impl<S: ReadModelStore, M: ReadModel<S::Connection>> ExactlyOnce<S, M> {
    /// Makes the tables of the model's version in `store` if they do not exist. Returns the component.
    pub async fn register(store: S, model: M) -> Result<Self, RegisterError> {
        let version = ReadModelVersion::of::<S::Connection, M>()?;
        let tables = store.register(&model).await?;
        Ok(Self {
            component: version.component(),
            filter: model.filter(),
            tables,
            version,
            store,
            model,
        })
    }
}

impl<S: ReadModelStore, M: ReadModel<S::Connection>> ExactlyOnce<S, M> {
    /// Fails if the version was begun with another number of shares: there would be no progress for these shares, and
    /// the tables would show every event again.
    async fn is_cut_like(&self, work: &Work) -> Result<(), StoreError> {
        let all = self.store.checkpoints(Some(&self.component)).await?;
        let has_begun = |one: &Checkpoint| one.at.position > Position::START || one.owner.is_some();
        let mut others = all.iter().filter(|one| has_begun(one));
        match others.find(|one| one.work.share.count() != work.share.count()) {
            None => Ok(()),
            Some(other) => Err(refused(CutOtherwise {
                version: self.version.clone(),
                shares: other.work.share.count(),
            })),
        }
    }

    /// Returns true if a step that seems to have failed was done: this process did it, the answer to its commit was
    /// lost, and the retry failed because its rows exist already.
    async fn was_done(&self, step: Step<'_>) -> Result<bool, StoreError> {
        let (store, tenure) = (&self.store, step.tenure);
        let component = Some(&self.component);
        Ok(match step.advance {
            Advance::Checkpoint(_) => {
                let all = store.checkpoints(component).await?;
                let stands = all.iter().any(|checkpoint| {
                    checkpoint.work == tenure.work && checkpoint.at.position == tenure.at.position
                });
                !stands
            }
            Advance::Parked { stream, from, .. } => {
                let all = store.parked(component).await?;
                let waits = all.iter().any(|parked| {
                    parked.work == tenure.work
                        && (&parked.stream, parked.sequence) == (stream, *from)
                });
                !waits
            }
        })
    }
}

impl<S, M> fmt::Debug for ExactlyOnce<S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExactlyOnce")
            .field("component", &self.component)
            .field("filter", &self.filter)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl<S: ReadModelStore, M: ReadModel<S::Connection>> Reaction for ExactlyOnce<S, M> {
    fn component(&self) -> &Component {
        &self.component
    }

    fn filter(&self) -> &EventFilter {
        &self.filter
    }

    fn checkpoints(&self) -> &dyn CheckpointStore {
        &self.store
    }

    fn read_model(&self) -> Option<(&ReadModelVersion, &dyn VersionStore)> {
        Some((&self.version, &self.store))
    }

    /// Begins to feed the version. Fails if it was dropped: a process that still feeds a dropped version loses its
    /// tenure, and would take the work anew.
    async fn begin(&self, work: &Work) -> Result<(), StoreError> {
        // This comes after the work was taken, because a later drop of the version also removes that tenure.
        if !self.store.confirm(&self.version).await? {
            return Err(refused(Gone(self.version.clone())));
        }
        // This also comes after the work was taken: if two processes begin with different numbers at the same moment,
        // at most one continues.
        self.is_cut_like(work).await
    }

    fn accountable(&self) -> Option<&dyn Accountable> {
        None
    }

    async fn handle(&self, step: Step<'_>) -> Result<Hold, ReactionError> {
        let project = (self.store).project(&self.model, &self.tables, step);
        match project.await {
            Err(failed @ ReactionError::Failed(_)) => match self.was_done(step).await? {
                true => Ok(Hold::Lost),
                false => Err(failed),
            },
            answer => answer,
        }
    }
}

fn refused(why: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
    StoreError::new("feed a read model", StoreErrorKind::Refused, why)
}

#[derive(Debug, thiserror::Error)]
#[error(
    "{version} was begun with {shares} shares; take that number, or build a new version with another"
)]
struct CutOtherwise {
    version: ReadModelVersion,
    shares: NonZero<u16>,
}

#[derive(Debug, thiserror::Error)]
#[error("{0} was dropped; leave it out of the program, or restart this to build it anew")]
struct Gone(ReadModelVersion);
