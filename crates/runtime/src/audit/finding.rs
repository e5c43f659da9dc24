//! The findings of an audit.

use seriatim_core::{
    Component, EffectId, LogPartition, LogReplaced, Position, Sequence, StreamId, Timestamp, Work,
};
use uuid::Uuid;

/// A contradiction in the log, or between the log and what was derived from it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// The log has no event at a position before its end.
    #[error(
        "partition {partition} has no event at position {expected}; the next one is at {found}"
    )]
    PositionMissing {
        /// The partition.
        partition: LogPartition,
        /// The position that should come next.
        expected: Position,
        /// The position that came.
        found: Position,
    },
    /// The log ends before the position that its head names.
    #[error("partition {partition} ends at position {last}, but its head says {head}")]
    EndMissing {
        /// The partition.
        partition: LogPartition,
        /// The position of the last event.
        last: Position,
        /// The position that the head names.
        head: Position,
    },
    /// An event does not follow the one before it in its stream.
    #[error(
        "{stream} goes on with event {found} at position {position} where {expected} should come"
    )]
    SequenceBroken {
        /// The stream.
        stream: StreamId,
        /// The sequence that should have come.
        expected: u64,
        /// The sequence that came.
        found: Sequence,
        /// The position of the event.
        position: Position,
    },
    /// An event has no event before it in its stream.
    #[error("{stream} has event {found} at position {position}, and not the one before it")]
    PredecessorMissing {
        /// The stream.
        stream: StreamId,
        /// The event.
        found: Sequence,
        /// The position of the event.
        position: Position,
    },
    /// An event is in another partition than all others of its stream.
    #[error(
        "event {sequence} of {stream} is in partition {partition}, but its stream belongs to {home}"
    )]
    OtherPartition {
        /// The stream.
        stream: StreamId,
        /// The sequence of the event.
        sequence: Sequence,
        /// The partition that it is in.
        partition: LogPartition,
        /// The partition that it belongs to.
        home: LogPartition,
    },
    /// An event was recorded before the one at the position before.
    #[error(
        "the event at position {position} of partition {partition} was recorded at {at}, before {before} of the one before it"
    )]
    TimeDecreased {
        /// The partition.
        partition: LogPartition,
        /// The position of the event.
        position: Position,
        /// Its recorded time.
        at: Timestamp,
        /// The recorded time of the event before.
        before: Timestamp,
    },
    /// A component has handled events of another log, or of an earlier state of this log: a backup of the log was
    /// restored, but not of the progress.
    #[error("{work} does not belong to this log: {replaced}")]
    LogReplaced {
        /// The piece of work.
        work: Work,
        /// The places that differ.
        replaced: Box<LogReplaced>,
    },
    /// A component works in a partition that the log does not have.
    #[error("{work} is in a partition that a log of {partitions} does not have")]
    NoSuchPartition {
        /// The piece of work.
        work: Work,
        /// The number of partitions of the log.
        partitions: usize,
    },
    /// A stream is parked at an event that does not exist, or that the checkpoint has not passed.
    #[error(
        "{stream} is parked for {work} at event {sequence}, which is not before its checkpoint {position}"
    )]
    ParkedElsewhere {
        /// The piece of work.
        work: Work,
        /// The stream.
        stream: StreamId,
        /// The first event that is not handled.
        sequence: Sequence,
        /// The position of the checkpoint.
        position: Position,
    },
    /// A component has passed an event, and the event's effect is not at its target: it was lost there, or the
    /// component had other code when it handled the event.
    #[error(
        "{} has handled event {} of {} at position {position}, but {target} does not have its effect {}", effect.component, effect.sequence, effect.source, effect.ordinal
    )]
    EffectMissing {
        /// The effect.
        effect: EffectId,
        /// The position of its event.
        position: Position,
        /// The stream that the effect is for now.
        target: StreamId,
    },
    /// A target has rejected an effect, and the aggregate whose event was reacted to was not told of it.
    #[error(
        "{target} has rejected effect {} of {} on event {} at position {position}, and {} was not told", effect.ordinal, effect.component, effect.sequence, effect.source
    )]
    NotReturned {
        /// The effect.
        effect: EffectId,
        /// The position of its event.
        position: Position,
        /// The stream that has rejected the effect.
        target: StreamId,
    },
    /// A component has passed an event that its code cannot handle now.
    #[error(
        "{component} has handled event {sequence} of {stream} at position {position}, but it fails when it is asked again: {error}"
    )]
    CannotAskAgain {
        /// The component.
        component: Component,
        /// The stream of the event.
        stream: StreamId,
        /// The sequence of the event.
        sequence: Sequence,
        /// The position of the event.
        position: Position,
        /// The error of the component.
        error: String,
    },
    /// A stream has an effect of an event that is not in the log: a backup was restored in part.
    #[error(
        "{target} has effect {} of {} on event {} of {}, which is not in the log", effect.ordinal, effect.component, effect.sequence, effect.source
    )]
    EffectWithoutSource {
        /// The effect.
        effect: EffectId,
        /// The stream that has it.
        target: StreamId,
    },
    /// A stream has an effect that the event does not have: the claim was made by hand, or the component has other code
    /// now.
    #[error(
        "{target} has effect {} of {} on event {} of {}, which does not ask for it", effect.ordinal, effect.component, effect.sequence, effect.source
    )]
    EffectUnasked {
        /// The effect.
        effect: EffectId,
        /// The stream that has it.
        target: StreamId,
    },
    /// A stream was told that an effect was rejected, but the effect is not its own, or was not rejected.
    #[error("{to} was told that effect {effect} was rejected, but it was not")]
    ReturnUnexplained {
        /// The effect.
        effect: EffectId,
        /// The stream that was told.
        to: StreamId,
    },
    /// A claim stands for events that are not at their positions.
    #[error(
        "{stream} has spent `{key}` on events up to {last} at position {position}, where there are none"
    )]
    ClaimWithoutEvents {
        /// The stream.
        stream: StreamId,
        /// The key, with what cannot be printed escaped.
        key: String,
        /// The last of the events.
        last: Sequence,
        /// The position where they should be.
        position: Position,
    },
    /// A claim stands for a parked command or for the decision about one, and there is no such letter.
    #[error("{stream} has spent `{key}` on letter {letter}, and has no such letter")]
    ClaimWithoutLetter {
        /// The stream.
        stream: StreamId,
        /// The key, with what cannot be printed escaped.
        key: String,
        /// The letter.
        letter: Uuid,
    },
    /// A claim has a key that neither a sender nor this program can have made.
    #[error("{stream} has spent `{key}`, which is no key that this version of Seriatim makes")]
    ClaimUnknown {
        /// The stream.
        stream: StreamId,
        /// The key, with what cannot be printed escaped.
        key: String,
    },
    /// The store has a timer that its event did not set, or whose event is not in the log.
    #[error("the timer `{name}` of {stream} was not set by its event {set_at}")]
    TimerUnset {
        /// The stream of the timer.
        stream: StreamId,
        /// The name of the timer.
        name: String,
        /// The sequence of the event that the timer names.
        set_at: Sequence,
    },
}

impl Finding {
    /// Returns the name of its kind, for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::PositionMissing { .. } => "position_missing",
            Self::EndMissing { .. } => "end_missing",
            Self::SequenceBroken { .. } => "sequence_broken",
            Self::PredecessorMissing { .. } => "predecessor_missing",
            Self::OtherPartition { .. } => "other_partition",
            Self::TimeDecreased { .. } => "time_decreased",
            Self::LogReplaced { .. } => "log_replaced",
            Self::NoSuchPartition { .. } => "no_such_partition",
            Self::ParkedElsewhere { .. } => "parked_elsewhere",
            Self::EffectMissing { .. } => "effect_missing",
            Self::NotReturned { .. } => "not_returned",
            Self::CannotAskAgain { .. } => "cannot_ask_again",
            Self::EffectWithoutSource { .. } => "effect_without_source",
            Self::EffectUnasked { .. } => "effect_unasked",
            Self::ReturnUnexplained { .. } => "return_unexplained",
            Self::ClaimWithoutEvents { .. } => "claim_without_events",
            Self::ClaimWithoutLetter { .. } => "claim_without_letter",
            Self::ClaimUnknown { .. } => "claim_unknown",
            Self::TimerUnset { .. } => "timer_unset",
        }
    }

    /// Returns the last position of a partition that the finding leaves beyond doubt; `None` if it is not about the
    /// log.
    pub(crate) fn sound_before(&self) -> Option<Position> {
        match self {
            Self::PositionMissing { expected: at, .. }
            | Self::SequenceBroken { position: at, .. }
            | Self::PredecessorMissing { position: at, .. }
            | Self::TimeDecreased { position: at, .. } => Some(Position(at.0.saturating_sub(1))),
            Self::EndMissing { last, .. } => Some(*last),
            _ => None,
        }
    }
}
