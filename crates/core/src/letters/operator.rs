//! Shows the progress of components to a person, and says why a person's request was not carried out.

use std::time::Duration;

use uuid::Uuid;

use crate::text::known::name_one_of;
use crate::{
    Checkpoint, Component, Conflict, Decider, JobStatus, LetterStatus, OnlyOfCommands, Position,
    QueryError, ReadModelVersion, StoreError, StreamId, SubmitError, SubscribeError, Timestamp,
};

/// The time to wait before a store that does not answer is asked again.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// The progress of a piece of work, whichever process does it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Its checkpoint and its owner.
    pub checkpoint: Checkpoint,
    /// The position of the last event of its partition of the log.
    pub head: Position,
    /// The time at which the first event that it has not seen was recorded; `None` if it has seen all.
    pub behind_since: Option<Timestamp>,
    /// The number of parked streams: those at a letter, those that still catch up after it was closed, and those
    /// between two tries.
    pub parked: usize,
    /// The time at which the first of these streams was parked; `None` if none is parked.
    pub parked_since: Option<Timestamp>,
}

impl Progress {
    /// Returns the number of events of its partition that it has not seen yet, including those of other shares. Returns
    /// 0 if its checkpoint is ahead of the log.
    pub fn lag(&self) -> u64 {
        self.head.0.saturating_sub(self.checkpoint.at.position.0)
    }
}

/// The reason why a person's request was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// The process that was asked runs without the component.
    #[error("there is no component `{component}` here; {}", name_one_of(known))]
    UnknownComponent {
        /// The component that was asked for.
        component: Component,
        /// The components that run there.
        known: Vec<Component>,
    },
    /// The letter is closed.
    #[error(
        "the dead letter {id} is {} already{}; list those that are parked",
        status.as_str(), by.as_ref().map(|by| format!(", {by}")).unwrap_or_default()
    )]
    Closed {
        /// The letter.
        id: Uuid,
        /// Its status.
        status: LetterStatus,
        /// The person who closed it; `None` if that is not known.
        by: Option<Decider>,
    },
    /// Somebody has decided already and the decision is not carried out yet, or the letter changed at this moment.
    #[error(
        "somebody has already decided about the dead letter {id}{}; wait until that is done, and show it again",
        by.as_ref().map(|by| format!(", {by}")).unwrap_or_default()
    )]
    Decided {
        /// The letter.
        id: Uuid,
        /// The person who decided; `None` if that is not known.
        by: Option<Decider>,
    },
    /// The stream of a command is not where the person saw it. Nothing was done.
    #[error(
        "`{stream}` does not stand where you looked: {conflict}; nothing was done, so look at the dead letter {id} again"
    )]
    Moved {
        /// The letter.
        id: Uuid,
        /// The stream of its command.
        stream: StreamId,
        /// The expected sequence and the current one.
        conflict: Conflict,
    },
    /// Somebody else looks after the letter than the person saw. Nothing was done.
    #[error(
        "{} looks after the dead letter {id}{}; nothing was done, so look at it again",
        to.as_deref().unwrap_or("nobody"), by.as_ref().map(|by| format!(", assigned {by}")).unwrap_or_default()
    )]
    Assigned {
        /// The letter.
        id: Uuid,
        /// Who looks after it; `None` if nobody does.
        to: Option<String>,
        /// The person who said so; `None` if nobody ever did.
        by: Option<Decider>,
    },
    /// The letter is about an event, and that can be done about a command only.
    #[error("the dead letter {id} is about an event that a component gave up: {what}")]
    OnlyOfCommands {
        /// The letter.
        id: Uuid,
        /// What was to be done.
        what: OnlyOfCommands,
    },
    /// A discard needs a reason, and none was given.
    #[error("a discard is final and needs a reason; say why")]
    NoReason,
    /// A read model cannot begin at another place.
    #[error("{version} shows all events, from the first on; build {} anew as another version, and switch to that", version.name())]
    ReadModel {
        /// The version.
        version: ReadModelVersion,
    },
    /// There is no such API token.
    #[error("there is no token {id}; list the tokens to see their ids")]
    UnknownToken {
        /// The id that was asked for.
        id: Uuid,
    },
    /// There is no such job.
    #[error("there is no job {id}; list the jobs to see their ids")]
    UnknownJob {
        /// The id that was asked for.
        id: Uuid,
    },
    /// The job is over, and cannot be changed any more.
    #[error("the job {id} is {} already; start another for the letters that are left", status.as_str())]
    JobOver {
        /// The job.
        id: Uuid,
        /// Its status.
        status: JobStatus,
    },
    /// The place is not in this log.
    #[error(transparent)]
    Place(SubscribeError),
    /// The letter is unknown, or a store fails.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The command of a letter cannot be simulated.
    #[error(transparent)]
    Submit(Box<SubmitError>),
}

impl OperatorError {
    /// Returns whether it says something about the letter: another letter may well be decided about, and the same one not
    /// a moment later.
    pub fn is_about_the_letter(&self) -> bool {
        match self {
            Self::Query(QueryError::UnknownDomain { .. } | QueryError::Broken { .. }) => true,
            Self::Submit(error) => {
                !error.is_of_the_moment() && !matches!(**error, SubmitError::StoreFailed(_))
            }
            _ => false,
        }
    }
}

impl From<StoreError> for OperatorError {
    fn from(source: StoreError) -> Self {
        Self::Query(QueryError::of_store(source, RETRY_AFTER))
    }
}

impl From<SubmitError> for OperatorError {
    fn from(error: SubmitError) -> Self {
        Self::Submit(Box::new(error))
    }
}

impl From<SubscribeError> for OperatorError {
    fn from(error: SubscribeError) -> Self {
        match error {
            SubscribeError::Store(error) => error.into(),
            fault => Self::Place(fault),
        }
    }
}
