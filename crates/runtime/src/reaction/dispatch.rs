//! Sends each effect to its target until its outcome is durable, and returns rejections to their source.

use std::sync::Arc;
use std::time::Duration;

use seriatim_core::{
    CommandEffect, CommandGateway, Component, DecodeError, Domain, Effect, EffectError, EffectId,
    EventStore, Metadata, ReactionError, Receipt, RecordedEvent, RejectedEffect, StreamId,
    SubmitError, WhyNotAccepted,
};

use super::trail::trail;

/// The longest time that an answer may take. It is harmless to ask again, and a gateway that never answers would
/// otherwise go unnoticed.
const ANSWER: Duration = Duration::from_secs(30);

/// The number of streams that are worked for at once.
pub(crate) const BESIDE: usize = 64;

/// Sends effects on behalf of a component.
#[derive(Debug)]
pub(crate) struct Dispatcher {
    gateway: Arc<dyn CommandGateway>,
    component: Component,
    actor: String,
}

/// The reason why a component fails on an event, and would fail again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("the event cannot be read: {0}; add it back, an alias, or an upcast")]
    Undecodable(DecodeError),
    #[error(transparent)]
    Unusable(EffectError),
    #[error("its effect for `{target}` is not accepted: {source}")]
    Effect {
        target: StreamId,
        source: SubmitError,
    },
    #[error(
        "`{target}` rejected its effect ({rejection}), and `{source_stream}` cannot be told: {source}"
    )]
    Return {
        target: StreamId,
        rejection: String,
        source_stream: StreamId,
        source: SubmitError,
    },
    #[error(
        "{depth} effects in a row have led to it, so its effects are not sent: they seem to answer one another for ever{trail}"
    )]
    TooDeep { depth: u32, trail: String },
    #[error("`{instance}` cannot act upon its timer `{timer}`: {source}")]
    Timer {
        timer: String,
        instance: StreamId,
        source: SubmitError,
    },
}

impl From<Refused> for ReactionError {
    fn from(refused: Refused) -> Self {
        Self::Failed(Box::new(refused))
    }
}

impl Dispatcher {
    pub(crate) fn new(
        gateway: Arc<dyn CommandGateway>,
        component: Component,
        actor: String,
    ) -> Self {
        Self {
            gateway,
            component,
            actor,
        }
    }

    /// Returns the store that keeps the outcomes of effects.
    pub(crate) fn outcomes(&self) -> Option<&dyn EventStore> {
        self.gateway.outcomes()
    }

    /// Sends the effects of an event, in order; each is durable before the next is sent. Effects that were sent before
    /// change nothing. If the event is too deep, nothing is sent.
    pub(crate) async fn dispatch(
        &self,
        event: &RecordedEvent,
        effects: Vec<Effect>,
        deepest: u32,
    ) -> Result<(), ReactionError> {
        let depth = event.metadata.depth;
        if depth >= deepest && !effects.is_empty() {
            let trail = match self.outcomes() {
                Some(outcomes) => trail(outcomes, event).await?,
                None => String::new(),
            };
            return Err(Refused::TooDeep { depth, trail }.into());
        }
        for (ordinal, effect) in (0..).zip(effects) {
            let id = EffectId {
                component: self.component.clone(),
                source: event.stream.clone(),
                sequence: event.sequence,
                ordinal,
            };
            let metadata = Metadata::caused_by(event, self.actor.clone());
            match effect {
                Effect::Command(command) => self.command(id, command, metadata).await?,
                Effect::Fact(fact) => {
                    let target = fact.stream.clone();
                    let fact = fact.into_request(id, metadata);
                    let recorded = answer(&target.domain, self.gateway.record(fact)).await?;
                    recorded.map_err(|source| Refused::Effect { target, source })?;
                }
            }
        }
        Ok(())
    }

    async fn command(
        &self,
        id: EffectId,
        command: CommandEffect,
        metadata: Metadata,
    ) -> Result<(), ReactionError> {
        let target = command.stream.clone();
        let request = command.clone().into_request(id.clone(), metadata.clone());
        match answer(&target.domain, self.gateway.submit(request)).await? {
            Ok(_) => Ok(()),
            Err(SubmitError::Rejected(rejected)) => {
                self.hand_back(RejectedEffect {
                    effect: id,
                    target,
                    commands: command.commands,
                    rejected,
                    metadata,
                })
                .await
            }
            Err(source) => Err(Refused::Effect { target, source }.into()),
        }
    }

    async fn hand_back(&self, rejected: RejectedEffect) -> Result<(), ReactionError> {
        let RejectedEffect { effect, target, .. } = &rejected;
        tracing::debug!(%effect, %target, rejected = rejected.rejected.message, "rejected");
        let (source_stream, target) = (effect.source.clone(), target.clone());
        let rejection = rejected.rejected.message.clone();
        let told = self.gateway.hand_back(rejected);
        match answer(&source_stream.domain, told).await? {
            Ok(_) => Ok(()),
            Err(source) => Err(Refused::Return {
                target,
                rejection,
                source_stream,
                source,
            }
            .into()),
        }
    }
}

/// Waits for the answer of a domain. The outer `Err` means that there is no answer yet.
pub(crate) async fn answer(
    domain: &Domain,
    asked: impl Future<Output = Result<Receipt, SubmitError>>,
) -> Result<Result<Receipt, SubmitError>, ReactionError> {
    let silent = |source| ReactionError::Unavailable {
        target: domain.clone(),
        source,
    };
    match tokio::time::timeout(ANSWER, asked).await {
        Err(_) => Err(silent(
            format!("no answer in {} s", ANSWER.as_secs()).into(),
        )),
        Ok(Err(
            error @ (SubmitError::Overloaded { .. }
            | SubmitError::Unavailable { .. }
            | SubmitError::ShuttingDown
            | SubmitError::Contended { .. }
            // The operators of the server must allow it; the event is not at fault.
            | SubmitError::EffectNotAccepted {
                why: WhyNotAccepted::OverTheWire,
                ..
            }),
        )) => Err(silent(Box::new(error))),
        Ok(answer) => Ok(answer),
    }
}

/// Returns the worse of two errors. Prefers `Failed` over `Unavailable`, so that an outage cannot hide a bug.
pub(crate) fn worse(
    one: Option<ReactionError>,
    other: Option<ReactionError>,
) -> Option<ReactionError> {
    match (&one, &other) {
        (Some(ReactionError::Failed(_)), _) | (Some(_), None) => one,
        (_, Some(ReactionError::Failed(_))) | (None, _) => other,
        (Some(_), Some(_)) => one,
    }
}
