//! A timer that could not be acted upon, as it is recorded: an event like any other that a component fails on.

use serde::{Deserialize, Serialize};

use crate::codec::{json, unknown_type};
use crate::{
    DecodeError, EncodeError, Payload, RecordedEvent, Sequence, StreamId, Timer, Timestamp,
};

const STUCK: &str = "TimerStuck";

/// A timer that has run out, and that its instance could not act upon.
///
/// It is recorded in a stream of its own beside that of the instance, which may be unreadable: of the same root, in the
/// domain named as the component of the timers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StuckTimer {
    /// Which timer.
    pub timer: String,
    /// The event that has set it.
    pub set_at: Sequence,
    /// Its place among the timers that this event has set.
    pub ordinal: u32,
    /// When it ran out.
    pub due: Timestamp,
    /// What was said when it was put to the instance first, for people.
    pub failure: String,
}

impl StuckTimer {
    /// Of a timer, and why nothing came of it.
    pub fn new(timer: &Timer, failure: String) -> Self {
        Self {
            timer: timer.name.clone(),
            set_at: timer.set_at,
            ordinal: timer.ordinal,
            due: timer.due,
            failure,
        }
    }

    /// The timer again, of the stream that has set it.
    pub fn timer_of(self, instance: StreamId) -> Timer {
        Timer {
            stream: instance,
            name: self.timer,
            set_at: self.set_at,
            ordinal: self.ordinal,
            due: self.due,
        }
    }

    /// As it is written down.
    pub fn encode(&self) -> Result<Payload, EncodeError> {
        json::encode(STUCK, self)
    }

    /// As it was written down.
    pub fn decode(recorded: &RecordedEvent) -> Result<Self, DecodeError> {
        match &*recorded.payload.type_name {
            STUCK => json::decode(&recorded.payload),
            _ => Err(unknown_type(&recorded.payload, &[STUCK])),
        }
    }
}
