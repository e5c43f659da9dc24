//! Writing to the log: each append is decided first, and then written whole or not at all.

use seriatim_core::{
    Append, AppendOutcome, BrokenChains, ClaimRecord, LogPartition, NewEvent, Part, Position,
    RecordedEvent, Sequence, StreamId, Timestamp, Write,
};

use crate::read::to_index;
use crate::{Log, Stream};

impl Log {
    pub(crate) fn append_call(&mut self, call: &[Append]) -> Vec<AppendOutcome> {
        let partition = Append::partition(call, self.count());
        let now = self.clock.now();
        let mut broken = BrokenChains::default();
        let mut outcomes = Vec::with_capacity(call.len());
        for append in call {
            let outcome = match self.refusal(append, &broken) {
                Some(refusal) => refusal,
                None => self.append(append, partition, now),
            };
            if !matches!(outcome, AppendOutcome::Written { .. }) {
                broken.note(append);
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

    /// Writes an append that nothing refuses.
    fn append(
        &mut self,
        append: &Append,
        partition: LogPartition,
        now: Timestamp,
    ) -> AppendOutcome {
        let position = Position(self.head(partition).0 + append.count() as u64);
        let recorded_at = self.recorded_at(partition, now);
        let full = append.parts().any(|part| part.sequences().is_err());
        let Some(first) = append.first_result(position).ok().filter(|_| !full) else {
            return AppendOutcome::StreamFull;
        };
        for claim in append.claims() {
            let record = ClaimRecord {
                content: claim.content,
                first: first.clone(),
            };
            let stream = self.stream(&append.stream, partition);
            stream.claims.insert(claim.external_id.clone(), record);
        }
        for part in append.parts() {
            for event in part.events {
                self.push(part.stream, partition, event, recorded_at);
            }
        }
        // A letter that already exists may have been decided about, so it stays as it is.
        if let Write::Letter(letter) = &append.write {
            self.letters
                .entry(letter.id)
                .or_insert_with(|| letter.as_ref().clone());
        }
        AppendOutcome::Written {
            position,
            recorded_at,
        }
    }

    /// Returns why an append is not written. The claim is checked first, then the sequences.
    fn refusal(&self, append: &Append, broken: &BrokenChains) -> Option<AppendOutcome> {
        let spent = append.claims().find_map(|claim| {
            let stream = self.streams.get(&append.stream)?;
            let record = stream.claims.get(&claim.external_id)?;
            Some(AppendOutcome::Claimed(record.clone()))
        });
        let conflict = |(index, part): (usize, Part<'_>)| {
            let last = self.streams.get(part.stream).and_then(|stream| {
                let event = &self.partitions[stream.partition.index()][*stream.events.last()?];
                Some((event.sequence, event.id))
            });
            let current = last.map(|(sequence, _)| sequence);
            let holds = broken.holds(&part) && part.follows(last);
            (!holds).then_some(AppendOutcome::Conflict {
                part: index,
                current,
            })
        };
        spent.or_else(|| append.parts().enumerate().find_map(conflict))
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
