//! Returns the events of the log, batch by batch.

use std::sync::Arc;

use futures::future::select_all;
use seriatim_core::{Bookmark, Cursor, EventFilter, LogPartition, RecordedEvent, SubscribeError};

use crate::Feed;
use crate::reader::Reader;
use crate::recent::Page;

/// The events of the log from some place to its end, and further as it grows. [`Feed::subscribe`] makes it.
///
/// At most one page of a partition is read ahead, and none after [`Subscription::in_pages_of`], so a slow subscriber
/// delays nobody else. Events of one partition come in the order of their positions, so those of a stream come in the
/// order of their sequences. Between partitions there is no order.
#[derive(Debug)]
pub struct Subscription {
    feed: Feed,
    filter: Arc<EventFilter>,
    cursor: Cursor,
    readers: Vec<Reader>,
    /// The partition that is asked first. It changes, so that a busy partition does not keep the others waiting.
    turn: usize,
    /// True if the subscriber was told that the end is reached.
    caught_up: bool,
}

/// Consecutive events of one partition. It is empty if the filter left all events out, and it may be empty when the end
/// of the log is reached.
#[derive(Clone, Debug)]
pub struct Batch {
    page: Option<Page>,
    filter: Arc<EventFilter>,
    cursor: Cursor,
    caught_up: bool,
}

impl Batch {
    /// Returns the events, in order.
    pub fn events(&self) -> impl Iterator<Item = &RecordedEvent> {
        let all = self.page.iter().flat_map(Page::events);
        all.filter(|event| self.filter.matches(event))
    }

    /// Returns the place of a subscriber that has handled this batch and all before it. To continue later, begin
    /// [after](seriatim_core::Begin::After) it.
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// Returns true if the log had no further events when this was read.
    pub fn caught_up(&self) -> bool {
        self.caught_up
    }
}

impl Subscription {
    /// Subscribes to these partitions; there must be at least one.
    pub(crate) fn to(
        feed: Feed,
        partitions: impl IntoIterator<Item = LogPartition>,
        cursor: Cursor,
        filter: EventFilter,
    ) -> Self {
        let reader = |partition: LogPartition| {
            let tail = Arc::clone(&feed.tails()[partition.index()]);
            Reader::new(partition, tail, &cursor.get(partition))
        };
        Self {
            readers: partitions.into_iter().map(reader).collect(),
            filter: Arc::new(filter),
            feed,
            cursor,
            turn: 0,
            caught_up: false,
        }
    }

    /// Makes it read pages of about this many bytes of payload from the store, and none ahead. Use it if there are many
    /// subscribers that may be slow. Events that were recorded just now are shared by all subscribers, in pages of any
    /// size.
    #[must_use]
    pub fn in_pages_of(mut self, bytes: usize) -> Self {
        for reader in &mut self.readers {
            reader.read_pages_of(bytes);
        }
        self
    }

    /// Waits for the next batch. After an error it keeps its place: call it again to retry.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Batch, SubscribeError> {
        loop {
            if let Some(page) = self.read().await? {
                return Ok(self.batch(Some(page)));
            }
            if !self.caught_up {
                return Ok(self.batch(None));
            }
            self.wait().await?;
        }
    }

    /// Returns its place, which is after the last batch that it returned.
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// Returns the next page of the first partition that has one; `None` at the end of all.
    async fn read(&mut self) -> Result<Option<Page>, SubscribeError> {
        for _ in 0..self.readers.len() {
            let turn = self.turn;
            let reader = &mut self.readers[turn];
            let partition = reader.partition();
            let after = self.cursor.get(partition);
            let page = reader.read(self.feed.log(), &after).await?;
            self.turn = (turn + 1) % self.readers.len();
            if let Some(last) = page.as_ref().and_then(Page::last) {
                let log = self.feed.log().id();
                self.cursor.set(partition, Bookmark::of(log, last));
                return Ok(page);
            }
        }
        Ok(None)
    }

    fn batch(&mut self, page: Option<Page>) -> Batch {
        self.caught_up = !self.readers.iter().any(Reader::is_behind);
        Batch {
            page,
            filter: Arc::clone(&self.filter),
            cursor: self.cursor.clone(),
            caught_up: self.caught_up,
        }
    }

    async fn wait(&mut self) -> Result<(), SubscribeError> {
        let cursor = &self.cursor;
        let waits = self.readers.iter_mut().map(|reader| {
            let after = cursor.get(reader.partition());
            Box::pin(async move { reader.wait(&after).await })
        });
        select_all(waits).await.0
    }
}
