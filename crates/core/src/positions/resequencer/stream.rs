//! Keeps the order of one stream: what is next, what is missing, and what came early.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::{Gap, Offered};
use crate::{Sequence, StreamId};

/// One stream. Each sequence before `end` was returned, is missing, or is that of an early event.
///
/// The numbers are `u64`, because there is no [`Sequence`] after the last one.
#[derive(Clone, Debug)]
pub(super) struct Stream<T> {
    /// The sequence after the highest one that is known of.
    end: u64,
    /// The gaps, by their first sequence.
    missing: BTreeMap<u64, Missing>,
    /// The events that are kept; each has a gap somewhere before it.
    early: BTreeMap<u64, T>,
}

/// What is known of a gap besides its first sequence.
#[derive(Clone, Copy, Debug)]
struct Missing {
    through: u64,
    /// When it opened or was last asked for; `None` until the time is told.
    since: Option<Instant>,
    was_asked_for: bool,
}

impl<T> Stream<T> {
    pub(super) fn new(next: u64) -> Self {
        Self {
            end: next,
            missing: BTreeMap::new(),
            early: BTreeMap::new(),
        }
    }

    pub(super) fn held(&self) -> usize {
        self.early.len()
    }

    pub(super) fn has_gaps(&self) -> bool {
        !self.missing.is_empty()
    }

    pub(super) fn gaps(&self, id: &StreamId) -> impl Iterator<Item = Gap> {
        let gaps = self.missing.iter();
        gaps.map(|(from, missing)| gap(id, *from, *missing))
    }

    pub(super) fn last(&self) -> Option<Sequence> {
        self.next().checked_sub(1).map(sequence)
    }

    /// The next sequence to return.
    fn next(&self) -> u64 {
        let first = self.missing.first_key_value();
        first.map_or(self.end, |(from, _)| *from)
    }

    pub(super) fn offer(
        &mut self,
        id: &StreamId,
        sequence: Sequence,
        event: T,
        has_room: bool,
    ) -> Offered<T> {
        let came = u64::from(sequence.0);
        // This is all that a stream in order needs.
        if came == self.end && !self.has_gaps() {
            self.end += 1;
            return Offered::Ready(vec![event]);
        }
        self.reach(came);
        let around = self.missing.range(..=came).next_back();
        let Some((&from, &around)) = around.filter(|(_, around)| came <= around.through) else {
            return Offered::Repeated;
        };
        if came != self.next() && !has_room {
            return Offered::Refused(gap(id, from, around), event);
        }
        self.fill(from, came);
        self.early.insert(came, event);
        match self.missing.range(..came).next_back() {
            Some((from, before)) => Offered::Held(gap(id, *from, *before)),
            None => Offered::Ready(self.release()),
        }
    }

    /// Counts all that was not known of, up to `last`, as missing.
    pub(super) fn reach(&mut self, last: u64) {
        if last < self.end {
            return;
        }
        match self.missing.last_entry() {
            // The last event that is known of has not come, or was refused: the gap grows.
            Some(mut gap) if gap.get().through + 1 == self.end => gap.get_mut().through = last,
            _ => _ = self.missing.insert(self.end, Missing::new(last)),
        }
        self.end = last + 1;
    }

    /// Takes one sequence out of the gap that begins at `from`.
    fn fill(&mut self, from: u64, came: u64) {
        let around = self.missing.remove(&from).expect("it is a gap");
        if from < came {
            let through = came - 1;
            self.missing.insert(from, Missing { through, ..around });
        }
        if came < around.through {
            // An answer comes in order. So what is behind this event is on its way, and what is before it was lost.
            let since = around.since.filter(|_| !around.was_asked_for);
            self.missing.insert(came + 1, Missing { since, ..around });
        }
    }

    /// Takes out the kept events that nothing is missing before.
    fn release(&mut self) -> Vec<T> {
        let next = self.next();
        let mut ready = Vec::new();
        while let Some(first) = self.early.first_entry()
            && *first.key() < next
        {
            ready.push(first.remove());
        }
        ready
    }

    pub(super) fn begin(&mut self, next: u64) -> Vec<T> {
        if next < self.next() {
            let first = self.missing.pop_first();
            let through = first.map_or(self.end - 1, |(_, first)| first.through);
            self.missing.insert(next, Missing::new(through));
            return Vec::new();
        }
        self.early.retain(|sequence, _| *sequence >= next);
        while let Some(first) = self.missing.first_entry()
            && *first.key() < next
        {
            let first = first.remove();
            if first.through >= next {
                self.missing.insert(next, first);
            }
        }
        self.end = self.end.max(next);
        self.release()
    }

    pub(super) fn overdue(&mut self, id: &StreamId, now: Instant, patience: Duration) -> Vec<Gap> {
        let gaps = self.missing.iter_mut();
        let overdue = gaps.filter_map(|(from, missing)| {
            if missing.deadline(now, patience)? > now {
                return None;
            }
            missing.since = Some(now);
            missing.was_asked_for = true;
            Some(gap(id, *from, *missing))
        });
        overdue.collect()
    }

    pub(super) fn next_deadline(&mut self, now: Instant, patience: Duration) -> Option<Instant> {
        let gaps = self.missing.values_mut();
        gaps.filter_map(|missing| missing.deadline(now, patience))
            .min()
    }
}

impl Missing {
    fn new(through: u64) -> Self {
        Self {
            through,
            since: None,
            was_asked_for: false,
        }
    }

    /// When to ask for it; `None` if that is later than any instant.
    fn deadline(&mut self, now: Instant, patience: Duration) -> Option<Instant> {
        self.since.get_or_insert(now).checked_add(patience)
    }
}

fn gap(id: &StreamId, from: u64, missing: Missing) -> Gap {
    Gap {
        stream: id.clone(),
        from: sequence(from),
        through: sequence(missing.through),
    }
}

fn sequence(number: u64) -> Sequence {
    Sequence(u32::try_from(number).expect("an event has such a sequence"))
}
