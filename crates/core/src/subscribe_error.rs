//! Why a subscriber gets no events.

use crate::{LogPartition, Position, Sequence, StoreError, StreamId};

/// Why a subscriber gets no events.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SubscribeError {
    /// The store failed. The subscription stands where it stood and may be asked again; that helps if the error is
    /// [transient](crate::StoreErrorKind::is_transient).
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The cursor is for a log with another number of partitions.
    #[error(
        "the cursor is a place in a log of {given} partitions, but this one has {partitions}: it comes from another log; begin at the first event"
    )]
    OtherLog {
        /// How many the cursor is for.
        given: usize,
        /// How many there are.
        partitions: u16,
    },
    /// The subscriber has seen more than there is: events were lost, most likely because a backup was restored.
    #[error(
        "position {position} of partition {partition} was seen, but the log ends at {head}: it was restored from a backup; what was made of the lost events must be undone before a new beginning"
    )]
    AheadOfLog {
        /// Where.
        partition: LogPartition,
        /// What was seen.
        position: Position,
        /// What there is.
        head: Position,
    },
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
