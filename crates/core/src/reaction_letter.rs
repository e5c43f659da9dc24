//! An event that a component gave up, and what became of it.

use uuid::Uuid;

use crate::{Attempt, LetterStatus, Sequence, StreamId, Timestamp, Wish, Work};

/// An event that a component failed on for good.
///
/// While it is [parked](LetterStatus::Parked), the later events of its stream wait behind it; it is then what a
/// [`Parked`](crate::Parked) says of its first event. It is kept after that, for as long as the component's progress is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReactionLetter {
    /// Its identity, version 7: letters sort by the time of parking.
    pub id: Uuid,
    /// Who failed.
    pub work: Work,
    /// On an event of this stream.
    pub stream: StreamId,
    /// On this one.
    pub sequence: Sequence,
    /// What the component said when it failed last, for people.
    pub failure: String,
    /// How often it has failed.
    pub tries: u32,
    /// When it was given up. One that the policy skips is parked and closed at once.
    pub parked_at: Timestamp,
    /// What people tried in vain, oldest first.
    pub attempts: Vec<Attempt>,
    /// What was decided last: it is still to be done while the letter is parked, and is what closed it otherwise. Without
    /// an actor and closed by [`Verb::Discard`](crate::Verb::Discard), it was the component's own policy, or nobody said who.
    pub decision: Option<Wish>,
    /// Where it stands.
    pub status: LetterStatus,
    /// When the event was handled or skipped.
    pub closed_at: Option<Timestamp>,
}
