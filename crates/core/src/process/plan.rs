//! What a process manager decides to do about a trigger.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Aggregate, Effect, Effects, RecordedFact, SentCommand, Timer, Timestamp};

/// Collects what is to be done about a trigger.
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

    /// Sets a timer, or sets it anew: so long after the trigger was recorded, and never before that, it is a trigger
    /// itself. The name is unique for the instance, has 1 to 256 bytes and no character 0.
    pub fn set_timer(&mut self, name: &str, after: Duration) {
        self.change(TimerChange::Set {
            name: name.into(),
            after,
        });
    }

    /// Sets a timer, or sets it anew, that is a trigger at this time and never before it: at once if the time is over. The
    /// time is fixed here, and is that of the storage's clock. The name is as for [`Plan::set_timer`].
    ///
    /// For a time of the calendar in a zone let a library of calendars find it, such as [jiff](https://docs.rs/jiff), and give
    /// what it makes a [`SystemTime`](std::time::SystemTime). Where clocks are put forward, such a time may not exist, and where
    /// they are put back it may exist twice: that library says which it takes. Rules of a zone that change later change nothing
    /// for a timer that is set.
    pub fn set_timer_at(&mut self, name: &str, at: impl Into<Timestamp>) {
        self.change(TimerChange::SetAt {
            name: name.into(),
            at: at.into(),
        });
    }

    /// Cancels a timer. There need not be one, but the name must be one that a timer can have.
    pub fn cancel_timer(&mut self, name: &str) {
        self.change(TimerChange::Cancel { name: name.into() });
    }

    /// Ends the process: its timers are cancelled, and inputs that come from now on are dropped. It still learns of
    /// commands that are rejected.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// What was collected, as data.
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

    /// The last word about a timer counts.
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

/// What was planned about a trigger, as it is recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// Commands and facts, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Effect>,
    /// What becomes of timers, at most one thing of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timers: Vec<TimerChange>,
    /// Whether the process has come to its end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub finished: bool,
    /// Why it cannot be recorded, if it cannot.
    #[serde(skip)]
    pub unusable: Option<String>,
}

/// What becomes of a timer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimerChange {
    /// It is set, or set anew.
    Set {
        /// Which.
        name: String,
        /// How long after this was recorded it runs out.
        after: Duration,
    },
    /// It is set, or set anew, for a time.
    SetAt {
        /// Which.
        name: String,
        /// When it runs out.
        at: Timestamp,
    },
    /// It does not count any more.
    Cancel {
        /// Which.
        name: String,
    },
}

impl TimerChange {
    /// Which timer.
    pub fn name(&self) -> &str {
        match self {
            Self::Set { name, .. } | Self::SetAt { name, .. } | Self::Cancel { name } => name,
        }
    }
}
