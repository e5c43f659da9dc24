//! `CommandService`.

use futures::stream::BoxStream;
use seriatim_coordinator::Coordinator;
use seriatim_core::{CommandGateway, CommandRequest, RejectedEffect};
use seriatim_proto::{actor, convert, v1};
use tokio::sync::watch;
use tonic::{Request, Response, Status, Streaming};
use v1::command_service_server::CommandService;

use super::effects::EffectsDoor;
use super::status;
use super::submit_stream::SubmitStream;
use super::waits::Waits;

/// Takes commands.
#[derive(Clone, Debug)]
pub(crate) struct Commands {
    coordinator: Coordinator,
    waits: Waits,
    effects: EffectsDoor,
    in_flight_per_stream: usize,
    closed: watch::Receiver<bool>,
}

impl Commands {
    pub(crate) fn new(
        coordinator: Coordinator,
        waits: Waits,
        effects: EffectsDoor,
        in_flight_per_stream: usize,
        closed: watch::Receiver<bool>,
    ) -> Self {
        Self {
            coordinator,
            waits,
            effects,
            in_flight_per_stream,
            closed,
        }
    }

    /// Runs one request on behalf of `actor`.
    pub(super) async fn run(
        &self,
        mut request: v1::SubmitRequest,
        actor: Option<String>,
    ) -> Result<v1::SubmitResponse, Status> {
        let include_events = request.include_events;
        // What is rare is boxed: it would make every call larger.
        let wait = Box::pin(self.waits.read(request.wait_for.take())).await?;
        let mut command = CommandRequest::try_from(request).map_err(status)?;
        self.effects.admit(command.effect.as_ref())?;
        command.metadata.actor = actor;
        let receipt = self.coordinator.submit(command).await.map_err(status)?;
        let mut response = convert::submit_response(&receipt, include_events);
        if let Some(wait) = wait {
            response.not_handled = Box::pin(self.waits.for_all(&receipt, &wait)).await;
        }
        Ok(response)
    }
}

#[tonic::async_trait]
impl CommandService for Commands {
    type SubmitStreamStream = BoxStream<'static, Result<v1::SubmitStreamResponse, Status>>;

    async fn submit(
        &self,
        request: Request<v1::SubmitRequest>,
    ) -> Result<Response<v1::SubmitResponse>, Status> {
        let actor = actor(request.metadata()).map_err(status)?;
        self.run(request.into_inner(), actor)
            .await
            .map(Response::new)
    }

    async fn submit_stream(
        &self,
        request: Request<Streaming<v1::SubmitStreamRequest>>,
    ) -> Result<Response<Self::SubmitStreamStream>, Status> {
        let actor = actor(request.metadata()).map_err(status)?;
        let stream = SubmitStream::new(
            self.clone(),
            actor,
            request.into_inner(),
            self.in_flight_per_stream,
            self.closed.clone(),
        );
        Ok(Response::new(stream.answers()))
    }

    async fn simulate(
        &self,
        request: Request<v1::SimulateRequest>,
    ) -> Result<Response<v1::SimulateResponse>, Status> {
        let actor = actor(request.metadata()).map_err(status)?;
        let (mut command, at) =
            convert::simulation_request(request.into_inner()).map_err(status)?;
        command.metadata.actor = actor;
        let simulation = self
            .coordinator
            .simulate(command, at)
            .await
            .map_err(status)?;
        Ok(Response::new((&simulation).into()))
    }

    async fn hand_back(
        &self,
        request: Request<v1::HandBackRequest>,
    ) -> Result<Response<v1::HandBackResponse>, Status> {
        let actor = actor(request.metadata()).map_err(status)?;
        let request = request.into_inner();
        let include_events = request.include_events;
        let mut rejected = RejectedEffect::try_from(request).map_err(status)?;
        self.effects.admit(Some(&rejected.effect))?;
        rejected.metadata.actor = actor;
        let receipt = self.coordinator.hand_back(rejected).await.map_err(status)?;
        Ok(Response::new(convert::hand_back_response(
            &receipt,
            include_events,
        )))
    }
}
