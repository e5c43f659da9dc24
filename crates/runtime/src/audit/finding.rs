//! What an audit finds fault with.

use seriatim_core::{LogPartition, Position, Sequence, StreamId, Timestamp, Work};

/// A contradiction in the log, or between the log and somebody's progress.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// The log has no event at a position before its end.
    #[error(
        "partition {partition} has no event at position {expected}; the next one is at {found}"
    )]
    PositionMissing {
        /// Where.
        partition: LogPartition,
        /// What should come next.
        expected: Position,
        /// What came.
        found: Position,
    },
    /// The log ends before its head says.
    #[error("partition {partition} ends at position {last}, but its head says {head}")]
    EndMissing {
        /// Where.
        partition: LogPartition,
        /// The last event there is.
        last: Position,
        /// What the head says.
        head: Position,
    },
    /// An event does not follow the one before it in its stream.
    #[error(
        "{stream} goes on with event {found} at position {position} where {expected} should come"
    )]
    SequenceBroken {
        /// Which stream.
        stream: StreamId,
        /// The sequence that should have come.
        expected: u64,
        /// What came.
        found: Sequence,
        /// Where it stands in the log.
        position: Position,
    },
    /// An event has none before it in its stream.
    #[error("{stream} has event {found} at position {position}, and not the one before it")]
    PredecessorMissing {
        /// Which stream.
        stream: StreamId,
        /// The event.
        found: Sequence,
        /// Where it stands in the log.
        position: Position,
    },
    /// An event is in another partition than all others of its stream.
    #[error(
        "event {sequence} of {stream} is in partition {partition}, but its stream belongs to {home}"
    )]
    OtherPartition {
        /// Which stream.
        stream: StreamId,
        /// Which event.
        sequence: Sequence,
        /// Where it is.
        partition: LogPartition,
        /// Where it belongs.
        home: LogPartition,
    },
    /// An event was recorded before the one at the position before.
    #[error(
        "the event at position {position} of partition {partition} was recorded at {at}, before {before} of the one before it"
    )]
    TimeDecreased {
        /// Where.
        partition: LogPartition,
        /// Which event.
        position: Position,
        /// Its time.
        at: Timestamp,
        /// That of the one before.
        before: Timestamp,
    },
    /// A component has handled events that are not there: a backup of the log was restored, but not of the progress.
    #[error("{work} stands at position {position}, but the log ends at {head}")]
    CheckpointAhead {
        /// Whose work.
        work: Work,
        /// Where it stands.
        position: Position,
        /// Where the log ends.
        head: Position,
    },
    /// A component works in a partition that the log does not have.
    #[error("{work} is in a partition that a log of {partitions} does not have")]
    NoSuchPartition {
        /// Whose work.
        work: Work,
        /// How many there are.
        partitions: u16,
    },
    /// A stream is parked at an event that is not there, or that the checkpoint has not passed.
    #[error(
        "{stream} is parked for {work} at event {sequence}, which is not before its checkpoint {position}"
    )]
    ParkedElsewhere {
        /// Whose work.
        work: Work,
        /// Which stream.
        stream: StreamId,
        /// The first event that is not handled.
        sequence: Sequence,
        /// Where the checkpoint stands.
        position: Position,
    },
}

impl Finding {
    /// Its name for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::PositionMissing { .. } => "position_missing",
            Self::EndMissing { .. } => "end_missing",
            Self::SequenceBroken { .. } => "sequence_broken",
            Self::PredecessorMissing { .. } => "predecessor_missing",
            Self::OtherPartition { .. } => "other_partition",
            Self::TimeDecreased { .. } => "time_decreased",
            Self::CheckpointAhead { .. } => "checkpoint_ahead",
            Self::NoSuchPartition { .. } => "no_such_partition",
            Self::ParkedElsewhere { .. } => "parked_elsewhere",
        }
    }

    /// The last position of a partition that it leaves without doubt, if it is about the log.
    pub(crate) fn sound_before(&self) -> Option<Position> {
        match self {
            Self::PositionMissing { expected: at, .. }
            | Self::SequenceBroken { position: at, .. }
            | Self::PredecessorMissing { position: at, .. }
            | Self::TimeDecreased { position: at, .. } => Some(Position(at.0.saturating_sub(1))),
            Self::EndMissing { last, .. } => Some(*last),
            Self::OtherPartition { .. }
            | Self::CheckpointAhead { .. }
            | Self::NoSuchPartition { .. }
            | Self::ParkedElsewhere { .. } => None,
        }
    }
}
