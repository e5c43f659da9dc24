//! What an audit finds fault with.

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
    /// A component has handled events of another log than this one, or of an earlier state of it: a backup of the log was
    /// restored, but not of the progress.
    #[error("{work} does not belong to this log: {replaced}")]
    LogReplaced {
        /// Whose work.
        work: Work,
        /// How that shows.
        replaced: Box<LogReplaced>,
    },
    /// A component works in a partition that the log does not have.
    #[error("{work} is in a partition that a log of {partitions} does not have")]
    NoSuchPartition {
        /// Whose work.
        work: Work,
        /// How many there are.
        partitions: usize,
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
    /// A component has passed an event, and its effect is not at its target: it was lost there, or the component has
    /// other code now than when it handled the event.
    #[error(
        "{} has handled event {} of {} at position {position}, but {target} does not have its effect {}", effect.component, effect.sequence, effect.source, effect.ordinal
    )]
    EffectMissing {
        /// Which effect.
        effect: EffectId,
        /// Where its event stands in the log.
        position: Position,
        /// Whom it is asked of now.
        target: StreamId,
    },
    /// A target has rejected an effect, and the aggregate whose event was reacted to was not told.
    #[error(
        "{target} has rejected effect {} of {} on event {} at position {position}, and {} was not told", effect.ordinal, effect.component, effect.sequence, effect.source
    )]
    NotReturned {
        /// Which effect.
        effect: EffectId,
        /// Where its event stands in the log.
        position: Position,
        /// Who has rejected it.
        target: StreamId,
    },
    /// A component has passed an event which its code cannot handle now.
    #[error(
        "{component} has handled event {sequence} of {stream} at position {position}, but asked again it fails: {error}"
    )]
    CannotAskAgain {
        /// Which component.
        component: Component,
        /// Whose event.
        stream: StreamId,
        /// Which event.
        sequence: Sequence,
        /// Where it stands in the log.
        position: Position,
        /// What the component says.
        error: String,
    },
    /// A stream has an effect of an event that is not in the log: a backup was restored in part.
    #[error(
        "{target} has effect {} of {} on event {} of {}, which is not in the log", effect.ordinal, effect.component, effect.sequence, effect.source
    )]
    EffectWithoutSource {
        /// Which effect.
        effect: EffectId,
        /// Who has it.
        target: StreamId,
    },
    /// A stream has an effect that the event does not ask for: the claim was made by hand, or the component has other code
    /// now.
    #[error(
        "{target} has effect {} of {} on event {} of {}, which does not ask for it", effect.ordinal, effect.component, effect.sequence, effect.source
    )]
    EffectUnasked {
        /// Which effect.
        effect: EffectId,
        /// Who has it.
        target: StreamId,
    },
    /// A stream was told that an effect was rejected which is not its own, or which was not rejected.
    #[error("{to} was told that effect {effect} was rejected, which it was not")]
    ReturnUnexplained {
        /// Which effect.
        effect: EffectId,
        /// Who was told.
        to: StreamId,
    },
    /// A claim stands for events that are not where it says.
    #[error(
        "{stream} has spent `{key}` on events up to {last} at position {position}, where there are none"
    )]
    ClaimWithoutEvents {
        /// Which stream.
        stream: StreamId,
        /// The key, with what cannot be printed escaped.
        key: String,
        /// The last of the events.
        last: Sequence,
        /// Where it should stand.
        position: Position,
    },
    /// A claim stands for a parked command, or for the decision about one, of which there is no letter.
    #[error("{stream} has spent `{key}` on letter {letter}, and has no such letter")]
    ClaimWithoutLetter {
        /// Which stream.
        stream: StreamId,
        /// The key, with what cannot be printed escaped.
        key: String,
        /// The letter.
        letter: Uuid,
    },
    /// A claim has a key that neither a sender nor this program can have made.
    #[error("{stream} has spent `{key}`, which is no key that this version of Seriatim makes")]
    ClaimUnknown {
        /// Which stream.
        stream: StreamId,
        /// The key, with what cannot be printed escaped.
        key: String,
    },
    /// A timer is kept that its event did not set, or whose event is not in the log.
    #[error("the timer `{name}` of {stream} was not set by its event {set_at}")]
    TimerUnset {
        /// Whose timer.
        stream: StreamId,
        /// Its name.
        name: String,
        /// The event that it names.
        set_at: Sequence,
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

    /// The last position of a partition that it leaves without doubt, if it is about the log.
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
