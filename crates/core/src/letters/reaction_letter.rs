//! Contains events that components failed on.

use uuid::Uuid;

use crate::{Attempt, Decider, LetterStatus, Sequence, StreamId, Timestamp, Verb, Work};

/// An event that a component failed on.
///
/// While it is [parked](LetterStatus::Parked), its stream is parked: the later events wait in line behind it. They are
/// not copied: they are the events that the log has of the stream from [`sequence`](Self::sequence) to the checkpoint.
/// An event that is recorded after the checkpoint joins the line when the checkpoint passes it. A closed letter is kept
/// as long as the component's progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReactionLetter {
    /// Its identity, a version 7 UUID: letters sort by the time of parking. It is `None` until the event is given up:
    /// either the owner retries the event by itself, or its stream has moved on to it. Such an event is not among the
    /// letters that people see.
    pub id: Option<Uuid>,
    /// The work of the component that failed.
    pub work: Work,
    /// The stream of the event.
    pub stream: StreamId,
    /// The sequence of the event. All events of the stream before it are handled or skipped.
    pub sequence: Sequence,
    /// The last failure, for people.
    pub failure: String,
    /// The number of times that the component has failed on the event.
    pub tries: u32,
    /// The time at which it was given up. If the policy skips the event, the letter is parked and closed at the same
    /// time. Without an identity it is the time at which its stream was parked, or at which an earlier event of the
    /// stream was given up since.
    pub parked_at: Timestamp,
    /// The attempts of people that failed, oldest first.
    pub attempts: Vec<Attempt>,
    /// The last decision. While the letter is parked, it is not carried out yet; otherwise it closed the letter. A
    /// [`Verb::Discard`] without an actor was decided by the component's own policy, or by a person who gave no name.
    /// Without an identity it is the owner's own decision to try the event again.
    pub decision: Option<LetterDecision>,
    /// Its status.
    pub status: LetterStatus,
    /// The time at which the event was handled or skipped.
    pub closed_at: Option<Timestamp>,
}

impl From<&LetterDecision> for Decider {
    fn from(decision: &LetterDecision) -> Self {
        Self {
            actor: decision.actor.clone(),
            at: decision.at,
        }
    }
}

/// A decision about a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterDecision {
    /// The action to take.
    pub verb: Verb,
    /// The person who decided.
    pub actor: Option<String>,
    /// The reason.
    pub reason: Option<String>,
    /// The time of the decision.
    pub at: Timestamp,
}
