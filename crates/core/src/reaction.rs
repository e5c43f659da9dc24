//! The seam between the loop that feeds a component with events and what the component does with them.

use std::error::Error;
use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

use crate::{
    Accountable, Advance, CheckpointStore, Component, Domain, EventFilter, Hold, ReadModelVersion,
    RecordedEvent, StoreError, Tenure, VersionStore, Work,
};

/// A saga, a process manager or a projector, as the loop sees it that feeds it.
#[async_trait]
pub trait Reaction: Send + Sync + Debug + 'static {
    /// Its name.
    fn component(&self) -> &Component;

    /// Which events it is given. The others only move its checkpoint.
    fn filter(&self) -> &EventFilter;

    /// Where its progress is kept.
    fn checkpoints(&self) -> &dyn CheckpointStore;

    /// How its effects can be accounted for; `None` if it has none that a target keeps.
    fn accountable(&self) -> Option<&dyn Accountable>;

    /// The read model it feeds, and where that is kept, if it is one in a database.
    fn read_model(&self) -> Option<(&ReadModelVersion, &dyn VersionStore)> {
        None
    }

    /// Other components that act upon what this one records in streams of theirs, as the rest of a process manager does.
    /// Whoever waits for one of them because of an event waits for this one first, and then for what it has recorded.
    fn leads_to(&self) -> &[Component] {
        &[]
    }

    /// Told that a piece of its work was taken, before it is given events. If it refuses, the work is let go of, and
    /// taken again later.
    async fn begin(&self, work: &Work) -> Result<(), StoreError> {
        let _ = work;
        Ok(())
    }

    /// Handles events and writes down by [`CheckpointStore::advance`] that it has: afterwards that is done as
    /// [`Step::advance`] has it, or the tenure was lost.
    ///
    /// After an error nothing is certain but that nothing was moved: the same events come again, alone or with others.
    ///
    /// # Cancel safety
    /// Dropped when the tenure is lost or the program ends. What was half done must be undone or harmless to repeat.
    async fn handle(&self, step: Step<'_>) -> Result<Hold, ReactionError>;
}

/// Some events for a component.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// Under which tenure; [`Tenure::at`] is where the checkpoint stands.
    pub tenure: &'a Tenure,
    /// The events that passed the filter, in the order of their positions. At least one.
    pub events: &'a [&'a RecordedEvent],
    /// What is to be written down once they are handled: that the checkpoint stands at the last of them or beyond, or
    /// that a stream which is parked has come so far.
    pub advance: &'a Advance,
    /// How long the lease is to last from then on.
    pub lease: Duration,
    /// How deep the events are at most whose effects are sent: see [`Metadata::depth`](crate::Metadata::depth).
    pub deepest: u32,
}

/// Why events were not handled.
#[derive(Debug, thiserror::Error)]
pub enum ReactionError {
    /// A store failed. If the same may work later ([`StoreErrorKind::is_transient`](crate::StoreErrorKind::is_transient)),
    /// it is no fault of the events, and they are tried again until it does. What a store refuses or does not allow counts
    /// as a failure of the component, with the reason of the store. A corrupt store pauses the work.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An aggregate that it needs does not answer. It is no fault of the events either.
    #[error("`{target}` does not answer: {source}")]
    Unavailable {
        /// Whose domain.
        target: Domain,
        /// What it said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The component failed.
    #[error("{0}")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}
