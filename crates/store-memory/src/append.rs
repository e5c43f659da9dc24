//! Writing to the log: each append is decided first, and then written whole or not at all.

use seriatim_core::{
    Append, AppendOutcome, BrokenChains, ClaimRecord, LogPartition, NewEvent, Position,
    RecordedEvent, Sequence, StreamId, Timestamp, Write,
};

use crate::read::to_index;
use crate::{Log, Stream};

impl Log {
    pub(crate) fn append_batch(&mut self, batch: Vec<Append>) -> Vec<AppendOutcome> {
        let now = self.clock.now();
        let mut broken = BrokenChains::default();
        let mut outcomes = Vec::with_capacity(batch.len());
        for append in batch {
            let outcome = match broken.holds(&append) {
                true => self.append(&append, now),
                false => self.refuse_rest_of_chain(&append),
            };
            if !matches!(outcome, AppendOutcome::Written { .. }) {
                broken.note(&append);
            }
            outcomes.push(outcome);
        }
        outcomes
    }

    /// The clock of a machine may be set back, but times in a partition never decrease.
    fn recorded_at(&self, partition: LogPartition, now: Timestamp) -> Timestamp {
        let last = self.partitions[partition.index()].last();
        last.map_or(now, |last| last.recorded_at.max(now))
    }

    fn append(&mut self, append: &Append, now: Timestamp) -> AppendOutcome {
        if let Some(refusal) = self.refusal(append) {
            return refusal;
        }
        let count = match &append.write {
            Write::Events { events, .. } => events.len() as u64,
            Write::Letter(_) => 0,
        };
        let partition = self.partition_of(&append.stream);
        let position = Position(self.head(partition).0 + count);
        let recorded_at = self.recorded_at(partition, now);
        let Ok(first) = append.first_result(position) else {
            return AppendOutcome::StreamFull;
        };
        if let Some(claim) = &append.claim {
            let record = ClaimRecord {
                content: claim.content,
                first,
            };
            let stream = self.stream(&append.stream, partition);
            stream.claims.insert(claim.external_id.clone(), record);
        }
        match &append.write {
            Write::Events { events, .. } => {
                for event in events.iter() {
                    self.push(&append.stream, partition, event, recorded_at);
                }
            }
            // A letter that already exists may have been decided about, so it stays as it is.
            Write::Letter(letter) => {
                self.letters
                    .entry(letter.id)
                    .or_insert_with(|| letter.as_ref().clone());
            }
        }
        AppendOutcome::Written {
            position,
            recorded_at,
        }
    }

    fn refuse_rest_of_chain(&self, append: &Append) -> AppendOutcome {
        let current = self.streams.get(&append.stream).and_then(Stream::current);
        self.refusal(append)
            .unwrap_or(AppendOutcome::Conflict { current })
    }

    /// Returns why an append is not written. The claim is checked first, then the sequence.
    fn refusal(&self, append: &Append) -> Option<AppendOutcome> {
        let stream = self.streams.get(&append.stream);
        let spent = append.claim.as_ref().and_then(|claim| {
            let record = stream?.claims.get(&claim.external_id)?;
            Some(AppendOutcome::Claimed(record.clone()))
        });
        spent.or_else(|| {
            let last = stream.and_then(|stream| {
                let event = &self.partitions[stream.partition.index()][*stream.events.last()?];
                Some((event.sequence, event.id))
            });
            let current = last.map(|(sequence, _)| sequence);
            (!append.follows(last)).then_some(AppendOutcome::Conflict { current })
        })
    }

    fn push(
        &mut self,
        id: &StreamId,
        partition: LogPartition,
        event: &NewEvent,
        recorded_at: Timestamp,
    ) {
        let position = Position(self.head(partition).0 + 1);
        let stream = self.stream(id, partition);
        let sequence = Sequence::after(stream.current()).expect("first_result has checked it");
        stream.events.push(to_index(position.0 - 1));
        self.partitions[partition.index()].push(RecordedEvent {
            id: event.id,
            stream: id.clone(),
            sequence,
            position,
            recorded_at,
            payload: event.payload.clone(),
            metadata: event.metadata.clone(),
        });
    }

    /// Returns the stream, which is made if it is not there yet.
    fn stream(&mut self, id: &StreamId, partition: LogPartition) -> &mut Stream {
        let stream = self.streams.entry(id.clone());
        stream.or_insert_with(|| Stream::new(partition))
    }
}
