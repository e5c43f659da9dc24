//! Writing to the log: each append is decided first, and then written whole or not at all.

use seriatim_core::{
    Append, AppendOutcome, BrokenChains, ClaimRecord, NewEvent, Position, RecordedEvent, Sequence,
    StreamId, Timestamp, Write,
};

use crate::{Log, Stream};

impl Log {
    pub(crate) fn append_batch(&mut self, batch: Vec<Append>) -> Vec<AppendOutcome> {
        let recorded_at = self.next_recorded_at();
        let mut broken = BrokenChains::default();
        let mut outcomes = Vec::with_capacity(batch.len());
        for append in batch {
            let outcome = match broken.holds(&append) {
                true => self.append(&append, recorded_at),
                false => self.refuse_rest_of_chain(&append),
            };
            if !matches!(outcome, AppendOutcome::Written { .. }) {
                broken.note(&append);
            }
            outcomes.push(outcome);
        }
        outcomes
    }

    /// The clock of a machine may step back; times in the log do not.
    fn next_recorded_at(&self) -> Timestamp {
        let now = Timestamp::now();
        self.events
            .last()
            .map_or(now, |last| last.recorded_at.max(now))
    }

    fn append(&mut self, append: &Append, recorded_at: Timestamp) -> AppendOutcome {
        if let Some(refusal) = self.refusal(append) {
            return refusal;
        }
        let count = match &append.write {
            Write::Events { events, .. } => events.len() as u64,
            Write::Letter(_) => 0,
        };
        let position = Position(self.head().0 + count);
        let Ok(first) = append.write.first_result(position) else {
            return AppendOutcome::StreamFull;
        };
        if let Some(claim) = &append.claim {
            let record = ClaimRecord {
                content: claim.content,
                first,
            };
            let stream = self.streams.entry(append.stream.clone()).or_default();
            stream.claims.insert(claim.external_id.clone(), record);
        }
        match &append.write {
            Write::Events { events, .. } => {
                for event in events.iter() {
                    self.push(&append.stream, event, recorded_at);
                }
            }
            // A letter that is there already may have been worked on: it stays as it is.
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

    /// Why an append is not written: the claim is looked at first, then the sequence.
    fn refusal(&self, append: &Append) -> Option<AppendOutcome> {
        let stream = self.streams.get(&append.stream);
        let spent = append.claim.as_ref().and_then(|claim| {
            let record = stream?.claims.get(&claim.external_id)?;
            Some(AppendOutcome::Claimed(record.clone()))
        });
        spent.or_else(|| match &append.write {
            Write::Events { after, .. } => {
                let current = stream.and_then(Stream::current);
                (*after != current).then_some(AppendOutcome::Conflict { current })
            }
            Write::Letter(_) => None,
        })
    }

    fn push(&mut self, id: &StreamId, event: &NewEvent, recorded_at: Timestamp) {
        let index = self.events.len();
        let stream = self.streams.entry(id.clone()).or_default();
        let sequence = Sequence::after(stream.current()).expect("first_result has checked it");
        stream.events.push(index);
        self.events.push(RecordedEvent {
            id: event.id,
            stream: id.clone(),
            sequence,
            position: Position(index as u64 + 1),
            recorded_at,
            payload: event.payload.clone(),
            metadata: event.metadata.clone(),
        });
    }
}
