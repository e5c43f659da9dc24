//! Why a subscriber gets no events.

use crate::{LogPartition, LogReplaced, Position, Sequence, StoreError, StreamId};

/// Why a subscriber gets no events.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SubscribeError {
    /// The store failed. The subscription stands where it stood and may be asked again; that helps if the error is
    /// [transient](crate::StoreErrorKind::is_transient).
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The cursor has not one position for each partition.
    #[error(
        "the cursor has {given} positions, and the log {partitions} partitions; give one position for each, with commas in between"
    )]
    OtherPartitions {
        /// How many positions it has.
        given: usize,
        /// How many partitions there are.
        partitions: u16,
    },
    /// The log is not the one that the subscriber has read.
    #[error(
        "{0}; undo what was made of the events that are gone, or make it anew, and begin at the first event"
    )]
    Replaced(LogReplaced),
    /// The log has no event at a position before its end. Nothing is handed out beyond it.
    #[error(
        "the log's partition {partition} has no event {expected} but one at {found}; restore a backup"
    )]
    PositionMissing {
        /// Where.
        partition: LogPartition,
        /// What should come next.
        expected: Position,
        /// What came.
        found: Position,
    },
    /// An event does not follow the one before it in its stream. Nothing is handed out beyond it.
    #[error(
        "{stream} goes on with event {found} (position {position}) where {expected} should come; restore a backup"
    )]
    SequenceMissing {
        /// Which stream.
        stream: StreamId,
        /// The sequence that should have come.
        expected: u64,
        /// What came.
        found: Sequence,
        /// Where it stands in the log.
        position: Position,
    },
}
