//! An event's place in the log, for subscribers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The place of an event in the log: 1 for the first, dense, in commit order.
///
/// Positions order events of *different* streams for subscribers. They never decide about concurrency;
/// that is what [`Sequence`](crate::Sequence) is for. A log with several partitions counts each on its own.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Position(pub u64);

impl Position {
    /// Before the first event: where a subscriber that has seen nothing stands.
    pub const START: Self = Self(0);
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
