//! Says why a command or a fact was not accepted.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::text::known::name_one_of;
use crate::{
    Conflict, Domain, EffectId, Fault, FirstResult, Rejection, SequenceConflict, StoreError,
    StreamFull, StreamId,
};

/// The reason why a command or a fact was not accepted.
///
/// Nothing was written, with one exception: if a store fails in the middle of a commit and cannot be asked afterwards,
/// the outcome is open. The error is then [`SubmitError::Unavailable`], or [`SubmitError::StoreFailed`] if the store's
/// fault is permanent. A command that is sent again under the same external id (the idempotency key) is never applied
/// twice, so give one to every command that must not be.
///
/// The variants are split by what the sender should do next: correct the request (`Invalid`, `UnknownDomain`,
/// `BeyondCurrent`, `ExternalIdReused`, `EffectNotAccepted`), read again and decide again (`Conflict`, `Contended`),
/// accept the domain's answer (`Rejected`), send the same again later (`Overloaded`, `Unavailable`, `ShuttingDown`),
/// call the operators of the store (`StoreFailed`), or call the developers (`StreamFull`, `Broken`).
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The request is malformed.
    #[error("the request is not valid: {}", join(.0))]
    Invalid(Vec<FieldViolation>),
    /// No aggregate is registered for the domain.
    #[error("there is no domain `{domain}` here; {}", name_one_of(.known))]
    UnknownDomain {
        /// The domain that was asked for.
        domain: Domain,
        /// The domains that are registered.
        known: Vec<Domain>,
    },
    /// The expected sequence was wrong and the strategy did not merge.
    #[error("{0}")]
    Conflict(Box<SequenceConflict>),
    /// The stream has not reached the expected sequence.
    #[error("{conflict}: `{stream}` never was that far; read it again and send what it says")]
    BeyondCurrent {
        /// The stream.
        stream: StreamId,
        /// The expected and the current sequence.
        conflict: Conflict,
    },
    /// Other writers were faster in every attempt.
    #[error("other writers of `{stream}` were faster in all {attempts} attempts; send it again")]
    Contended {
        /// The stream.
        stream: StreamId,
        /// The number of attempts.
        attempts: u32,
    },
    /// The domain said no.
    #[error("{}", .0.message)]
    Rejected(Rejected),
    /// The external id was used for other content.
    #[error(
        "the external id `{external_id}` of `{stream}` stands for other content; use a new one for a new command or fact"
    )]
    ExternalIdReused {
        /// The stream.
        stream: StreamId,
        /// The key.
        external_id: String,
        /// The result of the first sending.
        first: FirstResult,
    },
    /// It was sent as an effect of a reaction and is not accepted as one. Nobody can therefore spend an effect before
    /// the reaction that it belongs to.
    #[error("`{effect}` is not accepted as an effect: {why}")]
    EffectNotAccepted {
        /// The effect that it was said to be.
        effect: EffectId,
        /// The reason why it is not accepted.
        why: WhyNotAccepted,
    },
    /// The queue is full.
    #[error("too much is waiting; send it again in {} ms", .retry_after.as_millis())]
    Overloaded {
        /// The time to wait before another try.
        retry_after: Duration,
    },
    /// The store, or the step that prepares the command, does not answer.
    #[error("{source}; send it again in {} ms", .retry_after.as_millis())]
    Unavailable {
        /// The time to wait before another try.
        retry_after: Duration,
        /// The part that failed.
        source: Unavailable,
    },
    /// The store has a fault, and does not do it until somebody has corrected that.
    #[error("{0}; sending it again does not help until that is put right")]
    StoreFailed(StoreError),
    /// The server is shutting down and accepts nothing new.
    #[error("the server is shutting down; send it to another, or again later")]
    ShuttingDown,
    /// The stream has no sequence left.
    #[error("`{stream}` is full: {source}; begin a new stream")]
    StreamFull {
        /// The stream.
        stream: StreamId,
        /// The reason why it is full.
        source: StreamFull,
    },
    /// The aggregate's own code or its history failed.
    #[error("`{stream}` cannot be handled: {fault}")]
    Broken {
        /// The stream.
        stream: StreamId,
        /// The fault.
        fault: Fault,
    },
}

impl SubmitError {
    /// Returns whether it says nothing about what was sent: the same may succeed a moment later, or has succeeded already.
    pub fn is_of_the_moment(&self) -> bool {
        matches!(
            self,
            Self::Unavailable { .. } | Self::Overloaded { .. } | Self::ShuttingDown
        )
    }

    /// Returns the error for a sender when a store failed: `Unavailable` with `retry_after` if trying again may help,
    /// otherwise `StoreFailed`.
    pub fn of_store(error: StoreError, retry_after: Duration) -> Self {
        match error.kind.is_transient() {
            true => Self::Unavailable {
                retry_after,
                source: Unavailable::Store(error),
            },
            false => Self::StoreFailed(error),
        }
    }
}

/// The reason why something is not accepted as an effect of a reaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum WhyNotAccepted {
    /// Its source stream is in this log and has no such event.
    #[error("its source has no such event; send effects of recorded events only")]
    NoSuchEvent,
    /// The server accepts no effects over the wire.
    #[error(
        "this server accepts no effects over the wire; run the component in its process, or allow them with \
         `ServerSettings::accept_effects`"
    )]
    OverTheWire,
}

/// The part that does not answer.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// The store.
    #[error(transparent)]
    Store(StoreError),
    /// The [`Prepare`](crate::Prepare) step.
    #[error("the preparation of the command is unavailable: {0}")]
    Prepare(Box<dyn std::error::Error + Send + Sync>),
    /// Another coordinator, over the wire.
    #[error("the coordinator is unavailable: {0}")]
    Remote(Box<dyn std::error::Error + Send + Sync>),
}

/// A fault in one field of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldViolation {
    /// The field, as a path: `cover.external_id`, `pages[3].command`.
    pub field: String,
    /// A description of the fault, and of what would be right.
    pub description: String,
}

impl FieldViolation {
    /// Makes a violation from the field and a description.
    pub fn new(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            description: description.into(),
        }
    }
}

impl fmt::Display for FieldViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.description)
    }
}

impl From<FieldViolation> for SubmitError {
    fn from(violation: FieldViolation) -> Self {
        Self::Invalid(vec![violation])
    }
}

/// A domain's rejection, free of its Rust type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// A stable name for programs.
    pub code: String,
    /// A sentence for people.
    pub message: String,
    /// The values behind the message, as JSON.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<(String, Value)>,
}

impl Rejected {
    /// The code of a conflict that the strategy refused, when it is kept as the result of an effect.
    pub const CONFLICT: &str = "SequenceConflict";

    /// The code of a parked command that a person discarded, when it is kept as a result.
    pub const DISCARDED: &str = "Discarded";
}

impl<R: Rejection> From<&R> for Rejected {
    fn from(rejection: &R) -> Self {
        Self {
            code: rejection.code().into(),
            message: rejection.to_string(),
            fields: rejection
                .fields()
                .into_iter()
                .map(|(name, value)| (name.into(), value))
                .collect(),
        }
    }
}

fn join(violations: &[FieldViolation]) -> String {
    let each: Vec<_> = violations.iter().map(ToString::to_string).collect();
    each.join("; ")
}
