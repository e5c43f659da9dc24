//! Decides the appends of a transaction, in order, before anything is sent.

use foldhash::HashMap;
use seriatim_core::{
    Append, AppendOutcome, BrokenChains, ClaimRecord, FirstResult, Part, Position, Sequence,
    StreamId, Timestamp, Write,
};
use uuid::Uuid;

use crate::append::memory::{Head, LastEvent, Memory};
use crate::append::rows::Rows;
use crate::append::session::Answers;

/// The largest sequence that fits into its column.
const LAST_SEQUENCE: Sequence = Sequence(i32::MAX.cast_unsigned());

/// External ids by their stream.
pub(crate) type Claims = HashMap<(StreamId, String), ClaimRecord>;

/// The rows that were looked up under the lock of the head.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) lasts: HashMap<StreamId, Option<LastEvent>>,
    pub(crate) claims: Claims,
}

/// A batch cannot be decided from memory: an append would be refused, or a domain has no number yet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MustLook;

/// Goes through the appends of a transaction and collects what they write.
pub(crate) struct Plan<'k> {
    memory: &'k Memory,
    /// `true` if everything was looked up. If not, what is not known is assumed to be as the appends expect it, and the
    /// database checks this.
    looked: bool,
    before: Head,
    head: Head,
    lasts: HashMap<StreamId, Option<LastEvent>>,
    claims: Claims,
    rows: Rows,
}

/// A finished plan.
pub(crate) struct Planned {
    pub(crate) before: Head,
    /// The head after the transaction; its time is set by [`Planned::recorded`].
    pub(crate) head: Head,
    pub(crate) rows: Rows,
    pub(crate) lasts: HashMap<StreamId, Option<LastEvent>>,
}

impl Planned {
    /// Returns the head after the transaction. If everything was refused, it stays as it was.
    pub(crate) fn head(&self) -> Head {
        match self.rows.is_empty() {
            true => self.before,
            false => self.head,
        }
    }

    /// Sets the time at which it was written.
    pub(crate) fn recorded(&mut self, time: Timestamp) {
        // Only events move the time of the head.
        if self.head.position != self.before.position {
            self.head.recorded_at = time;
        }
    }
}

/// Sets, in the answers, the time at which everything was written.
pub(crate) fn recorded(answers: &mut Answers, time: Timestamp) {
    for outcome in answers.iter_mut().flatten() {
        if let AppendOutcome::Written { recorded_at, .. } = outcome {
            *recorded_at = time;
        }
    }
}

impl<'k> Plan<'k> {
    /// Makes a plan that uses what is known and assumes the rest.
    pub(crate) fn from_memory(memory: &'k Memory, head: Head, rows: Rows) -> Self {
        Self::new(memory, head, Found::default(), false, rows)
    }

    /// Makes a plan for a batch whose streams and claims are all in `memory` or `found`.
    pub(crate) fn from_sight(memory: &'k Memory, head: Head, found: Found, rows: Rows) -> Self {
        Self::new(memory, head, found, true, rows)
    }

    fn new(memory: &'k Memory, before: Head, found: Found, looked: bool, rows: Rows) -> Self {
        let head = Head {
            position: before.position,
            // The statement that writes it all takes the time from the clock of the server.
            recorded_at: before.recorded_at,
            revision: before.revision + 1,
            batch: Uuid::now_v7(),
        };
        Self {
            memory,
            looked,
            before,
            head,
            lasts: found.lasts,
            claims: found.claims,
            rows,
        }
    }

    /// Decides the appends of one call.
    pub(crate) fn call(&mut self, call: &[Append]) -> Result<Vec<AppendOutcome>, MustLook> {
        let mut broken = BrokenChains::default();
        let mut outcomes = Vec::with_capacity(call.len());
        for append in call {
            let outcome = self.append(append, &broken)?;
            if !matches!(outcome, AppendOutcome::Written { .. }) {
                // A refusal is certain only if everything was looked up.
                if !self.looked {
                    return Err(MustLook);
                }
                broken.note(append);
            }
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    pub(crate) fn finish(self) -> Planned {
        Planned {
            before: self.before,
            head: self.head,
            rows: self.rows,
            lasts: self.lasts,
        }
    }

    /// The claim is checked first: a sender that repeats an external id is told so, whatever else is wrong.
    fn append(
        &mut self,
        append: &Append,
        broken: &BrokenChains,
    ) -> Result<AppendOutcome, MustLook> {
        if let Some(record) = self.spent(append) {
            return Ok(AppendOutcome::Claimed(record));
        }
        for (index, part) in append.parts().enumerate() {
            if let Some(last) = self.last(&part)?
                && !(broken.holds(&part) && part.follows(last))
            {
                let current = last.map(|(sequence, _)| sequence);
                return Ok(AppendOutcome::Conflict {
                    part: index,
                    current,
                });
            }
        }
        let position = Position(self.head.position.0 + append.count() as u64);
        let fits = |part: Part<'_>| match part.sequences() {
            Ok(sequences) => sequences.is_none_or(|(_, last)| last <= LAST_SEQUENCE),
            Err(_) => false,
        };
        let Some(first) = append
            .first_result(position)
            .ok()
            .filter(|_| append.parts().all(fits))
        else {
            return Ok(AppendOutcome::StreamFull);
        };
        self.write(append, &first)?;
        self.head.position = position;
        Ok(AppendOutcome::Written {
            position,
            recorded_at: self.head.recorded_at,
        })
    }

    fn spent(&self, append: &Append) -> Option<ClaimRecord> {
        if self.claims.is_empty() {
            return None;
        }
        append.claims().find_map(|claim| {
            let key = (append.stream.clone(), claim.external_id.clone());
            self.claims.get(&key).cloned()
        })
    }

    /// Returns the last event of the part's stream. The outer `None` means that the database will check what the part
    /// expects.
    fn last(&mut self, part: &Part<'_>) -> Result<Option<Option<LastEvent>>, MustLook> {
        let seen = self.lasts.get(part.stream).copied();
        if let Some(last) = seen.or_else(|| self.memory.last(part.stream)) {
            return Ok(Some(last));
        }
        if self.looked {
            // Streams that were looked up and do not exist.
            return Ok(Some(None));
        }
        // The key of the first event's sequence shows whether a stream is new; any other assumption is checked.
        if part.after.is_some() || part.events.is_empty() {
            let after = part.after.filter(|after| *after <= LAST_SEQUENCE);
            let domain = self.domain(part.stream)?;
            self.rows.check(domain, part.stream.root, after, part.last);
        }
        Ok(None)
    }

    fn domain(&self, stream: &StreamId) -> Result<i16, MustLook> {
        self.memory.domain(&stream.domain).ok_or(MustLook)
    }

    fn write(&mut self, append: &Append, first: &FirstResult) -> Result<(), MustLook> {
        for part in append.parts() {
            if let (Ok(Some((first, last))), Some(event)) = (part.sequences(), part.events.last()) {
                let domain = self.domain(part.stream)?;
                self.rows.events(domain, part.stream, first, part.events);
                self.lasts
                    .insert(part.stream.clone(), Some((last, event.id)));
            }
        }
        if let Write::Letter(letter) = &append.write {
            self.rows.letter(letter);
        }
        for claim in append.claims() {
            let stream = &append.stream;
            let domain = self.domain(stream)?;
            self.rows.claim(domain, stream.root, claim, first);
            let record = ClaimRecord {
                content: claim.content,
                first: first.clone(),
            };
            let key = (stream.clone(), claim.external_id.clone());
            self.claims.insert(key, record);
        }
        Ok(())
    }
}
