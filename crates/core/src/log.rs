//! The one door through which readers see the log: each event in the shape that today's program gives it.

use std::num::NonZero;
use std::sync::Arc;

use crate::{
    EventStore, Load, Loaded, LogPartition, Position, RecordedEvent, Sequence, Shapes, StoreError,
    StreamId,
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
        let mut events = self.store.read_stream(stream, from, limit).await?;
        self.shapes.apply(&mut events);
        Ok(events)
    }

    /// Events of a partition, see [`EventStore::read_log`].
    pub async fn read(
        &self,
        partition: LogPartition,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let mut events = self.store.read_log(partition, after, limit).await?;
        self.shapes.apply(&mut events);
        Ok(events)
    }
}
