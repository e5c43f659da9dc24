//! An event that a component gave up, and what became of it.

use uuid::Uuid;

use crate::{Attempt, LetterStatus, Sequence, StreamId, Timestamp, Wish, Work};

/// An event that a component failed on for good.
///
/// While it is [parked](LetterStatus::Parked), the later events of its stream wait behind it, and its data are those of
/// the [`Parked`](crate::Parked) stream. A closed letter is kept as long as the component's progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReactionLetter {
    /// Its identity, a version 7 UUID: letters sort by the time of parking.
    pub id: Uuid,
    /// The work of the component that failed.
    pub work: Work,
    /// The stream of the event.
    pub stream: StreamId,
    /// The sequence of the event.
    pub sequence: Sequence,
    /// The last failure, for people.
    pub failure: String,
    /// How often the component has failed.
    pub tries: u32,
    /// When it was given up. If the policy skips the event, the letter is parked and closed at the same time.
    pub parked_at: Timestamp,
    /// What people tried without success, oldest first.
    pub attempts: Vec<Attempt>,
    /// The last decision. While the letter is parked, it is still to be carried out; otherwise it closed the letter. A
    /// [`Verb::Discard`](crate::Verb::Discard) without an actor was decided by the component's own policy, or by a
    /// person who gave no name.
    pub decision: Option<Wish>,
    /// Its status.
    pub status: LetterStatus,
    /// When the event was handled or skipped.
    pub closed_at: Option<Timestamp>,
}
