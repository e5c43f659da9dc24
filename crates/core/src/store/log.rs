//! Reads the log: each event has the shape that today's program gives it.

use std::num::NonZero;
use std::sync::Arc;

use crate::{
    Bookmark, EventStore, Load, Loaded, LogId, LogPage, LogPartition, LogReplaced, Position,
    RecordedEvent, Sequence, Shapes, StoreError, StreamId, SubscribeError,
};

/// The log of a store in today's shape. Cheap to clone.
///
/// Every reader that reacts to events, shows them, or folds them into states reads them here and nowhere else. All
/// readers therefore see the same events: [upcast](crate::Aggregate::upcast), and under today's names. An event that
/// has become nothing is still there, as [`Payload::nothing`](crate::Payload::nothing), so that sequences and positions
/// stay dense; no [filter](crate::EventFilter) lets it through.
#[derive(Clone, Debug)]
pub struct Log {
    store: Arc<dyn EventStore>,
    shapes: Shapes,
}

impl Log {
    /// Makes the log of `store` for a program that knows these shapes.
    pub fn new(store: Arc<dyn EventStore>, shapes: Shapes) -> Self {
        Self { store, shapes }
    }

    /// Makes the log of `store` for a program that knows no shapes: all events are as they are stored.
    pub fn as_stored(store: Arc<dyn EventStore>) -> Self {
        Self::new(store, Shapes::default())
    }

    /// Returns the store, which gives events as they are stored.
    pub fn stored(&self) -> &Arc<dyn EventStore> {
        &self.store
    }

    /// Returns the shapes that the program knows.
    pub fn shapes(&self) -> &Shapes {
        &self.shapes
    }

    /// Returns its identity, see [`EventStore::log_id`].
    pub fn id(&self) -> LogId {
        self.store.log_id()
    }

    /// Returns how many partitions the log has, see [`EventStore::partitions`].
    pub fn partitions(&self) -> NonZero<u16> {
        self.store.partitions()
    }

    /// Returns the position of the last event of a partition, see [`EventStore::head`].
    pub async fn head(&self, partition: LogPartition) -> Result<Position, StoreError> {
        self.store.head(partition).await
    }

    /// Returns the data that a state is built from, see [`EventStore::load`].
    pub async fn load(&self, load: Load) -> Result<Loaded, StoreError> {
        let domain = load.stream.domain.clone();
        let mut loaded = self.store.load(load).await?;
        self.shapes.apply_in(&domain, &mut loaded.payloads);
        Ok(loaded)
    }

    /// Returns events of a stream, see [`EventStore::read_stream`].
    pub async fn read_stream(
        &self,
        stream: &StreamId,
        from: Sequence,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let events = self.store.read_stream(stream, from, limit).await?;
        Ok(self.today(events))
    }

    /// Returns events of a partition after a position, see [`EventStore::read_log`]. It does not check whether the
    /// position comes from this log.
    pub async fn read(
        &self,
        partition: LogPartition,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let page = self.store.read_log(partition, after, limit).await?;
        Ok(self.today(page.events))
    }

    /// Returns events of a partition after a place. Fails if the place is not in this log.
    pub async fn read_after(
        &self,
        partition: LogPartition,
        after: &Bookmark,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, SubscribeError> {
        let page = self.read_page(partition, after.position, limit).await?;
        let checked = after.check(partition, self.id(), page.follows);
        checked.map_err(SubscribeError::Replaced)?;
        Ok(page.events)
    }

    /// Returns events of a partition after a position, with the event that they follow. A reader that guesses where its
    /// next page begins checks with [`Bookmark::check`] whether the guess was right.
    pub async fn read_page(
        &self,
        partition: LogPartition,
        after: Position,
        limit: usize,
    ) -> Result<LogPage, StoreError> {
        let mut page = self.store.read_log(partition, after, limit).await?;
        self.shapes.apply(&mut page.events);
        Ok(page)
    }

    /// Fails if a place is not in this log.
    pub async fn check(
        &self,
        partition: LogPartition,
        place: &Bookmark,
    ) -> Result<(), SubscribeError> {
        let replaced = self.replaced(partition, place).await?;
        replaced.map_or(Ok(()), |replaced| Err(SubscribeError::Replaced(replaced)))
    }

    /// Returns why a place is not in this log; `None` if it is.
    pub async fn replaced(
        &self,
        partition: LogPartition,
        place: &Bookmark,
    ) -> Result<Option<LogReplaced>, StoreError> {
        if place.position == Position::START {
            return Ok(None);
        }
        let page = self.store.read_log(partition, place.position, 0).await?;
        Ok(place.check(partition, self.id(), page.follows).err())
    }

    /// Returns the place of the last event of a partition.
    pub async fn end(&self, partition: LogPartition) -> Result<Bookmark, StoreError> {
        let Position(head) = self.head(partition).await?;
        let last = Position(head.saturating_sub(1));
        // The log may have grown since, or may have been emptied.
        let page = self.store.read_log(partition, last, 1).await?;
        let event = page.events.first();
        Ok(event.map_or(Bookmark::START, |event| Bookmark::of(self.id(), event)))
    }

    fn today(&self, mut events: Vec<RecordedEvent>) -> Vec<RecordedEvent> {
        self.shapes.apply(&mut events);
        events
    }
}
