//! Reads a page of the log on a task of its own, while the page before it is handled.

use std::panic::resume_unwind;

use seriatim_core::{Bookmark, Log, LogPartition, RecordedEvent, SubscribeError};
use tokio::task::JoinHandle;

/// A page that is being read. Dropping it stops the reading.
#[derive(Debug)]
pub(crate) struct Ahead {
    after: Bookmark,
    limit: usize,
    reading: JoinHandle<Result<Vec<RecordedEvent>, SubscribeError>>,
}

impl Ahead {
    /// Begins to read the events after `after`.
    pub(crate) fn begin(log: &Log, partition: LogPartition, after: Bookmark, limit: usize) -> Self {
        let log = log.clone();
        let reading = async move { log.read_after(partition, &after, limit).await };
        Self {
            after,
            limit,
            reading: tokio::spawn(reading),
        }
    }

    /// Returns whether this is the page after `after`.
    pub(crate) fn is_after(&self, after: &Bookmark) -> bool {
        self.after == *after
    }

    /// Returns how many events were asked for.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Waits for the page. Returns `None` if its task was ended from outside. It is cancel safe, and must not be called
    /// again after it has returned.
    pub(crate) async fn page(&mut self) -> Option<Result<Vec<RecordedEvent>, SubscribeError>> {
        match (&mut self.reading).await {
            Ok(page) => Some(page),
            Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
            Err(_) => None,
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.reading.abort();
    }
}
