//! The seam by which an audit asks a component again what it has asked for.

use std::fmt::Debug;

use crate::{EventStore, ReactionError, RecordedEvent, StreamId};

/// A component whose effects can be accounted for: what it asks for is a function of the event, so that it can be asked
/// again, and what became of it is where it can be looked up.
pub trait Accountable: Send + Sync + Debug {
    /// What an event that passes the component's filter makes it ask for, in the order of the ordinals.
    fn asked(&self, event: &RecordedEvent) -> Result<Vec<Asked>, ReactionError>;

    /// Where targets keep what became of it; `None`: out of reach, because they are in another program.
    fn outcomes(&self) -> Option<&dyn EventStore>;
}

/// What has one ordinal among the effects of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// An effect: its target has a claim once the checkpoint has passed the event.
    Of(StreamId),
    /// What may lead to an effect later, or never: a timer.
    MaybeOf(StreamId),
    /// Nothing that could ever lead to one.
    Nothing,
}
