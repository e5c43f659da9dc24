//! How a piece of work is getting on, for those who look on.

use seriatim_core::{Domain, Position, RecordedEvent, Sequence, StreamId, Work};

/// How a piece of work is getting on in this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PieceStatus {
    /// Which work.
    pub work: Work,
    /// What it is doing.
    pub state: PieceState,
    /// The last position that was finished here; at the start while another process has the work.
    pub position: Position,
    /// How many streams are parked or tried again, as far as this process knows.
    pub parked: usize,
}

/// What a piece of work is doing in this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PieceState {
    /// It waits until it can be taken.
    StandingBy {
        /// Who has it, if that is known.
        owner: Option<String>,
    },
    /// It handles events, or waits for more.
    Working,
    /// A store does not answer now, and is asked again.
    WaitingForStore {
        /// What it said.
        error: String,
    },
    /// An aggregate that the component needs does not answer, or has too much to do, and is asked again.
    WaitingForTarget {
        /// Whose domain.
        target: Domain,
        /// What it said.
        error: String,
    },
    /// An event failed, and is tried again before any other. Where streams are parked, this one is tried beside the others,
    /// and counts as parked meanwhile.
    Retrying {
        /// What failed.
        failure: Failure,
        /// How often it was tried.
        tried: u32,
    },
    /// An event failed too often, or the log cannot be followed, or a store is damaged or does not let the owner write.
    /// The work is this process's still; it goes on when it is resumed, or started again.
    Paused {
        /// What failed; `None` if no event did.
        failure: Option<Failure>,
        /// Why, for people.
        error: String,
    },
    /// The program is ending.
    Stopped,
}

/// An event that a component failed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its stream.
    pub stream: StreamId,
    /// Its place there.
    pub sequence: Sequence,
    /// Its place in the log.
    pub position: Position,
    /// Its type.
    pub type_name: String,
    /// What the component said, for people.
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
