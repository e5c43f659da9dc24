//! Which events a subscriber wants.

use uuid::Uuid;

use crate::{Domain, RecordedEvent};

/// Which events a subscriber wants: those that pass every part. An empty part lets everything through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Of these domains.
    pub domains: Vec<Domain>,
    /// Stored under one of these type names.
    pub types: Vec<String>,
    /// Of these roots.
    pub roots: Vec<Uuid>,
}

impl EventFilter {
    /// Whether it lets `event` through.
    pub fn matches(&self, event: &RecordedEvent) -> bool {
        let stream = &event.stream;
        (self.domains.is_empty() || self.domains.contains(&stream.domain))
            && (self.roots.is_empty() || self.roots.contains(&stream.root))
            && (self.types.is_empty()
                || (self.types.iter()).any(|name| *name == event.payload.type_name))
    }
}
