//! Events before and after they have a place.

use std::sync::Arc;

use uuid::Uuid;

use crate::{
    Aggregate, DecodeError, Message, Metadata, Payload, Position, Sequence, StreamId, Timestamp,
};

/// An event that is about to be appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Its identity, version 7. An append whose outcome is unknown is settled by looking for it.
    pub id: Uuid,
    /// Its content.
    pub payload: Payload,
    /// Where it comes from; shared by the events of one command.
    pub metadata: Arc<Metadata>,
}

/// An event of the log. It always has a real sequence: a fact's marker is gone once it is recorded
/// (its origin stays in [`Metadata::origin`]).
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
    /// When the committing server recorded it; never decreases with the position.
    pub recorded_at: Timestamp,
    /// Its content.
    pub payload: Payload,
    /// Where it comes from.
    pub metadata: Arc<Metadata>,
}

impl RecordedEvent {
    /// Decodes what happened, if it is an event of the aggregate `A`. Returns `None` if it is of another domain, or
    /// [nothing](Payload::nothing) any more.
    ///
    /// The event must be in today's shape, as [`Log`](crate::Log) and everything that is fed by it gives it; an
    /// application does that for the domains of its aggregates, and for those that it says it reads.
    pub fn of<A: Aggregate>(&self) -> Option<Result<A::Event, DecodeError>> {
        let is_of = self.stream.domain.as_str() == A::DOMAIN && !self.payload.is_nothing();
        is_of.then(|| A::Event::decode(&self.payload))
    }
}
