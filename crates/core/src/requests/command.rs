//! Defines commands and facts as their senders write them, before anything has a sequence.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Aggregate, DecodeError, EffectId, ExpectedSequence, FactOrigin, FieldPath, MergeStrategy,
    Message, Metadata, Payload, StreamId,
};

/// Decodes a command in today's or an older shape; see [`Aggregate::upcast_command`].
pub fn decode_command<A: Aggregate>(sent: &Payload) -> Result<A::Command, DecodeError> {
    A::Command::decode(&A::upcast_command(sent.clone()))
}

/// One or several commands for one aggregate. They are decided in order and written all or nothing.
///
/// The expectation, the strategy and the premises are the sender's view of the stream *before* the first command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandRequest {
    /// Its identity. It is the causation of the events, unless [`Metadata::causation_id`] names an event.
    pub id: Uuid,
    /// The stream that it is for.
    pub stream: StreamId,
    /// The commands; at least one.
    pub commands: Vec<Payload>,
    /// The sequence that the sender believes is current.
    pub expected: ExpectedSequence,
    /// The strategy if the expected sequence is wrong; `None` for the aggregate's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge: Option<MergeStrategy>,
    /// The fields of the state that the sender decided upon.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub premises: Vec<FieldPath>,
    /// Correlation, causation, the idempotency key (external id) and the sender.
    #[serde(default)]
    pub metadata: Metadata,
    /// The effect of a reaction that this command is; `None` if it is not an effect.
    ///
    /// An effect is applied once under this identity, which takes the place of the external id. Its first result stands
    /// whatever is sent under it later. That includes a rejection, and a conflict that the strategy refused, which is
    /// kept as a [`Rejected`](crate::Rejected).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<EffectId>,
}

impl CommandRequest {
    /// Makes a request of one command without an expectation.
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
    /// The stream that they are for.
    pub stream: StreamId,
    /// The facts; at least one.
    pub facts: Vec<NewFact>,
    /// True if the aggregate may translate the facts or add to them; `None` for the domain's own rule.
    pub route_to_aggregate: Option<bool>,
    /// Correlation, causation and sender. The external id (the idempotency key) is required, unless it is an effect.
    pub metadata: Metadata,
    /// The effect of a reaction that this is; `None` if it is not an effect. See [`CommandRequest::effect`].
    pub effect: Option<EffectId>,
}

/// An event that happened elsewhere and has no sequence yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFact {
    /// The event.
    pub payload: Payload,
    /// The system that it happened in.
    pub origin: FactOrigin,
}
