//! A collision that was not merged, and why.

use crate::{Conflict, FieldPath, MergeStrategy, RecordedEvent, Rejected, Sequence, StreamId};

/// A collision that was not merged, with all a sender needs to decide anew.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{stream}` has moved on: {conflict}; {reason}")]
pub struct SequenceConflict {
    /// The stream.
    pub stream: StreamId,
    /// What was believed, and the truth.
    pub conflict: Conflict,
    /// The strategy that refused.
    pub strategy: MergeStrategy,
    /// Why it did.
    pub reason: ConflictReason,
    /// The events after the expected sequence, oldest first; cut off after a limit.
    pub intervening: Vec<RecordedEvent>,
    /// How many there are in all.
    pub intervening_total: u64,
    /// The aggregate's "no" at the current state, where that is what stood in the way.
    pub rejection: Option<Rejected>,
}

/// Why a collision was not merged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConflictReason {
    /// [`MergeStrategy::Strict`] never merges.
    #[error("STRICT never merges")]
    Strict,
    /// The command would give other events now than at the expected sequence.
    #[error("the command would now have another effect than where it was decided upon (changed since: {})", paths(.changed))]
    DecisionDiffers {
        /// The fields that the intervening events changed.
        changed: Vec<FieldPath>,
    },
    /// The result depends on which of the two came first.
    #[error("it matters which comes first (both change {})", paths(.overlap))]
    OrderMatters {
        /// The fields that both changed.
        overlap: Vec<FieldPath>,
    },
    /// Both changed a field, which [`Overlap::Fields`](crate::Overlap::Fields) does not allow.
    #[error("both change {}", paths(.overlap))]
    FieldsOverlap {
        /// The fields that both changed.
        overlap: Vec<FieldPath>,
    },
    /// A field that the sender decided upon was changed.
    #[error("{} was changed, which the command was decided upon", paths(.changed))]
    PremiseChanged {
        /// The premises that no longer hold.
        changed: Vec<FieldPath>,
    },
    /// What was possible at the expected sequence is rejected now.
    #[error("what was possible then is rejected now")]
    RejectedNow,
    /// The aggregate was asked and did not merge.
    #[error("the aggregate did not merge it")]
    AggregateRefused,
    /// Too many events came between to compare.
    #[error("{behind} events came between; more than {limit} are not compared")]
    TooFarBehind {
        /// How many came between.
        behind: u64,
        /// How many are compared at most.
        limit: u64,
    },
    /// The comparison failed: an event does not decode, a state does not serialise, the aggregate's code panicked.
    #[error("the changes could not be compared: {fault}")]
    NotComparable {
        /// What failed.
        fault: Fault,
    },
}

/// What can be wrong with an aggregate's code or history.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A stored event cannot be read by this program.
    #[error("event {sequence} cannot be read: {why}; add it back, an alias, or an upcast")]
    Undecodable {
        /// Which event.
        sequence: Sequence,
        /// Why.
        why: String,
    },
    /// A parked command cannot be read by this program.
    #[error("its {what} cannot be read: {why}")]
    Unreadable {
        /// `command`.
        what: &'static str,
        /// Why.
        why: String,
    },
    /// An event or a state cannot be written down.
    #[error("its {what} cannot be encoded: {why}")]
    Unencodable {
        /// `event` or `state`.
        what: &'static str,
        /// Why.
        why: String,
    },
    /// The aggregate's code panicked.
    #[error("`{function}` panicked: {message}")]
    Panicked {
        /// Which function.
        function: &'static str,
        /// With what message.
        message: String,
    },
}

fn paths(paths: &[FieldPath]) -> String {
    if paths.is_empty() {
        return "nothing that shows in the state".into();
    }
    let each: Vec<_> = paths.iter().map(|path| format!("`{path}`")).collect();
    each.join(", ")
}
