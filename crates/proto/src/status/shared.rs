//! Details that errors of several services have in common, each written and read.

use seriatim_core::{
    Conflict, Domain, Fault, Sequence, StoreError, StoreErrorKind, StreamId, Unavailable,
};
use tonic::Status;

use super::details::{Details, Received};
use super::{bound, reason};
use crate::{convert, v1};

/// Words of an `ErrorInfo`: what is the matter with a store, and what failed, for people.
const STORE: &str = "store";
const CAUSE: &str = "cause";

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
        Unavailable::Store(error) => store_unavailable(error),
        Unavailable::Prepare(cause) => {
            Details::new(reason::PREPARE_UNAVAILABLE).with_word(CAUSE, &cause.to_string())
        }
        Unavailable::Remote(cause) => {
            Details::new(reason::REMOTE_UNAVAILABLE).with_word(CAUSE, &cause.to_string())
        }
    }
}

/// What is unavailable at the other end. That a store is, and which one, is its server's business: from here it is
/// the server that cannot answer.
pub(super) fn read_unavailable(received: &Received, status: &Status) -> Unavailable {
    let cause = cause(received, status);
    match received.reason() {
        reason::PREPARE_UNAVAILABLE => Unavailable::Prepare(cause.into()),
        _ => Unavailable::Remote(cause.into()),
    }
}

pub(super) fn store_unavailable(error: &StoreError) -> Details {
    store_words(reason::STORE_UNAVAILABLE, error)
}

/// What [`read_store_error`] reads.
pub(super) fn store_words(reason: &str, error: &StoreError) -> Details {
    Details::new(reason)
        .with_word(STORE, kind_name(error.kind))
        .with_word(CAUSE, &error.to_string())
}

pub(super) fn read_store_error(received: &Received, status: &Status) -> StoreError {
    let kind = KINDS
        .into_iter()
        .find(|kind| Some(kind_name(*kind)) == received.word(STORE))
        .unwrap_or(StoreErrorKind::Unavailable);
    StoreError::new("answer the server", kind, cause(received, status))
}

const KINDS: [StoreErrorKind; 4] = [
    StoreErrorKind::Unavailable,
    StoreErrorKind::Full,
    StoreErrorKind::ReadOnly,
    StoreErrorKind::Corrupt,
];

fn kind_name(kind: StoreErrorKind) -> &'static str {
    match kind {
        StoreErrorKind::Unavailable => "unavailable",
        StoreErrorKind::Full => "full",
        StoreErrorKind::ReadOnly => "read_only",
        StoreErrorKind::Corrupt => "corrupt",
    }
}

fn cause(received: &Received, status: &Status) -> String {
    received.word(CAUSE).unwrap_or(status.message()).to_owned()
}
