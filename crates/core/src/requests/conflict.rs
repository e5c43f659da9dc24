//! Describes a collision that was not merged, and why.

use crate::events::message::field_named;
use crate::{
    Conflict, EncodeError, FieldPath, MergeStrategy, Payload, RecordedEvent, Rejected, Sequence,
    StreamId,
};

/// A collision that was not merged, with all that a sender needs to decide again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{stream}` has moved on: {conflict}; {reason}")]
pub struct SequenceConflict {
    /// The stream.
    pub stream: StreamId,
    /// The expected and the actual sequence.
    pub conflict: Conflict,
    /// The strategy that refused.
    pub strategy: MergeStrategy,
    /// The reason of the refusal.
    pub reason: ConflictReason,
    /// The events after the expected sequence, oldest first; the list ends at a limit.
    pub intervening: Vec<RecordedEvent>,
    /// The number of all events after the expected sequence.
    pub intervening_total: u64,
    /// The aggregate's rejection at the current state, if that was the reason.
    pub rejection: Option<Rejected>,
}

/// The reason why a collision was not merged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConflictReason {
    /// [`MergeStrategy::Strict`] never merges.
    #[error("STRICT never merges")]
    Strict,
    /// The sender expects a stream without events, but it has some.
    #[error("the command is for a stream that must not exist yet")]
    MustNotExist,
    /// The command gives other events now than at the expected sequence.
    #[error("the command would now give {}, and gave {} where it was decided upon (changed since: {})", events(.now), events(.then), paths(.changed))]
    DecisionDiffers {
        /// The fields that differ between the two states.
        changed: Vec<FieldPath>,
        /// The events that it gives at the expected sequence.
        then: Vec<Payload>,
        /// The events that it gives at the current sequence.
        now: Vec<Payload>,
    },
    /// The command was rejected at the expected sequence but is possible now, which its sender cannot have meant.
    #[error("the command is possible now, and was rejected where it was decided upon: {}", .then.message)]
    PossibleNow {
        /// The rejection at the expected sequence.
        then: Box<Rejected>,
    },
    /// The result depends on which of the two changes came first.
    #[error("it matters which comes first{}", results(.fields))]
    OrderMatters {
        /// The fields in which the two results differ. If there are none, the two look the same, but the state's
        /// `PartialEq` says that they differ.
        fields: Vec<FieldPath>,
    },
    /// Both changed a field, which [`Overlap::Fields`](crate::Overlap::Fields) does not allow.
    #[error("both change {}", paths(.overlap))]
    FieldsOverlap {
        /// The fields that both changed.
        overlap: Vec<FieldPath>,
    },
    /// A field that the sender decided upon has changed.
    #[error("{} was changed, which the command was decided upon", paths(.changed))]
    PremiseChanged {
        /// The premises that no longer hold.
        changed: Vec<FieldPath>,
    },
    /// The command was possible at the expected sequence but is rejected now.
    #[error("the command was possible then and is rejected now")]
    RejectedNow,
    /// The command is rejected at both states, so the collision is not the reason.
    #[error("it is rejected with and without the events in between")]
    RejectedAtBoth,
    /// The aggregate was asked and did not merge.
    #[error("the aggregate did not merge it")]
    AggregateRefused,
    /// Too many events came in between to be compared.
    #[error("{behind} events came between; more than {limit} are not compared")]
    TooFarBehind {
        /// The number of events in between.
        behind: u64,
        /// The most events that are compared.
        limit: u64,
    },
    /// [`Overlap::Fields`](crate::Overlap::Fields) would have to compare too much: the state after each event in
    /// between.
    #[error(
        "comparing the fields of {behind} states of {state_bytes} bytes each would take too long; at most {limit_bytes} bytes are compared"
    )]
    TooMuchToCompare {
        /// The number of events in between.
        behind: u64,
        /// The length of the state as JSON.
        state_bytes: u64,
        /// The longest total length of all states.
        limit_bytes: u64,
    },
    /// The comparison failed: an event does not decode, a state does not serialise, or the aggregate's code panicked.
    #[error("the changes could not be compared: {fault}")]
    NotComparable {
        /// The failure.
        fault: Fault,
    },
}

/// A fault in an aggregate's code or history.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// This program cannot read a stored event.
    #[error("event {sequence} cannot be read: {why}; add it back, an alias, or an upcast")]
    Undecodable {
        /// The sequence of the event.
        sequence: Sequence,
        /// The reason.
        why: String,
    },
    /// This program cannot read a parked command.
    #[error("its {what} cannot be read: {why}")]
    Unreadable {
        /// The part that cannot be read: `command`.
        what: &'static str,
        /// The reason.
        why: String,
    },
    /// An event or a state cannot be stored so that it reads back as it is.
    #[error("its {what} cannot be stored{}: {why}", field_named(.field.as_ref()))]
    Unencodable {
        /// The part that cannot be stored: `event`, `state`, or what was sent.
        what: &'static str,
        /// The field, if it is known.
        field: Option<FieldPath>,
        /// The reason.
        why: String,
    },
    /// The aggregate's code panicked.
    #[error("`{function}` panicked: {message}")]
    Panicked {
        /// The function that panicked.
        function: &'static str,
        /// The message of the panic.
        message: String,
    },
}

impl Fault {
    /// Returns the fault of a value that could not be encoded.
    pub fn unencodable(what: &'static str, error: &EncodeError) -> Self {
        Self::Unencodable {
            what,
            field: error.field.clone(),
            why: format!("`{}`: {}", error.type_name, error.source),
        }
    }

    /// Returns the fault of a state that cannot be written as JSON.
    pub fn state(error: &serde_json::Error) -> Self {
        Self::Unencodable {
            what: "state",
            field: None,
            why: error.to_string(),
        }
    }
}

fn paths(paths: &[FieldPath]) -> String {
    if paths.is_empty() {
        return "nothing that shows in the state".into();
    }
    let each: Vec<_> = paths.iter().map(|path| format!("`{path}`")).collect();
    each.join(", ")
}

fn results(fields: &[FieldPath]) -> String {
    match fields {
        [] => ", though no field of the two results differs: the state does not equal itself; correct its `PartialEq`, or take out what is not a number".into(),
        fields => format!(" (the results differ in {})", paths(fields)),
    }
}

/// The longest text about the events of a decision, in characters.
const EVENTS_SHOWN: usize = 200;

fn events(events: &[Payload]) -> String {
    if events.is_empty() {
        return "no events".into();
    }
    let each: Vec<_> = events.iter().map(|event| format!("{event:?}")).collect();
    let text = each.join(", ");
    match text.char_indices().nth(EVENTS_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
