//! What a person sees of components, and why nothing was done for a person.

use std::time::Duration;

use uuid::Uuid;

use crate::known::name_one_of;
use crate::{
    Checkpoint, Component, LetterStatus, Position, QueryError, ReadModelVersion, StoreError,
    SubscribeError, Timestamp,
};

/// When to ask again a store that does not answer.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// How far a piece of work has come, whichever process does it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Where it stands, and who does it.
    pub checkpoint: Checkpoint,
    /// The position of the last event of its partition of the log.
    pub head: Position,
    /// When the first event was recorded that it has not seen; `None` if it has seen all.
    pub behind_since: Option<Timestamp>,
    /// How many streams are parked: at a letter, on their way again since it was closed, or tried again after they failed.
    pub parked: usize,
    /// Since when the first of them is; `None` if none is.
    pub parked_since: Option<Timestamp>,
}

impl Progress {
    /// How many events of its partition it has not seen yet, those of other shares counted too. None if its checkpoint
    /// is ahead of the log.
    pub fn lag(&self) -> u64 {
        self.head.0.saturating_sub(self.checkpoint.at.position.0)
    }
}

/// Why nothing was done for a person.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// The process that was asked was started without the component.
    #[error("there is no component `{component}` here; {}", name_one_of(known))]
    UnknownComponent {
        /// What was asked for.
        component: Component,
        /// Those that there are.
        known: Vec<Component>,
    },
    /// The letter is closed.
    #[error("the dead letter {id} is {} already; list those that are parked", status.as_str())]
    Closed {
        /// Which letter.
        id: Uuid,
        /// Where it stands.
        status: LetterStatus,
    },
    /// Somebody has decided already, and that is still to be done; or the letter has changed just now.
    #[error(
        "somebody has decided about the dead letter {id} before; wait until that is done, and show it again"
    )]
    Decided {
        /// Which letter.
        id: Uuid,
    },
    /// Something was to be discarded without a reason.
    #[error("what is discarded is given up for good; say why")]
    NoReason,
    /// A read model was to begin anew somewhere.
    #[error("{version} shows all events, from the first on; build {} anew as another version, and switch to that", version.name())]
    ReadModel {
        /// Which version.
        version: ReadModelVersion,
    },
    /// The place is not in this log.
    #[error(transparent)]
    Place(SubscribeError),
    /// What has to be known for it cannot be said: the letter is unknown, or a store fails.
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl From<StoreError> for OperatorError {
    fn from(source: StoreError) -> Self {
        Self::Query(QueryError::of_store(source, RETRY_AFTER))
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
