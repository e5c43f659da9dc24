//! The seam of the log: writing and reading events.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::ops::Bound;

use async_trait::async_trait;
use seriatim_core::{
    Append, AppendError, AppendOutcome, ClaimRecord, Domain, EventStore, KeyedClaim, Load, Loaded,
    LogId, LogPage, LogPartition, Position, RecordedEvent, Sequence, StoreError, StreamId,
    StreamSummary,
};
use uuid::Uuid;

use crate::clock::Clock;
use crate::{Log, MemoryStore, Partition, Stream};

#[async_trait]
impl EventStore for MemoryStore {
    async fn append(&self, call: Vec<Append>) -> Result<Vec<AppendOutcome>, AppendError> {
        let mut log = self.log();
        let outcomes = log.append_call(&call);
        for (head, events) in self.shared.heads.iter().zip(&log.partitions) {
            let now = Position(events.len() as u64);
            head.send_if_modified(|head| std::mem::replace(head, now) != now);
        }
        Ok(outcomes)
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
        let last = through.and_then(|through| log.event_id(&load.stream, through));
        Ok(Loaded {
            snapshot,
            payloads,
            last,
        })
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

    fn partitions(&self) -> NonZero<u16> {
        self.shared.partitions
    }

    fn log_id(&self) -> LogId {
        self.shared.log_id
    }

    async fn read_log(
        &self,
        partition: LogPartition,
        after: Position,
        limit: usize,
    ) -> Result<LogPage, StoreError> {
        partition.check(self.partitions());
        let log = self.log();
        let all = &log.partitions[partition.index()];
        let before = after.0.checked_sub(1).map(to_index);
        Ok(LogPage {
            follows: before.and_then(|index| Some(all.get(index)?.id)),
            events: (all.iter().skip(to_index(after.0)).take(limit))
                .cloned()
                .collect(),
        })
    }

    async fn head(&self, partition: LogPartition) -> Result<Position, StoreError> {
        partition.check(self.partitions());
        Ok(self.log().head(partition))
    }

    async fn wait_past(&self, partition: LogPartition, position: Position) {
        partition.check(self.partitions());
        let mut head = self.shared.heads[partition.index()].subscribe();
        let moved = head.wait_for(|head| *head > position).await;
        moved.expect("the store keeps the sender");
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
                let current = stream.current()?;
                let last = log.events_of(stream, u64::from(current.0), 1).next()?;
                Some(StreamSummary {
                    stream: id.clone(),
                    current,
                    recorded_at: last.recorded_at,
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

    async fn claims(
        &self,
        after: Option<(&StreamId, &str)>,
        limit: usize,
    ) -> Result<Vec<KeyedClaim>, StoreError> {
        let log = self.log();
        let from = after.map_or(Bound::Unbounded, |(stream, _)| Bound::Included(stream));
        let streams = log.streams.range((from, Bound::Unbounded));
        let claims = streams.flat_map(|(id, stream)| {
            let after = match after {
                Some((last, key)) if last == id => Bound::Excluded(key),
                _ => Bound::Unbounded,
            };
            let claims = stream.claims.range::<str, _>((after, Bound::Unbounded));
            claims.map(|(key, record)| KeyedClaim {
                stream: id.clone(),
                external_id: key.clone(),
                record: record.clone(),
            })
        });
        Ok(claims.take(limit).collect())
    }

    async fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn check_storage(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

impl Log {
    pub(crate) fn new(count: NonZero<u16>, clock: Clock) -> Self {
        Self {
            clock,
            partitions: LogPartition::all(count).map(|_| Partition::new()).collect(),
            streams: BTreeMap::new(),
            letters: BTreeMap::new(),
            checkpoints: BTreeMap::new(),
            beginnings: BTreeMap::new(),
            pauses: BTreeMap::new(),
            parked: BTreeMap::new(),
            annotations: BTreeMap::new(),
            closed: BTreeMap::new(),
            timers: BTreeMap::new(),
        }
    }

    pub(crate) fn count(&self) -> NonZero<u16> {
        let count = u16::try_from(self.partitions.len()).ok();
        count
            .and_then(NonZero::new)
            .expect("it was made of such a number")
    }

    pub(crate) fn head(&self, partition: LogPartition) -> Position {
        Position(self.partitions[partition.index()].len() as u64)
    }

    /// Returns the id of the event that a stream has at a sequence.
    pub(crate) fn event_id(&self, stream: &StreamId, sequence: Sequence) -> Option<Uuid> {
        let stream = self.streams.get(stream)?;
        let mut found = self.events_of(stream, u64::from(sequence.0), 1);
        found.next().map(|event| event.id)
    }

    fn events_of<'a>(
        &'a self,
        stream: &'a Stream,
        from: u64,
        limit: u64,
    ) -> impl Iterator<Item = &'a RecordedEvent> {
        let events = &self.partitions[stream.partition.index()];
        let indexes = stream.events.iter().skip(to_index(from));
        indexes
            .take(to_index(limit))
            .map(move |index| &events[*index])
    }
}

/// A number that does not fit is past the end of any vector anyway.
pub(crate) fn to_index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
