//! The seam where alarms are kept that process managers have set.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

use crate::{Domain, Sequence, StoreError, StreamId, Timestamp};

/// Keeps timers and says which are due.
///
/// A timer is an alarm clock and nothing more: whether it still counts when it rings is decided by the stream that set
/// it. So it may ring once too often, but never too early, and it rings again until it is cleared.
///
/// What must hold, with any number of handles and processes on one storage:
///
/// - Of one stream there is one timer of a name: that of the latest event that set it.
/// - A timer that rings for one caller is silent for all others until the time is over that this caller asked for.
/// - What was set is durable when the call returns.
///
/// What is due is told by the clock of the storage, never by that of a caller. A timer counts from when its event was
/// recorded, or from when it is set if the event seems to come from the future: then the clock was ahead. So it never waits
/// longer than [`NewTimer::after`], and if the clock goes back later, [`next_timer`](Self::next_timer) puts that right.
#[async_trait]
pub trait TimerStore: Send + Sync + Debug + 'static {
    /// Sets timers. One that is kept already, of the same event or of a later one, stays as it is: whoever repeats
    /// a call, or comes late, changes nothing.
    async fn set_timers(&self, timers: &[NewTimer]) -> Result<(), StoreError>;

    /// Drops timers that have fired or were cancelled, unless a later event has set them anew.
    async fn clear_timers(&self, cleared: &[ClearedTimer]) -> Result<(), StoreError>;

    /// Timers of a domain's streams that are due and not silent, at most `limit`, those first that have waited longest.
    /// Each is silent for `silence` from now on; then it rings again, if it was not cleared.
    ///
    /// There may be more that are due than were given, even if those are fewer than `limit`: another caller may just be
    /// getting them.
    ///
    /// # Cancel safety
    /// Dropping the future may leave timers silent for so long that nobody was given.
    async fn ring_timers(
        &self,
        domain: &Domain,
        limit: usize,
        silence: Duration,
    ) -> Result<Vec<Timer>, StoreError>;

    /// How long it takes, if nothing is changed, until a timer of a domain's streams rings: nothing if one is due now,
    /// `None` if there is none.
    ///
    /// Whoever rings asks this first. It is also where timers are found that a clock has set which was ahead: they count
    /// anew from now, and those that it has made ring are no longer silent.
    async fn next_timer(&self, domain: &Domain) -> Result<Option<Duration>, StoreError>;

    /// All timers that are kept, silent or not, in the order of their streams' ids and then of their names, byte by byte:
    /// what comes after a name of a stream if given, at most `limit`.
    async fn timers(
        &self,
        after: Option<(&StreamId, &str)>,
        limit: usize,
    ) -> Result<Vec<Timer>, StoreError>;

    /// The timers of a domain's streams that are due, silent or not, except for those that stay silent for longer than
    /// `silence` from now on.
    async fn overdue(&self, domain: &Domain, silence: Duration) -> Result<Overdue, StoreError>;
}

/// Timers that are due and have not been acted upon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overdue {
    /// How many.
    pub count: u64,
    /// For how long the first of them has been due; nothing if there is none.
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
    /// When the event was recorded; [`Timestamp::EPOCH`] of one that rings at a time, whatever a clock that was ahead has
    /// recorded.
    pub recorded_at: Timestamp,
    /// How long after that it is to ring.
    pub after: Duration,
}

impl NewTimer {
    /// For stores: returns the time that it counts from if it is set now.
    pub fn counts_from(&self, now: Timestamp) -> Timestamp {
        self.recorded_at.min(now)
    }
}

/// A timer that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    /// Whose.
    pub stream: StreamId,
    /// Its name, unique for the stream.
    pub name: String,
    /// The event that has set it.
    pub set_at: Sequence,
    /// Its place among the timers that this event has set.
    pub ordinal: u32,
    /// When it is to ring, by the clock of the storage.
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

/// A timer that is not needed any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClearedTimer {
    /// Whose.
    pub stream: StreamId,
    /// Its name.
    pub name: String,
    /// If it was set by this event or an earlier one.
    pub through: Sequence,
}
