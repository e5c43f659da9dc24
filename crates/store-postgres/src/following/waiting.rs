//! Waiting for events: the waiters are counted, and as long as there are any, one task watches for all of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use seriatim_core::{LogPartition, Position};
use tokio::task::AbortHandle;

use crate::append::commits::Commits;
use crate::following::watcher::Watcher;
use crate::opening::location::Location;

/// The state that all waiters share.
pub(crate) struct Waiting {
    commits: Commits,
    location: Arc<Location>,
    crowd: Arc<Crowd>,
}

/// The waiters, and the task that watches for them.
#[derive(Default)]
pub(crate) struct Crowd(Mutex<Waiters>);

#[derive(Default)]
struct Waiters {
    count: usize,
    watcher: Option<AbortHandle>,
}

impl Waiting {
    pub(crate) fn new(commits: Commits, location: Arc<Location>) -> Self {
        Self {
            commits,
            location,
            crowd: Arc::default(),
        }
    }

    /// Returns when a partition may have gone past `position`.
    pub(crate) async fn past(&self, partition: LogPartition, position: Position) {
        let _waiter = self.join();
        self.commits.past(partition, position).await;
    }

    fn join(&self) -> Waiter {
        let mut waiters = self.crowd.waiters();
        waiters.count += 1;
        if waiters.watcher.is_none() {
            let watcher = Watcher::new(&self.commits, &self.location, &self.crowd);
            waiters.watcher = Some(tokio::spawn(watcher.run()).abort_handle());
        }
        Waiter(self.crowd.clone())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(watcher) = self.crowd.waiters().watcher.take() {
            watcher.abort();
        }
    }
}

impl Crowd {
    /// Returns whether anybody waits.
    pub(crate) fn is_waiting(&self) -> bool {
        self.waiters().count > 0
    }

    /// Returns whether the watcher may end; the next waiter then starts another one.
    pub(crate) fn lets_the_watcher_go(&self) -> bool {
        let mut waiters = self.waiters();
        if waiters.count == 0 {
            waiters.watcher = None;
        }
        waiters.count == 0
    }

    /// Nothing panics while the lock is held.
    fn waiters(&self) -> MutexGuard<'_, Waiters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A waiter, until it is dropped.
struct Waiter(Arc<Crowd>);

impl Drop for Waiter {
    fn drop(&mut self) {
        self.0.waiters().count -= 1;
    }
}
