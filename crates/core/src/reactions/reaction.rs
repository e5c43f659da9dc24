//! Defines the seam between a component and the loop that feeds it with events.

use std::error::Error;
use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

use crate::{
    Accountable, Advance, CheckpointStore, Component, Domain, EventFilter, Hold, ReadModelVersion,
    RecordedEvent, StoreError, Tenure, Update, VersionStore, Work,
};

/// A saga, a process manager or a projector, as the loop that feeds it sees it.
#[async_trait]
pub trait Reaction: Send + Sync + Debug + 'static {
    /// Returns its name.
    fn component(&self) -> &Component;

    /// Returns the filter of the events that it gets. All other events only move its checkpoint.
    fn filter(&self) -> &EventFilter;

    /// Returns the store of its progress.
    fn checkpoints(&self) -> &dyn CheckpointStore;

    /// Returns the means to audit its effects; `None` if it has no effects that a target keeps.
    fn accountable(&self) -> Option<&dyn Accountable>;

    /// Returns the read model that it feeds, and the store of that; `None` if it feeds no read model in a database.
    fn read_model(&self) -> Option<(&ReadModelVersion, &dyn VersionStore)> {
        None
    }

    /// Returns the other components that act on what this one records because of its events. The components of a process
    /// manager act on the inputs that `NAME.inputs` records in the streams of the instances. A sender that
    /// waits for one of them because of an event waits for this one first, and then for the reaction to what this one
    /// has recorded.
    fn leads_to(&self) -> &[Component] {
        &[]
    }

    /// Prepares for a piece of work that was just taken, before any events come. If it fails, the work is released and
    /// taken again later.
    async fn begin(&self, work: &Work) -> Result<(), StoreError> {
        let _ = work;
        Ok(())
    }

    /// Handles events and records them as handled by [`Step::finish`]. When it returns, [`Step::advance`] is done, or
    /// the tenure was lost.
    ///
    /// After an error nothing was moved, and nothing else is certain: the same events come again, alone or with others.
    ///
    /// # Cancel safety
    /// The future is dropped when the tenure is lost or the program ends. Half-finished work must be undone or harmless
    /// to repeat.
    async fn handle(&self, step: Step<'_>) -> Result<Hold, ReactionError>;
}

/// Some events for a component.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// The tenure; [`Tenure::at`] is the place of the checkpoint.
    pub tenure: &'a Tenure,
    /// The events that passed the filter, in the order of their positions. There is at least one.
    pub events: &'a [&'a RecordedEvent],
    /// The progress to record once they are handled: the checkpoint at the last of them or beyond, or that of a parked
    /// stream.
    pub advance: &'a Advance,
    /// The length of the lease from then on.
    pub lease: Duration,
    /// The greatest [depth](crate::Metadata::depth) of an event whose effects are sent.
    pub deepest: u32,
}

impl Step<'_> {
    /// Records the events as handled.
    pub async fn finish(&self, checkpoints: &dyn CheckpointStore) -> Result<Hold, StoreError> {
        let update = Update::Advance(self.advance.clone());
        checkpoints.write(self.tenure, &update, self.lease).await
    }
}

/// The reason why events were not handled.
#[derive(Debug, thiserror::Error)]
pub enum ReactionError {
    /// A store failed. If the error is [transient](crate::StoreErrorKind::is_transient), the events are not at fault
    /// and are tried again until it works. A refusal or a missing right counts as a failure of the component, with the
    /// reason of the store. A corrupt store pauses the work.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An aggregate that the component needs does not answer. The events are not at fault either.
    #[error("`{target}` does not answer: {source}")]
    Unavailable {
        /// The domain of the aggregate.
        target: Domain,
        /// The error.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The component failed.
    #[error("{0}")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}
