//! What a store is given to write, and what it answers.

use std::collections::HashSet;
use std::sync::Arc;

use uuid::Uuid;

use crate::{
    CommandLetter, ContentHash, FirstResult, NewEvent, Position, Rejected, Sequence, StoreError,
    StreamFull, StreamId, Timestamp,
};

/// One unit of a batch: written whole or not at all.
#[derive(Clone, Debug)]
pub struct Append {
    /// The stream that it is for.
    pub stream: StreamId,
    /// What to write.
    pub write: Write,
    /// The idempotency key that is spent with it.
    pub claim: Option<Claim>,
}

/// What an append writes.
#[derive(Clone, Debug)]
pub enum Write {
    /// Events for the stream.
    Events {
        /// The current sequence the stream must have (`None`: no events). The first event gets the next one.
        after: Option<Sequence>,
        /// The id of the event that has that sequence, given by a writer that kept the state of the stream. It is
        /// compared, so that a restored or replaced log is noticed even if its stream is as long. `None`: only `after`
        /// is compared.
        last: Option<Uuid>,
        /// The events; if there are none, the append only checks `after` and spends the claim.
        events: Arc<[NewEvent]>,
    },
    /// A letter for a person; the stream itself is not checked.
    Letter(Box<CommandLetter>),
}

impl Append {
    /// Returns whether the append still follows the stream's last event, given that event's sequence and id.
    pub fn follows(&self, found: Option<(Sequence, Uuid)>) -> bool {
        match &self.write {
            Write::Letter(_) => true,
            Write::Events { after, last, .. } => {
                let (current, id) = found.unzip();
                *after == current && (last.is_none() || *last == id)
            }
        }
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
}

/// The streams of a batch whose chain is broken: some of their events were not written, and later appends were decided
/// on those events.
///
/// A store keeps it while it goes through a batch in order, see [`EventStore::append`](crate::EventStore::append).
#[derive(Clone, Debug, Default)]
pub struct BrokenChains(HashSet<StreamId>);

impl BrokenChains {
    /// Returns whether all events of this batch that `append` was decided on were written.
    pub fn holds(&self, append: &Append) -> bool {
        self.0.is_empty()
            || matches!(append.write, Write::Letter(_))
            || !self.0.contains(&append.stream)
    }

    /// Records that an append was not written.
    pub fn note(&mut self, append: &Append) {
        if let Write::Events { events, .. } = &append.write
            && !events.is_empty()
        {
            self.0.insert(append.stream.clone());
        }
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

/// The answer to one append of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendOutcome {
    /// It is written and durable.
    Written {
        /// The position of its last event; if it had none, the position of the head of its partition.
        position: Position,
        /// When it was recorded.
        recorded_at: Timestamp,
    },
    /// The stream's current sequence or its last event differs; nothing was written.
    Conflict {
        /// The current sequence.
        current: Option<Sequence>,
    },
    /// The key was spent before, for this or for other content; nothing was written.
    Claimed(ClaimRecord),
    /// The stream has no sequences left for so many events; nothing was written.
    StreamFull,
}

/// Why a store could not answer each append of a batch.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Nothing of the batch was written.
    #[error(transparent)]
    NotWritten(StoreError),
    /// Part of the batch may have been written: the appends of one partition of the log are written together or not at
    /// all. Look up each append before you report a result.
    #[error("the outcome of a commit is unknown: {0}")]
    Unknown(#[source] StoreError),
}
