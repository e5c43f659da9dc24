//! One registered domain: from requests to jobs.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use seriatim_core::{
    Aggregate, At, Claim, Codec, CommandRequest, ContentHash, DeadLetter, Domain, Fact,
    FactRequest, Fault, FieldPath, FieldViolation, MergeStrategy, Message, Metadata, Payload,
    Prepare, PrepareError, QueryError, Receipt, Simulation, StateView, Store, StoreError,
    StoreErrorKind, StreamId, SubmitError, ThreeWay, Unavailable, field_names,
};
use tokio::sync::{Semaphore, oneshot};

use crate::Settings;
use crate::admission::Place;
use crate::answer::unavailable;
use crate::committer::Committer;
use crate::guard::guarded;
use crate::job::{Commands, FactWork, Job, Work};
use crate::mailbox::Mailboxes;
use crate::{three_way, view};

/// What all domains of a coordinator share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) committer: Committer,
    pub(crate) settings: Settings,
    /// Tickets for work that nobody waits for.
    pub(crate) background: Arc<Semaphore>,
}

/// What a domain is made of, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainInfo {
    /// The domain.
    pub domain: Domain,
    /// The type names of its commands.
    pub commands: &'static [&'static str],
    /// How they are written.
    pub command_codec: Codec,
    /// The type names of its events.
    pub events: &'static [&'static str],
    /// How they are written.
    pub event_codec: Codec,
}

/// A domain, free of its aggregate's type.
#[async_trait]
pub(crate) trait Host: Send + Sync + fmt::Debug {
    fn info(&self) -> DomainInfo;

    /// Runs a command that was admitted.
    async fn submit(&self, request: CommandRequest, place: Place) -> Result<Receipt, SubmitError>;

    /// Records a fact that was admitted.
    async fn record(&self, request: FactRequest, place: Place) -> Result<Receipt, SubmitError>;

    async fn simulate(&self, request: CommandRequest, at: At) -> Result<Simulation, SubmitError>;

    async fn state(&self, stream: &StreamId, at: At) -> Result<StateView, QueryError>;

    async fn examine(&self, letter: DeadLetter) -> Result<ThreeWay, QueryError>;
}

/// A domain of aggregates `A`.
pub(crate) struct HostOf<A: Aggregate> {
    domain: Domain,
    shared: Arc<Shared>,
    mailboxes: Arc<Mailboxes<A>>,
    prepare: Option<Arc<dyn Prepare<A>>>,
    aggregate: PhantomData<fn() -> A>,
}

impl<A: Aggregate> fmt::Debug for HostOf<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostOf")
            .field("domain", &self.domain)
            .finish_non_exhaustive()
    }
}

impl<A: Aggregate> HostOf<A> {
    pub(crate) fn new(shared: Arc<Shared>, prepare: Option<Arc<dyn Prepare<A>>>) -> Self {
        Self {
            mailboxes: Arc::new(Mailboxes::new(shared.settings.cached_aggregates)),
            domain: Domain::of::<A>(),
            shared,
            prepare,
            aggregate: PhantomData,
        }
    }

    /// Decodes a request's commands and lets them be prepared.
    async fn commands(&self, request: CommandRequest) -> Result<Commands<A>, SubmitError> {
        let mut violations = unknown_premises::<A>(&request.premises);
        let mut commands: Vec<A::Command> = Vec::with_capacity(request.commands.len());
        for (at, payload) in request.commands.iter().enumerate() {
            match decode(payload, || format!("pages[{at}].command")) {
                Ok(command) => commands.push(command),
                Err(violation) => violations.push(violation),
            }
        }
        if !violations.is_empty() {
            return Err(SubmitError::Invalid(violations));
        }
        if let Some(prepare) = &self.prepare {
            for command in &mut commands {
                *command = self
                    .prepared(prepare, &request.stream, command.clone())
                    .await?;
            }
        }
        Ok(Commands {
            strategy: request.merge.unwrap_or_else(|| {
                MergeStrategy::most_careful(commands.iter().map(A::merge_strategy))
            }),
            metadata: Arc::new(Metadata {
                correlation_id: Some(correlation(&request.metadata, request.id)),
                causation_id: request.metadata.causation_id.or(Some(request.id)),
                ..request.metadata.clone()
            }),
            request,
            commands,
        })
    }

    async fn prepared(
        &self,
        prepare: &Arc<dyn Prepare<A>>,
        stream: &StreamId,
        command: A::Command,
    ) -> Result<A::Command, SubmitError> {
        let prepare = Arc::clone(prepare);
        // On a task of its own, so that a panic in there is this command's trouble only.
        let task = tokio::spawn(async move { prepare.prepare(command).await });
        match task.await {
            Ok(Ok(command)) => Ok(command),
            Ok(Err(PrepareError::Rejected(rejection))) => {
                Err(SubmitError::Rejected((&rejection).into()))
            }
            Ok(Err(PrepareError::Unavailable(source))) => Err(SubmitError::Unavailable {
                retry_after: self.shared.settings.retry_after,
                source: Unavailable::Prepare(source),
            }),
            Err(panic) => Err(SubmitError::Broken {
                stream: stream.clone(),
                fault: Fault::Panicked {
                    function: "prepare",
                    message: panic.to_string(),
                },
            }),
        }
    }

    fn facts(&self, request: &FactRequest) -> Result<Vec<FactWork<A>>, SubmitError> {
        let routed = request.route_to_aggregate.unwrap_or(A::ROUTE_FACTS);
        let mut violations = Vec::new();
        let mut facts = Vec::with_capacity(request.facts.len());
        for (at, fact) in request.facts.iter().enumerate() {
            match decode(&fact.payload, || format!("pages[{at}].event")) {
                Ok(event) => facts.push(FactWork {
                    fact: Fact {
                        event,
                        origin: fact.origin.clone(),
                    },
                    as_it_came: (!routed).then(|| fact.payload.clone()),
                    metadata: Arc::new(Metadata {
                        correlation_id: Some(correlation(&request.metadata, request.id)),
                        causation_id: request.metadata.causation_id.or(Some(request.id)),
                        origin: Some(fact.origin.clone()),
                        ..request.metadata.clone()
                    }),
                }),
                Err(violation) => violations.push(violation),
            }
        }
        match violations.is_empty() {
            true => Ok(facts),
            false => Err(SubmitError::Invalid(violations)),
        }
    }

    async fn post(
        &self,
        stream: StreamId,
        work: Work<A>,
        claim: Option<Claim>,
        correlation_id: String,
        place: Place,
    ) -> Result<Receipt, SubmitError> {
        let (reply, answer) = oneshot::channel();
        let job = Job {
            work,
            claim,
            correlation_id,
            attempts: 0,
            reply,
            place,
        };
        self.mailboxes.post(&self.shared, stream, job);
        answer.await.unwrap_or_else(|_| {
            let error = StoreError::new(
                "answer",
                StoreErrorKind::Unavailable,
                "the task that handles this stream has ended",
            );
            Err(unavailable(&self.shared, error))
        })
    }
}

#[async_trait]
impl<A: Aggregate> Host for HostOf<A> {
    fn info(&self) -> DomainInfo {
        DomainInfo {
            domain: self.domain.clone(),
            commands: A::Command::TYPE_NAMES,
            command_codec: A::Command::CODEC,
            events: A::Event::TYPE_NAMES,
            event_codec: A::Event::CODEC,
        }
    }

    async fn submit(&self, request: CommandRequest, place: Place) -> Result<Receipt, SubmitError> {
        let claim = claim(&request.metadata, || ContentHash::of_command(&request));
        let correlation_id = correlation(&request.metadata, request.id);
        let stream = request.stream.clone();
        let commands = self.commands(request).await?;
        let work = Work::Commands(Box::new(commands));
        self.post(stream, work, claim, correlation_id, place).await
    }

    async fn record(&self, request: FactRequest, place: Place) -> Result<Receipt, SubmitError> {
        let claim = claim(&request.metadata, || ContentHash::of_fact(&request));
        let correlation_id = correlation(&request.metadata, request.id);
        let work = Work::Facts(self.facts(&request)?);
        self.post(request.stream, work, claim, correlation_id, place)
            .await
    }

    async fn simulate(&self, request: CommandRequest, at: At) -> Result<Simulation, SubmitError> {
        let claim = claim(&request.metadata, || ContentHash::of_command(&request));
        let commands = self.commands(request).await?;
        view::simulate(&self.shared, Work::Commands(Box::new(commands)), claim, at).await
    }

    async fn state(&self, stream: &StreamId, at: At) -> Result<StateView, QueryError> {
        view::state::<A>(&self.shared, stream, at).await
    }

    async fn examine(&self, letter: DeadLetter) -> Result<ThreeWay, QueryError> {
        three_way::examine::<A>(&self.shared, letter).await
    }
}

/// A payload that makes the type's own code panic is one that does not fit it.
fn decode<M: Message>(payload: &Payload, field: impl Fn() -> String) -> Result<M, FieldViolation> {
    let why = match guarded("deserialize", || M::decode(payload)) {
        Ok(Ok(message)) => return Ok(message),
        Ok(Err(error)) => error.to_string(),
        Err(fault) => fault.to_string(),
    };
    Err(FieldViolation::new(field(), why))
}

fn claim(metadata: &Metadata, content: impl FnOnce() -> ContentHash) -> Option<Claim> {
    metadata.external_id.as_ref().map(|external_id| Claim {
        external_id: external_id.clone(),
        content: content(),
    })
}

/// A workflow that nobody named is named after what began it.
fn correlation(metadata: &Metadata, id: uuid::Uuid) -> String {
    metadata
        .correlation_id
        .clone()
        .unwrap_or_else(|| id.to_string())
}

/// A premise that names no field would hold for ever, so a slip of the pen must not pass as one.
fn unknown_premises<A: Aggregate>(premises: &[FieldPath]) -> Vec<FieldViolation> {
    let Some(fields) = field_names::<A>() else {
        return Vec::new();
    };
    let known = |premise: &FieldPath| {
        premise
            .segments()
            .first()
            .is_none_or(|first| fields.contains(&first.as_str()))
    };
    premises
        .iter()
        .enumerate()
        .filter(|(_, premise)| !known(premise))
        .map(|(at, premise)| {
            let message = format!(
                "the state of `{}` has no field `{premise}`; it has `{}`",
                A::DOMAIN,
                fields.join("`, `")
            );
            FieldViolation::new(format!("premises[{at}]"), message)
        })
        .collect()
}
