//! Waiting until components have handled what a command or a fact wrote.

use std::time::Duration;

use crate::{Component, FieldViolation, Position, Sequence};

/// Whom a sender waits for once its command or fact is durable, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitFor {
    /// The components that must have handled the events.
    pub components: Vec<Component>,
    /// How long to wait for all of them together.
    pub limit: Duration,
}

impl WaitFor {
    /// How long to wait where nobody says: longer than it takes until another process takes over from one that has fallen
    /// silent.
    pub const LIMIT: Duration = Duration::from_secs(15);
    /// The longest time that anybody can wait.
    pub const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
    /// The components that can be waited for at once.
    pub const COMPONENTS: usize = 64;

    /// Waits as long as is usual.
    pub fn new(components: Vec<Component>) -> Self {
        Self {
            components,
            limit: Self::LIMIT,
        }
    }

    /// Everything that is wrong with the form of it; empty if nothing is.
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

/// A component has not handled the events, as far as is known. They are recorded all the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{component}` has not handled it yet: {why}")]
pub struct NotHandled {
    /// The first of those waited for that has not.
    pub component: Component,
    /// Why the waiting ended.
    pub why: WhyNotHandled,
}

/// Why waiting for a component ended before it had handled the events.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WhyNotHandled {
    /// It is behind: waiting longer may help.
    #[error("it stood at position {position} after {} ms; wait again, or look at its lag", .limit.as_millis())]
    TimePassed {
        /// How long was waited.
        limit: Duration,
        /// Where it was seen last in the events' partition of the log.
        position: Position,
    },
    /// Its stream is parked there, and the events queue behind the one that failed: waiting is of no use until a person
    /// has decided.
    #[error("its stream is parked at sequence {sequence}, which failed: {failure}")]
    Parked {
        /// The first event of the stream that it has not handled.
        sequence: Sequence,
        /// What failed, for people.
        failure: String,
    },
    /// It is paused: waiting is of no use until a person has looked at it.
    #[error("it is paused: {failure}")]
    Paused {
        /// Why, for people.
        failure: String,
    },
    /// The process that waited is going down; the component may go on in another.
    #[error("the server that waited is shutting down; ask another")]
    ShuttingDown,
}
