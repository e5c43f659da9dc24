//! The one door through which readers see the log: each event in the shape that today's program gives it.

use std::num::NonZero;
use std::sync::Arc;

use crate::{
    Bookmark, EventStore, Load, Loaded, LogId, LogPartition, LogReplaced, Position, RecordedEvent,
    Sequence, Shapes, StoreError, StreamId, SubscribeError,
};

/// The log of a store as today's program reads it. Cheap to clone.
///
/// Whoever reacts to events, shows them, or folds them into states reads them here and nowhere else, so that all of them
/// see the same: [upcast](crate::Aggregate::upcast), and under today's names. An event that is nothing any more is still
/// there, as [`Payload::nothing`](crate::Payload::nothing), so that sequences and positions stay dense; no
/// [filter](crate::EventFilter) lets it through.
#[derive(Clone, Debug)]
pub struct Log {
    store: Arc<dyn EventStore>,
    shapes: Shapes,
}

impl Log {
    /// The log of `store`, read by a program that knows these shapes.
    pub fn new(store: Arc<dyn EventStore>, shapes: Shapes) -> Self {
        Self { store, shapes }
    }

    /// The log of `store`, read by a program that knows no shapes: all events are as they are stored.
    pub fn as_stored(store: Arc<dyn EventStore>) -> Self {
        Self::new(store, Shapes::default())
    }

    /// The store, which gives events as they are stored.
    pub fn stored(&self) -> &Arc<dyn EventStore> {
        &self.store
    }

    /// The shapes that the program knows.
    pub fn shapes(&self) -> &Shapes {
        &self.shapes
    }

    /// Its identity, see [`EventStore::log_id`].
    pub fn id(&self) -> LogId {
        self.store.log_id()
    }

    /// How many partitions the log has, see [`EventStore::partitions`].
    pub fn partitions(&self) -> NonZero<u16> {
        self.store.partitions()
    }

    /// The position of the last event of a partition, see [`EventStore::head`].
    pub async fn head(&self, partition: LogPartition) -> Result<Position, StoreError> {
        self.store.head(partition).await
    }

    /// What a state is built from, see [`EventStore::load`].
    pub async fn load(&self, load: Load) -> Result<Loaded, StoreError> {
        let domain = load.stream.domain.clone();
        let mut loaded = self.store.load(load).await?;
        self.shapes.apply_in(&domain, &mut loaded.payloads);
        Ok(loaded)
    }

    /// Events of a stream, see [`EventStore::read_stream`].
    pub async fn read_stream(
        &self,
        stream: &StreamId,
        from: Sequence,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let events = self.store.read_stream(stream, from, limit).await?;
        Ok(self.today(events))
    }

    /// Events of a partition after a position, see [`EventStore::read_log`]. Nobody asks whether it is still the log that
    /// the position comes from.
    pub async fn read(
        &self,
        partition: LogPartition,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let page = self.store.read_log(partition, after, limit).await?;
        Ok(self.today(page.events))
    }

    /// Events of a partition after a place in it. Fails if that is not in this log.
    pub async fn read_after(
        &self,
        partition: LogPartition,
        after: &Bookmark,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, SubscribeError> {
        let page = self
            .store
            .read_log(partition, after.position, limit)
            .await?;
        let checked = after.check(partition, self.id(), page.follows);
        checked.map_err(SubscribeError::Replaced)?;
        Ok(self.today(page.events))
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

    /// What is in the way if a place is not in this log; `None` if it is.
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

    /// The place of the last event of a partition.
    pub async fn end(&self, partition: LogPartition) -> Result<Bookmark, StoreError> {
        let Position(head) = self.head(partition).await?;
        let last = Position(head.saturating_sub(1));
        // More may have come since, and all of it may have gone.
        let page = self.store.read_log(partition, last, 1).await?;
        let event = page.events.first();
        Ok(event.map_or(Bookmark::START, |event| Bookmark::of(self.id(), event)))
    }

    fn today(&self, mut events: Vec<RecordedEvent>) -> Vec<RecordedEvent> {
        self.shapes.apply(&mut events);
        events
    }
}
