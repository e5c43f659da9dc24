//! Says why a subscriber gets no events.

use crate::{LogPartition, LogReplaced, Position, Sequence, StoreError, StreamId};

/// The reason why a subscriber gets no events.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SubscribeError {
    /// The store failed. The subscription keeps its place and may be asked again; that helps if the error is
    /// [transient](crate::StoreErrorKind::is_transient).
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The number of positions in the cursor is not the number of partitions.
    #[error(
        "the cursor has {given} positions, and the log {partitions} partitions; give one position for each, with commas in between"
    )]
    OtherPartitions {
        /// The number of positions in the cursor.
        given: usize,
        /// The number of partitions of the log.
        partitions: u16,
    },
    /// The log is not the one that the subscriber has read.
    #[error(
        "{0}; undo what was made of the events that are gone, or make it anew, and begin at the first event"
    )]
    Replaced(LogReplaced),
    /// The log has no event at a position before its end. No event beyond it is returned.
    #[error(
        "the log's partition {partition} has no event {expected} but one at {found}; restore a backup"
    )]
    PositionMissing {
        /// The partition.
        partition: LogPartition,
        /// The position that should come next.
        expected: Position,
        /// The position that came.
        found: Position,
    },
    /// An event does not follow the one before it in its stream. No event beyond it is returned.
    #[error(
        "{stream} goes on with event {found} (position {position}) where {expected} should come; restore a backup"
    )]
    SequenceMissing {
        /// The stream.
        stream: StreamId,
        /// The sequence that should have come.
        expected: u64,
        /// The sequence that came.
        found: Sequence,
        /// The position of the event in the log.
        position: Position,
    },
}
