//! Defines an event's place in the log, for subscribers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The place of an event in its partition of the log: 1 for the first, dense, in commit order.
///
/// Positions order events of *different* streams for subscribers. They never decide about concurrency;
/// [`Sequence`](crate::Sequence) does that. A log with several partitions counts each on its own. The partition of a
/// position follows from the stream, see [`LogPartition::of`](crate::LogPartition::of). A position alone, for example
/// in a receipt, therefore says how far a subscriber of that partition has to read.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Position(pub u64);

impl Position {
    /// The position before the first event, of a subscriber that has seen nothing.
    pub const START: Self = Self(0);
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
