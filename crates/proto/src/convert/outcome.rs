//! Converts the results of commands and facts: `SubmitResponse`, `RecordResponse` and `Receipt`.

use prost::Message;
use seriatim_core::{
    Commit, FieldViolation, FirstResult, Outcome, Position, Receipt, Sequence, StreamId,
};

use super::event::recorded_events;
use super::identity::uuid;
use super::invalid::{Invalid, required};
use crate::v1;
use v1::submit_response::Outcome as WireOutcome;

/// The way in which an answer shows the events that were recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// They were not asked for.
    Unasked,
    /// They are left out because there is no room for them, and the answer says so.
    Omitted,
    /// They are shown, up to [`Echo::BYTES`]; beyond that they are omitted.
    Events,
}

impl Echo {
    /// The most bytes that the events of one answer may take: well below the 4 MiB that clients accept by default. A
    /// commit must not look like a failure because its answer is too long.
    pub const BYTES: usize = 3 * 1024 * 1024;
}

/// Makes the answer to a `Submit`.
pub fn submit_response(receipt: &Receipt, echo: Echo) -> v1::SubmitResponse {
    v1::SubmitResponse {
        correlation_id: receipt.correlation_id.clone(),
        outcome: Some(match &receipt.outcome {
            Outcome::Committed(commit) => WireOutcome::Committed(committed(commit, echo)),
            Outcome::Duplicate(first) => WireOutcome::Duplicate(v1::Duplicate {
                first_result: Some(first.into()),
            }),
            Outcome::DeadLettered { id, reason } => WireOutcome::DeadLettered(v1::DeadLettered {
                id: Some((*id).into()),
                reason: reason.clone(),
            }),
            Outcome::Unchanged { current } => WireOutcome::Unchanged(v1::Unchanged {
                current: current.map(|Sequence(current)| current),
            }),
        }),
        not_handled: None,
        warnings: (receipt.warnings.iter())
            .map(|warning| v1::Warning {
                field: warning.field.clone(),
                description: warning.description.clone(),
            })
            .collect(),
    }
}

/// Makes the answer to a `Record`.
pub fn record_response(receipt: &Receipt, echo: Echo) -> v1::RecordResponse {
    use v1::record_response::Outcome as RecordOutcome;
    let response = submit_response(receipt, echo);
    v1::RecordResponse {
        correlation_id: response.correlation_id,
        outcome: response.outcome.map(|outcome| match outcome {
            WireOutcome::Committed(commit) => RecordOutcome::Committed(commit),
            WireOutcome::Duplicate(duplicate) => RecordOutcome::Duplicate(duplicate),
            WireOutcome::DeadLettered(letter) => RecordOutcome::DeadLettered(letter),
            WireOutcome::Unchanged(unchanged) => RecordOutcome::Unchanged(unchanged),
        }),
        not_handled: None,
    }
}

/// Makes the answer to a `HandBack`.
pub fn hand_back_response(receipt: &Receipt, echo: Echo) -> v1::HandBackResponse {
    use v1::hand_back_response::Outcome as HandBackOutcome;
    let response = submit_response(receipt, echo);
    v1::HandBackResponse {
        correlation_id: response.correlation_id,
        outcome: response.outcome.and_then(|outcome| match outcome {
            WireOutcome::Committed(commit) => Some(HandBackOutcome::Committed(commit)),
            WireOutcome::Duplicate(duplicate) => Some(HandBackOutcome::Duplicate(duplicate)),
            WireOutcome::Unchanged(unchanged) => Some(HandBackOutcome::Unchanged(unchanged)),
            // A rejected effect that is handed back has no expectation, so it is never parked.
            WireOutcome::DeadLettered(_) => None,
        }),
    }
}

impl From<v1::HandBackResponse> for v1::SubmitResponse {
    fn from(response: v1::HandBackResponse) -> Self {
        use v1::hand_back_response::Outcome as HandBackOutcome;
        Self {
            correlation_id: response.correlation_id,
            outcome: response.outcome.map(|outcome| match outcome {
                HandBackOutcome::Committed(commit) => WireOutcome::Committed(commit),
                HandBackOutcome::Duplicate(duplicate) => WireOutcome::Duplicate(duplicate),
                HandBackOutcome::Unchanged(unchanged) => WireOutcome::Unchanged(unchanged),
            }),
            not_handled: None,
            warnings: Vec::new(),
        }
    }
}

impl From<v1::RecordResponse> for v1::SubmitResponse {
    fn from(response: v1::RecordResponse) -> Self {
        use v1::record_response::Outcome as RecordOutcome;
        Self {
            correlation_id: response.correlation_id,
            outcome: response.outcome.map(|outcome| match outcome {
                RecordOutcome::Committed(commit) => WireOutcome::Committed(commit),
                RecordOutcome::Duplicate(duplicate) => WireOutcome::Duplicate(duplicate),
                RecordOutcome::DeadLettered(letter) => WireOutcome::DeadLettered(letter),
                RecordOutcome::Unchanged(unchanged) => WireOutcome::Unchanged(unchanged),
            }),
            not_handled: response.not_handled,
            warnings: Vec::new(),
        }
    }
}

fn committed(commit: &Commit, echo: Echo) -> v1::Committed {
    let events = match echo {
        Echo::Events => Some(commit.events.iter().map(v1::EventPage::from).collect()),
        Echo::Unasked | Echo::Omitted => None,
    };
    let size = |events: &Vec<v1::EventPage>| events.iter().map(Message::encoded_len).sum::<usize>();
    let events = events.filter(|events| size(events) <= Echo::BYTES);
    v1::Committed {
        first: commit.first.0,
        last: commit.last.0,
        position: commit.position.0,
        merged: commit.merged,
        events_omitted: events.is_none() && echo != Echo::Unasked,
        events: events.unwrap_or_default(),
    }
}

/// Reads the receipt from an answer about `stream`.
pub fn receipt(response: v1::SubmitResponse, stream: &StreamId) -> Result<Receipt, Invalid> {
    let outcome = required(response.outcome, "outcome", "every answer has one")?;
    Ok(Receipt {
        stream: stream.clone(),
        correlation_id: response.correlation_id,
        warnings: (response.warnings.into_iter())
            .map(|warning| FieldViolation::new(warning.field, warning.description))
            .collect(),
        outcome: match outcome {
            WireOutcome::Committed(commit) => Outcome::Committed(Commit {
                first: Sequence(commit.first),
                last: Sequence(commit.last),
                position: Position(commit.position),
                merged: commit.merged,
                events: recorded_events(commit.events, stream, "committed.events")?,
            }),
            WireOutcome::Duplicate(duplicate) => {
                let first = required(duplicate.first_result, "duplicate.first_result", "give it")?;
                Outcome::Duplicate(first.try_into()?)
            }
            WireOutcome::DeadLettered(letter) => Outcome::DeadLettered {
                id: uuid(letter.id.as_ref(), "dead_lettered.id")?,
                reason: letter.reason,
            },
            WireOutcome::Unchanged(unchanged) => Outcome::Unchanged {
                current: unchanged.current.map(Sequence),
            },
        },
    })
}

impl From<&FirstResult> for v1::FirstResult {
    fn from(first: &FirstResult) -> Self {
        use v1::first_result as wire;
        let result = match first {
            FirstResult::Committed {
                first,
                last,
                position,
            } => wire::Result::Committed(wire::Committed {
                first: first.0,
                last: last.0,
                position: position.0,
            }),
            FirstResult::Unchanged { current } => wire::Result::Unchanged(wire::Unchanged {
                current: current.map(|Sequence(current)| current),
            }),
            FirstResult::DeadLettered { id } => wire::Result::DeadLettered(wire::DeadLettered {
                id: Some((*id).into()),
            }),
            FirstResult::Rejected(rejected) => wire::Result::Rejected(rejected.as_ref().into()),
        };
        Self {
            result: Some(result),
        }
    }
}

impl TryFrom<v1::FirstResult> for FirstResult {
    type Error = Invalid;

    fn try_from(first: v1::FirstResult) -> Result<Self, Invalid> {
        use v1::first_result as wire;
        Ok(match required(first.result, "first_result", "give one")? {
            wire::Result::Committed(commit) => Self::Committed {
                first: Sequence(commit.first),
                last: Sequence(commit.last),
                position: Position(commit.position),
            },
            wire::Result::Unchanged(unchanged) => Self::Unchanged {
                current: unchanged.current.map(Sequence),
            },
            wire::Result::DeadLettered(letter) => Self::DeadLettered {
                id: uuid(letter.id.as_ref(), "first_result.dead_lettered.id")?,
            },
            wire::Result::Rejected(rejection) => Self::Rejected(Box::new(rejection.try_into()?)),
        })
    }
}
