//! What can be asked without writing anything: states, simulations, and a letter's three sides.

use std::time::Duration;

use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::known::name_one_of;
use crate::{
    CommandLetter, ConflictReason, Domain, Fault, FirstResult, ParkReason, Payload, RecordedEvent,
    Rejected, Sequence, SequenceConflict, StoreError, StreamId, Timestamp, Tree,
};

/// Which state of a stream is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum At {
    /// After the last event.
    #[default]
    Current,
    /// After the event with this sequence.
    Sequence(Sequence),
    /// After the last event recorded at or before this time.
    Time(Timestamp),
}

/// A state, readable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateView {
    /// Of which stream.
    pub stream: StreamId,
    /// The last event it contains; `None`: the state before all events.
    pub sequence: Option<Sequence>,
    /// The state, as JSON text: a number in it may have more digits than a `serde_json::Value` can hold.
    pub state: String,
}

impl StateView {
    /// The state as one of type `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.state)
    }

    /// The state as a [`Value`](serde_json::Value): a number that it cannot hold to the last digit becomes a text.
    pub fn to_json(&self) -> Result<serde_json::Value, serde_json::Error> {
        self.tree().map(|tree| (&tree).into())
    }

    /// The state field by field.
    pub fn tree(&self) -> Result<Tree, serde_json::Error> {
        Tree::parse(self.state.as_bytes())
    }
}

/// What a command would do. Nothing is written, and no external id is spent.
#[derive(Clone, Debug, PartialEq)]
pub struct Simulation {
    /// The state it is decided upon.
    pub before: StateView,
    /// What would become of it.
    pub outcome: Simulated,
}

/// What would become of a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Simulated {
    /// These events would be appended.
    Commits {
        /// The events, in order.
        events: Vec<Payload>,
        /// Whether a conflict would be merged on the way.
        merged: bool,
        /// The state after them.
        after: StateView,
    },
    /// It would give no events.
    Unchanged,
    /// Its external id was spent before.
    Duplicate(FirstResult),
    /// The external id stands for other content.
    ExternalIdReused(FirstResult),
    /// The domain would say no.
    Rejected(Rejected),
    /// The strategy would refuse.
    Conflict(Box<SequenceConflict>),
    /// It would be parked.
    Parks(ParkReason),
}

/// A letter, seen from three sides.
#[derive(Clone, Debug, PartialEq)]
pub struct ThreeWay {
    /// The letter.
    pub letter: CommandLetter,
    /// Base: the state the sender decided upon.
    pub base: StateView,
    /// Theirs: the current state.
    pub theirs: StateView,
    /// How theirs came about: the events after the base, oldest first; cut off after a limit.
    pub intervening: Vec<RecordedEvent>,
    /// How many there are in all.
    pub intervening_total: u64,
    /// Yours: what the command would have done at the base.
    pub yours: Simulated,
    /// What stands in the way of merging the two, by the rule of [`MergeStrategy::Commutative`](crate::MergeStrategy::Commutative); `None`: nothing.
    pub obstacle: Option<ConflictReason>,
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// No aggregate is registered for the domain.
    #[error("there is no domain `{domain}` here; {}", name_one_of(.known))]
    UnknownDomain {
        /// What was asked for.
        domain: Domain,
        /// What there is.
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
        /// What was asked for.
        asked: Sequence,
        /// What is current.
        current: Option<Sequence>,
    },
    /// There is no such letter.
    #[error("there is no dead letter {id}")]
    UnknownLetter {
        /// What was asked for.
        id: Uuid,
    },
    /// The store does not answer now.
    #[error("{source}; ask again in {} ms", .retry_after.as_millis())]
    Unavailable {
        /// When it is worth trying again.
        retry_after: Duration,
        /// What failed.
        source: StoreError,
    },
    /// The store does not answer, and will not until somebody has put that right.
    #[error("{0}; asking again does not help until that is put right")]
    StoreFailed(StoreError),
    /// The aggregate's own code or its history failed.
    #[error("`{stream}` cannot be handled: {fault}")]
    Broken {
        /// The stream.
        stream: StreamId,
        /// What is wrong.
        fault: Fault,
    },
}

impl QueryError {
    /// What is told of a store that failed: to ask again after `retry_after` if that may help.
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
