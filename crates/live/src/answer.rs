//! Says in a frame what became of a command.

use std::collections::BTreeMap;

use axum::extract::ws::Utf8Bytes;
use seriatim_core::{
    ConflictReason, FirstResult, Outcome, Receipt, Rejected, SequenceConflict, SubmitError,
};

use crate::event_json;
use crate::frames::{Reason, Refused, ServerFrame};

/// The answer to a user that may not do something: it does not say what there is.
pub(crate) const DENIED: &str = "you may not do this, or there is no such stream";

/// What an answer belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) r#ref: u64,
    pub(crate) stream: String,
}

impl Asked {
    pub(crate) fn refused(&self, reason: Reason, message: impl Into<String>) -> Refused<'_> {
        Refused {
            r#ref: self.r#ref,
            stream: &self.stream,
            reason,
            message: message.into(),
            code: None,
            details: BTreeMap::new(),
            retry_after_ms: None,
        }
    }
}

/// Returns the answer to a command. Events of others are shown only to those who may read the stream.
pub(crate) fn of_command(
    asked: &Asked,
    result: Result<Receipt, SubmitError>,
    may_read: bool,
) -> Utf8Bytes {
    match result {
        Ok(receipt) => accepted(asked, &receipt),
        Err(error) => refusal(asked, error, may_read),
    }
}

fn accepted(asked: &Asked, receipt: &Receipt) -> Utf8Bytes {
    let outcome = match &receipt.outcome {
        Outcome::Committed(_) => "committed",
        // The letter of the first is still what counts; a rejection of the first is the answer to this one.
        Outcome::Duplicate(FirstResult::Rejected(rejected)) => return rejection(asked, rejected),
        Outcome::Duplicate(_) => "duplicate",
        Outcome::Unchanged { .. } => "unchanged",
        Outcome::DeadLettered { .. } => "parked",
    };
    let sequences = receipt.sequences();
    ServerFrame::Accepted {
        r#ref: asked.r#ref,
        stream: &asked.stream,
        outcome,
        first: sequences.map(|(first, _)| first.0),
        last: sequences.map(|(_, last)| last.0),
    }
    .encode()
}

fn refusal(asked: &Asked, error: SubmitError, may_read: bool) -> Utf8Bytes {
    let message = error.to_string();
    let (reason, retry_after) = match error {
        SubmitError::Rejected(rejected) => return rejection(asked, &rejected),
        SubmitError::Conflict(conflict) => return collision(asked, &conflict, may_read),
        SubmitError::BeyondCurrent { .. } if !may_read => return hidden_collision(asked),
        SubmitError::Invalid(_) | SubmitError::BeyondCurrent { .. } => (Reason::Invalid, None),
        SubmitError::EffectNotAccepted { .. } => (Reason::Invalid, None),
        SubmitError::UnknownDomain { .. } => (Reason::Denied, None),
        SubmitError::ExternalIdReused { .. } => (Reason::Reused, None),
        SubmitError::Contended { .. } => (Reason::Busy, Some(100)),
        SubmitError::Overloaded { retry_after } => (Reason::Busy, Some(retry_after.as_millis())),
        SubmitError::Unavailable { retry_after, .. } => {
            (Reason::Unavailable, Some(retry_after.as_millis()))
        }
        SubmitError::ShuttingDown => (Reason::Unavailable, Some(100)),
        SubmitError::StoreFailed(_)
        | SubmitError::StreamFull { .. }
        | SubmitError::Broken { .. } => (Reason::Broken, None),
    };
    // What is broken inside is for the log.
    let message = match reason {
        Reason::Broken | Reason::Unavailable => {
            tracing::warn!(
                stream = asked.stream,
                error = message,
                "a command was not done"
            );
            String::from(match reason {
                Reason::Broken => {
                    "this cannot be done; who runs this server finds out why in its log"
                }
                _ => "this cannot be done now; send it again",
            })
        }
        Reason::Denied => DENIED.into(),
        _ => message,
    };
    let refused = Refused {
        retry_after_ms: retry_after,
        ..asked.refused(reason, message)
    };
    ServerFrame::Refused(refused).encode()
}

fn rejection(asked: &Asked, rejected: &Rejected) -> Utf8Bytes {
    let refused = Refused {
        code: Some(rejected.code.clone()),
        details: rejected.fields.iter().cloned().collect(),
        ..asked.refused(Reason::Rejected, rejected.message.as_str())
    };
    ServerFrame::Refused(refused).encode()
}

fn collision(asked: &Asked, conflict: &SequenceConflict, may_read: bool) -> Utf8Bytes {
    // It would be rejected anyway, so the collision is not what the sender must know.
    if let (ConflictReason::RejectedAtBoth, Some(rejected)) =
        (&conflict.reason, &conflict.rejection)
    {
        return rejection(asked, rejected);
    }
    if !may_read {
        return hidden_collision(asked);
    }
    let intervening = conflict.intervening.iter().map(event_json::to_json);
    let intervening: Vec<_> = intervening.collect();
    ServerFrame::Refused(asked.refused(Reason::Conflict, conflict.to_string()))
        .with_list("intervening", &intervening)
}

/// A user that may not read the stream does not learn how far it is.
fn hidden_collision(asked: &Asked) -> Utf8Bytes {
    let message = "the stream is not where you expect it";
    ServerFrame::Refused(asked.refused(Reason::Conflict, message)).with_list("intervening", &[])
}
