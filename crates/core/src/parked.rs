//! What a component could not handle, and what a person wants done about it.

use uuid::Uuid;

use crate::{Attempt, LetterStatus, ReactionLetter, Sequence, StreamId, Timestamp, Verb, Work};

/// A stream whose events a component does not handle for now, because it failed on one of them.
///
/// The events from [`sequence`](Self::sequence) to the checkpoint wait in line. They are not copied: they are the
/// events that the log has of the stream between the two. An event that is recorded after the checkpoint joins the line
/// when the checkpoint passes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// The work of the component that failed.
    pub work: Work,
    /// The stream.
    pub stream: StreamId,
    /// The first of its events that is not handled; all events before it are.
    pub sequence: Sequence,
    /// The letter about that event; `None` if the stream has moved on to an event that was not given up (again).
    pub letter: Option<Uuid>,
    /// The last failure, for people.
    pub failure: String,
    /// How often the component has failed on that event.
    pub tries: u32,
    /// When the stream was parked at that event; without a letter, when it was parked at the event before.
    pub since: Timestamp,
    /// What people tried since, oldest first.
    pub attempts: Vec<Attempt>,
    /// The decision that is still to be carried out; `None` if there is none. Without a letter it is the owner's own
    /// wish to try the event again, as its policy says.
    pub wish: Option<Wish>,
}

impl Parked {
    /// Returns the letter that waits for a person or for a decision to be carried out; `None` if there is none.
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
    /// What to do.
    pub verb: Verb,
    /// Who decided.
    pub actor: Option<String>,
    /// The reason.
    pub reason: Option<String>,
    /// When it was decided.
    pub at: Timestamp,
}
