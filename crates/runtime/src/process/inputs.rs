//! Sends inputs to the instances of a process manager.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use futures::{FutureExt, StreamExt, stream};
use seriatim_core::{
    Accountable, Asked, CheckpointStore, CommandGateway, Component, Dispatch, Domain, Effects,
    EventFilter, EventStore, Hold, Process, ProcessCommand, ProcessManager, Reaction,
    ReactionError, RecordedEvent, Step, StreamId,
};

use super::lanes::lanes;
use super::part;
use crate::reaction::{BESIDE, Dispatcher, Refused, worse};

/// The component that sends the inputs of `P` to its instances, each once: an input is an effect of the event it was
/// made of.
pub(crate) struct Inputs<P> {
    component: Component,
    /// The components that act on the instances' events.
    leads_to: [Component; 2],
    domain: Domain,
    filter: EventFilter,
    checkpoints: Arc<dyn CheckpointStore>,
    dispatcher: Dispatcher,
    manager: PhantomData<fn() -> P>,
}

impl<P: ProcessManager> Inputs<P> {
    pub(crate) fn new(
        gateway: Arc<dyn CommandGateway>,
        checkpoints: Arc<dyn CheckpointStore>,
    ) -> Self {
        let component = part::<P>("inputs");
        let actor = format!("process-manager:{}", P::NAME);
        Self {
            leads_to: [Component::of_saga::<Dispatch<P>>(), part::<P>("timers")],
            domain: Domain::of::<Process<P>>(),
            filter: P::filter(),
            checkpoints,
            dispatcher: Dispatcher::new(gateway, component.clone(), actor),
            component,
            manager: PhantomData,
        }
    }

    /// Returns the instance that an event concerns, and what the event means to the instance.
    fn correlate<'e>(
        &self,
        event: &'e RecordedEvent,
    ) -> Result<Option<Correlated<'e, P>>, ReactionError> {
        let correlated = P::correlate(event).map_err(Refused::Undecodable)?;
        Ok(correlated.map(|(root, input)| Correlated {
            event,
            instance: StreamId::new(self.domain.clone(), root),
            input,
        }))
    }

    async fn take(
        &self,
        inputs: Vec<Correlated<'_, P>>,
        deepest: u32,
    ) -> Result<(), ReactionError> {
        for Correlated {
            event,
            instance,
            input,
        } in inputs
        {
            let mut effects = Effects::default();
            effects.send::<Process<P>>(instance.root, &ProcessCommand::Take(input));
            let effects = effects.into_list().map_err(Refused::Unusable)?;
            self.dispatcher.dispatch(event, effects, deepest).await?;
        }
        Ok(())
    }
}

/// An event that concerns an instance.
struct Correlated<'e, P: ProcessManager> {
    event: &'e RecordedEvent,
    instance: StreamId,
    input: P::Input,
}

impl<P> fmt::Debug for Inputs<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inputs")
            .field("component", &self.component)
            .field("filter", &self.filter)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl<P: ProcessManager> Reaction for Inputs<P> {
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
        Some(self)
    }

    fn leads_to(&self) -> &[Component] {
        &self.leads_to
    }

    /// Handles instances concurrently, each in the order of the log. The events of a stream are handled in order, even
    /// if they concern different instances.
    async fn handle(&self, step: Step<'_>) -> Result<Hold, ReactionError> {
        let mut inputs = Vec::new();
        for event in step.events {
            if let Some(correlated) = self.correlate(event)? {
                let streams = [event.stream.clone(), correlated.instance.clone()];
                inputs.push((correlated, streams));
            }
        }
        let lanes = lanes(inputs)
            .into_iter()
            .map(|lane| self.take(lane, step.deepest).boxed());
        let lanes: Vec<_> = lanes.collect();
        let mut lanes = stream::iter(lanes).buffer_unordered(BESIDE);
        let mut trouble = None;
        while let Some(taken) = lanes.next().await {
            trouble = worse(trouble, taken.err());
        }
        if let Some(error) = trouble {
            return Err(error);
        }
        Ok(step.finish(&*self.checkpoints).await?)
    }
}

impl<P: ProcessManager> Accountable for Inputs<P> {
    fn asked(&self, event: &RecordedEvent) -> Result<Vec<Asked>, ReactionError> {
        let correlated = self.correlate(event)?;
        let asked = correlated.map(|correlated| Asked::Of(correlated.instance));
        Ok(asked.into_iter().collect())
    }

    fn outcomes(&self) -> Option<&dyn EventStore> {
        self.dispatcher.outcomes()
    }
}
