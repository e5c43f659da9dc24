//! What a person sees of components, decides about what they could not handle, and is answered.

use crate::{Checkpoint, Component, Position, Sequence, StoreError, StreamId, Timestamp, Will};

/// How far a piece of work has come, whichever process does it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Where it stands, and who does it.
    pub checkpoint: Checkpoint,
    /// The position of the last event of its partition of the log.
    pub head: Position,
    /// When the first event was recorded that it has not seen; `None` if it has seen all.
    pub behind_since: Option<Timestamp>,
    /// How many streams are parked.
    pub parked: usize,
    /// Since when the first of them is; `None` if none is.
    pub parked_since: Option<Timestamp>,
}

impl Progress {
    /// How many events of its partition it has not seen yet, those of other shares counted too. None if its checkpoint
    /// is ahead of the log.
    pub fn lag(&self) -> u64 {
        self.head.0.saturating_sub(self.checkpoint.position.0)
    }
}

/// What a person decides about a parked stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Of which component.
    pub component: Component,
    /// Which stream.
    pub stream: StreamId,
    /// At which event the person has seen it parked; `None`: at whichever it is.
    pub sequence: Option<Sequence>,
    /// What is to be done.
    pub will: Will,
    /// Who decides.
    pub actor: Option<String>,
    /// Why; an event is not skipped without a reason.
    pub reason: Option<String>,
}

/// Why nothing was done for a person.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// The process that was asked was started without the component.
    #[error("there is no component `{component}` here; {}", names(known))]
    UnknownComponent {
        /// What was asked for.
        component: Component,
        /// Those that there are.
        known: Vec<Component>,
    },
    /// The stream is not parked, or not any more.
    #[error("{stream} is not parked for `{component}`; list what is")]
    NotParked {
        /// By which component it is not.
        component: Component,
        /// Which stream.
        stream: StreamId,
    },
    /// The stream is parked at another event.
    #[error("{stream} is parked at {parked}, not at {asked}; look at that event and decide again")]
    Elsewhere {
        /// Which stream.
        stream: StreamId,
        /// Where it was believed to be parked.
        asked: Sequence,
        /// Where it is.
        parked: Sequence,
    },
    /// Somebody has decided already, and that is still to be done; or the stream has moved just now.
    #[error(
        "somebody has decided about {stream} before; wait until that is done, and list it again"
    )]
    Decided {
        /// Which stream.
        stream: StreamId,
    },
    /// An event was to be skipped without a reason.
    #[error("an event is skipped for good; say why")]
    NoReason,
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn names(components: &[Component]) -> String {
    match components {
        [] => "it has none".into(),
        all => {
            let names: Vec<_> = all.iter().map(|name| format!("`{name}`")).collect();
            format!("name one of {}", names.join(", "))
        }
    }
}
