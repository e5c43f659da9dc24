//! The seam of the timers.

use std::collections::btree_map::Entry;
use std::ops::Bound;
use std::time::Duration;

use async_trait::async_trait;
use seriatim_core::{
    ClearedTimer, Domain, NewTimer, Overdue, StoreError, StreamId, Timer, TimerStore, Timestamp,
};

use crate::{Log, MemoryStore};

#[async_trait]
impl TimerStore for MemoryStore {
    async fn set_timers(&self, timers: &[NewTimer]) -> Result<(), StoreError> {
        let mut log = self.log();
        let now = log.clock.now();
        for timer in timers {
            let key = (timer.stream.clone(), timer.name.clone());
            match log.timers.entry(key) {
                Entry::Occupied(kept) if timer.set_at <= kept.get().timer.set_at => {}
                place => {
                    place.insert_entry(Alarm::new(timer, now));
                }
            }
        }
        Ok(())
    }

    async fn clear_timers(&self, cleared: &[ClearedTimer]) -> Result<(), StoreError> {
        let mut log = self.log();
        for ClearedTimer {
            stream,
            name,
            through,
        } in cleared
        {
            let kept = log.timers.entry((stream.clone(), name.clone()));
            if let Entry::Occupied(kept) = kept
                && kept.get().timer.set_at <= *through
            {
                kept.remove();
            }
        }
        Ok(())
    }

    async fn ring_timers(
        &self,
        domain: &Domain,
        limit: usize,
        silence: Duration,
    ) -> Result<Vec<Timer>, StoreError> {
        let mut log = self.log();
        // Read under the lock, so that the pause of another caller does not seem to be over before it has begun.
        let now = log.clock.now();
        let mut ringing: Vec<_> = log
            .timers_of(domain)
            .filter(|alarm| alarm.rings_at <= now)
            .collect();
        ringing.sort_by_key(|alarm| alarm.rings_at);
        let given = ringing.into_iter().take(limit).map(|alarm| {
            alarm.rings_at = now.later_by(silence);
            alarm.touched_at = now;
            alarm.timer.clone()
        });
        let mut given: Vec<_> = given.collect();
        given.sort_by_key(|timer| timer.due);
        Ok(given)
    }

    async fn next_timer(&self, domain: &Domain) -> Result<Option<Duration>, StoreError> {
        let mut log = self.log();
        let now = log.clock.now();
        let of_the_future = |alarm: &&mut Alarm| now < alarm.touched_at;
        (log.timers_of(domain).filter(of_the_future)).for_each(|alarm| alarm.count_anew(now));
        let next = log.timers_of(domain).map(|alarm| alarm.rings_at).min();
        Ok(next.map(|rings_at| rings_at.since(now)))
    }

    async fn timers(
        &self,
        after: Option<(&StreamId, &str)>,
        limit: usize,
    ) -> Result<Vec<Timer>, StoreError> {
        let log = self.log();
        let after = after.map(|(stream, name)| (stream.clone(), name.to_owned()));
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let timers = log.timers.range((after, Bound::Unbounded));
        let timers = timers.map(|(_, alarm)| alarm.timer.clone());
        Ok(timers.take(limit).collect())
    }

    async fn overdue(&self, domain: &Domain, silence: Duration) -> Result<Overdue, StoreError> {
        let mut log = self.log();
        let now = log.clock.now();
        let until = now.later_by(silence);
        let overdue = log.timers_of(domain);
        let overdue = overdue.filter(|alarm| alarm.rings_at <= until && alarm.timer.due <= now);
        Ok(overdue.fold(Overdue::default(), |so_far, alarm| Overdue {
            count: so_far.count + 1,
            longest: so_far.longest.max(now.since(alarm.timer.due)),
        }))
    }
}

/// A timer, and the times that determine when it rings.
#[derive(Debug)]
pub(crate) struct Alarm {
    timer: Timer,
    /// The time from which the wait counts.
    counts_from: Timestamp,
    /// The time when it is due, or later while a caller is handling it.
    rings_at: Timestamp,
    /// The time from which it counts, or when it last rang.
    touched_at: Timestamp,
}

impl Alarm {
    fn new(new: &NewTimer, now: Timestamp) -> Self {
        let counts_from = new.counts_from(now);
        let due = counts_from.later_by(new.after);
        Self {
            timer: Timer {
                stream: new.stream.clone(),
                name: new.name.clone(),
                set_at: new.set_at,
                ordinal: new.ordinal,
                due,
            },
            counts_from,
            rings_at: due,
            touched_at: counts_from,
        }
    }

    /// Called if the clock has gone back since the timer was touched.
    fn count_anew(&mut self, now: Timestamp) {
        let wait = self.timer.due.since(self.counts_from);
        self.counts_from = self.counts_from.min(now);
        self.timer.due = self.counts_from.later_by(wait);
        self.rings_at = self.timer.due;
        self.touched_at = self.counts_from;
    }
}

impl Log {
    fn timers_of(&mut self, domain: &Domain) -> impl Iterator<Item = &mut Alarm> {
        let of_it = |alarm: &&mut Alarm| alarm.timer.stream.domain == *domain;
        self.timers.values_mut().filter(of_it)
    }
}
