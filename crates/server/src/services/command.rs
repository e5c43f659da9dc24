//! Implements `CommandService`.

use futures::stream::BoxStream;
use prost::Message;
use seriatim_coordinator::Coordinator;
use seriatim_core::{CommandGateway, CommandRequest, RejectedEffect};
use seriatim_proto::{actor, convert, v1};
use tokio::sync::watch;
use tonic::{Request, Response, Status, Streaming};
use v1::command_service_server::CommandService;

use super::effects::EffectsDoor;
use super::submit_stream::SubmitStream;
use super::waits::Waits;
use super::{answer, call, echo, status};
use crate::answer::SMALL;
use crate::gate::InWork;
use crate::ration::{Held, Ration};

/// Accepts commands.
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

    /// Runs one request, which is `in_work`, on behalf of `actor`. The answer shows its events if they take no more
    /// than `room`, or are small, or if there is room for them in `unread`. While the request only waits for
    /// components, `room` is as large as its answer.
    pub(super) async fn run(
        &self,
        mut request: v1::SubmitRequest,
        in_work: InWork,
        actor: Option<String>,
        unread: &Ration,
        mut room: Option<&mut Held>,
    ) -> Result<v1::SubmitResponse, Status> {
        let include_events = request.include_events;
        let wait = self.waits.read(request.wait_for.take()).await?;
        let mut command = CommandRequest::try_from(request).map_err(status)?;
        self.effects.admit(command.effect.as_ref())?;
        command.metadata.actor = actor;
        let submitted = self.coordinator.holding(in_work).submit(command).await;
        let receipt = submitted.map_err(status)?;
        let echo_bytes = room.as_ref().map_or(SMALL, |room| room.bytes().max(SMALL));
        let echo = echo(&receipt, include_events, unread, echo_bytes);
        let mut response = convert::submit_response(&receipt, echo);
        if let Some(wait) = wait {
            if let Some(room) = &mut room {
                room.settle(response.encoded_len());
            }
            // Rare cases are boxed: they would make every call larger.
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
        mut request: Request<v1::SubmitRequest>,
    ) -> Result<Response<v1::SubmitResponse>, Status> {
        let actor = actor(request.metadata()).map_err(status)?;
        let call = call(&mut request);
        let unread = call.unread().clone();
        self.run(request.into_inner(), call.into_work(), actor, &unread, None)
            .await
            .map(Response::new)
    }

    async fn submit_stream(
        &self,
        mut request: Request<Streaming<v1::SubmitStreamRequest>>,
    ) -> Result<Response<Self::SubmitStreamStream>, Status> {
        let actor = actor(request.metadata()).map_err(status)?;
        let call = call(&mut request);
        let stream = SubmitStream::new(
            self.clone(),
            actor,
            call,
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
        answer((&simulation).into())
    }

    async fn hand_back(
        &self,
        mut request: Request<v1::HandBackRequest>,
    ) -> Result<Response<v1::HandBackResponse>, Status> {
        let actor = actor(request.metadata()).map_err(status)?;
        let call = call(&mut request);
        let unread = call.unread().clone();
        let in_work = call.into_work();
        let request = request.into_inner();
        let include_events = request.include_events;
        let mut rejected = RejectedEffect::try_from(request).map_err(status)?;
        self.effects.admit(Some(&rejected.effect))?;
        rejected.metadata.actor = actor;
        let handed_back = self.coordinator.holding(in_work).hand_back(rejected).await;
        let receipt = handed_back.map_err(status)?;
        let echo = echo(&receipt, include_events, &unread, SMALL);
        Ok(Response::new(convert::hand_back_response(&receipt, echo)))
    }
}
