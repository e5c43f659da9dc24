//! Defines the answer to a sender whose request succeeded.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{FieldViolation, Position, RecordedEvent, Rejected, Sequence, StreamId};

/// The answer to a command or a fact that was accepted. Everything in it is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The stream that it is about.
    pub stream: StreamId,
    /// The workflow that it belongs to: the sender's correlation id, or a generated one.
    pub correlation_id: String,
    /// The outcome.
    pub outcome: Outcome,
    /// Fields of the request that were passed over, as a server found them; empty if the request did not come as JSON.
    pub warnings: Vec<FieldViolation>,
}

impl Receipt {
    /// Returns the sequences of the first and the last event, whether they were written now or by the first sending;
    /// `None` if there are no events.
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

/// The outcome of a command or a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its events are in the log.
    Committed(Commit),
    /// The decision gave no events.
    Unchanged {
        /// The stream's current sequence at the decision.
        current: Option<Sequence>,
    },
    /// Its external id (the idempotency key) came before with the same content, and nothing was written now.
    Duplicate(FirstResult),
    /// It was parked for a person to merge.
    DeadLettered {
        /// The letter.
        id: Uuid,
        /// The reason why it was parked.
        reason: String,
    },
}

/// Events that were appended together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The sequence of the first event.
    pub first: Sequence,
    /// The sequence of the last event.
    pub last: Sequence,
    /// The position of the last event.
    pub position: Position,
    /// True if a conflict was merged on the way.
    pub merged: bool,
    /// The events.
    pub events: Vec<RecordedEvent>,
}

/// The result of the first sending under an idempotency key. It is kept as long as the stream.
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
        /// The stream's current sequence at the decision.
        current: Option<Sequence>,
    },
    /// It was parked.
    DeadLettered {
        /// The letter.
        id: Uuid,
    },
    /// It was rejected as an effect of a reaction. Rejections of other commands are not kept: they may be accepted next
    /// time.
    Rejected(Box<Rejected>),
}
