//! Keeps details small. They travel in trailers. A client that gets more header bytes than it accepts does not see the
//! error: its call breaks off, or its whole connection with all other calls.
//!
//! The smallest default among the usual clients is 8 KiB for all trailers (grpc-java, grpc-core; tonic has 16 KiB).
//! Details are written in base64. The message is written once more, with up to three bytes for one. So the limits below
//! stay under 8 KiB together.

use prost::Message;
use prost_types::Any;
use seriatim_core::Decider;
use tonic_types::pb;

use crate::convert::without_content;

use crate::v1;

/// The most bytes of an encoded `google.rpc.Status`.
pub(super) const DETAILS_BYTES: usize = 4 * 1024;
/// The most bytes of a status's message.
pub(super) const MESSAGE_BYTES: usize = 512;
/// The most bytes of any other text for people.
const TEXT_BYTES: usize = 384;
/// The most bytes of a list of names.
const NAMES_BYTES: usize = 768;

/// Cuts a message for people.
pub(super) fn message(text: &str) -> String {
    cut(text, MESSAGE_BYTES)
}

/// Cuts another text for people.
pub(super) fn text(text: &str) -> String {
    cut(text, TEXT_BYTES)
}

fn cut(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.into();
    }
    let end = text.floor_char_boundary(bytes - '…'.len_utf8());
    format!("{}…", &text[..end])
}

/// Cuts the name of who decided.
pub(super) fn decider(by: &Decider) -> v1::Decider {
    v1::Decider {
        actor: text(by.actor.as_deref().unwrap_or_default()),
        at: Some(by.at.into()),
    }
}

/// Keeps as many names as there is room for. A name is kept whole or not at all.
pub(super) fn names(names: Vec<String>) -> Vec<String> {
    let mut room = NAMES_BYTES;
    names
        .into_iter()
        .take_while(|name| take(&mut room, name.len() + 2))
        .collect()
}

/// Leaves out events, the latest first, until the rest fits into `room`.
pub(super) fn conflict(mut conflict: v1::SequenceConflict, room: usize) -> v1::SequenceConflict {
    let events = std::mem::take(&mut conflict.intervening);
    conflict.reason = conflict.reason.map(reason);
    conflict.rejection = conflict.rejection.map(rejection);
    conflict.truncated = true;
    let mut room = room.saturating_sub(conflict.encoded_len());
    conflict.intervening = events
        .into_iter()
        // The tag and the length of an entry take at most six bytes.
        .take_while(|event| take(&mut room, event.encoded_len() + 6))
        .collect();
    conflict.truncated = (conflict.intervening.len() as u64) < conflict.intervening_total;
    conflict
}

fn reason(reason: v1::ConflictReason) -> v1::ConflictReason {
    use v1::conflict_reason::{self as wire, Reason};
    v1::ConflictReason {
        reason: reason.reason.map(|reason| match reason {
            Reason::DecisionDiffers(reason) => Reason::DecisionDiffers(wire::DecisionDiffers {
                changed_paths: names(reason.changed_paths),
                then: payloads(reason.then),
                now: payloads(reason.now),
            }),
            Reason::PossibleNow(reason) => Reason::PossibleNow(wire::PossibleNow {
                then: reason.then.map(rejection),
            }),
            Reason::OrderMatters(reason) => Reason::OrderMatters(wire::OrderMatters {
                differing_paths: names(reason.differing_paths),
            }),
            Reason::FieldsOverlap(reason) => Reason::FieldsOverlap(wire::FieldsOverlap {
                overlap_paths: names(reason.overlap_paths),
            }),
            Reason::PremiseChanged(reason) => Reason::PremiseChanged(wire::PremiseChanged {
                changed_paths: names(reason.changed_paths),
            }),
            Reason::NotComparable(reason) => Reason::NotComparable(wire::NotComparable {
                fault: reason.fault.map(fault),
            }),
            Reason::Strict(_)
            | Reason::MustNotExist(_)
            | Reason::RejectedNow(_)
            | Reason::RejectedAtBoth(_)
            | Reason::TooMuchToCompare(_)
            | Reason::AggregateRefused(_)
            | Reason::TooFarBehind(_) => reason,
        }),
    }
}

/// Keeps as many payloads as there is room for. Keeps only the type name of one whose content does not fit.
fn payloads(payloads: Vec<Any>) -> Vec<Any> {
    let mut room = NAMES_BYTES;
    payloads
        .into_iter()
        .map_while(|any| match any.encoded_len() + 4 <= room {
            true => take(&mut room, any.encoded_len() + 4).then_some(any),
            false => {
                let bare = without_content(any);
                take(&mut room, bare.encoded_len() + 4).then_some(bare)
            }
        })
        .collect()
}

/// Cuts the message of a rejection, and leaves out fields for which there is no room.
pub(super) fn rejection(rejection: v1::Rejection) -> v1::Rejection {
    let mut room = NAMES_BYTES;
    v1::Rejection {
        code: text(&rejection.code),
        message: text(&rejection.message),
        fields: rejection
            .fields
            .into_iter()
            .filter(|field| take(&mut room, field.encoded_len() + 4))
            .collect(),
    }
}

/// Cuts the texts of a first result that was a rejection.
pub(super) fn first_result(first: v1::FirstResult) -> v1::FirstResult {
    use v1::first_result::Result as First;
    v1::FirstResult {
        result: first.result.map(|result| match result {
            First::Rejected(rejected) => First::Rejected(rejection(rejected)),
            First::Committed(_) | First::Unchanged(_) | First::DeadLettered(_) => result,
        }),
    }
}

/// Keeps as many numbers as there is room for, in the room of a list of names.
pub(super) fn numbers(numbers: &[u32]) -> Vec<u32> {
    // A number takes at most five bytes.
    numbers.iter().take(NAMES_BYTES / 5).copied().collect()
}

pub(super) fn fault(fault: v1::Fault) -> v1::Fault {
    use v1::fault::{self as wire, Fault};
    v1::Fault {
        fault: fault.fault.map(|fault| match fault {
            Fault::Undecodable(fault) => Fault::Undecodable(wire::Undecodable {
                why: text(&fault.why),
                ..fault
            }),
            Fault::Unreadable(fault) => Fault::Unreadable(wire::Unreadable {
                why: text(&fault.why),
                ..fault
            }),
            Fault::Unencodable(fault) => Fault::Unencodable(wire::Unencodable {
                why: text(&fault.why),
                ..fault
            }),
            Fault::Panicked(fault) => Fault::Panicked(wire::Panicked {
                message: text(&fault.message),
                ..fault
            }),
        }),
    }
}

/// Keeps as many violations as fit into `room`, and adds one that says how many more there are.
pub(super) fn violations(all: Vec<pb::bad_request::FieldViolation>, room: usize) -> pb::BadRequest {
    let count = all.len();
    let mut room = room.saturating_sub(TEXT_BYTES);
    let mut kept: Vec<_> = all
        .into_iter()
        .map(|violation| pb::bad_request::FieldViolation {
            field: text(&violation.field),
            description: text(&violation.description),
            ..violation
        })
        .take_while(|violation| take(&mut room, violation.encoded_len() + 4))
        .collect();
    if kept.len() < count {
        kept.push(pb::bad_request::FieldViolation {
            field: "request".into(),
            description: format!("has {} more faults than are listed", count - kept.len()),
            ..Default::default()
        });
    }
    pb::BadRequest {
        field_violations: kept,
    }
}

fn take(room: &mut usize, bytes: usize) -> bool {
    match room.checked_sub(bytes) {
        Some(left) => {
            *room = left;
            true
        }
        None => false,
    }
}
