//! The seam of the log: writing and reading events.

use std::ops::Bound;

use async_trait::async_trait;
use seriatim_core::{
    Append, AppendError, AppendOutcome, ClaimRecord, Domain, EventStore, Load, Loaded, Position,
    RecordedEvent, Sequence, StoreError, StreamId, StreamSummary,
};

use crate::{Log, MemoryStore, Stream};

#[async_trait]
impl EventStore for MemoryStore {
    async fn append(&self, batch: Vec<Append>) -> Result<Vec<AppendOutcome>, AppendError> {
        Ok(self.log().append_batch(batch))
    }

    async fn load(&self, load: Load) -> Result<Loaded, StoreError> {
        let log = self.log();
        let Some(stream) = log.streams.get(&load.stream) else {
            return Ok(Loaded::default());
        };
        let snapshot = stream.newest_snapshot(&load);
        let from = Sequence::count(snapshot.as_ref().map(|snapshot| snapshot.sequence));
        let through = match load.through {
            Some(through) => stream.current().min(Some(through)),
            None => stream.current(),
        };
        let until = Sequence::count(through);
        let payloads = log
            .events_of(stream, from, until.saturating_sub(from))
            .map(|event| event.payload.clone())
            .collect();
        Ok(Loaded { snapshot, payloads })
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        from: Sequence,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let log = self.log();
        let Some(stream) = log.streams.get(stream) else {
            return Ok(Vec::new());
        };
        let events = log.events_of(stream, u64::from(from.0), limit as u64);
        Ok(events.cloned().collect())
    }

    async fn read_log(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let log = self.log();
        let events = log.events.iter().skip(to_index(after.0)).take(limit);
        Ok(events.cloned().collect())
    }

    async fn head(&self) -> Result<Position, StoreError> {
        Ok(self.log().head())
    }

    async fn streams(
        &self,
        domain: Option<&Domain>,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<StreamSummary>, StoreError> {
        let log = self.log();
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let summaries = log
            .streams
            .range((after, Bound::Unbounded))
            .filter(|(id, _)| domain.is_none_or(|domain| *domain == id.domain))
            .filter_map(|(id, stream)| {
                Some(StreamSummary {
                    stream: id.clone(),
                    current: stream.current()?,
                    recorded_at: log.events[*stream.events.last()?].recorded_at,
                })
            });
        Ok(summaries.take(limit).collect())
    }

    async fn find_claim(
        &self,
        stream: &StreamId,
        external_id: &str,
    ) -> Result<Option<ClaimRecord>, StoreError> {
        let log = self.log();
        let stream = log.streams.get(stream);
        Ok(stream.and_then(|stream| stream.claims.get(external_id).cloned()))
    }
}

impl Log {
    pub(crate) fn head(&self) -> Position {
        Position(self.events.len() as u64)
    }

    fn events_of<'a>(
        &'a self,
        stream: &'a Stream,
        from: u64,
        limit: u64,
    ) -> impl Iterator<Item = &'a RecordedEvent> {
        let indexes = stream.events.iter().skip(to_index(from));
        indexes
            .take(to_index(limit))
            .map(|index| &self.events[*index])
    }
}

/// What does not fit is past the end of any vector anyway.
fn to_index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
