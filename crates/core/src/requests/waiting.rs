//! Defines the wait until components have handled what a command or a fact wrote.

use std::time::Duration;

use crate::{Component, FieldViolation, Position, Sequence};

/// The components that a sender waits for once its command or fact is durable, and the longest wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitFor {
    /// The components that must have handled the events.
    pub components: Vec<Component>,
    /// The longest time to wait for all of them together.
    pub limit: Duration,
}

impl WaitFor {
    /// The default limit. It is longer than the time until another process takes over from one that does not respond.
    pub const LIMIT: Duration = Duration::from_secs(15);
    /// The longest time that a sender can wait.
    pub const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
    /// The number of components that a sender can wait for at once.
    pub const COMPONENTS: usize = 64;

    /// Makes a wait with the default limit.
    pub fn new(components: Vec<Component>) -> Self {
        Self {
            components,
            limit: Self::LIMIT,
        }
    }

    /// Returns everything that is wrong with its form; empty if nothing is.
    pub fn check(&self) -> Vec<FieldViolation> {
        let mut found = Vec::new();
        if self.components.len() > Self::COMPONENTS {
            let message = format!(
                "{} components; at most {} can be waited for",
                self.components.len(),
                Self::COMPONENTS
            );
            found.push(FieldViolation::new("wait_for.components", message));
        }
        if self.limit > Self::LONGEST {
            let message = format!(
                "{} s; at most {} s (a day) can be waited",
                self.limit.as_secs(),
                Self::LONGEST.as_secs()
            );
            found.push(FieldViolation::new("wait_for.limit", message));
        }
        found
    }
}

/// A component is not known to have handled the events. The events are recorded all the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{component}` has not handled it yet: {why}")]
pub struct NotHandled {
    /// The first component that has not handled them, of those that are waited for.
    pub component: Component,
    /// The reason why the wait ended.
    pub why: WhyNotHandled,
}

/// The reason why a wait ended before the component had handled the events.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WhyNotHandled {
    /// The component is behind: a longer wait may help.
    #[error("it stood at position {position} after {} ms; wait again, or look at its lag", .limit.as_millis())]
    TimePassed {
        /// The time that the sender waited.
        limit: Duration,
        /// The last known position of the component in the events' partition of the log.
        position: Position,
    },
    /// Its stream is parked there, and the events queue behind the one that failed. A wait does not help until a person
    /// has decided.
    #[error("its stream is parked at sequence {sequence}, which failed: {failure}")]
    Parked {
        /// The first event of the stream that it has not handled.
        sequence: Sequence,
        /// The failure, for people.
        failure: String,
    },
    /// The component is paused. A wait does not help until a person has looked at it.
    #[error("it is paused: {failure}")]
    Paused {
        /// The reason why it is paused, for people.
        failure: String,
    },
    /// The process that waited is shutting down; the component may go on in another.
    #[error("the server that waited is shutting down; ask another")]
    ShuttingDown,
}
