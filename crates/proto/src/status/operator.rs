//! Why nothing was done for those who run the system.

use std::time::Duration;

use seriatim_core::{Component, OperatorError, Sequence};
use tonic::{Code, Status};

use super::details::{Details, Received};
use super::{WireError, bound, reason, shared};
use crate::{convert, v1};

/// When to ask again a store that does not answer.
const RETRY_AFTER: Duration = Duration::from_millis(100);

impl WireError for OperatorError {
    fn to_status(&self) -> Status {
        let message = self.to_string();
        match self {
            Self::UnknownComponent { component, known } => {
                let known = known.iter().map(ToString::to_string).collect();
                Details::new(reason::UNKNOWN_COMPONENT)
                    .with(&v1::UnknownComponent {
                        component: component.to_string(),
                        known_components: bound::names(known),
                    })
                    .into_status(Code::NotFound, &message)
            }
            Self::NotParked { component, stream } => Details::new(reason::NOT_PARKED)
                .with(&v1::NotParked {
                    component: component.to_string(),
                    cover: Some(convert::cover(stream)),
                })
                .into_status(Code::NotFound, &message),
            Self::Elsewhere {
                stream,
                asked,
                parked,
            } => Details::new(reason::PARKED_ELSEWHERE)
                .with(&v1::ParkedElsewhere {
                    cover: Some(convert::cover(stream)),
                    asked: asked.0,
                    parked: parked.0,
                })
                .into_status(Code::Aborted, &message),
            Self::Decided { stream } => Details::new(reason::ALREADY_DECIDED)
                .with(&v1::AlreadyDecided {
                    cover: Some(convert::cover(stream)),
                })
                .into_status(Code::Aborted, &message),
            Self::NoReason => {
                Details::new(reason::NO_REASON).into_status(Code::InvalidArgument, &message)
            }
            Self::Store(error) => shared::store_unavailable(error)
                .with_retry(RETRY_AFTER)
                .into_status(Code::Unavailable, &message),
        }
    }

    fn from_status(status: &Status) -> Option<Self> {
        let received = Received::of(status)?;
        Some(match received.reason() {
            reason::UNKNOWN_COMPONENT => {
                let unknown: v1::UnknownComponent = received.get()?;
                let known = unknown.known_components.iter();
                Self::UnknownComponent {
                    component: Component::new(&unknown.component).ok()?,
                    known: known
                        .map(|name| Component::new(name).ok())
                        .collect::<Option<_>>()?,
                }
            }
            reason::NOT_PARKED => {
                let not_parked: v1::NotParked = received.get()?;
                Self::NotParked {
                    component: Component::new(&not_parked.component).ok()?,
                    stream: convert::stream(not_parked.cover.as_ref()).ok()?,
                }
            }
            reason::PARKED_ELSEWHERE => {
                let elsewhere: v1::ParkedElsewhere = received.get()?;
                Self::Elsewhere {
                    stream: convert::stream(elsewhere.cover.as_ref()).ok()?,
                    asked: Sequence(elsewhere.asked),
                    parked: Sequence(elsewhere.parked),
                }
            }
            reason::ALREADY_DECIDED => {
                let decided: v1::AlreadyDecided = received.get()?;
                Self::Decided {
                    stream: convert::stream(decided.cover.as_ref()).ok()?,
                }
            }
            reason::NO_REASON => Self::NoReason,
            reason::STORE_UNAVAILABLE => Self::Store(shared::read_store_error(&received, status)),
            _ => return None,
        })
    }
}
