//! The seam of the timers.

use std::collections::btree_map::Entry;
use std::ops::Bound;
use std::time::Duration;

use async_trait::async_trait;
use seriatim_core::{
    ClearedTimer, Domain, Overdue, StoreError, StreamId, Timer, TimerStore, Timestamp,
};

use crate::{Log, MemoryStore};

#[async_trait]
impl TimerStore for MemoryStore {
    async fn set_timers(&self, timers: &[Timer]) -> Result<(), StoreError> {
        let mut log = self.log();
        for timer in timers {
            let key = (timer.stream.clone(), timer.name.clone());
            match log.timers.entry(key) {
                Entry::Occupied(kept) if timer.set_at <= kept.get().1.set_at => {}
                place => {
                    place.insert_entry((timer.due, timer.clone()));
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
                && kept.get().1.set_at <= *through
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
        // Under the lock, so that no other caller's silence seems to be over before it has begun.
        let now = log.clock.now();
        let mut ringing: Vec<_> = log
            .timers_of(domain)
            .filter(|(rings_at, _)| *rings_at <= now)
            .collect();
        ringing.sort_by_key(|(rings_at, _)| *rings_at);
        let given = ringing.into_iter().take(limit).map(|kept| {
            kept.0 = now.later_by(silence);
            kept.1.clone()
        });
        let mut given: Vec<_> = given.collect();
        given.sort_by_key(|timer| timer.due);
        Ok(given)
    }

    async fn next_timer(&self, domain: &Domain) -> Result<Option<Duration>, StoreError> {
        let mut log = self.log();
        let next = log.timers_of(domain).map(|(rings_at, _)| *rings_at).min();
        Ok(next.map(|rings_at| rings_at.since(log.clock.now())))
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
        let timers = timers.map(|(_, (_, timer))| timer.clone());
        Ok(timers.take(limit).collect())
    }

    async fn overdue(&self, domain: &Domain, silence: Duration) -> Result<Overdue, StoreError> {
        let mut log = self.log();
        let now = log.clock.now();
        let until = now.later_by(silence);
        let overdue = log.timers_of(domain);
        let overdue = overdue.filter(|(rings_at, timer)| *rings_at <= until && timer.due <= now);
        Ok(
            overdue.fold(Overdue::default(), |so_far, (_, timer)| Overdue {
                count: so_far.count + 1,
                longest: so_far.longest.max(now.since(timer.due)),
            }),
        )
    }
}

impl Log {
    fn timers_of(&mut self, domain: &Domain) -> impl Iterator<Item = &mut (Timestamp, Timer)> {
        let of_it = |(_, timer): &&mut (Timestamp, Timer)| timer.stream.domain == *domain;
        self.timers.values_mut().filter(of_it)
    }
}
