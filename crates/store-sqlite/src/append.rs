//! Appends: each is decided first, and then written whole or not at all.

use rusqlite::Error;
use seriatim_core::{
    Append, AppendOutcome, BrokenChains, Claim, ClaimRecord, FirstResult, NewEvent, Position,
    Sequence, Write,
};

use crate::known::StreamRow;
use crate::transaction::Transaction;
use crate::{dead_letter, read, row};

impl Transaction<'_> {
    pub(crate) fn append_batch(&mut self, batch: &[Append]) -> Result<Vec<AppendOutcome>, Error> {
        let mut broken = BrokenChains::default();
        let mut outcomes = Vec::with_capacity(batch.len());
        for append in batch {
            let outcome = match broken.holds(append) {
                true => self.append(append)?,
                false => self.refuse_rest_of_chain(append)?,
            };
            if !matches!(outcome, AppendOutcome::Written { .. }) {
                broken.note(append);
            }
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    fn refuse_rest_of_chain(&mut self, append: &Append) -> Result<AppendOutcome, Error> {
        let stream = self.find_stream(&append.stream)?;
        let current = stream.and_then(|stream| stream.current);
        self.refuse(stream, append, AppendOutcome::Conflict { current })
    }

    fn append(&mut self, append: &Append) -> Result<AppendOutcome, Error> {
        let stream = if needs_stream(append) {
            Some(self.find_or_create_stream(&append.stream)?)
        } else {
            self.find_stream(&append.stream)?
        };
        match &append.write {
            Write::Letter(letter) => {
                let first = FirstResult::DeadLettered { id: letter.id };
                if let Some(spent) = self.spend(stream, append.claim.as_ref(), &first)? {
                    return Ok(spent);
                }
                dead_letter::insert(self.connection, letter)?;
            }
            Write::Events { after, events } => {
                let current = stream.and_then(|stream| stream.current);
                if current != *after {
                    return self.refuse(stream, append, AppendOutcome::Conflict { current });
                }
                let position = Position(self.head.position.0 + events.len() as u64);
                let Ok(first) = append.write.first_result(position) else {
                    return self.refuse(stream, append, AppendOutcome::StreamFull);
                };
                if let Some(spent) = self.spend(stream, append.claim.as_ref(), &first)? {
                    return Ok(spent);
                }
                if let (Some(stream), FirstResult::Committed { first, last, .. }) = (stream, first)
                {
                    self.insert(stream, first, events)?;
                    let current = Some(last);
                    let row = StreamRow { current, ..stream };
                    self.known.set_stream(&append.stream, row);
                }
            }
        }
        Ok(AppendOutcome::Written {
            position: self.head.position,
            recorded_at: self.head.recorded_at,
        })
    }

    /// The claim is looked at first: whoever repeats an external id learns so whatever else is wrong.
    fn refuse(
        &self,
        stream: Option<StreamRow>,
        append: &Append,
        refusal: AppendOutcome,
    ) -> Result<AppendOutcome, Error> {
        let (Some(stream), Some(claim)) = (stream, &append.claim) else {
            return Ok(refusal);
        };
        let spent = read::claim(self.connection, stream.id, &claim.external_id)?;
        Ok(spent.map_or(refusal, AppendOutcome::Claimed))
    }

    /// Spends a claim, or tells what it was spent on before.
    fn spend(
        &mut self,
        stream: Option<StreamRow>,
        claim: Option<&Claim>,
        first: &FirstResult,
    ) -> Result<Option<AppendOutcome>, Error> {
        let (Some(stream), Some(claim)) = (stream, claim) else {
            return Ok(None);
        };
        let result = serde_json::to_string(first).map_err(row::unwritable)?;
        let new = self.insert_claim.execute((
            stream.id,
            &claim.external_id,
            claim.content.0.as_slice(),
            result,
        ))?;
        if new == 1 {
            return Ok(None);
        }
        let spent: Option<ClaimRecord> =
            read::claim(self.connection, stream.id, &claim.external_id)?;
        spent
            .map(|record| Some(AppendOutcome::Claimed(record)))
            .ok_or(Error::QueryReturnedNoRows)
    }

    fn insert(
        &mut self,
        stream: StreamRow,
        first: Sequence,
        events: &[NewEvent],
    ) -> Result<(), Error> {
        for (sequence, event) in (first.0..=u32::MAX).zip(events) {
            self.head.position.0 += 1;
            let metadata = self.metadata.encode(&event.metadata);
            self.insert_event.execute((
                row::position_column(self.head.position),
                stream.id,
                sequence,
                self.head.recorded_at.as_micros(),
                event.id.as_bytes().as_slice(),
                event.payload.type_name.as_ref(),
                row::codec_column(event.payload.codec),
                metadata.map_err(row::unwritable)?,
                row::data_column(&event.payload.data, event.payload.codec),
            ))?;
        }
        Ok(())
    }
}

/// Whether the append would leave a row of its stream if that is new: nothing can refuse it then, because a new
/// stream has no events and no claims.
fn needs_stream(append: &Append) -> bool {
    match &append.write {
        Write::Letter(_) => append.claim.is_some(),
        Write::Events { after, events } => {
            after.is_none() && (append.claim.is_some() || !events.is_empty())
        }
    }
}
