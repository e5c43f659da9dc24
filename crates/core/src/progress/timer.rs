//! Defines the seam that keeps the timers of process managers.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

use crate::{Domain, Sequence, StoreError, StreamId, Timestamp};

/// Keeps timers and says which are due.
///
/// A timer is only an alarm clock: when it rings, the stream that set it decides whether it still counts. It may
/// therefore ring once too often, but never too early, and it rings again until it is cleared.
///
/// An implementation must keep these rules, with any number of handles and processes on one storage:
///
/// - A stream has one timer of a name: that of the latest event that set it.
/// - A timer that rings for one caller is silent for all others for the time that this caller asked for.
/// - A timer that was set is durable when the call returns.
///
/// The clock of the storage tells what is due, never that of a caller. A timer counts from the time at which its event
/// was recorded. If that time is in the future, the clock was ahead, and the timer counts from when it is set. It never
/// waits longer than [`NewTimer::after`]; if the clock goes back later, [`next_timer`](Self::next_timer) corrects that.
#[async_trait]
pub trait TimerStore: Send + Sync + Debug + 'static {
    /// Sets timers. A timer that the same event or a later one has already set is unchanged, so a repeated or late call
    /// changes nothing.
    async fn set_timers(&self, timers: &[NewTimer]) -> Result<(), StoreError>;

    /// Drops timers that have fired or were cancelled, unless a later event has set them again.
    async fn clear_timers(&self, cleared: &[ClearedTimer]) -> Result<(), StoreError>;

    /// Returns at most `limit` timers of a domain's streams that are due and not silent, longest overdue first. Each is
    /// silent for `silence` from now on; then it rings again, unless it was cleared.
    ///
    /// More timers may be due even if fewer than `limit` are returned: another caller may be taking them at this
    /// moment.
    ///
    /// # Cancel safety
    /// Dropping the future may leave timers silent for that time although no caller got them.
    async fn ring_timers(
        &self,
        domain: &Domain,
        limit: usize,
        silence: Duration,
    ) -> Result<Vec<Timer>, StoreError>;

    /// Returns the time until a timer of a domain's streams rings if nothing changes: zero if one is due now, `None` if
    /// there is none.
    ///
    /// A caller asks this before it rings timers. It also corrects timers that were set while the clock was ahead: they
    /// count again from now, and those that the clock made ring are no longer silent.
    async fn next_timer(&self, domain: &Domain) -> Result<Option<Duration>, StoreError>;

    /// Returns at most `limit` timers, silent or not, in the order of their streams' ids and then of their names, byte
    /// by byte. If `after` is given, it begins after that name of that stream.
    async fn timers(
        &self,
        after: Option<(&StreamId, &str)>,
        limit: usize,
    ) -> Result<Vec<Timer>, StoreError>;

    /// Returns how many timers of a domain's streams are due, silent or not, except those that stay silent for longer
    /// than `silence` from now on.
    async fn overdue(&self, domain: &Domain, silence: Duration) -> Result<Overdue, StoreError>;
}

/// Timers that are due and have not been acted upon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overdue {
    /// The number of timers.
    pub count: u64,
    /// The time for which the first of them has been due; zero if there is none.
    pub longest: Duration,
}

/// A timer that an event sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTimer {
    /// The stream of the event.
    pub stream: StreamId,
    /// The name of the timer, unique for the stream.
    pub name: String,
    /// The sequence of the event.
    pub set_at: Sequence,
    /// Its place among the timers that this event sets.
    pub ordinal: u32,
    /// The time at which the event was recorded. It is [`Timestamp::EPOCH`] for a timer that rings at a given time, so
    /// that the clock at the recording does not matter.
    pub recorded_at: Timestamp,
    /// The time from then until it rings.
    pub after: Duration,
}

impl NewTimer {
    /// For stores: returns the time from which it counts if it is set now.
    pub fn counts_from(&self, now: Timestamp) -> Timestamp {
        self.recorded_at.min(now)
    }
}

/// A timer in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    /// The stream that set it.
    pub stream: StreamId,
    /// Its name, unique for the stream.
    pub name: String,
    /// The event that set it.
    pub set_at: Sequence,
    /// Its place among the timers that this event set.
    pub ordinal: u32,
    /// The time at which it rings, by the clock of the storage.
    pub due: Timestamp,
}

impl Timer {
    /// The longest name, in bytes.
    pub const LONGEST_NAME: usize = 256;

    /// Returns whether a timer can have this name: 1 to [`Timer::LONGEST_NAME`] bytes, and no character 0.
    pub fn may_be_named(name: &str) -> bool {
        (1..=Self::LONGEST_NAME).contains(&name.len()) && !name.contains('\0')
    }
}

/// A timer that is no longer needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClearedTimer {
    /// The stream that set it.
    pub stream: StreamId,
    /// Its name.
    pub name: String,
    /// The event up to which it is cleared. A timer that a later event set stays.
    pub through: Sequence,
}
