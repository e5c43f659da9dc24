//! Collects what a process manager decides to do about a trigger.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Aggregate, Effect, Effects, RecordedFact, SentCommand, Timer, Timestamp};

/// A plan for a trigger, to which effects and timers are added.
#[derive(Debug, Default)]
pub struct Plan {
    effects: Effects,
    timers: Vec<TimerChange>,
    finished: bool,
    unusable: Option<String>,
}

impl Plan {
    /// Sends a command to an aggregate, see [`Effects::send`].
    pub fn send<A: Aggregate>(&mut self, root: Uuid, command: &A::Command) -> SentCommand<'_, A> {
        self.effects.send(root, command)
    }

    /// Tells an aggregate of something that happened, see [`Effects::record`].
    pub fn record<A: Aggregate>(&mut self, root: Uuid, event: &A::Event) -> RecordedFact<'_> {
        self.effects.record::<A>(root, event)
    }

    /// Sets a timer, or sets it again. It becomes a trigger this long after the present trigger was recorded, and never
    /// before. The name is unique for the instance, has 1 to 256 bytes and no character 0.
    pub fn set_timer(&mut self, name: &str, after: Duration) {
        self.change(TimerChange::Set {
            name: name.into(),
            after,
        });
    }

    /// Sets a timer for a time. A timer of the same name is replaced. The trigger comes at that time or later, never
    /// before it; if the time is in the past, the trigger comes at once. The storage's clock tells the time. The rules
    /// for the name are those of [`Plan::set_timer`].
    ///
    /// To set a timer for a calendar time in a time zone, let a calendar library such as [jiff](https://docs.rs/jiff)
    /// find the time and give it here as a [`SystemTime`](std::time::SystemTime). Where clocks are put forward, such a
    /// time may not exist; where they are put back, it may exist twice. The library says which time it takes. If the
    /// rules of the zone change later, a timer that is set does not change.
    pub fn set_timer_at(&mut self, name: &str, at: impl Into<Timestamp>) {
        self.change(TimerChange::SetAt {
            name: name.into(),
            at: at.into(),
        });
    }

    /// Cancels a timer. The timer need not exist, but its name must be valid.
    pub fn cancel_timer(&mut self, name: &str) {
        self.change(TimerChange::Cancel { name: name.into() });
    }

    /// Ends the process. Its timers are cancelled, and later inputs are dropped. It still learns of rejected commands.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// Returns the plan as data.
    pub fn into_planned(self) -> Planned {
        let (effects, unusable) = match self.effects.into_list() {
            Ok(effects) => (effects, self.unusable),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        Planned {
            effects,
            timers: self.timers,
            finished: self.finished,
            unusable,
        }
    }

    /// Adds a change of a timer. The last change of each timer counts.
    fn change(&mut self, change: TimerChange) {
        let name = change.name();
        if !Timer::may_be_named(name) {
            self.unusable.get_or_insert_with(|| {
                let (name, longest) = (name.escape_default(), Timer::LONGEST_NAME);
                format!(
                    "`{name}` cannot name a timer: take 1 to {longest} bytes, and no character 0"
                )
            });
        }
        self.timers.retain(|other| other.name() != change.name());
        self.timers.push(change);
    }
}

/// The plan for a trigger, as it is recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// The commands and facts, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Effect>,
    /// The changes of timers, at most one for each timer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timers: Vec<TimerChange>,
    /// True if the process has ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub finished: bool,
    /// The reason why it cannot be recorded; `None` if it can.
    #[serde(skip)]
    pub unusable: Option<String>,
}

/// A change of a timer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimerChange {
    /// Sets it, or sets it again.
    Set {
        /// The name of the timer.
        name: String,
        /// The time from this event until the timer runs out.
        after: Duration,
    },
    /// Sets it for a time, or sets it again.
    SetAt {
        /// The name of the timer.
        name: String,
        /// The time at which it runs out.
        at: Timestamp,
    },
    /// Cancels it, so that it does not count any more.
    Cancel {
        /// The name of the timer.
        name: String,
    },
}

impl TimerChange {
    /// Returns the name of the timer.
    pub fn name(&self) -> &str {
        match self {
            Self::Set { name, .. } | Self::SetAt { name, .. } | Self::Cancel { name } => name,
        }
    }
}
