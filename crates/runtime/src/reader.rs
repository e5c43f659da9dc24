//! Reads one partition for one subscriber.

use std::sync::Arc;

use seriatim_core::{Bookmark, Log, LogPage, LogPartition, Position, SubscribeError};
use tokio::sync::watch;

use crate::ahead::Ahead;
use crate::continuity::Continuity;
use crate::page_size::PageSize;
use crate::recent::Page;
use crate::tail::{Known, News, Tail};

/// A subscriber's way through one partition. It reads only when it is asked: from memory if possible, otherwise from
/// the store.
#[derive(Debug)]
pub(crate) struct Reader {
    partition: LogPartition,
    tail: Arc<Tail>,
    /// Present once it has caught up for the first time.
    listener: Option<watch::Receiver<News>>,
    size: PageSize,
    /// True if the next pages are read while the one before them is handled.
    reads_ahead: bool,
    /// The pages that are being read.
    ahead: Ahead,
    continuity: Continuity,
    /// True if more events follow, as far as is known.
    behind: bool,
}

impl Reader {
    pub(crate) fn new(partition: LogPartition, tail: Arc<Tail>, begin: &Bookmark) -> Self {
        Self {
            partition,
            tail,
            listener: None,
            size: PageSize::default(),
            reads_ahead: true,
            ahead: Ahead::of(partition),
            continuity: Continuity::new(partition, begin.position),
            behind: true,
        }
    }

    /// Makes it read pages of about this many bytes from the store, and none ahead.
    pub(crate) fn read_pages_of(&mut self, bytes: usize) {
        self.size = PageSize::of(bytes);
        self.reads_ahead = false;
    }

    pub(crate) fn partition(&self) -> LogPartition {
        self.partition
    }

    pub(crate) fn is_behind(&self) -> bool {
        self.behind
    }

    /// Returns the events that follow `after`; `None` at the end. Events before a fault are returned first, and the
    /// next call fails.
    pub(crate) async fn read(
        &mut self,
        log: &Log,
        after: &Bookmark,
    ) -> Result<Option<Page>, SubscribeError> {
        let (page, newest) = match self.tail.after(after) {
            Known::Page(page) => (Some(page), self.tail.last()),
            Known::Nothing => (None, after.position),
            // Only an empty read shows that nothing more follows.
            Known::TooOld => (self.read_log(log, after).await?, Position(u64::MAX)),
        };
        let Some(mut page) = page else {
            self.behind = false;
            return Ok(None);
        };
        if let Err((sound, fault)) = self.continuity.check(after.position, page.events()) {
            if sound == 0 {
                return Err(fault);
            }
            page.truncate(sound);
        }
        self.behind = page.last().map(|last| last.position) != Some(newest);
        Ok(Some(page))
    }

    async fn read_log(
        &mut self,
        log: &Log,
        after: &Bookmark,
    ) -> Result<Option<Page>, SubscribeError> {
        // A caller that waits for a page may meanwhile do something else that needs the store. If its read stood still
        // for so long, it would keep a connection, and enough such readers would wait for each other for ever. So every
        // page is read by a task.
        let size = self.size.limit();
        let (page, limit) = self.ahead.page(log, after.position, size).await;
        let LogPage { follows, events } = page?;
        let checked = after.check(self.partition, log.id(), follows);
        checked.map_err(SubscribeError::Replaced)?;
        self.size.learn(&events);
        match events.last() {
            Some(last) if self.reads_ahead && events.len() >= limit => {
                self.ahead.go_on(log, last.position, self.size.limit());
            }
            _ => self.ahead.stop(),
        }
        Ok(Page::new(events))
    }

    /// Waits until there may be events after `after`, or `after` may not be in the log any more. It is cancel safe.
    pub(crate) async fn wait(&mut self, after: &Bookmark) -> Result<(), SubscribeError> {
        let tail = &self.tail;
        let listener = self.listener.get_or_insert_with(|| tail.listen());
        Ok(tail.past(after, listener).await?)
    }
}
