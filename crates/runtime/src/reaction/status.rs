//! Shows the state of a piece of work to observers.

use seriatim_core::{Domain, Position, RecordedEvent, Sequence, StreamId, Work};

/// The state of a piece of work in this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PieceStatus {
    /// The piece of work.
    pub work: Work,
    /// Its state.
    pub state: PieceState,
    /// The last position that was finished here. It is the start while another process has the work.
    pub position: Position,
    /// The number of streams that are parked or between two tries, as far as this process knows.
    pub parked: usize,
}

/// The activity of a piece of work in this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PieceState {
    /// It waits until it can be taken.
    StandingBy {
        /// The process that has it, if that is known.
        owner: Option<String>,
    },
    /// It cannot be taken for a reason that does not pass by itself: its component is told to begin at a place that is
    /// not in the log, or its store refuses it. It is tried again until somebody has removed the reason.
    CannotBegin {
        /// The reason, for people.
        error: String,
    },
    /// It was just taken. This process finds out whether it may handle events, and which streams are parked.
    Beginning,
    /// It handles events, or waits for more.
    Working,
    /// A store does not answer now, and is asked again.
    WaitingForStore {
        /// The error of the store.
        error: String,
    },
    /// An aggregate that the component needs does not answer or is overloaded, and is asked again.
    WaitingForTarget {
        /// The domain of the aggregate.
        target: Domain,
        /// The error of the aggregate.
        error: String,
    },
    /// An event failed, and is tried again before any other. If the policy parks streams, the event is instead tried
    /// while the others go on, and its stream counts as parked meanwhile.
    Retrying {
        /// The event that failed.
        failure: Failure,
        /// The number of tries.
        tried: u32,
    },
    /// An event failed too often, or the log cannot be followed, or a store is damaged or does not let the owner write.
    /// This process still has the work. It continues when it is resumed or started again.
    Paused {
        /// The event that failed; `None` if no event did.
        failure: Option<Failure>,
        /// The reason, for people.
        error: String,
    },
    /// The program is ending.
    Stopped,
}

/// An event that a component failed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The stream of the event.
    pub stream: StreamId,
    /// Its sequence.
    pub sequence: Sequence,
    /// Its position.
    pub position: Position,
    /// Its type.
    pub type_name: String,
    /// The error of the component, for people.
    pub error: String,
}

impl Failure {
    pub(crate) fn of(event: &RecordedEvent, error: String) -> Self {
        Self {
            stream: event.stream.clone(),
            sequence: event.sequence,
            position: event.position,
            type_name: event.payload.type_name.to_string(),
            error,
        }
    }
}
