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
    /// The stream it concerns.
    pub stream: StreamId,
    /// What is to be written.
    pub write: Write,
    /// The external id that is spent with it.
    pub claim: Option<Claim>,
}

/// What an append writes.
#[derive(Clone, Debug)]
pub enum Write {
    /// Events.
    Events {
        /// The current sequence the stream must have (`None`: no events). The first event gets the next one.
        after: Option<Sequence>,
        /// The id of the event that has that sequence, from a writer that kept the state of the stream. It is compared,
        /// so that a log that was restored or replaced is noticed even if its stream is as long. `None`: only `after` is.
        last: Option<Uuid>,
        /// The events; none at all just checks `after` and spends the claim.
        events: Arc<[NewEvent]>,
    },
    /// A letter for a person; the stream itself is not looked at.
    Letter(Box<CommandLetter>),
}

impl Append {
    /// Whether the stream still stands where this was decided, if its last event has this sequence and id.
    pub fn follows(&self, found: Option<(Sequence, Uuid)>) -> bool {
        match &self.write {
            Write::Letter(_) => true,
            Write::Events { after, last, .. } => {
                let (current, id) = found.unzip();
                *after == current && (last.is_none() || *last == id)
            }
        }
    }

    /// What its claim stands for, once the write has its place: `position` is that of its last event.
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

/// The streams of a batch whose chain is broken: events were not written, on which later appends were decided.
///
/// Kept by a store while it goes through a batch in order, see [`EventStore::append`](crate::EventStore::append).
#[derive(Clone, Debug, Default)]
pub struct BrokenChains(HashSet<StreamId>);

impl BrokenChains {
    /// Whether what `append` was decided on is still true, as far as this batch is concerned.
    pub fn holds(&self, append: &Append) -> bool {
        self.0.is_empty()
            || matches!(append.write, Write::Letter(_))
            || !self.0.contains(&append.stream)
    }

    /// To be told of every append that was not written.
    pub fn note(&mut self, append: &Append) {
        if let Write::Events { events, .. } = &append.write
            && !events.is_empty()
        {
            self.0.insert(append.stream.clone());
        }
    }
}

/// An external id, or the key of an effect, and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The key, unique for the stream.
    pub external_id: String,
    /// What the command or fact asks for.
    pub content: ContentHash,
    /// Set in an append of no events that keeps a "no".
    pub refusal: Option<Box<Rejected>>,
}

/// A claim that was spent, as long as the stream exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimRecord {
    /// What the first command or fact under it asked for.
    pub content: ContentHash,
    /// What became of it.
    pub first: FirstResult,
}

/// A claim that was spent, with the key that it was spent under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedClaim {
    /// On which stream.
    pub stream: StreamId,
    /// The key: [`ClaimKey::of`](crate::ClaimKey::of) tells whose it is.
    pub external_id: String,
    /// What it stands for.
    pub record: ClaimRecord,
}

/// The answer to one append of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendOutcome {
    /// It is durable.
    Written {
        /// The position of its last event; of the head of its partition if it had none.
        position: Position,
        /// When it was recorded.
        recorded_at: Timestamp,
    },
    /// The stream's current sequence, or its last event, is another; nothing was written.
    Conflict {
        /// The current sequence.
        current: Option<Sequence>,
    },
    /// The external id was spent before, by this or by other content; nothing was written.
    Claimed(ClaimRecord),
    /// The stream has no sequences left for so many events; nothing was written.
    StreamFull,
}

/// Why a batch was not answered append by append.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Nothing of the batch was written.
    #[error(transparent)]
    NotWritten(StoreError),
    /// Some of the batch may have been written: what belongs to one partition of the log as a whole or not at all.
    /// Look for each append before saying anything.
    #[error("the outcome of a commit is unknown: {0}")]
    Unknown(#[source] StoreError),
}
