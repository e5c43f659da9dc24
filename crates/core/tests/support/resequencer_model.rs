//! A resequencer that is slow and obvious: it keeps each sequence by itself.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

/// What happens to a stream.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    Offer(u32),
    Begin(u32),
    ExpectThrough(u32),
    Ask,
}

pub(crate) fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => (0..20_u32).prop_map(Happening::Offer),
        1 => (0..20_u32).prop_map(Happening::Begin),
        1 => (0..20_u32).prop_map(Happening::ExpectThrough),
        3 => Just(Happening::Ask),
    ]
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Became {
    Ready(Vec<u32>),
    Repeated,
    Held,
    Refused,
}

/// One stream, in milliseconds.
#[derive(Debug)]
pub(crate) struct Model {
    limit: usize,
    patience: u64,
    next: u32,
    held: BTreeSet<u32>,
    /// Each missing sequence: since when, and whether it was asked for.
    missing: BTreeMap<u32, (u64, bool)>,
    /// One more than the highest sequence that is known of.
    end: u32,
}

impl Model {
    pub(crate) fn new(limit: usize, patience: u64) -> Self {
        Self {
            limit,
            patience,
            next: 0,
            held: BTreeSet::new(),
            missing: BTreeMap::new(),
            end: 0,
        }
    }

    pub(crate) fn offer(&mut self, now: u64, came: u32) -> Became {
        if came < self.next || self.held.contains(&came) {
            return Became::Repeated;
        }
        self.expect_through(now, came);
        if came != self.next && self.held.len() == self.limit {
            return Became::Refused;
        }
        self.missing.remove(&came);
        for behind in came + 1.. {
            match self.missing.get_mut(&behind) {
                Some((since, true)) => (*since, _) = (now, true),
                Some((_, false)) | None => break,
            }
        }
        self.held.insert(came);
        let ready = self.release();
        if ready.is_empty() {
            Became::Held
        } else {
            Became::Ready(ready)
        }
    }

    pub(crate) fn expect_through(&mut self, now: u64, last: u32) {
        // What is missing in one row has one time.
        let grown = self
            .end
            .checked_sub(1)
            .and_then(|last| self.missing.get(&last));
        let time = grown.copied().unwrap_or((now, false));
        for sequence in self.end..=last {
            self.missing.insert(sequence, time);
        }
        self.end = self.end.max(last + 1);
    }

    fn release(&mut self) -> Vec<u32> {
        let mut ready = Vec::new();
        while self.held.remove(&self.next) {
            ready.push(self.next);
            self.next += 1;
        }
        ready
    }

    pub(crate) fn begin(&mut self, now: u64, next: u32) -> Vec<u32> {
        if next < self.next {
            let first_gap =
                (self.next..).take_while(|sequence| self.missing.contains_key(sequence));
            let lacking: Vec<_> = (next..self.next).chain(first_gap).collect();
            self.missing
                .extend(lacking.into_iter().map(|sequence| (sequence, (now, false))));
        }
        self.missing.retain(|sequence, _| *sequence >= next);
        self.held.retain(|sequence| *sequence >= next);
        self.end = self.end.max(next);
        self.next = next;
        self.release()
    }

    /// All missing sequences.
    pub(crate) fn missing(&self) -> Vec<u32> {
        self.missing.keys().copied().collect()
    }

    /// The missing sequences to ask for now.
    pub(crate) fn overdue(&mut self, now: u64) -> Vec<u32> {
        let mut overdue = Vec::new();
        for (sequence, time) in &mut self.missing {
            if time.0 + self.patience <= now {
                *time = (now, true);
                overdue.push(*sequence);
            }
        }
        overdue
    }

    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.missing
            .values()
            .map(|(since, _)| since + self.patience)
            .min()
    }

    pub(crate) fn last(&self) -> Option<u32> {
        self.next.checked_sub(1)
    }

    pub(crate) fn held(&self) -> usize {
        self.held.len()
    }
}
