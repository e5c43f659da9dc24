//! What a component could not handle, and what a person wants done about it.

use serde::{Deserialize, Serialize};

use crate::{Attempt, Position, Sequence, StreamId, Timestamp, Work};

/// A stream whose events a component does not handle for now, because it failed on one of them.
///
/// The events from [`sequence`](Self::sequence) to the checkpoint wait in line. They are not copied anywhere: they are
/// what the log has of the stream between the two. What is recorded after the checkpoint lines up as the checkpoint
/// passes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// Whose.
    pub work: Work,
    /// Which stream.
    pub stream: StreamId,
    /// The first of its events that is not handled; all before it are.
    pub sequence: Sequence,
    /// What the component said when it failed last, for people.
    pub failure: String,
    /// How often it has failed on that event.
    pub tries: u32,
    /// Since when the stream is parked.
    pub since: Timestamp,
    /// What people tried since, oldest first.
    pub attempts: Vec<Attempt>,
    /// What is to be done, and is not done yet; `None` while nobody has decided.
    pub wish: Option<Wish>,
}

/// What a person decided about a parked stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// What is to be done.
    pub will: Will,
    /// Who decided.
    pub actor: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// What is to be done about a parked stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Will {
    /// Its events are handled in order, until there is none left or one fails again.
    Retry,
    /// The first is given up; then as [`Will::Retry`].
    Skip,
}

impl Will {
    /// Its name in stores.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Skip => "skip",
        }
    }

    /// The one with this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Retry, Self::Skip]
            .into_iter()
            .find(|will| will.as_str() == name)
    }
}

/// An event that a component was spared. It is kept for as long as the component's progress is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Whose.
    pub work: Work,
    /// Of which stream.
    pub stream: StreamId,
    /// Which event.
    pub sequence: Sequence,
    /// What the component said when it failed last, for people.
    pub failure: String,
    /// Who decided; `None` if it was the component's own policy.
    pub actor: Option<String>,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// What was finished, and is to be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advance {
    /// The log up to a position: there the checkpoint is to stand.
    Checkpoint(Position),
    /// Events of a parked stream.
    Parked {
        /// Which stream.
        stream: StreamId,
        /// The first of them.
        from: Sequence,
        /// The first that is not handled then; `None`: none is left, and the stream is parked no longer.
        to: Option<Sequence>,
    },
}
