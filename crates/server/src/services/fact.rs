//! Implements `FactService`.

use seriatim_coordinator::Coordinator;
use seriatim_core::{CommandGateway, FactRequest};
use seriatim_proto::{convert, v1};
use seriatim_security::Verb;
use tonic::{Request, Response, Status};
use v1::fact_service_server::FactService;

use super::effects::EffectsDoor;
use super::waits::Waits;
use super::{by, echo, status};
use crate::answer::SMALL;

/// Accepts facts.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    coordinator: Coordinator,
    effects: EffectsDoor,
    waits: Waits,
}

impl Facts {
    pub(crate) fn new(coordinator: Coordinator, effects: EffectsDoor, waits: Waits) -> Self {
        Self {
            coordinator,
            effects,
            waits,
        }
    }
}

#[tonic::async_trait]
impl FactService for Facts {
    async fn record(
        &self,
        mut request: Request<v1::RecordRequest>,
    ) -> Result<Response<v1::RecordResponse>, Status> {
        let (by, call) = by(&mut request)?;
        let (unread, in_work) = (call.unread().clone(), call.into_work());
        let mut request = request.into_inner();
        let include_events = request.include_events;
        let wait_for = request.wait_for.take();
        let mut fact = FactRequest::try_from(request).map_err(status)?;
        self.effects.admit(fact.effect.as_ref())?;
        by.check(Verb::RecordFact, fact.effect.as_ref(), &fact.stream.domain)?;
        fact.metadata.actor = by.actor(fact.effect.is_some())?;
        let wait = self.waits.read(wait_for).await?;
        let recorded = self.coordinator.holding(in_work).record(fact).await;
        let receipt = recorded.map_err(|error| by.caller.refusal(error))?;
        let echo = echo(&receipt, include_events, &unread, SMALL);
        let mut response = convert::record_response(&receipt, echo);
        if let Some(wait) = wait {
            response.not_handled = self.waits.for_all(&receipt, &wait).await;
        }
        Ok(Response::new(response))
    }
}
