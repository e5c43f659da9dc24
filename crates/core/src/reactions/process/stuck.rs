//! Records a timer that its instance could not act upon as an event, so that it can become a dead letter like any
//! other.

use serde::{Deserialize, Serialize};

use crate::codec::{json, unknown_type};
use crate::{
    DecodeError, EncodeError, Payload, RecordedEvent, Sequence, StreamId, Timer, Timestamp,
};

const STUCK: &str = "TimerStuck";

/// A timer that has run out and that its instance could not act upon.
///
/// It is recorded in a stream of its own, because the stream of the instance may be unreadable. That stream has the
/// same root, in the domain with the name of the timers' component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StuckTimer {
    /// The name of the timer.
    pub timer: String,
    /// The event that set it.
    pub set_at: Sequence,
    /// Its place among the timers that this event set.
    pub ordinal: u32,
    /// The time at which it ran out.
    pub due: Timestamp,
    /// The first failure, for people.
    pub failure: String,
}

impl StuckTimer {
    /// Makes the event of a timer, with the reason of the failure.
    pub fn new(timer: &Timer, failure: String) -> Self {
        Self {
            timer: timer.name.clone(),
            set_at: timer.set_at,
            ordinal: timer.ordinal,
            due: timer.due,
            failure,
        }
    }

    /// Returns the timer again, for the stream that set it.
    pub fn timer_of(self, instance: StreamId) -> Timer {
        Timer {
            stream: instance,
            name: self.timer,
            set_at: self.set_at,
            ordinal: self.ordinal,
            due: self.due,
        }
    }

    /// Encodes it.
    pub fn encode(&self) -> Result<Payload, EncodeError> {
        json::encode(STUCK, self)
    }

    /// Decodes it.
    pub fn decode(recorded: &RecordedEvent) -> Result<Self, DecodeError> {
        match &*recorded.payload.type_name {
            STUCK => json::decode(&recorded.payload),
            _ => Err(unknown_type(&recorded.payload, &[STUCK])),
        }
    }
}
