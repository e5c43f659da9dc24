//! Converts the reasons why a question has no answer.

use seriatim_core::{Conflict, ExpectedSequence, FieldPath, QueryError};
use tonic::{Code, Status};

use super::details::{Details, Received};
use super::shared;
use super::{WireError, bound, reason};
use crate::{convert, v1};

impl WireError for QueryError {
    fn to_status(&self) -> Status {
        let message = self.to_string();
        match self {
            Self::UnknownDomain { domain, known } => {
                shared::unknown_domain(domain, known).into_status(Code::NotFound, &message)
            }
            Self::BeyondCurrent {
                stream,
                asked,
                current,
            } => {
                let conflict = Conflict {
                    expected: ExpectedSequence::Exactly(*asked),
                    current: *current,
                };
                shared::beyond_current(stream, &conflict).into_status(Code::OutOfRange, &message)
            }
            Self::UnknownField {
                stream,
                field,
                known,
            } => {
                let known = known.iter().map(ToString::to_string).collect();
                Details::new(reason::UNKNOWN_FIELD)
                    .with(&v1::UnknownField {
                        cover: Some(convert::cover(stream)),
                        field: bound::text(&field.to_string()),
                        known_fields: bound::names(known),
                    })
                    .into_status(Code::NotFound, &message)
            }
            Self::UnknownLetter { id } => Details::new(reason::UNKNOWN_DEAD_LETTER)
                .with(&v1::UnknownDeadLetter {
                    id: Some((*id).into()),
                })
                .into_status(Code::NotFound, &message),
            Self::Unavailable {
                retry_after,
                source,
            } => shared::store_unavailable(source, *retry_after, &message),
            Self::StoreFailed(error) => shared::store_failed(error, &message),
            Self::Broken { stream, fault } => {
                shared::broken(stream, fault).into_status(Code::Internal, &message)
            }
        }
    }

    fn from_status(status: &Status) -> Option<Self> {
        let received = Received::of(status)?;
        Some(match received.reason() {
            reason::UNKNOWN_DOMAIN => {
                let (domain, known) = shared::read_unknown_domain(&received)?;
                Self::UnknownDomain { domain, known }
            }
            reason::BEYOND_CURRENT => {
                let (stream, conflict) = shared::read_beyond_current(&received)?;
                let ExpectedSequence::Exactly(asked) = conflict.expected else {
                    return None;
                };
                Self::BeyondCurrent {
                    stream,
                    asked,
                    current: conflict.current,
                }
            }
            reason::UNKNOWN_FIELD => {
                let unknown: v1::UnknownField = received.get()?;
                let known = unknown.known_fields.into_iter().map(FieldPath::try_from);
                Self::UnknownField {
                    stream: convert::stream(unknown.cover.as_ref()).ok()?,
                    field: unknown.field.try_into().ok()?,
                    known: known.collect::<Result<_, _>>().ok()?,
                }
            }
            reason::UNKNOWN_DEAD_LETTER => {
                let unknown: v1::UnknownDeadLetter = received.get()?;
                Self::UnknownLetter {
                    id: convert::uuid(unknown.id.as_ref(), "id").ok()?,
                }
            }
            reason::STORE_UNAVAILABLE => Self::Unavailable {
                retry_after: received.retry_after()?,
                source: shared::read_store_error(&received, status),
            },
            reason::STORE_FAILED => Self::StoreFailed(shared::read_store_error(&received, status)),
            reason::BROKEN => {
                let (stream, fault) = shared::read_broken(&received)?;
                Self::Broken { stream, fault }
            }
            _ => return None,
        })
    }
}
