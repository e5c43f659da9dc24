//! Reads pages of the log on tasks of their own, while the page before them is handled.

use std::collections::VecDeque;
use std::panic::resume_unwind;

use seriatim_core::{Log, LogPage, LogPartition, Position, StoreError};
use tokio::task::JoinHandle;

/// The most pages that are read at the same time. To decode a page costs more than to handle it, so two cores are faster
/// than one; there is no gain from more.
const MOST: usize = 2;

/// The pages that a reader of one partition needs next. Where a page begins is known before the one ahead of it has been
/// read, because positions have no gaps.
#[derive(Debug)]
pub(crate) struct Ahead {
    partition: LogPartition,
    pages: VecDeque<Coming>,
    /// How many pages are read at the same time. It grows with each page that was full.
    many: usize,
}

/// A page that is being read. Dropping it stops the reading.
#[derive(Debug)]
struct Coming {
    after: Position,
    limit: usize,
    reading: JoinHandle<Result<LogPage, StoreError>>,
}

impl Ahead {
    pub(crate) fn of(partition: LogPartition) -> Self {
        Self {
            partition,
            pages: VecDeque::new(),
            many: 0,
        }
    }

    /// Returns the page after `after`, and how many events were asked for, which is `limit` if nothing is on its way. It
    /// is cancel safe.
    pub(crate) async fn page(
        &mut self,
        log: &Log,
        after: Position,
        limit: usize,
    ) -> (Result<LogPage, StoreError>, usize) {
        if self.pages.front().is_none_or(|page| page.after != after) {
            self.pages.clear();
            self.begin(log, after, limit);
        }
        let coming = self.pages.front_mut().expect("one has begun");
        let (page, limit) = ((&mut coming.reading).await, coming.limit);
        self.pages.pop_front();
        let page = match page {
            Ok(page) => page,
            Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
            // Its task was ended from outside.
            Err(_) => log.read_page(self.partition, after, limit).await,
        };
        (page, limit)
    }

    /// Begins to read the pages after `last`, the end of a page that was full.
    pub(crate) fn go_on(&mut self, log: &Log, last: Position, limit: usize) {
        self.many = MOST.min(self.many + 1);
        while self.pages.len() < self.many {
            let after = self.pages.back().map_or(last, Coming::end);
            self.begin(log, after, limit);
        }
    }

    /// Stops reading ahead: a page was not full.
    pub(crate) fn stop(&mut self) {
        self.many = 0;
        self.pages.clear();
    }

    fn begin(&mut self, log: &Log, after: Position, limit: usize) {
        let (log, partition) = (log.clone(), self.partition);
        let reading = async move { log.read_page(partition, after, limit).await };
        self.pages.push_back(Coming {
            after,
            limit,
            reading: tokio::spawn(reading),
        });
    }
}

impl Coming {
    /// The position of its last event if it is full.
    fn end(&self) -> Position {
        Position(self.after.0.saturating_add(self.limit as u64))
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        self.reading.abort();
    }
}
