//! Defines what a store gets to write, and its answers.

use std::collections::HashSet;
use std::iter;
use std::num::NonZero;
use std::sync::Arc;

use uuid::Uuid;

use crate::{
    CommandLetter, ContentHash, FirstResult, LogPartition, NewEvent, Position, Rejected, Sequence,
    StoreError, StreamFull, StreamId, Timestamp,
};

/// The name of the histogram of the appends in one commit. A store that shares commits between calls records it, by the
/// facade `metrics`.
pub const COMMIT_APPENDS: &str = "seriatim_commit_appends";

/// One unit of a call: written whole or not at all.
#[derive(Clone, Debug)]
pub struct Append {
    /// The stream that it is for.
    pub stream: StreamId,
    /// The content to write.
    pub write: Write,
    /// The idempotency key of the stream that is spent with it.
    pub claim: Option<Claim>,
    /// The other streams that are compared and written in the same step. They are in the same partition, and each is at
    /// most once in [`parts`](Self::parts). If one of them is not at its given sequence, nothing is written.
    pub beside: Vec<StreamWrite>,
}

/// The content of an append.
#[derive(Clone, Debug)]
pub enum Write {
    /// Events for the stream.
    Events {
        /// The current sequence that the stream must have; `None` for no events. The first event gets the next
        /// sequence.
        after: Option<Sequence>,
        /// The id of the event that has that sequence, if the writer kept the state of the stream. It is compared, so
        /// that a restored or replaced log is noticed even if its stream is as long. With `None`, only `after` is
        /// compared.
        last: Option<Uuid>,
        /// The events; if there are none, the append only checks `after` and spends the claim.
        events: Arc<[NewEvent]>,
    },
    /// A letter for a person. The stream itself is not checked.
    Letter(Box<CommandLetter>),
}

/// The write of an append to a further stream. Without events it is a guard: the stream is only compared.
#[derive(Clone, Debug)]
pub struct StreamWrite {
    /// The stream.
    pub stream: StreamId,
    /// The current sequence that it must have, as in [`Write::Events`].
    pub after: Option<Sequence>,
    /// The id of the event that has that sequence, as in [`Write::Events`].
    pub last: Option<Uuid>,
    /// The events for it.
    pub events: Arc<[NewEvent]>,
}

/// One of the streams that an append compares and perhaps writes to.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// The stream.
    pub stream: &'a StreamId,
    /// The current sequence that it must have.
    pub after: Option<Sequence>,
    /// The id of the event that has that sequence, if it is to be compared.
    pub last: Option<Uuid>,
    /// The events for it.
    pub events: &'a [NewEvent],
}

impl<'a> Part<'a> {
    /// Returns whether the stream is at the given sequence. `found` is the sequence and the id of its last event.
    pub fn follows(&self, found: Option<(Sequence, Uuid)>) -> bool {
        let (current, id) = found.unzip();
        self.after == current && (self.last.is_none() || self.last == id)
    }

    /// Returns the sequences of its first and last event; `None` if it has no events. Fails if the stream has too few
    /// left.
    pub fn sequences(&self) -> Result<Option<(Sequence, Sequence)>, StreamFull> {
        if self.events.is_empty() {
            return Ok(None);
        }
        let first = Sequence::after(self.after)?;
        let last = Sequence::advance(self.after, self.events.len())?;
        Ok(Some(first).zip(last))
    }
}

impl Append {
    /// Returns the streams that it compares, in the order in which their events are written: its own comes last, and is
    /// left out if it gets a letter.
    pub fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        let beside = self.beside.iter().map(|write| Part {
            stream: &write.stream,
            after: write.after,
            last: write.last,
            events: &write.events,
        });
        beside.chain(match &self.write {
            Write::Letter(_) => None,
            Write::Events {
                after,
                last,
                events,
            } => Some(Part {
                stream: &self.stream,
                after: *after,
                last: *last,
                events,
            }),
        })
    }

    /// Returns whether it only compares: it writes no events and no letter, and spends no key.
    pub fn only_compares(&self) -> bool {
        self.claim.is_none() && matches!(self.write, Write::Events { .. }) && self.count() == 0
    }

    /// Returns the keys that it spends, in the order in which they are checked.
    pub fn claims(&self) -> impl Iterator<Item = &Claim> {
        self.claim.iter().flat_map(Claim::all)
    }

    /// Returns how many events it writes.
    pub fn count(&self) -> usize {
        self.parts().map(|part| part.events.len()).sum()
    }

    /// Returns the result that its claim stands for once it is written; `position` is that of its last event. Fails if
    /// the stream has no sequence left.
    pub fn first_result(&self, position: Position) -> Result<FirstResult, StreamFull> {
        match &self.write {
            Write::Letter(letter) => Ok(FirstResult::DeadLettered { id: letter.id }),
            Write::Events { after, events, .. } if events.is_empty() => {
                let refusal = self.claim.as_ref().and_then(|claim| claim.refusal.clone());
                let unchanged = FirstResult::Unchanged { current: *after };
                Ok(refusal.map_or(unchanged, FirstResult::Rejected))
            }
            Write::Events { after, events, .. } => Ok(FirstResult::Committed {
                first: Sequence::after(*after)?,
                last: Sequence::advance(*after, events.len())?.ok_or(StreamFull)?,
                position,
            }),
        }
    }

    /// Returns the one partition of a call.
    ///
    /// # Panics
    /// Panics if the appends are for streams of several partitions, or if one of them has two parts of one stream.
    pub fn partition(call: &[Self], count: NonZero<u16>) -> LogPartition {
        let Some(Self { stream: first, .. }) = call.first() else {
            return LogPartition::FIRST;
        };
        let partition = LogPartition::of(first, count);
        // Most calls are for one stream, which need not be hashed again.
        let is_there = |stream: &StreamId| {
            count.get() == 1 || stream == first || LogPartition::of(stream, count) == partition
        };
        for append in call {
            let mut beside = append.beside.iter().map(|write| &write.stream);
            assert!(
                is_there(&append.stream) && beside.all(is_there),
                "the streams of one call must be in one partition"
            );
            let mut seen = HashSet::new();
            assert!(
                append.beside.is_empty() || append.parts().all(|part| seen.insert(part.stream)),
                "an append must not compare a stream twice"
            );
        }
        partition
    }
}

/// The streams of a call whose chain is broken: some of their events were not written, and later appends were decided
/// on those events.
///
/// A store keeps it while it goes through a call in order, see [`EventStore::append`](crate::EventStore::append).
#[derive(Clone, Debug, Default)]
pub struct BrokenChains(HashSet<StreamId>);

impl BrokenChains {
    /// Returns whether all events of this call that the part was decided on were written.
    pub fn holds(&self, part: &Part<'_>) -> bool {
        self.0.is_empty() || !self.0.contains(part.stream)
    }

    /// Records that an append was not written.
    pub fn note(&mut self, append: &Append) {
        let changed = append.parts().filter(|part| !part.events.is_empty());
        self.0.extend(changed.map(|part| part.stream.clone()));
    }
}

/// An idempotency key (a sender's external id, or the key of an effect) with a hash of its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The idempotency key, unique for the stream.
    pub external_id: String,
    /// The hash of what the command or fact asks for.
    pub content: ContentHash,
    /// The rejection to keep; set only in an append of no events.
    pub refusal: Option<Box<Rejected>>,
    /// Another key of the stream that is spent together with this one, for the same result: both or none.
    pub with: Option<Box<Self>>,
}

impl Claim {
    /// Returns the claim, and then the one that is spent together with it.
    pub fn all(&self) -> impl Iterator<Item = &Self> {
        iter::successors(Some(self), |claim| claim.with.as_deref())
    }
}

/// A claim that was spent. It is kept as long as the stream exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimRecord {
    /// The hash of what the first command or fact under it asked for.
    pub content: ContentHash,
    /// The result of the first sending.
    pub first: FirstResult,
}

/// A spent claim with its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedClaim {
    /// The stream on which it was spent.
    pub stream: StreamId,
    /// The key; [`ClaimKey::of`](crate::ClaimKey::of) tells whose it is.
    pub external_id: String,
    /// The claim.
    pub record: ClaimRecord,
}

/// The answer to one append of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendOutcome {
    /// It is written and durable.
    Written {
        /// The position of its last event; if it had none, the position of the head of its partition.
        position: Position,
        /// The time at which it was recorded.
        recorded_at: Timestamp,
    },
    /// A stream's current sequence or its last event differs; nothing was written.
    Conflict {
        /// The index of the first such stream in [`Append::parts`].
        part: usize,
        /// The current sequence of that stream.
        current: Option<Sequence>,
    },
    /// A key was spent before, for this or for other content; nothing was written. It is the first such key of
    /// [`Append::claims`].
    Claimed(ClaimRecord),
    /// A stream has no sequences left for so many events; nothing was written.
    StreamFull,
}

/// The reason why a store could not answer the appends of a call.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Nothing was written.
    #[error(transparent)]
    NotWritten(StoreError),
    /// Either everything that was not refused was written, or nothing. Look up each append before you report a result.
    #[error("the outcome of a commit is unknown: {0}")]
    Unknown(#[source] StoreError),
}
