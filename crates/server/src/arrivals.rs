//! Lets connections begin beside one another, so that silent ones keep nobody waiting.

use std::collections::VecDeque;
use std::future::pending;

use tokio::task::{AbortHandle, JoinSet};

use crate::meter::{self, Refused};

/// The connections that were accepted and have not begun yet, each on a task of its own. Dropping it closes them.
#[derive(Debug)]
pub(crate) struct Arrivals<T> {
    tasks: JoinSet<T>,
    oldest_first: VecDeque<AbortHandle>,
}

impl<T> Default for Arrivals<T> {
    fn default() -> Self {
        Self {
            tasks: JoinSet::new(),
            oldest_first: VecDeque::new(),
        }
    }
}

impl<T: Send + 'static> Arrivals<T> {
    pub(crate) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Lets one more begin.
    pub(crate) fn add(&mut self, begin: impl Future<Output = T> + Send + 'static) {
        self.oldest_first.retain(|arrival| !arrival.is_finished());
        self.oldest_first.push_back(self.tasks.spawn(begin));
    }

    /// Waits for the next that has begun. Dropping the future loses none.
    pub(crate) async fn next(&mut self) -> T {
        loop {
            match self.tasks.join_next().await {
                Some(Ok(begun)) => return begun,
                // It has made room for another, or has panicked, which ends only this one.
                Some(Err(_)) => {}
                None => pending().await,
            }
        }
    }

    /// Closes the one that has taken the longest. Returns `false` if there is none.
    pub(crate) fn make_room(&mut self) -> bool {
        while let Some(oldest) = self.oldest_first.pop_front() {
            if !oldest.is_finished() {
                oldest.abort();
                meter::refused(Refused::NoGreeting);
                return true;
            }
        }
        false
    }
}
