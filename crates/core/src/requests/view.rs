//! Defines questions that write nothing: states, simulations, and the three sides of a letter.

use std::time::Duration;

use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::text::known::name_one_of;
use crate::{
    CommandLetter, ConflictReason, Domain, Fault, FieldPath, FirstResult, ParkReason, Payload,
    RecordedEvent, Rejected, Sequence, SequenceConflict, StoreError, StreamId, Timestamp, Tree,
};

/// The state of a stream that a question is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum At {
    /// The state after the last event.
    #[default]
    Current,
    /// The state after the event with this sequence.
    Sequence(Sequence),
    /// The state after the last event that was recorded at or before this time.
    Time(Timestamp),
}

/// A state in readable form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateView {
    /// The stream.
    pub stream: StreamId,
    /// The last event that it contains; `None` for the state before all events.
    pub sequence: Option<Sequence>,
    /// The state, as JSON text. A number in it may have more digits than a `serde_json::Value` can hold.
    pub state: String,
}

impl StateView {
    /// Decodes the state as a value of type `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.state)
    }

    /// Returns the state as a [`Value`](serde_json::Value). A number that it cannot hold to the last digit becomes a
    /// text.
    pub fn to_json(&self) -> Result<serde_json::Value, serde_json::Error> {
        self.tree().map(|tree| (&tree).into())
    }

    /// Returns the state field by field.
    pub fn tree(&self) -> Result<Tree, serde_json::Error> {
        Tree::parse(self.state.as_bytes())
    }
}

/// The effects that a command would have. Nothing is written, and no external id is spent.
#[derive(Clone, Debug, PartialEq)]
pub struct Simulation {
    /// The state that the command is decided upon.
    pub before: StateView,
    /// The outcome that it would have.
    pub outcome: Simulated,
}

/// The outcome that a command would have.
#[derive(Clone, Debug, PartialEq)]
pub enum Simulated {
    /// These events would be appended.
    Commits {
        /// The events, in order.
        events: Vec<Payload>,
        /// True if a conflict would be merged on the way.
        merged: bool,
        /// The state after them.
        after: StateView,
    },
    /// It would give no events.
    Unchanged,
    /// Its external id was spent before.
    Duplicate(FirstResult),
    /// Its external id stands for other content.
    ExternalIdReused(FirstResult),
    /// The domain would reject it.
    Rejected(Rejected),
    /// The strategy would refuse it.
    Conflict(Box<SequenceConflict>),
    /// It would be parked.
    Parks(ParkReason),
}

/// A letter with its three sides.
#[derive(Clone, Debug, PartialEq)]
pub struct ThreeWay {
    /// The letter.
    pub letter: CommandLetter,
    /// Base: the state that the sender decided upon.
    pub base: StateView,
    /// Theirs: the current state.
    pub theirs: StateView,
    /// The events between the base and theirs, oldest first; the list ends at a limit.
    pub intervening: Vec<RecordedEvent>,
    /// The number of all events after the base.
    pub intervening_total: u64,
    /// Yours: what the command would have done at the base.
    pub yours: Simulated,
    /// The reason why the two cannot be merged by the rule of
    /// [`MergeStrategy::Commutative`](crate::MergeStrategy::Commutative); `None` if they can.
    pub obstacle: Option<ConflictReason>,
}

/// The reason why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// No aggregate is registered for the domain.
    #[error("there is no domain `{domain}` here; {}", name_one_of(.known))]
    UnknownDomain {
        /// The domain that was asked for.
        domain: Domain,
        /// The domains that are registered.
        known: Vec<Domain>,
    },
    /// The stream has not reached that sequence.
    #[error("`{stream}` has no event {asked}; {}", match .current {
        Some(current) => format!("its last is {current}"),
        None => "it has none at all".to_owned(),
    })]
    BeyondCurrent {
        /// The stream.
        stream: StreamId,
        /// The sequence that was asked for.
        asked: Sequence,
        /// The current sequence.
        current: Option<Sequence>,
    },
    /// The state has no such field, and no event ever changed one of that name.
    #[error("`{stream}` has no field `{field}`; {}", name_one_of(.known))]
    UnknownField {
        /// The stream.
        stream: StreamId,
        /// The field that was asked for.
        field: FieldPath,
        /// The fields of the innermost value on the way to it, at most 100.
        known: Vec<FieldPath>,
    },
    /// There is no such letter.
    #[error("there is no dead letter {id}")]
    UnknownLetter {
        /// The id that was asked for.
        id: Uuid,
    },
    /// The store does not answer now.
    #[error("{source}; ask again in {} ms", .retry_after.as_millis())]
    Unavailable {
        /// The time to wait before another try.
        retry_after: Duration,
        /// The error.
        source: StoreError,
    },
    /// The store has a fault, and does not answer until somebody has corrected that.
    #[error("{0}; asking again does not help until that is put right")]
    StoreFailed(StoreError),
    /// The aggregate's own code or its history failed.
    #[error("`{stream}` cannot be handled: {fault}")]
    Broken {
        /// The stream.
        stream: StreamId,
        /// The fault.
        fault: Fault,
    },
}

impl QueryError {
    /// Returns the error when a store failed: `Unavailable` with `retry_after` if asking again may help, otherwise
    /// `StoreFailed`.
    pub fn of_store(source: StoreError, retry_after: Duration) -> Self {
        match source.kind.is_transient() {
            true => Self::Unavailable {
                retry_after,
                source,
            },
            false => Self::StoreFailed(source),
        }
    }
}
