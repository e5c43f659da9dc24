//! What a checkpoint speaks of.

use serde::{Deserialize, Serialize};

use crate::{EventFilter, Position};

/// What a checkpoint speaks of: up to it, the events that pass the filter are handled, skipped or parked. It says nothing
/// of others, which may have been passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Which events.
    pub filter: EventFilter,
    /// Those after this position, or after where its component [begins](crate::CheckpointStore::begin) if that is later.
    pub after: Position,
}
