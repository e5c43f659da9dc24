//! Turns requests into work: decodes them, checks them against the domain's types, and prepares them.

use std::sync::Arc;

use seriatim_core::{
    Aggregate, Claim, ClaimKey, Codec, CommandLetter, CommandRequest, ContentHash, DecodeError,
    EffectId, ExpectedSequence, Fact, FactOrigin, FactRequest, Fault, FieldViolation,
    MergeStrategy, Message, Metadata, NewFact, Payload, PrepareError, Rejected, RejectedEffect,
    StreamId, SubmitError, Unavailable, decode_command,
};
use seriatim_schema::Descriptors;
use uuid::Uuid;

use crate::Settings;
use crate::guard::guarded;
use crate::job::{Commands, FactWork, Returned, Work};
use crate::preparation::Preparation;
use crate::shared::Shared;

/// A decoded request, ready for a mailbox.
pub(crate) struct Taken<A: Aggregate> {
    pub(crate) work: Work<A>,
    pub(crate) claim: Option<Claim>,
    pub(crate) is_effect: bool,
    pub(crate) correlation_id: String,
}

impl<A: Aggregate> Taken<A> {
    /// Returns its strategy, if it is a command.
    pub(crate) fn strategy(&self) -> Option<MergeStrategy> {
        match &self.work {
            Work::Commands(work) => Some(work.strategy),
            Work::Facts(_) | Work::Returned(_) | Work::Rejected(_) => None,
        }
    }
}

impl<A: Aggregate> Taken<A> {
    /// Turns it into what a person has `sent` for a letter: its command, or another one in its place.
    pub(crate) fn out_of(
        mut self,
        letter: &CommandLetter,
        sent: &CommandRequest,
        expected: ExpectedSequence,
    ) -> Self {
        if let Work::Commands(work) = &mut self.work {
            work.resubmitted = Some(expected);
        }
        Self {
            claim: Some(claim_of_letter(letter, sent)),
            is_effect: false,
            ..self
        }
    }
}

impl<A: Aggregate> Taken<A> {
    /// Turns it into what closes a letter beside what it is: its own key and that of the letter are spent together.
    pub(crate) fn closing(self, letter: &CommandLetter, content: ContentHash) -> Self {
        Self {
            claim: Some(Claim {
                external_id: ClaimKey::Letter(letter.id).to_string(),
                content,
                refusal: None,
                with: self.claim.map(Box::new),
            }),
            ..self
        }
    }
}

/// Makes the work that closes a letter and does nothing else.
pub(crate) fn nothing<A: Aggregate>(letter: &CommandLetter) -> Taken<A> {
    let request = &letter.request;
    Taken {
        work: Work::Facts(Vec::new()),
        claim: None,
        is_effect: false,
        correlation_id: correlation(&request.metadata, request.id),
    }
}

/// Decodes a request's commands and prepares them.
pub(crate) async fn commands<A: Aggregate>(
    shared: &Shared,
    prepare: Option<&Arc<dyn Preparation<A>>>,
    mut request: CommandRequest,
) -> Result<Taken<A>, SubmitError> {
    // What counts is what was sent: two encoders need not write the same bytes for one JSON text.
    let claim = claim(request.effect.as_ref(), &request.metadata, || {
        ContentHash::of_command(&request)
    });
    let mut violations = Vec::new();
    let mut commands: Vec<A::Command> = Vec::with_capacity(request.commands.len());
    for (at, payload) in request.commands.iter_mut().enumerate() {
        let decode_command = || {
            encode_as::<A::Command>(&shared.descriptors, payload)?;
            decode_command::<A>(payload)
        };
        match decoded(decode_command, || format!("pages[{at}].command")) {
            Ok(command) => commands.push(command),
            Err(violation) => violations.push(violation),
        }
    }
    if !violations.is_empty() {
        return Err(SubmitError::Invalid(violations));
    }
    let correlation_id = correlation(&request.metadata, request.id);
    let is_effect = request.effect.is_some();
    if let Some(prepare) = prepare {
        for command in &mut commands {
            match prepared(&shared.settings, prepare, &request.stream, command.clone()).await {
                Ok(prepared) => *command = prepared,
                Err(SubmitError::Rejected(rejected)) => {
                    return Ok(Taken {
                        work: Work::Rejected(rejected),
                        claim,
                        is_effect,
                        correlation_id,
                    });
                }
                Err(error) => return Err(error),
            }
        }
    }
    let own_strategy = || MergeStrategy::most_careful(commands.iter().map(A::merge_strategy));
    let strategy = match request.merge {
        Some(strategy) => strategy,
        None => guarded("merge_strategy", own_strategy).map_err(|fault| SubmitError::Broken {
            stream: request.stream.clone(),
            fault,
        })?,
    };
    Ok(Taken {
        claim,
        is_effect,
        work: Work::Commands(Box::new(Commands {
            strategy,
            resubmitted: None,
            metadata: Arc::new(metadata(
                &request.metadata,
                request.id,
                &correlation_id,
                None,
            )),
            request,
            commands,
        })),
        correlation_id,
    })
}

async fn prepared<A: Aggregate>(
    settings: &Settings,
    prepare: &Arc<dyn Preparation<A>>,
    stream: &StreamId,
    command: A::Command,
) -> Result<A::Command, SubmitError> {
    let prepare = Arc::clone(prepare);
    // The step runs on a task of its own, so that a panic in it affects this command only.
    let task = tokio::spawn(async move { prepare.run(command).await });
    match task.await {
        Ok(Ok(command)) => Ok(command),
        Ok(Err(PrepareError::Rejected(rejection))) => {
            Err(SubmitError::Rejected((&rejection).into()))
        }
        Ok(Err(PrepareError::Unavailable(source))) => Err(SubmitError::Unavailable {
            retry_after: settings.retry_after,
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

/// Puts a protobuf message in the place of JSON, if the domain reads protobuf and the descriptors know the message.
fn encode_as<M: Message>(
    descriptors: &Descriptors,
    payload: &mut Payload,
) -> Result<(), DecodeError> {
    if (M::CODEC, payload.codec) != (Codec::Protobuf, Codec::Json) {
        return Ok(());
    }
    let mut aliases = M::ALIASES.iter();
    if let Some((_, todays)) = aliases.find(|(alias, _)| *alias == payload.type_name) {
        payload.type_name = (*todays).into();
    }
    if let Some(written) = descriptors.to_protobuf(payload) {
        *payload = written?;
    }
    Ok(())
}

/// Decodes the facts of a request.
pub(crate) fn facts<A: Aggregate>(
    shared: &Shared,
    request: &FactRequest,
) -> Result<Taken<A>, SubmitError> {
    let routed = request.route_to_aggregate.unwrap_or(A::ROUTE_FACTS);
    let correlation_id = correlation(&request.metadata, request.id);
    let mut violations = Vec::new();
    let mut facts = Vec::with_capacity(request.facts.len());
    for (at, NewFact { payload, origin }) in request.facts.iter().enumerate() {
        let mut payload = payload.clone();
        // A process manager may have planned the fact before the event's type was changed.
        let decode_event = || {
            encode_as::<A::Event>(&shared.descriptors, &mut payload)?;
            A::Event::decode(&A::upcast(payload.clone()))
        };
        let event = match decoded(decode_event, || format!("pages[{at}].event")) {
            Ok(event) => event,
            Err(violation) => {
                violations.push(violation);
                continue;
            }
        };
        let origin = origin.clone();
        let from = Some(origin.clone());
        facts.push(FactWork {
            fact: Fact { event, origin },
            as_it_came: (!routed).then_some(payload),
            metadata: Arc::new(metadata(
                &request.metadata,
                request.id,
                &correlation_id,
                from,
            )),
        });
    }
    if !violations.is_empty() {
        return Err(SubmitError::Invalid(violations));
    }
    Ok(Taken {
        claim: claim(request.effect.as_ref(), &request.metadata, || {
            ContentHash::of_fact(request)
        }),
        is_effect: request.effect.is_some(),
        work: Work::Facts(facts),
        correlation_id,
    })
}

/// Makes the work of a rejected effect. Nothing of the effect is decoded before its source looks at it.
pub(crate) fn returned<A: Aggregate>(effect: RejectedEffect) -> Taken<A> {
    // Every reaction names a causation; this id takes its place if another caller names none.
    let id = Uuid::now_v7();
    let correlation_id = correlation(&effect.metadata, id);
    Taken {
        claim: Some(Claim {
            external_id: ClaimKey::Return(effect.effect.clone()).to_string(),
            content: ContentHash::of_rejected(&effect),
            refusal: None,
            with: None,
        }),
        is_effect: true,
        work: Work::Returned(Box::new(Returned {
            metadata: Arc::new(metadata(&effect.metadata, id, &correlation_id, None)),
            effect,
        })),
        correlation_id,
    }
}

/// Makes the work of a discarded letter. Like a rejected effect, it is a rejection that is recorded under a claim, here
/// that of the letter.
pub(crate) fn discarded<A: Aggregate>(letter: &CommandLetter, refusal: Rejected) -> Taken<A> {
    let request = &letter.request;
    Taken {
        work: Work::Rejected(refusal),
        claim: Some(claim_of_letter(letter, request)),
        is_effect: true,
        correlation_id: correlation(&request.metadata, request.id),
    }
}

/// Returns the claim that every decision about a letter spends, so that only the first one counts, wherever others are
/// made.
fn claim_of_letter(letter: &CommandLetter, sent: &CommandRequest) -> Claim {
    Claim {
        external_id: ClaimKey::Letter(letter.id).to_string(),
        content: ContentHash::of_command(sent),
        refusal: None,
        with: None,
    }
}

/// Returns the metadata of the events: what was sent, completed by a correlation id and a causation id.
fn metadata(
    sent: &Metadata,
    id: Uuid,
    correlation_id: &str,
    origin: Option<FactOrigin>,
) -> Metadata {
    Metadata {
        correlation_id: Some(correlation_id.into()),
        causation_id: sent.causation_id.or(Some(id)),
        origin,
        ..sent.clone()
    }
}

/// Decodes a payload. If the type's own code panics on it, that counts as a payload that does not fit the type.
fn decoded<M>(
    decode: impl FnOnce() -> Result<M, DecodeError>,
    field: impl FnOnce() -> String,
) -> Result<M, FieldViolation> {
    let why = match guarded("deserialize", decode) {
        Ok(Ok(message)) => return Ok(message),
        Ok(Err(error)) => error.to_string(),
        Err(fault) => fault.to_string(),
    };
    Err(FieldViolation::new(field(), why))
}

/// Returns the idempotency key. For an effect that is its effect id, although it may carry the external id of its
/// workflow's first request; for anything else it is the external id.
fn claim(
    effect: Option<&EffectId>,
    metadata: &Metadata,
    content: impl FnOnce() -> ContentHash,
) -> Option<Claim> {
    let external_id = match effect {
        Some(effect) => ClaimKey::Effect(effect.clone()).to_string(),
        None => metadata.external_id.clone()?,
    };
    Some(Claim {
        external_id,
        content: content(),
        refusal: None,
        with: None,
    })
}

/// Returns the correlation id. If nobody named one, the workflow gets the name of its first request.
pub(crate) fn correlation(metadata: &Metadata, id: Uuid) -> String {
    metadata
        .correlation_id
        .clone()
        .unwrap_or_else(|| id.to_string())
}
