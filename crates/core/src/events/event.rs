//! Contains events before and after they have a sequence and a position.

use std::sync::Arc;

use uuid::Uuid;

use crate::{
    Aggregate, DecodeError, Message, Metadata, Payload, Position, Sequence, StreamId, Timestamp,
};

/// An event that is about to be appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Its identity, a version 7 UUID. After an append whose outcome is unknown, the log is searched for it.
    pub id: Uuid,
    /// Its content.
    pub payload: Payload,
    /// All data about it besides its content. The events of one command share it.
    pub metadata: Arc<Metadata>,
}

/// An event of the log. It always has a sequence, even if it was sent as a fact; the origin of a fact stays in
/// [`Metadata::origin`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedEvent {
    /// Its identity.
    pub id: Uuid,
    /// The stream it belongs to.
    pub stream: StreamId,
    /// Its place in the stream.
    pub sequence: Sequence,
    /// Its place in the log.
    pub position: Position,
    /// The time at which the committing server recorded it. It never decreases with the position.
    pub recorded_at: Timestamp,
    /// Its content.
    pub payload: Payload,
    /// All data about it besides its content.
    pub metadata: Arc<Metadata>,
}

impl RecordedEvent {
    /// Decodes the event if it is one of the aggregate `A`. Returns `None` if it is of another domain, or has become
    /// [nothing](Payload::nothing).
    ///
    /// The event must be in today's shape, as every reader of [`Log`](crate::Log) gets it. An application brings the
    /// domains of its aggregates into that shape, and those that it declares to read.
    pub fn of<A: Aggregate>(&self) -> Option<Result<A::Event, DecodeError>> {
        let is_of = self.stream.domain.as_str() == A::DOMAIN && !self.payload.is_nothing();
        is_of.then(|| A::Event::decode(&self.payload))
    }
}
