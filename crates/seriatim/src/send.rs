//! A command or a fact on its way, as the application writes it.

use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;

use seriatim_coordinator::Coordinator;
use seriatim_core::{
    Aggregate, At, CommandGateway, CommandRequest, EncodeError, ExpectedSequence, FactOrigin,
    FactRequest, Fault, FieldPath, FieldViolation, MergeStrategy, Message, Metadata, NewFact,
    Payload, Receipt, Simulation, StreamId, SubmitError,
};
use uuid::Uuid;

/// A command that is sent when it is awaited. Made by [`App::send`](crate::App::send).
#[must_use = "nothing is sent before it is awaited"]
#[derive(Debug)]
pub struct Send<A> {
    coordinator: Coordinator,
    request: CommandRequest,
    invalid: Vec<FieldViolation>,
    encoded: Result<(), EncodeError>,
    aggregate: PhantomData<fn() -> A>,
}

impl<A: Aggregate> Send<A> {
    pub(crate) fn new(coordinator: Coordinator, stream: StreamId, command: &A::Command) -> Self {
        let (payload, encoded) = encode(command);
        let mut request = CommandRequest::new(stream, payload);
        if encoded.is_err() {
            request.commands.clear();
        }
        Self {
            coordinator,
            request,
            invalid: Vec::new(),
            encoded,
            aggregate: PhantomData,
        }
    }

    /// Another command of the same book: decided after those before it, written with them or not at all.
    pub fn and(mut self, command: &A::Command) -> Self {
        let (payload, encoded) = encode(command);
        self.request.commands.push(payload);
        self.encoded = self.encoded.and(encoded);
        self
    }

    /// What the stream's current sequence is believed to be: a sequence, or [`ExpectedSequence::NoStream`].
    pub fn expect(mut self, expected: impl Into<ExpectedSequence>) -> Self {
        self.request.expected = expected.into();
        self
    }

    /// What to do if the expectation is wrong. Default: what [`Aggregate::merge_strategy`] says.
    pub fn merge(mut self, strategy: MergeStrategy) -> Self {
        self.request.merge = Some(strategy);
        self
    }

    /// A field of the state that the command was decided upon, for example `address.city`.
    pub fn premise(mut self, path: &str) -> Self {
        match path.parse::<FieldPath>() {
            Ok(path) => self.request.premises.push(path),
            Err(error) => self
                .invalid
                .push(FieldViolation::new("premises", error.to_string())),
        }
        self
    }

    /// Makes it safe to repeat: whatever is sent under the same id is applied once.
    pub fn external_id(mut self, external_id: impl Into<String>) -> Self {
        self.request.metadata.external_id = Some(external_id.into());
        self
    }

    /// The workflow it belongs to.
    pub fn correlation_id(mut self, correlation_id: impl Into<String>) -> Self {
        self.request.metadata.correlation_id = Some(correlation_id.into());
        self
    }

    /// Who sends it.
    pub fn actor(mut self, actor: impl Into<String>) -> Self {
        self.request.metadata.actor = Some(actor.into());
        self
    }

    /// What it would do, instead of doing it.
    pub async fn simulate(self, at: At) -> Result<Simulation, SubmitError> {
        self.check()?;
        self.coordinator.simulate(self.request, at).await
    }

    fn check(&self) -> Result<(), SubmitError> {
        check(&self.request.stream, &self.encoded, &self.invalid)
    }
}

impl<A: Aggregate> IntoFuture for Send<A> {
    type Output = Result<Receipt, SubmitError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + std::marker::Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            self.check()?;
            self.coordinator.submit(self.request).await
        })
    }
}

/// A fact that is recorded when it is awaited. Made by [`App::record`](crate::App::record).
#[must_use = "nothing is recorded before it is awaited"]
#[derive(Debug)]
pub struct Record<A> {
    coordinator: Coordinator,
    request: FactRequest,
    encoded: Result<(), EncodeError>,
    aggregate: PhantomData<fn() -> A>,
}

impl<A: Aggregate> Record<A> {
    pub(crate) fn new(
        coordinator: Coordinator,
        stream: StreamId,
        event: &A::Event,
        source: &str,
        external_id: &str,
    ) -> Self {
        let (payload, encoded) = encode(event);
        let fact = NewFact {
            payload,
            origin: FactOrigin {
                source: source.into(),
                description: String::new(),
            },
        };
        let metadata = Metadata {
            external_id: Some(external_id.into()),
            ..Metadata::default()
        };
        Self {
            coordinator,
            request: FactRequest {
                id: Uuid::now_v7(),
                stream,
                facts: vec![fact],
                route_to_aggregate: None,
                metadata,
            },
            encoded,
            aggregate: PhantomData,
        }
    }

    /// What happened, for people.
    pub fn description(mut self, description: &str) -> Self {
        for fact in &mut self.request.facts {
            fact.origin.description = description.into();
        }
        self
    }

    /// Whether it goes through [`Aggregate::on_fact`]. Default: [`Aggregate::ROUTE_FACTS`].
    pub fn route_to_aggregate(mut self, route: bool) -> Self {
        self.request.route_to_aggregate = Some(route);
        self
    }

    /// The workflow it belongs to.
    pub fn correlation_id(mut self, correlation_id: impl Into<String>) -> Self {
        self.request.metadata.correlation_id = Some(correlation_id.into());
        self
    }
}

impl<A: Aggregate> IntoFuture for Record<A> {
    type Output = Result<Receipt, SubmitError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + std::marker::Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            check(&self.request.stream, &self.encoded, &[])?;
            self.coordinator.record(self.request).await
        })
    }
}

/// A builder has no place for an error, so what does not encode is kept until it is awaited.
fn encode<M: Message>(message: &M) -> (Payload, Result<(), EncodeError>) {
    match message.encode() {
        Ok(payload) => (payload, Ok(())),
        Err(error) => (Payload::json(message.type_name(), "null"), Err(error)),
    }
}

fn check(
    stream: &StreamId,
    encoded: &Result<(), EncodeError>,
    invalid: &[FieldViolation],
) -> Result<(), SubmitError> {
    if let Err(error) = encoded {
        return Err(SubmitError::Broken {
            stream: stream.clone(),
            fault: Fault::Unencodable {
                what: "command or fact",
                why: format!("{error}: {}", error.source),
            },
        });
    }
    match invalid {
        [] => Ok(()),
        violations => Err(SubmitError::Invalid(violations.to_vec())),
    }
}
