//! Sends a timer that has run out to the instance that has set it. The instance decides whether the timer still counts.

use std::sync::Arc;

use seriatim_core::{
    CommandGateway, CommandRequest, Component, Domain, EffectId, Message, Metadata, Payload,
    Process, ProcessCommand, ProcessManager, ReactionError, RecordedEvent, Store, StoreError,
    Timer,
};

use super::part;
use crate::reaction::{Refused, answer};

/// The way from the timers of a process manager to its instances.
#[derive(Clone, Debug)]
pub(crate) struct Firing {
    /// The component of the timers. For an instance, its timers are effects of that component.
    pub(crate) component: Component,
    /// The domain of the instances.
    pub(crate) domain: Domain,
    pub(crate) store: Arc<dyn Store>,
    gateway: Arc<dyn CommandGateway>,
    encode: fn(&Timer) -> Payload,
}

impl Firing {
    pub(crate) fn of<P: ProcessManager>(
        store: Arc<dyn Store>,
        gateway: Arc<dyn CommandGateway>,
    ) -> Self {
        Self {
            component: part::<P>("timers"),
            domain: Domain::of::<Process<P>>(),
            store,
            gateway,
            encode: |timer| {
                let fire = ProcessCommand::<P>::Fire {
                    timer: timer.name.clone(),
                    set_at: timer.set_at,
                };
                fire.encode().expect("a name and a number have a JSON")
            },
        }
    }

    /// Returns the request to the instance; `None` if no event has set the timer. However often the request is sent,
    /// the instance acts once.
    pub(crate) async fn request(
        &self,
        timer: &Timer,
    ) -> Result<Option<CommandRequest>, StoreError> {
        let actor = format!("timer:{}", timer.name);
        let metadata = match self.cause(timer).await {
            Ok(Some(cause)) => Metadata::caused_by(&cause, actor),
            Ok(None) => {
                tracing::warn!(stream = %timer.stream, timer = timer.name, "no event has set this timer; it is dropped");
                return Ok(None);
            }
            Err(error) if error.kind.is_transient() => return Err(error),
            // The event cannot be read. Then the instance cannot act either, and the timer becomes stuck.
            Err(_) => Metadata {
                actor: Some(actor),
                ..Metadata::default()
            },
        };
        let effect = EffectId {
            component: self.component.clone(),
            source: timer.stream.clone(),
            sequence: timer.set_at,
            ordinal: timer.ordinal,
        };
        let command = (self.encode)(timer);
        Ok(Some(CommandRequest {
            metadata: Metadata {
                // A timer starts a new chain of effects, because time has passed.
                depth: 0,
                ..metadata
            },
            effect: Some(effect),
            ..CommandRequest::new(timer.stream.clone(), command)
        }))
    }

    pub(crate) async fn put(
        &self,
        timer: &Timer,
        request: CommandRequest,
    ) -> Result<(), ReactionError> {
        match answer(&self.domain, self.gateway.submit(request)).await? {
            Ok(_) => Ok(()),
            Err(source) => Err(Refused::Timer {
                timer: timer.name.clone(),
                instance: timer.stream.clone(),
                source,
            }
            .into()),
        }
    }

    /// Returns the domain in which stuck timers are recorded, each under the root of its instance. The instances have
    /// another domain, because their streams may be what cannot be read.
    pub(crate) fn stuck_domain(&self) -> Domain {
        let name = self.component.as_str();
        Domain::new(name).expect("the name of a component is one of a domain")
    }

    /// Returns the event that has set a timer. The request belongs to its workflow.
    async fn cause(&self, timer: &Timer) -> Result<Option<RecordedEvent>, StoreError> {
        let read = self.store.read_stream(&timer.stream, timer.set_at, 1);
        Ok(read.await?.into_iter().next())
    }
}
