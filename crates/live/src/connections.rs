//! Counts the connections that are open, and says when there are none.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{oneshot, watch};

use crate::meter;

/// The connections that are open.
#[derive(Debug)]
pub(crate) struct Connections {
    open: watch::Sender<usize>,
    most: usize,
    strangers: Mutex<Strangers>,
}

/// The connections that have not said who they are, by their age.
#[derive(Debug, Default)]
struct Strangers {
    came: u64,
    waiting: BTreeMap<u64, oneshot::Sender<()>>,
}

/// A connection that is open until this is dropped.
#[derive(Debug)]
pub(crate) struct Open {
    connections: Arc<Connections>,
    number: u64,
    told: Option<oneshot::Receiver<()>>,
    /// False once another one has its place.
    has_place: bool,
}

impl Connections {
    /// Begins without any. At most `most` may be open at once.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            open: watch::Sender::new(0),
            most,
            strangers: Mutex::default(),
        })
    }

    /// Opens one. If there is no room for it, it takes the place of the stranger that has been there the longest; `None`
    /// if there is none.
    pub(crate) fn open(self: &Arc<Self>) -> Option<Open> {
        let mut strangers = self.strangers();
        let is_let_in = self.open.send_if_modified(|open| {
            let has_room = *open < self.most;
            *open += usize::from(has_room);
            has_room
        });
        // It has taken its place before it is gone: the two are one for the count.
        let _ = match is_let_in {
            true => Ok(()),
            false => strangers.waiting.pop_first()?.1.send(()),
        };
        meter::connections(1.0);
        strangers.came += 1;
        let (tell, told) = oneshot::channel();
        let number = strangers.came;
        strangers.waiting.insert(number, tell);
        Some(Open {
            connections: Arc::clone(self),
            number,
            told: Some(told),
            has_place: true,
        })
    }

    /// Returns how many are open.
    pub(crate) fn count(&self) -> usize {
        *self.open.borrow()
    }

    /// Waits until none is open.
    pub(crate) async fn have_ended(&self) {
        let mut open = self.open.subscribe();
        // The sender lives as long as this.
        let _ = open.wait_for(|open| *open == 0).await;
    }

    fn strangers(&self) -> MutexGuard<'_, Strangers> {
        self.strangers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// It is no stranger any more, and keeps its place. Returns `false` if another one has it by now.
    pub(crate) fn is_known_now(&mut self) -> bool {
        let is_stranger = self.connections.strangers().waiting.remove(&self.number);
        self.has_place = is_stranger.is_some();
        self.has_place
    }

    /// Waits until another one has its place.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(crate) async fn loses_its_place(&mut self) {
        let is_told = match &mut self.told {
            Some(told) => told.await.is_ok(),
            None => false,
        };
        self.told = None;
        match is_told {
            true => self.has_place = false,
            // It is no stranger.
            false => pending().await,
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        meter::connections(-1.0);
        let mut strangers = self.connections.strangers();
        strangers.waiting.remove(&self.number);
        // It may have lost its place without having looked.
        let is_told = |told: &mut oneshot::Receiver<()>| told.try_recv().is_ok();
        let has_lost_it = self.told.as_mut().is_some_and(is_told);
        if self.has_place && !has_lost_it {
            self.connections.open.send_modify(|open| *open -= 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_oldest_stranger_makes_room_and_those_who_are_known_stay() {
        let connections = Connections::new(2);
        let mut known = connections.open().unwrap();
        assert!(known.is_known_now());
        let mut stranger = connections.open().unwrap();
        let mut third = connections.open().unwrap();
        stranger.loses_its_place().await;
        assert_eq!(connections.count(), 2);
        drop(stranger);
        assert_eq!(connections.count(), 2);
        assert!(third.is_known_now());
        assert!(connections.open().is_none(), "all are known");
        drop(third);
        assert_eq!(connections.count(), 1);
        // One that says who it is too late has lost its place, and is not counted twice.
        let mut late = connections.open().unwrap();
        let last = connections.open().unwrap();
        assert!(!late.is_known_now());
        drop((late, known, last));
        connections.have_ended().await;
        assert!(connections.strangers().waiting.is_empty());
    }
}
