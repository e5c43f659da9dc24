//! Appends: each is decided first, and then written whole or not at all.

use rusqlite::Error;
use seriatim_core::reading::checksum;
use seriatim_core::{
    Append, AppendOutcome, BrokenChains, FirstResult, NewEvent, Position, Sequence, StreamId, Write,
};

use crate::append::event_rows::EventRow;
use crate::append::memory::StreamKey;
use crate::append::transaction::Transaction;
use crate::letters::dead_letter;
use crate::reading::claims;
use crate::row;

impl<'j> Transaction<'_, 'j> {
    pub(crate) fn append_call(&mut self, call: &'j [Append]) -> Result<Vec<AppendOutcome>, Error> {
        let mut broken = BrokenChains::default();
        let mut outcomes = Vec::with_capacity(call.len());
        for append in call {
            let outcome = self.append(append, &broken)?;
            if !matches!(outcome, AppendOutcome::Written { .. }) {
                broken.note(append);
            }
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    fn append(
        &mut self,
        append: &'j Append,
        broken: &BrokenChains,
    ) -> Result<AppendOutcome, Error> {
        for (index, part) in append.parts().enumerate() {
            let last = self.last(&part)?;
            if !(broken.holds(&part) && part.follows(last)) {
                let current = last.map(|(sequence, _)| sequence);
                let part = index;
                return self.refuse(append, AppendOutcome::Conflict { part, current });
            }
            if part.sequences().is_err() {
                return self.refuse(append, AppendOutcome::StreamFull);
            }
        }
        let position = Position(self.head.position.0 + append.count() as u64);
        let Ok(first) = append.first_result(position) else {
            return self.refuse(append, AppendOutcome::StreamFull);
        };
        if let Some(spent) = self.spend(append, &first)? {
            return Ok(spent);
        }
        for part in append.parts() {
            if let (Ok(Some((first, last))), Some(event)) = (part.sequences(), part.events.last()) {
                let key = StreamKey {
                    domain: self.domain(&part.stream.domain)?,
                    root: part.stream.root,
                };
                self.insert(part.stream, key, first, part.events)?;
                self.memory.set_last(key, Some((last, event.id)));
            }
        }
        if let Write::Letter(letter) = &append.write {
            dead_letter::insert(self.connection, letter)?;
        }
        Ok(AppendOutcome::Written {
            position: self.head.position,
            recorded_at: self.head.recorded_at,
        })
    }

    /// The claim is checked first: a sender that repeats an external id is told so, whatever else is wrong.
    fn refuse(&self, append: &Append, refusal: AppendOutcome) -> Result<AppendOutcome, Error> {
        let spent = self.spent(append)?;
        Ok(spent.unwrap_or(refusal))
    }

    /// Returns what the first key that is spent was used for.
    fn spent(&self, append: &Append) -> Result<Option<AppendOutcome>, Error> {
        for claim in append.claims() {
            let spent = claims::find(self.connection, &append.stream, &claim.external_id)?;
            if let Some(record) = spent {
                return Ok(Some(AppendOutcome::Claimed(record)));
            }
        }
        Ok(None)
    }

    /// Records the claims, or returns what an external id was used for before.
    fn spend(
        &mut self,
        append: &Append,
        first: &FirstResult,
    ) -> Result<Option<AppendOutcome>, Error> {
        let mut claims = append.claims();
        let Some(claim) = claims.next() else {
            return Ok(None);
        };
        // One key is inserted and looked at only if that fails; of two, none is inserted if one is spent.
        let other = claims.next();
        if other.is_some()
            && let Some(spent) = self.spent(append)?
        {
            return Ok(Some(spent));
        }
        let stream = &append.stream;
        let domain = self.domain(&stream.domain)?;
        let result = serde_json::to_string(first).map_err(row::unwritable)?;
        for claim in [claim].into_iter().chain(other) {
            let new = self.insert_claim.execute((
                domain,
                stream.root.as_bytes(),
                &claim.external_id,
                claim.content.0.as_slice(),
                &result,
            ))?;
            if new == 0 {
                let spent = self.spent(append)?;
                return spent.map(Some).ok_or(Error::QueryReturnedNoRows);
            }
        }
        Ok(None)
    }

    fn insert(
        &mut self,
        id: &StreamId,
        stream: StreamKey,
        first: Sequence,
        events: &'j [NewEvent],
    ) -> Result<(), Error> {
        for (sequence, event) in (first.0..=u32::MAX).zip(events) {
            self.head.position.0 += 1;
            let metadata = self.metadata.encode(&event.metadata);
            let metadata = metadata.map_err(row::unwritable)?;
            let sequence = Sequence(sequence);
            let checksum = self
                .checksums
                .then(|| checksum(id, sequence, event.id, &event.payload, metadata.as_deref()));
            self.events.push(EventRow {
                position: self.head.position,
                stream,
                sequence,
                recorded_at: self.head.recorded_at,
                event,
                metadata,
                checksum: checksum.map(u64::cast_signed),
            })?;
        }
        Ok(())
    }
}
