//! Decides the appends of a transaction, in order, before anything is sent.

use foldhash::HashMap;
use seriatim_core::{
    Append, AppendOutcome, BrokenChains, ClaimRecord, FirstResult, Position, Sequence, StreamId,
    Timestamp, Write,
};
use uuid::Uuid;

use crate::known::{Head, Known, LastEvent};
use crate::rows::Rows;
use crate::session::Answers;

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
    known: &'k Known,
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
    pub(crate) fn from_memory(known: &'k Known, head: Head, rows: Rows) -> Self {
        Self::new(known, head, Found::default(), false, rows)
    }

    /// Makes a plan for a batch whose streams and claims are all in `known` or `found`.
    pub(crate) fn from_sight(known: &'k Known, head: Head, found: Found, rows: Rows) -> Self {
        Self::new(known, head, found, true, rows)
    }

    fn new(known: &'k Known, before: Head, found: Found, looked: bool, rows: Rows) -> Self {
        let head = Head {
            position: before.position,
            // The statement that writes it all takes the time from the clock of the server.
            recorded_at: before.recorded_at,
            revision: before.revision + 1,
            batch: Uuid::now_v7(),
        };
        Self {
            known,
            looked,
            before,
            head,
            lasts: found.lasts,
            claims: found.claims,
            rows,
        }
    }

    /// Decides the appends of one call.
    pub(crate) fn batch(&mut self, batch: &[Append]) -> Result<Vec<AppendOutcome>, MustLook> {
        let mut broken = BrokenChains::default();
        let mut outcomes = Vec::with_capacity(batch.len());
        for append in batch {
            let outcome = self.append(append, broken.holds(append))?;
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
    fn append(&mut self, append: &Append, holds: bool) -> Result<AppendOutcome, MustLook> {
        if let Some(record) = self.spent(append) {
            return Ok(AppendOutcome::Claimed(record));
        }
        let domain = self.known.domain(&append.stream.domain);
        if let Write::Events { .. } = &append.write
            && let Some(last) = self.last(append, domain)?
            && !(holds && append.follows(last))
        {
            let current = last.map(|(sequence, _)| sequence);
            return Ok(AppendOutcome::Conflict { current });
        }
        let count = match &append.write {
            Write::Events { events, .. } => events.len() as u64,
            Write::Letter(_) => 0,
        };
        let position = Position(self.head.position.0 + count);
        let first = match append.first_result(position) {
            Ok(FirstResult::Committed { last, .. }) if last > LAST_SEQUENCE => None,
            first => first.ok(),
        };
        let Some(first) = first else {
            return Ok(AppendOutcome::StreamFull);
        };
        let domain = domain.ok_or(MustLook)?;
        self.write(append, domain, first);
        self.head.position = position;
        Ok(AppendOutcome::Written {
            position,
            recorded_at: self.head.recorded_at,
        })
    }

    fn spent(&self, append: &Append) -> Option<ClaimRecord> {
        let claim = append.claim.as_ref()?;
        if self.claims.is_empty() {
            return None;
        }
        let key = (append.stream.clone(), claim.external_id.clone());
        self.claims.get(&key).cloned()
    }

    /// Returns the last event of the stream. The outer `None` means that the database will check what the append
    /// expects.
    fn last(
        &mut self,
        append: &Append,
        domain: Option<i16>,
    ) -> Result<Option<Option<LastEvent>>, MustLook> {
        let stream = &append.stream;
        let seen = self.lasts.get(stream).copied();
        if let Some(last) = seen.or_else(|| self.known.last(stream)) {
            return Ok(Some(last));
        }
        if self.looked {
            // Streams that were looked up and do not exist.
            return Ok(Some(None));
        }
        // The key of the first event's sequence shows whether a stream is new; any other assumption is checked.
        if let Write::Events {
            after,
            last,
            events,
        } = &append.write
            && (after.is_some() || events.is_empty())
        {
            let after = after.filter(|after| *after <= LAST_SEQUENCE);
            let domain = domain.ok_or(MustLook)?;
            self.rows.check(domain, stream.root, after, *last);
        }
        Ok(None)
    }

    fn write(&mut self, append: &Append, domain: i16, first: FirstResult) {
        let stream = &append.stream;
        match &append.write {
            Write::Events { events, .. } => {
                if let (FirstResult::Committed { first, last, .. }, Some(event)) =
                    (&first, events.last())
                {
                    self.rows.events(domain, stream, *first, events);
                    self.lasts.insert(stream.clone(), Some((*last, event.id)));
                }
            }
            Write::Letter(letter) => self.rows.letter(letter),
        }
        if let Some(claim) = &append.claim {
            self.rows.claim(domain, stream.root, claim, &first);
            let record = ClaimRecord {
                content: claim.content,
                first,
            };
            let key = (stream.clone(), claim.external_id.clone());
            self.claims.insert(key, record);
        }
    }
}
