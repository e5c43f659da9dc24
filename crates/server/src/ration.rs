//! Limits the bytes that one connection may hold, within a limit for all.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The bytes that all connections may hold together.
#[derive(Debug)]
pub(crate) struct Budget {
    bytes: Arc<Semaphore>,
    most: usize,
}

impl Budget {
    pub(crate) fn new(most: usize) -> Self {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            bytes: Arc::new(Semaphore::new(most)),
            most,
        }
    }

    /// Returns the permits for `bytes`: never more than the total, so that nothing waits for ever.
    fn permits(&self, bytes: usize) -> u32 {
        u32::try_from(bytes.min(self.most)).unwrap_or(u32::MAX)
    }
}

/// The bytes that one connection may hold. Cheap to clone; clones are one.
#[derive(Clone, Debug)]
pub(crate) struct Ration {
    own: Arc<Budget>,
    all: Arc<Budget>,
}

/// Bytes of a ration, given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    own: OwnedSemaphorePermit,
    all: OwnedSemaphorePermit,
}

impl Ration {
    pub(crate) fn new(own: usize, all: &Arc<Budget>) -> Self {
        Self {
            own: Arc::new(Budget::new(own)),
            all: Arc::clone(all),
        }
    }

    /// Holds this many bytes, if there is room now. Returns `None` if there is not, or if they are more than the total.
    pub(crate) fn take(&self, bytes: usize) -> Option<Held> {
        if bytes > self.own.most.min(self.all.most) {
            return None;
        }
        let take = |budget: &Budget| {
            let permits = budget.permits(bytes);
            Arc::clone(&budget.bytes).try_acquire_many_owned(permits)
        };
        Some(Held {
            own: take(&self.own).ok()?,
            all: take(&self.all).ok()?,
        })
    }

    /// Waits until this many bytes may be held, in the order of asking. More than the total counts as the total.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the place in the line, and nothing else.
    pub(crate) async fn wait(&self, bytes: usize) -> Held {
        let wait = async |budget: &Budget| {
            let permits = budget.permits(bytes);
            let acquired = Arc::clone(&budget.bytes).acquire_many_owned(permits).await;
            acquired.expect("it is never closed")
        };
        Held {
            own: wait(&self.own).await,
            all: wait(&self.all).await,
        }
    }
}

impl Held {
    /// Returns how many bytes are held.
    pub(crate) fn bytes(&self) -> usize {
        self.own.num_permits()
    }

    /// Splits off up to this many bytes.
    pub(crate) fn split(&mut self, bytes: usize) -> Self {
        let split = |held: &mut OwnedSemaphorePermit| {
            let part = held.split(bytes.min(held.num_permits()));
            part.expect("it is no more than is held")
        };
        Self {
            own: split(&mut self.own),
            all: split(&mut self.all),
        }
    }

    /// Takes over what another of the same ration holds.
    pub(crate) fn merge(&mut self, other: Self) {
        self.own.merge(other.own);
        self.all.merge(other.all);
    }

    /// Changes what is held to `bytes`, the actual size. If that is more, adds as much as there is room for, because
    /// the bytes exist already.
    pub(crate) fn settle(&mut self, bytes: usize) {
        settle(&mut self.own, bytes);
        settle(&mut self.all, bytes);
    }
}

fn settle(held: &mut OwnedSemaphorePermit, bytes: usize) {
    let now = held.num_permits();
    if bytes < now {
        drop(held.split(now - bytes));
        return;
    }
    let semaphore = Arc::clone(held.semaphore());
    let more = (bytes - now).min(semaphore.available_permits());
    let more = u32::try_from(more).unwrap_or(u32::MAX);
    if let Ok(more) = semaphore.try_acquire_many_owned(more) {
        held.merge(more);
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use futures::poll;

    use super::*;

    fn free(budget: &Budget) -> usize {
        budget.bytes.available_permits()
    }

    #[test]
    fn a_ration_is_within_what_one_and_all_may_hold() {
        let all = Arc::new(Budget::new(10));
        let (one, other) = (Ration::new(8, &all), Ration::new(8, &all));
        assert!(one.take(9).is_none());
        let held = one.take(8);
        assert!(held.is_some());
        assert!(one.take(1).is_none());
        assert!(other.take(3).is_none());
        // Bytes that the total had no room for are not held by the connection either.
        assert_eq!((free(&other.own), free(&all)), (8, 2));
        assert!(other.take(2).is_some());
        drop(held);
        assert_eq!((free(&one.own), free(&all)), (8, 10));
    }

    #[tokio::test]
    async fn who_waits_gets_room_in_turn_and_never_waits_for_more_than_there_is() {
        let all = Arc::new(Budget::new(10));
        let ration = Ration::new(8, &all);
        let held = ration.wait(usize::MAX).await;
        let mut first = std::pin::pin!(ration.wait(usize::MAX));
        let mut second = std::pin::pin!(ration.wait(1));
        assert!(poll!(first.as_mut()).is_pending());
        assert!(poll!(second.as_mut()).is_pending());
        drop(held);
        assert!(poll!(second.as_mut()).is_pending());
        let Poll::Ready(held) = poll!(first) else {
            panic!("it was its turn");
        };
        drop(held);
        assert!(poll!(second).is_ready());
    }

    #[test]
    fn what_is_held_becomes_what_it_turned_out_to_be() {
        let all = Arc::new(Budget::new(10));
        let ration = Ration::new(8, &all);
        let mut held = ration.take(4).unwrap();
        held.settle(1);
        assert_eq!((free(&ration.own), free(&all)), (7, 9));
        held.settle(6);
        assert_eq!((free(&ration.own), free(&all)), (2, 4));
        held.settle(100);
        assert_eq!((free(&ration.own), free(&all)), (0, 0));
        drop(held);
        assert_eq!((free(&ration.own), free(&all)), (8, 10));
    }

    #[test]
    fn what_is_held_can_be_split_and_merged() {
        let all = Arc::new(Budget::new(10));
        let ration = Ration::new(8, &all);
        let mut held = ration.take(5).unwrap();
        let mut part = held.split(2);
        assert_eq!((held.bytes(), part.bytes()), (3, 2));
        part.merge(held.split(9));
        assert_eq!((held.bytes(), part.bytes()), (0, 5));
        drop(held);
        assert_eq!((free(&ration.own), free(&all)), (3, 5));
        drop(part);
        assert_eq!((free(&ration.own), free(&all)), (8, 10));
    }
}
