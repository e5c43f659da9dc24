//! Defines the scope of a checkpoint.

use serde::{Deserialize, Serialize};

use crate::{EventFilter, Position};

/// The events that a checkpoint speaks of. Those that are up to the checkpoint and pass the filter are handled, skipped
/// or parked. Other events may have been passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The filter of these events.
    pub filter: EventFilter,
    /// The position after which they begin. If its component [begins](crate::CheckpointStore::begin) later, they begin
    /// there.
    pub after: Position,
}
