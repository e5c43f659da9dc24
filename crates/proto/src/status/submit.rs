//! Converts the reasons why a command or a fact was not accepted.

use std::time::Duration;

use seriatim_core::{SubmitError, WhyNotAccepted};
use tonic::{Code, Status};

use super::details::{Details, Received};
use super::shared::{
    beyond_current, broken, read_beyond_current, read_broken, read_store_error, read_unavailable,
    read_unknown_domain, store_failed, unavailable, unknown_domain,
};
use super::{WireError, bound, reason};
use crate::convert::{self, Invalid};
use crate::v1;
use v1::effect_not_accepted::{self, Why};

/// The time after which to try again when a server shuts down: a supervisor needs it to start another one.
const AFTER_SHUTDOWN: Duration = Duration::from_secs(1);

impl WireError for SubmitError {
    fn to_status(&self) -> Status {
        let message = self.to_string();
        match self {
            Self::Invalid(violations) => Invalid(violations.clone()).to_status(),
            Self::UnknownDomain { domain, known } => {
                unknown_domain(domain, known).into_status(Code::NotFound, &message)
            }
            Self::Conflict(conflict) => {
                let details = Details::new(reason::SEQUENCE_CONFLICT);
                let conflict = bound::conflict(conflict.as_ref().into(), details.room());
                details.with(&conflict).into_status(Code::Aborted, &message)
            }
            Self::BeyondCurrent { stream, conflict } => {
                beyond_current(stream, conflict).into_status(Code::OutOfRange, &message)
            }
            Self::Contended { stream, attempts } => Details::new(reason::CONTENDED)
                .with(&v1::Contended {
                    cover: Some(convert::cover(stream)),
                    attempts: *attempts,
                })
                .into_status(Code::Aborted, &message),
            Self::Rejected(rejected) => Details::new(reason::REJECTED)
                .with(&bound::rejection(rejected.into()))
                .into_status(Code::FailedPrecondition, &message),
            Self::ExternalIdReused {
                stream,
                external_id,
                first,
            } => Details::new(reason::EXTERNAL_ID_REUSED)
                .with(&v1::ExternalIdReused {
                    cover: Some(v1::Cover {
                        external_id: external_id.clone(),
                        ..convert::cover(stream)
                    }),
                    first_result: Some(bound::first_result(first.into())),
                })
                .into_status(Code::AlreadyExists, &message),
            Self::EffectNotAccepted { effect, why } => Details::new(reason::EFFECT_NOT_ACCEPTED)
                .with(&v1::EffectNotAccepted {
                    effect: Some(effect.into()),
                    why: Some(match why {
                        WhyNotAccepted::NoSuchEvent => {
                            Why::NoSuchEvent(effect_not_accepted::NoSuchEvent {})
                        }
                        WhyNotAccepted::OverTheWire => {
                            Why::OverTheWire(effect_not_accepted::OverTheWire {})
                        }
                    }),
                })
                .into_status(Code::PermissionDenied, &message),
            Self::Overloaded { retry_after } => Details::new(reason::OVERLOADED)
                .with_retry(*retry_after)
                .into_status(Code::ResourceExhausted, &message),
            Self::Unavailable {
                retry_after,
                source,
            } => unavailable(source)
                .with_retry(*retry_after)
                .into_status(Code::Unavailable, &message),
            Self::StoreFailed(error) => store_failed(error, &message),
            Self::ShuttingDown => Details::new(reason::SHUTTING_DOWN)
                .with_retry(AFTER_SHUTDOWN)
                .into_status(Code::Unavailable, &message),
            Self::StreamFull { stream, source: _ } => Details::new(reason::STREAM_FULL)
                .with(&v1::StreamFull {
                    cover: Some(convert::cover(stream)),
                })
                .into_status(Code::FailedPrecondition, &message),
            Self::Broken { stream, fault } => {
                broken(stream, fault).into_status(Code::Internal, &message)
            }
        }
    }

    fn from_status(status: &Status) -> Option<Self> {
        let received = Received::of(status)?;
        Some(match received.reason() {
            reason::INVALID => Self::Invalid(Invalid::from_status(status)?.0),
            reason::UNKNOWN_DOMAIN => {
                let (domain, known) = read_unknown_domain(&received)?;
                Self::UnknownDomain { domain, known }
            }
            reason::SEQUENCE_CONFLICT => {
                let conflict: v1::SequenceConflict = received.get()?;
                Self::Conflict(Box::new(conflict.try_into().ok()?))
            }
            reason::BEYOND_CURRENT => {
                let (stream, conflict) = read_beyond_current(&received)?;
                Self::BeyondCurrent { stream, conflict }
            }
            reason::CONTENDED => {
                let contended: v1::Contended = received.get()?;
                Self::Contended {
                    stream: convert::stream(contended.cover.as_ref()).ok()?,
                    attempts: contended.attempts,
                }
            }
            reason::REJECTED => {
                let rejection: v1::Rejection = received.get()?;
                Self::Rejected(rejection.try_into().ok()?)
            }
            reason::EXTERNAL_ID_REUSED => {
                let reused: v1::ExternalIdReused = received.get()?;
                Self::ExternalIdReused {
                    stream: convert::stream(reused.cover.as_ref()).ok()?,
                    external_id: reused.cover?.external_id,
                    first: reused.first_result?.try_into().ok()?,
                }
            }
            reason::EFFECT_NOT_ACCEPTED => {
                let refused: v1::EffectNotAccepted = received.get()?;
                Self::EffectNotAccepted {
                    effect: refused.effect?.try_into().ok()?,
                    why: match refused.why? {
                        Why::NoSuchEvent(_) => WhyNotAccepted::NoSuchEvent,
                        Why::OverTheWire(_) => WhyNotAccepted::OverTheWire,
                    },
                }
            }
            reason::OVERLOADED => Self::Overloaded {
                retry_after: received.retry_after()?,
            },
            reason::STORE_UNAVAILABLE
            | reason::PREPARE_UNAVAILABLE
            | reason::REMOTE_UNAVAILABLE => Self::Unavailable {
                retry_after: received.retry_after()?,
                source: read_unavailable(&received, status),
            },
            reason::STORE_FAILED => Self::StoreFailed(read_store_error(&received, status)),
            reason::SHUTTING_DOWN => Self::ShuttingDown,
            reason::STREAM_FULL => {
                let full: v1::StreamFull = received.get()?;
                Self::StreamFull {
                    stream: convert::stream(full.cover.as_ref()).ok()?,
                    source: seriatim_core::StreamFull,
                }
            }
            reason::BROKEN => {
                let (stream, fault) = read_broken(&received)?;
                Self::Broken { stream, fault }
            }
            _ => return None,
        })
    }
}
