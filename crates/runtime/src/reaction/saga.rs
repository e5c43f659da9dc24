//! Runs sagas: the events of a stream one after another, and the streams concurrently.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::{FutureExt, StreamExt, stream};
use seriatim_core::{
    Accountable, Asked, CheckpointStore, CommandGateway, Component, Domain, Effect, Effects,
    EventFilter, EventStore, Hold, Reaction, ReactionError, RecordedEvent, Saga, Step, StreamId,
};
use tracing::Instrument;

use super::dispatch::{BESIDE, Dispatcher, Refused, worse};
use super::done::Done;

/// A saga whose effects go to a coordinator, in process or over the wire.
///
/// The checkpoint moves when the outcome of every effect is durable at its target. An effect that is sent again after a
/// crash takes effect once, because the target recognises its [`EffectId`](seriatim_core::EffectId).
pub struct SagaReaction<S> {
    saga: S,
    component: Component,
    filter: EventFilter,
    checkpoints: Arc<dyn CheckpointStore>,
    dispatcher: Dispatcher,
    done: Done,
}

impl<S: Saga> SagaReaction<S> {
    /// Makes a saga that sends its effects through `gateway`, and keeps its progress in `checkpoints`.
    pub fn new(
        saga: S,
        gateway: Arc<dyn CommandGateway>,
        checkpoints: Arc<dyn CheckpointStore>,
    ) -> Self {
        let component = Component::of_saga::<S>();
        Self {
            saga,
            filter: EventFilter {
                domains: vec![Domain::of::<S::Source>()],
                ..EventFilter::default()
            },
            checkpoints,
            dispatcher: Dispatcher::new(gateway, component.clone(), format!("saga:{component}")),
            component,
            done: Done::default(),
        }
    }

    /// Reacts to the events of one stream, in order, until one fails.
    async fn follow<'e>(&self, mut events: Vec<&'e RecordedEvent>, deepest: u32) -> Followed<'e> {
        let mut trouble = None;
        for (done, event) in events.iter().enumerate() {
            if let Err(error) = self.react(event, deepest).await {
                trouble = Some(error);
                events.truncate(done);
                break;
            }
        }
        Followed {
            done: events,
            trouble,
        }
    }

    /// Returns the effects of an event.
    fn effects(&self, recorded: &RecordedEvent) -> Result<Vec<Effect>, ReactionError> {
        let Some(event) = recorded.of::<S::Source>() else {
            return Ok(Vec::new());
        };
        let event = event.map_err(Refused::Undecodable)?;
        let mut effects = Effects::default();
        self.saga.react(&event, recorded, &mut effects);
        Ok(effects.into_list().map_err(Refused::Unusable)?)
    }

    async fn react(&self, recorded: &RecordedEvent, deepest: u32) -> Result<(), ReactionError> {
        let effects = self.effects(recorded)?;
        let span = tracing::debug_span!(
            "effects",
            component = %self.component,
            stream = %recorded.stream,
            sequence = %recorded.sequence,
            correlation_id = recorded.metadata.correlation_id,
            event_id = %recorded.id,
        );
        let dispatched = self.dispatcher.dispatch(recorded, effects, deepest);
        dispatched.instrument(span).await
    }

    /// Reacts to all events; a stream that fails does not stop another. Returns the events that are done by then.
    async fn react_to_all<'e>(
        &self,
        events: &[&'e RecordedEvent],
        deepest: u32,
    ) -> (Vec<&'e RecordedEvent>, Option<ReactionError>) {
        let streams: Vec<_> = (by_stream(events).into_iter())
            .map(|events| self.follow(events, deepest).boxed())
            .collect();
        let mut streams = stream::iter(streams).buffer_unordered(BESIDE);
        let (mut done, mut trouble) = (Vec::with_capacity(events.len()), None);
        while let Some(followed) = streams.next().await {
            done.extend(followed.done);
            trouble = worse(trouble, followed.trouble);
        }
        (done, trouble)
    }
}

/// The part of a stream that was handled.
struct Followed<'e> {
    done: Vec<&'e RecordedEvent>,
    trouble: Option<ReactionError>,
}

impl<S> fmt::Debug for SagaReaction<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SagaReaction")
            .field("component", &self.component)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl<S: Saga> Reaction for SagaReaction<S> {
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

    async fn handle(&self, step: Step<'_>) -> Result<Hold, ReactionError> {
        let left = self.done.left(&step);
        let (done, trouble) = self.react_to_all(&left, step.deepest).await;
        if let Some(error) = trouble {
            self.done.note(step.tenure, &done);
            return Err(error);
        }
        let moved = step.finish(&*self.checkpoints).await;
        match &moved {
            Ok(_) => self.done.forget(&step),
            Err(_) => self.done.note(step.tenure, &done),
        }
        Ok(moved?)
    }
}

impl<S: Saga> Accountable for SagaReaction<S> {
    fn asked(&self, event: &RecordedEvent) -> Result<Vec<Asked>, ReactionError> {
        let effects = self.effects(event)?.into_iter();
        Ok(effects
            .map(|effect| Asked::Of(effect.target().clone()))
            .collect())
    }

    fn outcomes(&self) -> Option<&dyn EventStore> {
        self.dispatcher.outcomes()
    }
}

/// Returns the events of each stream in order. The streams are in the order of their first event.
fn by_stream<'e>(events: &[&'e RecordedEvent]) -> Vec<Vec<&'e RecordedEvent>> {
    let mut places: HashMap<&StreamId, usize> = HashMap::new();
    let mut streams: Vec<Vec<&RecordedEvent>> = Vec::new();
    for event in events {
        let place = *places.entry(&event.stream).or_insert(streams.len());
        match streams.get_mut(place) {
            Some(stream) => stream.push(event),
            None => streams.push(vec![event]),
        }
    }
    streams
}
