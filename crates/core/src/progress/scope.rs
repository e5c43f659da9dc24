//! The scope of a checkpoint.

use serde::{Deserialize, Serialize};

use crate::{EventFilter, Position};

/// The events that a checkpoint speaks of: up to it, the events that pass the filter are handled, skipped or parked. It
/// says nothing of other events, which may have been passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The filter of these events.
    pub filter: EventFilter,
    /// The position after which they begin; if its component [begins](crate::CheckpointStore::begin) later, they begin
    /// there.
    pub after: Position,
}
