//! Bytes that may be held at once: by one connection, and by all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// So many bytes may be held at once.
#[derive(Debug)]
pub(crate) struct Budget {
    most: usize,
    held: AtomicUsize,
}

impl Budget {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            held: AtomicUsize::new(0),
        })
    }

    /// Holds so many more, if they may be held.
    fn take(self: &Arc<Self>, bytes: usize) -> Option<Held> {
        let more = |held: usize| held.checked_add(bytes).filter(|held| *held <= self.most);
        let taken = self.held.fetch_update(Relaxed, Relaxed, more);
        taken.ok().map(|_| Held {
            budget: Arc::clone(self),
            bytes,
        })
    }
}

/// Bytes of a budget, given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.held.fetch_sub(self.bytes, Relaxed);
    }
}

/// What one connection may hold, within what all may.
#[derive(Clone, Debug)]
pub(crate) struct Ration {
    own: Arc<Budget>,
    all: Arc<Budget>,
}

impl Ration {
    pub(crate) fn new(own: usize, all: &Arc<Budget>) -> Self {
        Self {
            own: Budget::new(own),
            all: Arc::clone(all),
        }
    }

    /// Holds so many more bytes, if both may.
    pub(crate) fn take(&self, bytes: usize) -> Option<[Held; 2]> {
        let own = self.own.take(bytes)?;
        Some([own, self.all.take(bytes)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ration_is_within_what_one_and_all_may_hold() {
        let all = Budget::new(10);
        let (one, other) = (Ration::new(8, &all), Ration::new(8, &all));
        assert!(one.take(9).is_none());
        let held = one.take(8);
        assert!(held.is_some());
        assert!(other.take(3).is_none());
        // What was refused by all is not held by one.
        let held_of = |budget: &Budget| budget.held.load(Relaxed);
        assert_eq!((held_of(&other.own), held_of(&all)), (0, 8));
        assert!(other.take(2).is_some());
        assert_eq!(held_of(&all), 8);
        drop(held);
        assert_eq!((held_of(&one.own), held_of(&all)), (0, 0));
        assert!(other.take(usize::MAX).is_none());
        assert!(other.take(8).is_some());
    }
}
