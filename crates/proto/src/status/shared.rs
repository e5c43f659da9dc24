//! Writes and reads details that errors of several services have in common.

use std::time::Duration;

use seriatim_core::{
    Conflict, Domain, Fault, Sequence, StoreError, StoreErrorKind, StreamId, Unavailable,
};
use tonic::{Code, Status};

use super::details::{Details, Received};
use super::{bound, reason};
use crate::{convert, v1};

/// The keys in an `ErrorInfo` for the kind of a store's failure, and for what failed, in words.
const STORE: &str = "store";
const CAUSE: &str = "cause";

/// The time after which to try again if a store does not answer.
const RETRY_AFTER: Duration = Duration::from_millis(100);

pub(super) fn unknown_domain(domain: &Domain, known: &[Domain]) -> Details {
    let known = known.iter().map(ToString::to_string).collect();
    Details::new(reason::UNKNOWN_DOMAIN).with(&v1::UnknownDomain {
        domain: domain.to_string(),
        known_domains: bound::names(known),
    })
}

pub(super) fn read_unknown_domain(received: &Received) -> Option<(Domain, Vec<Domain>)> {
    let unknown: v1::UnknownDomain = received.get()?;
    let known = unknown.known_domains.iter().map(|name| Domain::new(name));
    Some((
        Domain::new(&unknown.domain).ok()?,
        known.collect::<Result<_, _>>().ok()?,
    ))
}

pub(super) fn beyond_current(stream: &StreamId, conflict: &Conflict) -> Details {
    Details::new(reason::BEYOND_CURRENT).with(&v1::BeyondCurrent {
        cover: Some(convert::cover(stream)),
        expected: Some(conflict.expected.into()),
        current: conflict.current.map(|Sequence(current)| current),
    })
}

pub(super) fn read_beyond_current(received: &Received) -> Option<(StreamId, Conflict)> {
    let beyond: v1::BeyondCurrent = received.get()?;
    let conflict = Conflict {
        expected: beyond.expected?.into(),
        current: beyond.current.map(Sequence),
    };
    Some((convert::stream(beyond.cover.as_ref()).ok()?, conflict))
}

pub(super) fn broken(stream: &StreamId, fault: &Fault) -> Details {
    Details::new(reason::BROKEN).with(&v1::Broken {
        cover: Some(convert::cover(stream)),
        fault: Some(bound::fault(fault.into())),
    })
}

pub(super) fn read_broken(received: &Received) -> Option<(StreamId, Fault)> {
    let broken: v1::Broken = received.get()?;
    let stream = convert::stream(broken.cover.as_ref()).ok()?;
    Some((stream, broken.fault?.try_into().ok()?))
}

pub(super) fn unavailable(source: &Unavailable) -> Details {
    match source {
        Unavailable::Store(error) => store_details(reason::STORE_UNAVAILABLE, error),
        Unavailable::Prepare(cause) => {
            Details::new(reason::PREPARE_UNAVAILABLE).with_word(CAUSE, &cause.to_string())
        }
        Unavailable::Remote(cause) => {
            Details::new(reason::REMOTE_UNAVAILABLE).with_word(CAUSE, &cause.to_string())
        }
    }
}

/// Reads what is unavailable at the other end. The client need not know which store it is: for the client, the server
/// is unavailable.
pub(super) fn read_unavailable(received: &Received, status: &Status) -> Unavailable {
    let cause = cause(received, status);
    match received.reason() {
        reason::PREPARE_UNAVAILABLE => Unavailable::Prepare(cause.into()),
        _ => Unavailable::Remote(cause.into()),
    }
}

/// Makes the status of a store's failure, for errors that do not say whether trying again helps.
pub(super) fn store(error: &StoreError, message: &str) -> Status {
    match error.kind.is_transient() {
        true => store_unavailable(error, RETRY_AFTER, message),
        false => store_failed(error, message),
    }
}

pub(super) fn store_unavailable(
    error: &StoreError,
    retry_after: Duration,
    message: &str,
) -> Status {
    store_details(reason::STORE_UNAVAILABLE, error)
        .with_retry(retry_after)
        .into_status(Code::Unavailable, message)
}

pub(super) fn store_failed(error: &StoreError, message: &str) -> Status {
    let code = match error.kind {
        StoreErrorKind::Corrupt => Code::DataLoss,
        _ => Code::FailedPrecondition,
    };
    store_details(reason::STORE_FAILED, error).into_status(code, message)
}

fn store_details(reason: &str, error: &StoreError) -> Details {
    Details::new(reason)
        .with_word(STORE, error.kind.as_str())
        .with_word(CAUSE, &error.to_string())
}

pub(super) fn read_store_error(received: &Received, status: &Status) -> StoreError {
    let mut kinds = StoreErrorKind::ALL.into_iter();
    let known = kinds.find(|kind| Some(kind.as_str()) == received.word(STORE));
    // A kind that is unknown comes from a newer server.
    let kind = known.unwrap_or(match received.reason() {
        reason::STORE_FAILED => StoreErrorKind::Refused,
        _ => StoreErrorKind::Unavailable,
    });
    StoreError::new("answer the server", kind, cause(received, status))
}

fn cause(received: &Received, status: &Status) -> String {
    received.word(CAUSE).unwrap_or(status.message()).to_owned()
}
