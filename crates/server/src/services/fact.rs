//! Implements `FactService`.

use seriatim_coordinator::Coordinator;
use seriatim_core::{CommandGateway, FactRequest};
use seriatim_proto::{actor, convert, v1};
use tonic::{Request, Response, Status};
use v1::fact_service_server::FactService;

use super::effects::EffectsDoor;
use super::waits::Waits;
use super::{call, echo, status};
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
        let actor = actor(request.metadata()).map_err(status)?;
        let call = call(&mut request);
        let (unread, in_work) = (call.unread().clone(), call.into_work());
        let mut request = request.into_inner();
        let include_events = request.include_events;
        let wait = self.waits.read(request.wait_for.take()).await?;
        let mut fact = FactRequest::try_from(request).map_err(status)?;
        self.effects.admit(fact.effect.as_ref())?;
        fact.metadata.actor = actor;
        let recorded = self.coordinator.holding(in_work).record(fact).await;
        let receipt = recorded.map_err(status)?;
        let echo = echo(&receipt, include_events, &unread, SMALL);
        let mut response = convert::record_response(&receipt, echo);
        if let Some(wait) = wait {
            response.not_handled = self.waits.for_all(&receipt, &wait).await;
        }
        Ok(Response::new(response))
    }
}
