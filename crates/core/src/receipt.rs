//! What a sender gets back when nothing went wrong.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Position, RecordedEvent, Rejected, Sequence, StreamId};

/// The answer to a command or a fact that was not refused. What it says is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The stream it concerns.
    pub stream: StreamId,
    /// The workflow it belongs to: the sender's correlation id, or the one it was given.
    pub correlation_id: String,
    /// What became of it.
    pub outcome: Outcome,
}

impl Receipt {
    /// The sequences of the first and the last event, if it gave any, now or when it was first sent.
    pub fn sequences(&self) -> Option<(Sequence, Sequence)> {
        match &self.outcome {
            Outcome::Committed(commit) => Some((commit.first, commit.last)),
            Outcome::Duplicate(FirstResult::Committed { first, last, .. }) => Some((*first, *last)),
            Outcome::Duplicate(
                FirstResult::Unchanged { .. }
                | FirstResult::DeadLettered { .. }
                | FirstResult::Rejected(_),
            )
            | Outcome::Unchanged { .. }
            | Outcome::DeadLettered { .. } => None,
        }
    }
}

/// What became of a command or a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its events are in the log.
    Committed(Commit),
    /// The decision gave no events.
    Unchanged {
        /// The stream's current sequence when it was decided.
        current: Option<Sequence>,
    },
    /// Its external id was seen before with the same content; nothing was written now.
    Duplicate(FirstResult),
    /// Parked for a person to merge.
    DeadLettered {
        /// The letter.
        id: Uuid,
        /// Why it was parked.
        reason: String,
    },
}

/// Events that were appended together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The sequence of the first.
    pub first: Sequence,
    /// The sequence of the last.
    pub last: Sequence,
    /// The position of the last.
    pub position: Position,
    /// Whether a conflict was merged on the way.
    pub merged: bool,
    /// The events.
    pub events: Vec<RecordedEvent>,
}

/// What became of the first sending under an external id; kept as long as the stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FirstResult {
    /// Its events are in the log.
    Committed {
        /// The sequence of the first event.
        first: Sequence,
        /// The sequence of the last event.
        last: Sequence,
        /// The position of the last event.
        position: Position,
    },
    /// The decision gave no events.
    Unchanged {
        /// The stream's current sequence when it was decided.
        current: Option<Sequence>,
    },
    /// It was parked.
    DeadLettered {
        /// The letter.
        id: Uuid,
    },
    /// It was rejected, as an effect of a reaction: one that anybody else sends may be accepted the next time.
    Rejected(Box<Rejected>),
}
