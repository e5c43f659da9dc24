//! Implements `CommandService`.

use futures::stream::BoxStream;
use prost::Message;
use seriatim_coordinator::Coordinator;
use seriatim_core::{CommandGateway, CommandRequest, RejectedEffect};
use seriatim_proto::{convert, v1};
use seriatim_security::Verb;
use tokio::sync::watch;
use tonic::{Request, Response, Status, Streaming};
use v1::command_service_server::CommandService;

use super::effects::EffectsDoor;
use super::submit_stream::SubmitStream;
use super::waits::Waits;
use super::{By, answer, by, echo, status};
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

    /// Runs one request, which is `in_work`, of a caller with this metadata. The answer shows its events if they take no more
    /// than `room`, or are small, or if there is room for them in `unread`. While the request only waits for
    /// components, `room` is as large as its answer.
    pub(super) async fn run(
        &self,
        mut request: v1::SubmitRequest,
        in_work: InWork,
        by: &By,
        unread: &Ration,
        mut room: Option<&mut Held>,
    ) -> Result<v1::SubmitResponse, Status> {
        let include_events = request.include_events;
        let wait_for = request.wait_for.take();
        let mut command = CommandRequest::try_from(request).map_err(status)?;
        self.effects.admit(command.effect.as_ref())?;
        by.check(
            Verb::Submit,
            command.effect.as_ref(),
            &command.stream.domain,
        )?;
        command.metadata.actor = by.actor(command.effect.is_some())?;
        let wait = self.waits.read(wait_for).await?;
        let submitted = self.coordinator.holding(in_work).submit(command).await;
        let receipt = submitted.map_err(|error| by.caller.refusal(error))?;
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
        let (by, call) = by(&mut request)?;
        let unread = call.unread().clone();
        self.run(request.into_inner(), call.into_work(), &by, &unread, None)
            .await
            .map(Response::new)
    }

    async fn submit_stream(
        &self,
        mut request: Request<Streaming<v1::SubmitStreamRequest>>,
    ) -> Result<Response<Self::SubmitStreamStream>, Status> {
        let (by, call) = by(&mut request)?;
        let stream = SubmitStream::new(
            self.clone(),
            by,
            call,
            request.into_inner(),
            self.in_flight_per_stream,
            self.closed.clone(),
        );
        Ok(Response::new(stream.answers()))
    }

    async fn simulate(
        &self,
        mut request: Request<v1::SimulateRequest>,
    ) -> Result<Response<v1::SimulateResponse>, Status> {
        let (by, _) = by(&mut request)?;
        let (mut command, at) =
            convert::simulation_request(request.into_inner()).map_err(status)?;
        let domain = &command.stream.domain;
        by.caller.check(Verb::Simulate, Some(domain))?;
        by.caller.check(Verb::Read, Some(domain))?;
        command.metadata.actor = by.actor(false)?;
        let simulation = self.coordinator.simulate(command, at).await;
        let simulation = simulation.map_err(|error| by.caller.refusal(error))?;
        answer((&simulation).into())
    }

    async fn hand_back(
        &self,
        mut request: Request<v1::HandBackRequest>,
    ) -> Result<Response<v1::HandBackResponse>, Status> {
        let (by, call) = by(&mut request)?;
        let unread = call.unread().clone();
        let in_work = call.into_work();
        let request = request.into_inner();
        let include_events = request.include_events;
        let mut rejected = RejectedEffect::try_from(request).map_err(status)?;
        self.effects.admit(Some(&rejected.effect))?;
        by.caller
            .check(Verb::React, Some(&rejected.effect.source.domain))?;
        rejected.metadata.actor = by.actor(true)?;
        let handed_back = self.coordinator.holding(in_work).hand_back(rejected).await;
        let receipt = handed_back.map_err(|error| by.caller.refusal(error))?;
        let echo = echo(&receipt, include_events, &unread, SMALL);
        Ok(Response::new(convert::hand_back_response(&receipt, echo)))
    }
}
