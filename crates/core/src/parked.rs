//! What a component could not handle, and what a person wants done about it.

use uuid::Uuid;

use crate::{
    Attempt, Bookmark, LetterStatus, ReactionLetter, Sequence, StreamId, Timestamp, Verb, Work,
};

/// A stream whose events a component does not handle for now, because it failed on one of them.
///
/// The events from [`sequence`](Self::sequence) to the checkpoint wait in line. They are not copied anywhere: they are
/// what the log has of the stream between the two. What is recorded after the checkpoint lines up as the checkpoint
/// passes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// Whose.
    pub work: Work,
    /// Which stream.
    pub stream: StreamId,
    /// The first of its events that is not handled; all before it are.
    pub sequence: Sequence,
    /// The letter about that event; `None` if the stream has come so far and the event was not given up (again).
    pub letter: Option<Uuid>,
    /// What the component said when it failed last, for people.
    pub failure: String,
    /// How often it has failed on that event.
    pub tries: u32,
    /// Since when the stream is parked at that event; without a letter, at the one before.
    pub since: Timestamp,
    /// What people tried since, oldest first.
    pub attempts: Vec<Attempt>,
    /// What is to be done, and is not done yet; `None` while nobody has decided. Without a letter it is the owner's own wish:
    /// to try the event again, as its policy says.
    pub wish: Option<Wish>,
}

impl Parked {
    /// The letter that waits for a person, or for what a person decided to be done.
    pub fn as_letter(&self) -> Option<ReactionLetter> {
        Some(ReactionLetter {
            id: self.letter?,
            work: self.work.clone(),
            stream: self.stream.clone(),
            sequence: self.sequence,
            failure: self.failure.clone(),
            tries: self.tries,
            parked_at: self.since,
            attempts: self.attempts.clone(),
            decision: self.wish.clone(),
            status: LetterStatus::Parked,
            closed_at: None,
        })
    }
}

/// What a person decided about a parked stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// What is to be done.
    pub verb: Verb,
    /// Who decided.
    pub actor: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// What was finished, and is to be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advance {
    /// The log up to a place: there the checkpoint is to stand.
    Checkpoint(Bookmark),
    /// Events of a parked stream.
    Parked {
        /// Which stream.
        stream: StreamId,
        /// The first of them.
        from: Sequence,
        /// The first that is not handled then; `None`: none is left, and the stream is parked no longer.
        to: Option<Sequence>,
    },
}
