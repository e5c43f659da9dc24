//! Commands and facts as an application sends them.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

use seriatim_coordinator::Coordinator;
use seriatim_core::codec::{encode_command, encode_event};
use seriatim_core::{
    Aggregate, At, CommandGateway, CommandRequest, EncodeError, ExpectedSequence, FactOrigin,
    FactRequest, Fault, FieldPath, FieldViolation, InvalidFieldPath, MergeStrategy, Metadata,
    NewFact, Payload, Receipt, Simulation, StreamId, SubmitError,
};
use seriatim_runtime::Waiter;
use uuid::Uuid;

use crate::Waiting;

/// A command that is sent when it is awaited. Made by [`AggregateRef::send`](crate::AggregateRef::send).
#[must_use = "nothing is sent before it is awaited"]
pub struct SendCommand<A: Aggregate> {
    coordinator: Coordinator,
    waiter: Waiter,
    stream: StreamId,
    commands: Vec<A::Command>,
    expected: ExpectedSequence,
    merge: Option<MergeStrategy>,
    premises: Vec<Result<FieldPath, InvalidFieldPath>>,
    metadata: Metadata,
}

impl<A: Aggregate> SendCommand<A> {
    pub(crate) fn new(
        coordinator: Coordinator,
        waiter: Waiter,
        stream: StreamId,
        command: A::Command,
    ) -> Self {
        Self {
            coordinator,
            waiter,
            stream,
            commands: vec![command],
            expected: ExpectedSequence::Any,
            merge: None,
            premises: Vec::new(),
            metadata: Metadata::default(),
        }
    }

    /// Adds another command to the same book. It is decided after those before it, and written with them or not at all.
    pub fn and(mut self, command: A::Command) -> Self {
        self.commands.push(command);
        self
    }

    /// Sets what the stream's current sequence is believed to be: a sequence, or [`ExpectedSequence::NoStream`]. This
    /// is optimistic concurrency.
    pub fn expecting(mut self, expected: impl Into<ExpectedSequence>) -> Self {
        self.expected = expected.into();
        self
    }

    /// Sets what to do if the expected sequence is wrong. Default: what [`Aggregate::merge_strategy`] says.
    pub fn merge(mut self, strategy: MergeStrategy) -> Self {
        self.merge = Some(strategy);
        self
    }

    /// Names a field of the state that the command was decided upon, for example `address.city`.
    pub fn premise(mut self, path: &str) -> Self {
        self.premises.push(path.parse());
        self
    }

    /// Sets the idempotency key: a command that is sent again under the same id is applied once.
    pub fn external_id(mut self, external_id: impl Into<String>) -> Self {
        self.metadata.external_id = Some(external_id.into());
        self
    }

    /// Sets the workflow that it belongs to.
    pub fn correlation_id(mut self, correlation_id: impl Into<String>) -> Self {
        self.metadata.correlation_id = Some(correlation_id.into());
        self
    }

    /// Sets who sends it.
    pub fn actor(mut self, actor: impl Into<String>) -> Self {
        self.metadata.actor = Some(actor.into());
        self
    }

    /// Waits, once the command is durable, until a saga, a process manager or a projector has handled its events. What
    /// the component makes of them can then be read.
    ///
    /// Awaiting it then fails with [`WaitError`](crate::WaitError) in place of [`SubmitError`].
    pub fn wait_for(self, component: &str) -> Waiting<Self> {
        let waiter = self.waiter.clone();
        Waiting::new(self, waiter, component)
    }

    /// Returns what the command would do, and does not do it.
    pub async fn simulate(self, at: At) -> Result<Simulation, SubmitError> {
        let (coordinator, request) = self.into_request()?;
        coordinator.simulate(request, at).await
    }

    fn into_request(self) -> Result<(Coordinator, CommandRequest), SubmitError> {
        let commands = self
            .commands
            .iter()
            .map(|command| stored(&self.stream, encode_command(command)));
        let premises = self.premises.into_iter().enumerate().map(|(at, premise)| {
            premise
                .map_err(|error| FieldViolation::new(format!("premises[{at}]"), error.to_string()))
        });
        let request = CommandRequest {
            id: Uuid::now_v7(),
            commands: commands.collect::<Result<_, _>>()?,
            premises: premises.collect::<Result<_, _>>()?,
            stream: self.stream,
            expected: self.expected,
            merge: self.merge,
            metadata: self.metadata,
            effect: None,
        };
        Ok((self.coordinator, request))
    }
}

impl<A: Aggregate> fmt::Debug for SendCommand<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendCommand")
            .field("stream", &self.stream)
            .field("commands", &self.commands)
            .finish_non_exhaustive()
    }
}

impl<A: Aggregate> IntoFuture for SendCommand<A> {
    type Output = Result<Receipt, SubmitError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (coordinator, request) = self.into_request()?;
            coordinator.submit(request).await
        })
    }
}

/// A fact that is recorded when it is awaited. Made by [`AggregateRef::record`](crate::AggregateRef::record).
#[must_use = "nothing is recorded before it is awaited"]
pub struct RecordFact<A: Aggregate> {
    coordinator: Coordinator,
    waiter: Waiter,
    stream: StreamId,
    event: A::Event,
    origin: FactOrigin,
    route_to_aggregate: Option<bool>,
    metadata: Metadata,
}

impl<A: Aggregate> RecordFact<A> {
    pub(crate) fn new(
        coordinator: Coordinator,
        waiter: Waiter,
        stream: StreamId,
        event: A::Event,
        source: &str,
        external_id: &str,
    ) -> Self {
        Self {
            coordinator,
            waiter,
            stream,
            event,
            origin: FactOrigin {
                source: source.into(),
                description: String::new(),
            },
            route_to_aggregate: None,
            metadata: Metadata {
                external_id: Some(external_id.into()),
                ..Metadata::default()
            },
        }
    }

    /// Sets a description of what happened, for people.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.origin.description = description.into();
        self
    }

    /// Sets whether it goes through [`Aggregate::on_fact`]. Default: [`Aggregate::ROUTE_FACTS`].
    pub fn route_to_aggregate(mut self, route: bool) -> Self {
        self.route_to_aggregate = Some(route);
        self
    }

    /// Sets the workflow that it belongs to.
    pub fn correlation_id(mut self, correlation_id: impl Into<String>) -> Self {
        self.metadata.correlation_id = Some(correlation_id.into());
        self
    }

    /// Sets who sends it.
    pub fn actor(mut self, actor: impl Into<String>) -> Self {
        self.metadata.actor = Some(actor.into());
        self
    }

    /// Waits, once the fact is durable, until a component has handled its events, as [`SendCommand::wait_for`] does.
    pub fn wait_for(self, component: &str) -> Waiting<Self> {
        let waiter = self.waiter.clone();
        Waiting::new(self, waiter, component)
    }
}

impl<A: Aggregate> fmt::Debug for RecordFact<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordFact")
            .field("stream", &self.stream)
            .field("event", &self.event)
            .finish_non_exhaustive()
    }
}

impl<A: Aggregate> IntoFuture for RecordFact<A> {
    type Output = Result<Receipt, SubmitError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let fact = NewFact {
                payload: stored(&self.stream, encode_event(&self.event))?,
                origin: self.origin,
            };
            let request = FactRequest {
                id: Uuid::now_v7(),
                stream: self.stream,
                facts: vec![fact],
                route_to_aggregate: self.route_to_aggregate,
                metadata: self.metadata,
                effect: None,
            };
            self.coordinator.record(request).await
        })
    }
}

fn stored(
    stream: &StreamId,
    encoded: Result<Payload, EncodeError>,
) -> Result<Payload, SubmitError> {
    encoded.map_err(|error| SubmitError::Broken {
        stream: stream.clone(),
        fault: Fault::unencodable("command or fact", &error),
    })
}
