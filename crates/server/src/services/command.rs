//! Implements `CommandService`.

use futures::stream::BoxStream;
use prost::Message;
use seriatim_coordinator::Coordinator;
use seriatim_core::{
    CommandGateway, CommandRequest, FieldViolation, Receipt, RejectedEffect, UnknownFieldRule,
};
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
use crate::meter;
use crate::ration::{Held, Ration};

/// Accepts commands.
#[derive(Clone, Debug)]
pub(crate) struct Commands {
    coordinator: Coordinator,
    waits: Waits,
    effects: EffectsDoor,
    in_flight_per_stream: usize,
    unknown_fields: UnknownFieldRule,
    closed: watch::Receiver<bool>,
}

impl Commands {
    pub(crate) fn new(
        coordinator: Coordinator,
        waits: Waits,
        effects: EffectsDoor,
        in_flight_per_stream: usize,
        unknown_fields: UnknownFieldRule,
        closed: watch::Receiver<bool>,
    ) -> Self {
        Self {
            coordinator,
            waits,
            effects,
            in_flight_per_stream,
            unknown_fields,
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
        let unknown_fields = request.unknown_fields();
        let mut command = CommandRequest::try_from(request).map_err(status)?;
        self.effects.admit(command.effect.as_ref())?;
        by.check(
            Verb::Submit,
            command.effect.as_ref(),
            &command.stream.domain,
        )?;
        command.metadata.actor = by.actor(command.effect.is_some())?;
        let wait = self.waits.read(wait_for).await?;
        let warnings = self.check_fields(&command, unknown_fields, by)?;
        let submitted = self.coordinator.holding(in_work).submit(command).await;
        let receipt = submitted.map_err(|error| by.caller.refusal(error))?;
        let receipt = Receipt {
            warnings,
            ..receipt
        };
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

impl Commands {
    /// Returns warnings about fields that the commands do not have. Fails if they are to be refused.
    fn check_fields(
        &self,
        command: &CommandRequest,
        asked: v1::UnknownFields,
        by: &By,
    ) -> Result<Vec<FieldViolation>, Status> {
        let rule = match asked {
            v1::UnknownFields::Unspecified => self.unknown_fields,
            v1::UnknownFields::Ignore => UnknownFieldRule::Ignore,
            v1::UnknownFields::Warn => UnknownFieldRule::Warn,
            v1::UnknownFields::Refuse => UnknownFieldRule::Refuse,
        };
        let found = self.coordinator.check_fields(command, rule);
        let found = found.map_err(|error| by.caller.refusal(error))?;
        if !found.is_empty() {
            meter::unknown_fields(&command.stream.domain, found.len());
            tracing::debug!(stream = %command.stream, fields = ?found, "a command has fields that its type does not have");
        }
        Ok(found)
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
        let unknown_fields = request.get_ref().unknown_fields();
        let (mut command, at) =
            convert::simulation_request(request.into_inner()).map_err(status)?;
        let domain = &command.stream.domain;
        by.caller.check(Verb::Simulate, Some(domain))?;
        by.caller.check(Verb::Read, Some(domain))?;
        command.metadata.actor = by.actor(false)?;
        self.check_fields(&command, unknown_fields, &by)?;
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
