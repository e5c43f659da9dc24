//! Which events a subscriber wants.

use uuid::Uuid;

use crate::{Domain, RecordedEvent};

/// Which events a subscriber wants: those that pass every part. An empty part lets everything through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Of these domains.
    pub domains: Vec<Domain>,
    /// Of these types, by the names that today's program has for them.
    pub types: Vec<String>,
    /// Of these roots.
    pub roots: Vec<Uuid>,
}

impl EventFilter {
    /// Whether it lets `event` through, which [`Log`](crate::Log) has brought into today's shape. One that is
    /// [nothing](crate::Payload::nothing) any more never passes; of one that is
    /// [unreadable](crate::Payload::unreadable) nobody knows the type, so that is not looked at.
    pub fn matches(&self, event: &RecordedEvent) -> bool {
        let (stream, payload) = (&event.stream, &event.payload);
        (self.domains.is_empty() || self.domains.contains(&stream.domain))
            && (self.roots.is_empty() || self.roots.contains(&stream.root))
            && !payload.is_nothing()
            && (self.types.is_empty()
                || self.types.iter().any(|name| *name == payload.type_name)
                || payload.why_unreadable().is_some())
    }
}
