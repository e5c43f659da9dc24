//! Converts the reasons why a command of those who run the system was not carried out.

use seriatim_core::{
    Component, Conflict, JobStatus, OnlyOfCommands, OperatorError, QueryError, Sequence,
    SubmitError, SubscribeError,
};
use tonic::{Code, Status};

use super::details::{Details, Received};
use super::{WireError, bound, reason};
use crate::{convert, v1};
use v1::only_of_commands::What;

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
            Self::Closed { id, status, by } => Details::new(reason::DEAD_LETTER_CLOSED)
                .with(&v1::DeadLetterClosed {
                    id: Some((*id).into()),
                    status: status.as_str().into(),
                    by: by.as_ref().map(bound::decider),
                })
                .into_status(Code::FailedPrecondition, &message),
            Self::Decided { id, by } => Details::new(reason::ALREADY_DECIDED)
                .with(&v1::AlreadyDecided {
                    id: Some((*id).into()),
                    by: by.as_ref().map(bound::decider),
                })
                .into_status(Code::Aborted, &message),
            Self::Moved {
                id,
                stream,
                conflict,
            } => Details::new(reason::STREAM_MOVED)
                .with(&v1::StreamMoved {
                    id: Some((*id).into()),
                    cover: Some(convert::cover(stream)),
                    expected: Some(conflict.expected.into()),
                    current: conflict.current.map(|Sequence(current)| current),
                })
                .into_status(Code::Aborted, &message),
            Self::Assigned { id, to, by } => Details::new(reason::DEAD_LETTER_ASSIGNED)
                .with(&v1::DeadLetterAssigned {
                    id: Some((*id).into()),
                    assignee: to.clone().unwrap_or_default(),
                    by: by.as_ref().map(bound::decider),
                })
                .into_status(Code::Aborted, &message),
            Self::OnlyOfCommands { id, what } => Details::new(reason::ONLY_OF_COMMANDS)
                .with(&v1::OnlyOfCommands {
                    id: Some((*id).into()),
                    what: What::from(*what).into(),
                })
                .into_status(Code::FailedPrecondition, &message),
            Self::NoReason => {
                Details::new(reason::NO_REASON).into_status(Code::InvalidArgument, &message)
            }
            Self::ReadModel { version } => Details::new(reason::NOT_FOR_READ_MODELS)
                .with(&v1::ReadModelVersion::from(version))
                .into_status(Code::InvalidArgument, &message),
            Self::UnknownToken { id } => Details::new(reason::UNKNOWN_TOKEN)
                .with(&v1::UnknownToken {
                    id: Some((*id).into()),
                })
                .into_status(Code::NotFound, &message),
            Self::UnknownJob { id } => Details::new(reason::UNKNOWN_JOB)
                .with(&v1::UnknownJob {
                    id: Some((*id).into()),
                })
                .into_status(Code::NotFound, &message),
            Self::JobOver { id, status } => Details::new(reason::JOB_OVER)
                .with(&v1::JobOver {
                    id: Some((*id).into()),
                    status: status.as_str().into(),
                })
                .into_status(Code::FailedPrecondition, &message),
            Self::Place(error) => error.to_status(),
            Self::Query(error) => error.to_status(),
            Self::Submit(error) => error.to_status(),
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
            reason::DEAD_LETTER_CLOSED => {
                let closed: v1::DeadLetterClosed = received.get()?;
                Self::Closed {
                    id: convert::uuid(closed.id.as_ref(), "id").ok()?,
                    status: closed.status.parse().ok()?,
                    by: closed.by.and_then(convert::decider),
                }
            }
            reason::ALREADY_DECIDED => {
                let decided: v1::AlreadyDecided = received.get()?;
                Self::Decided {
                    id: convert::uuid(decided.id.as_ref(), "id").ok()?,
                    by: decided.by.and_then(convert::decider),
                }
            }
            reason::STREAM_MOVED => {
                let moved: v1::StreamMoved = received.get()?;
                Self::Moved {
                    id: convert::uuid(moved.id.as_ref(), "id").ok()?,
                    stream: convert::stream(moved.cover.as_ref()).ok()?,
                    conflict: Conflict {
                        expected: moved.expected?.into(),
                        current: moved.current.map(Sequence),
                    },
                }
            }
            reason::DEAD_LETTER_ASSIGNED => {
                let assigned: v1::DeadLetterAssigned = received.get()?;
                Self::Assigned {
                    id: convert::uuid(assigned.id.as_ref(), "id").ok()?,
                    to: Some(assigned.assignee).filter(|name| !name.is_empty()),
                    by: assigned.by.and_then(convert::decider),
                }
            }
            reason::ONLY_OF_COMMANDS => {
                let only: v1::OnlyOfCommands = received.get()?;
                Self::OnlyOfCommands {
                    id: convert::uuid(only.id.as_ref(), "id").ok()?,
                    what: only_of_commands(only.what())?,
                }
            }
            reason::NO_REASON => Self::NoReason,
            reason::NOT_FOR_READ_MODELS => Self::ReadModel {
                version: convert::read_model_version(received.get()).ok()?,
            },
            reason::UNKNOWN_TOKEN => {
                let unknown: v1::UnknownToken = received.get()?;
                Self::UnknownToken {
                    id: convert::uuid(unknown.id.as_ref(), "id").ok()?,
                }
            }
            reason::UNKNOWN_JOB => {
                let unknown: v1::UnknownJob = received.get()?;
                Self::UnknownJob {
                    id: convert::uuid(unknown.id.as_ref(), "id").ok()?,
                }
            }
            reason::JOB_OVER => {
                let over: v1::JobOver = received.get()?;
                Self::JobOver {
                    id: convert::uuid(over.id.as_ref(), "id").ok()?,
                    status: JobStatus::named(&over.status)?,
                }
            }
            reason::OTHER_PARTITIONS | reason::LOG_REPLACED => {
                Self::Place(SubscribeError::from_status(status)?)
            }
            // It is known by its text, whatever was asked for.
            reason::INVALID => return None,
            _ => {
                return match QueryError::from_status(status) {
                    Some(error) => Some(Self::Query(error)),
                    None => SubmitError::from_status(status).map(Self::from),
                };
            }
        })
    }
}

impl From<OnlyOfCommands> for What {
    fn from(what: OnlyOfCommands) -> Self {
        match what {
            OnlyOfCommands::Expectation => Self::Expectation,
            OnlyOfCommands::Edit => Self::Edit,
            OnlyOfCommands::Record => Self::Record,
        }
    }
}

fn only_of_commands(what: What) -> Option<OnlyOfCommands> {
    match what {
        What::Unspecified => None,
        What::Expectation => Some(OnlyOfCommands::Expectation),
        What::Edit => Some(OnlyOfCommands::Edit),
        What::Record => Some(OnlyOfCommands::Record),
    }
}
