//! Feeds projectors that write their read model anywhere. They get every event at least once.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use seriatim_core::{
    Accountable, CheckpointStore, Component, EventFilter, Hold, Reaction, ReactionError,
    RecordedEvent, Step,
};

/// Writes a read model.
pub trait Projector: Send + Sync + 'static {
    /// Writes events to the read model, in order. After an error or a crash the same events may come again, some of
    /// which may already be written. Recognise those by stream and sequence.
    ///
    /// Write it as an `async fn`.
    fn project(
        &self,
        events: &[&RecordedEvent],
    ) -> impl Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send;
}

/// A projector whose checkpoint is moved after its read model was written, so that it gets every event at least once.
pub struct AtLeastOnce<P> {
    component: Component,
    filter: EventFilter,
    checkpoints: Arc<dyn CheckpointStore>,
    projector: P,
}

impl<P: Projector> AtLeastOnce<P> {
    /// Makes a projector with this name, for these events, with its progress in `checkpoints`.
    pub fn new(
        component: Component,
        filter: EventFilter,
        checkpoints: Arc<dyn CheckpointStore>,
        projector: P,
    ) -> Self {
        Self {
            component,
            filter,
            checkpoints,
            projector,
        }
    }
}

impl<P> fmt::Debug for AtLeastOnce<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtLeastOnce")
            .field("component", &self.component)
            .field("filter", &self.filter)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl<P: Projector> Reaction for AtLeastOnce<P> {
    fn component(&self) -> &Component {
        &self.component
    }

    fn filter(&self) -> &EventFilter {
        &self.filter
    }

    fn checkpoints(&self) -> &dyn CheckpointStore {
        self.checkpoints.as_ref()
    }

    fn accountable(&self) -> Option<&dyn Accountable> {
        None
    }

    async fn handle(&self, step: Step<'_>) -> Result<Hold, ReactionError> {
        let projected = self.projector.project(step.events).await;
        projected.map_err(ReactionError::Failed)?;
        Ok(step.finish(&*self.checkpoints).await?)
    }
}
