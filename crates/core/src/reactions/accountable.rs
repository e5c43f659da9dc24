//! Defines the seam by which an audit asks a component again which effects an event has.

use std::fmt::Debug;

use crate::{EventStore, ReactionError, RecordedEvent, StreamId};

/// A component whose effects can be audited. Its effects are a function of the event, so an audit can ask for them
/// again and look up their outcomes.
pub trait Accountable: Send + Sync + Debug {
    /// Returns the effects that the component asks for because of an event that passes its filter, in the order of the
    /// ordinals.
    fn asked(&self, event: &RecordedEvent) -> Result<Vec<Asked>, ReactionError>;

    /// Returns the store in which targets keep the outcomes; `None` if the targets are in another program.
    fn outcomes(&self) -> Option<&dyn EventStore>;
}

/// The thing that an event asks for under one ordinal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// An effect: its target has a claim once the checkpoint has passed the event.
    Of(StreamId),
    /// Something that may lead to an effect later, or never: a timer.
    MaybeOf(StreamId),
    /// A thing that can never lead to an effect.
    Nothing,
}
