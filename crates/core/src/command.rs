//! What a sender asks for, before anything has a place.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Aggregate, DecodeError, EffectId, ExpectedSequence, FactOrigin, FieldPath, MergeStrategy,
    Message, Metadata, Payload, StreamId,
};

/// Reads a command, of today or of former times; see [`Aggregate::upcast_command`].
pub fn decode_command<A: Aggregate>(sent: &Payload) -> Result<A::Command, DecodeError> {
    A::Command::decode(&A::upcast_command(sent.clone()))
}

/// One or several commands for one aggregate, decided in order and written all or nothing.
///
/// The expectation, the strategy and the premises are the sender's view of the stream *before* the first command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandRequest {
    /// Its identity; the causation of the events, unless [`Metadata::causation_id`] names an event.
    pub id: Uuid,
    /// Whom it is for.
    pub stream: StreamId,
    /// What to do; at least one.
    pub commands: Vec<Payload>,
    /// What the sender believes is current.
    pub expected: ExpectedSequence,
    /// What to do if that is wrong; `None`: the aggregate's own strategy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge: Option<MergeStrategy>,
    /// The fields of the state that the sender decided upon.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub premises: Vec<FieldPath>,
    /// Correlation, causation, external id, sender.
    #[serde(default)]
    pub metadata: Metadata,
    /// Which effect of which reaction it is; `None`: of no reaction.
    ///
    /// It is applied once under this identity, in place of the external id, and its first result stands whatever is
    /// sent under it later: a "no" too, and a conflict that the strategy refused, which is then a
    /// [`Rejected`](crate::Rejected).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<EffectId>,
}

impl CommandRequest {
    /// A command with no expectation.
    pub fn new(stream: StreamId, command: Payload) -> Self {
        Self {
            id: Uuid::now_v7(),
            stream,
            commands: vec![command],
            expected: ExpectedSequence::Any,
            merge: None,
            premises: Vec::new(),
            metadata: Metadata::default(),
            effect: None,
        }
    }
}

/// One or several facts for one aggregate, written all or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactRequest {
    /// Its identity.
    pub id: Uuid,
    /// Whom it concerns.
    pub stream: StreamId,
    /// What happened; at least one.
    pub facts: Vec<NewFact>,
    /// Whether the aggregate may add to or translate the facts; `None`: the domain's own rule.
    pub route_to_aggregate: Option<bool>,
    /// Correlation, causation, sender; the external id is required, unless it is an effect.
    pub metadata: Metadata,
    /// Which effect of which reaction it is; `None`: of no reaction. See [`CommandRequest::effect`].
    pub effect: Option<EffectId>,
}

/// An event that happened elsewhere and has no sequence yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFact {
    /// What happened.
    pub payload: Payload,
    /// Where.
    pub origin: FactOrigin,
}
