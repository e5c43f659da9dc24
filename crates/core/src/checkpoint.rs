//! The seam where the progress of reactions is kept, and where it is decided who does which work.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use crate::{
    Advance, Assignment, Bookmark, Component, Cursor, LetterFilter, Owner, Parked, ReactionLetter,
    Scope, Sequence, StoreError, StreamId, Timestamp, Wish, Work,
};

/// Keeps how far each piece of work has come, and who does it.
///
/// What must hold, with any number of handles and processes on one storage:
///
/// - A piece of work has one owner at a time. Whoever takes it begins a new tenure, and from that moment on nothing that
///   is written under an earlier one changes anything: an owner that was slow, stopped or cut off finds out by its
///   next write.
/// - A checkpoint moves only from where it was expected to be, so nothing is counted twice or left out. So does the
///   first unhandled event of a parked stream.
///
/// Leases are measured by the clock of the storage, never by that of an owner. A lease is only about *when* another
/// may take over; what is safe is decided by the tenure. So a clock that jumps costs time at most: if it jumps ahead,
/// leases run out early, and one that was given while it was ahead has run out once it is right again, because
/// no lease is longer than [`LONGEST_LEASE`](crate::LONGEST_LEASE).
///
/// Texts for people (names of owners, failures, reasons) may hold any character. A store that cannot keep the
/// character 0 keeps U+FFFD in its place.
#[async_trait]
pub trait CheckpointStore: Send + Sync + Debug + 'static {
    /// Takes a piece of work if nobody has it, or if the lease of who has it ran out. Work that nobody ever had begins
    /// where its component [begins](Self::begin), or at the first event if that is not decided. Taking clears the pause and
    /// any pending request.
    async fn take(&self, work: &Work, owner: &Owner, lease: Duration)
    -> Result<Taking, StoreError>;

    /// Decides after which place in each partition all work of a component begins. Returns what is decided: if that was
    /// something before, it stays.
    async fn begin(&self, component: &Component, at: &Cursor) -> Result<Cursor, StoreError>;

    /// Where a component begins; `None` if that is not decided.
    async fn begun(&self, component: &Component) -> Result<Option<Cursor>, StoreError>;

    /// Lets a component begin anew, at another place: forgets its progress and what is parked, whoever works for it; they
    /// find their tenures lost. Closed letters are kept. After an error it may be half done, and is to be done again.
    async fn begin_anew(&self, component: &Component, at: &Cursor) -> Result<(), StoreError>;

    /// What the checkpoints of a component speak of, in the order of their work. Those of which nothing was
    /// [said](Self::speak_of) are not among them.
    async fn scopes(&self, component: &Component) -> Result<Vec<(Work, Scope)>, StoreError>;

    /// Says what the checkpoint of a tenure speaks of from now on, and prolongs the lease. Whoever takes the work later
    /// finds it said, until the component begins anew or is forgotten.
    async fn speak_of(
        &self,
        tenure: &Tenure,
        scope: &Scope,
        lease: Duration,
    ) -> Result<Hold, StoreError>;

    /// Lets the lease last so long from now on, wherever the checkpoint is: an owner may do this beside its work.
    async fn prolong(&self, tenure: &Tenure, lease: Duration) -> Result<Hold, StoreError>;

    /// Moves the checkpoint from where the tenure has it, or what is parked from where `advance` has it, and prolongs
    /// the lease. Durable when it returns.
    ///
    /// A parked stream that has moved and is still parked was not tried there yet, and if there was a wish, whatever it
    /// was, it is to be resubmitted from there on. The letter that it was parked at, if there is one, is closed in the same
    /// step and kept for good, with all that the row knew of it: discarded if that was the wish, else resolved.
    ///
    /// # Cancel safety
    /// Dropping the future leaves it moved or not moved: take the work again to find out. The same holds for
    /// [`park`](Self::park), [`park_again`](Self::park_again) and [`skip`](Self::skip).
    async fn advance(
        &self,
        tenure: &Tenure,
        advance: &Advance,
        lease: Duration,
    ) -> Result<Hold, StoreError>;

    /// Parks a stream, with its wish if it has one, and moves the checkpoint to `to`, past the event that failed, in one
    /// step; prolongs the lease. If the stream is parked already, that row is unchanged and the event queues behind it.
    async fn park(
        &self,
        tenure: &Tenure,
        parked: &Parked,
        to: &Bookmark,
        lease: Duration,
    ) -> Result<Hold, StoreError>;

    /// Notes that the first event of a parked stream has failed again, and prolongs the lease. Its letter, time, failure,
    /// tries and attempts become those of `parked`, and its wish is fulfilled. Lost, too, if it is parked at another
    /// event, or has not fewer tries: then that was noted before, and the wish is a new one.
    async fn park_again(
        &self,
        tenure: &Tenure,
        parked: &Parked,
        lease: Duration,
    ) -> Result<Hold, StoreError>;

    /// Keeps for good that the component's policy has an event skipped, and does what [`advance`](Self::advance) does, in
    /// one step. The letter is closed as it is given here, also if the stream is parked at it.
    async fn skip(
        &self,
        tenure: &Tenure,
        letter: &ReactionLetter,
        advance: &Advance,
        lease: Duration,
    ) -> Result<Hold, StoreError>;

    /// Shows all who look that the owner does nothing for the work, and why, until [`resume`](Self::resume); prolongs
    /// the lease.
    async fn pause(&self, tenure: &Tenure, why: &str, lease: Duration) -> Result<Hold, StoreError>;

    /// Ends the lease of an owner that is known to have died, as if it had run out. Returns `false` if that one does not
    /// have the work any more. Its tenure stays in force until the work is taken, as that of any owner that is overdue.
    async fn end_lease(&self, work: &Work, owner: Uuid) -> Result<bool, StoreError>;

    /// Lets go of the work, so that others need not wait for the lease to run out. Does nothing if it was lost already.
    async fn release(&self, tenure: &Tenure) -> Result<(), StoreError>;

    /// Who has the work of a component now, by the clock of the storage, in the order of their work. What nobody ever
    /// had is not among it.
    async fn assignments(&self, component: &Component) -> Result<Vec<Assignment>, StoreError>;

    /// Asks the owner of a piece of work to let go of it in favour of another, and all others to leave it to that one for
    /// so long. Whether that was noted: not if nobody has the work, if the asker has it, if another has asked for it and
    /// may still count on it, or if it is paused.
    ///
    /// It is a request and no more: it neither ends a tenure nor keeps anybody from taking what is free.
    async fn ask(&self, work: &Work, asker: Uuid, lasts: Duration) -> Result<bool, StoreError>;

    /// All checkpoints, of one component if given, in the order of their work.
    async fn checkpoints(
        &self,
        component: Option<&Component>,
    ) -> Result<Vec<Checkpoint>, StoreError>;

    /// Notes that a person has paused a component, and why, or with `None` that it may go on. It is kept until then: neither
    /// a take-over nor [`begin_anew`](Self::begin_anew) ends it. Returns whether it was paused before.
    ///
    /// It is for those who work for the component to look, by [`pause_of`](Self::pause_of).
    async fn set_pause(&self, component: &Component, why: Option<&str>)
    -> Result<bool, StoreError>;

    /// Why a person has paused a component; `None` if nobody has.
    async fn pause_of(&self, component: &Component) -> Result<Option<String>, StoreError>;

    /// Asks the owner of paused work to go on, whoever that is. Whether it was paused.
    async fn resume(&self, work: &Work) -> Result<bool, StoreError>;

    /// All streams that are parked, of one component if given, in the order of their work and then of their ids.
    async fn parked(&self, component: Option<&Component>) -> Result<Vec<Parked>, StoreError>;

    /// Notes what a person wants done about a stream that is parked at this event. Whether that was noted: not if it
    /// is not parked there, or waits for another wish to be fulfilled.
    async fn decide(
        &self,
        work: &Work,
        stream: &StreamId,
        sequence: Sequence,
        wish: &Wish,
    ) -> Result<bool, StoreError>;

    /// Closed letters of a component that pass the filter, in its order, at most `limit`. What the filter says of kinds
    /// and components is not looked at.
    async fn closed_letters(
        &self,
        component: &Component,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<ReactionLetter>, StoreError>;

    /// A closed letter of a component by its id.
    async fn closed_letter(
        &self,
        component: &Component,
        id: Uuid,
    ) -> Result<Option<ReactionLetter>, StoreError>;

    /// Forgets all progress of a component, where it begins, that a person has paused it, and what was parked, with all
    /// letters, whoever works for it; they find their tenures lost.
    async fn forget(&self, component: &Component) -> Result<(), StoreError>;
}

/// What comes of asking for work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taking {
    /// It is the asker's now.
    Taken(Tenure),
    /// Somebody else has it.
    Busy {
        /// Who.
        owner: String,
        /// When their lease runs out, by the clock of the storage, if they do not prolong it.
        until: Timestamp,
    },
}

/// What an owner has in hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenure {
    /// Which work.
    pub work: Work,
    /// Its identity, by which the store knows whether it is still in force. Unlike a counter it cannot come again when
    /// progress was forgotten or restored from a backup.
    pub id: Uuid,
    /// How far the work has come.
    pub at: Bookmark,
}

/// Whether a write found its tenure in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "an owner that has lost its work must stop"]
pub enum Hold {
    /// It did, and what was asked for was done.
    Held,
    /// Another has taken over, or the checkpoint is elsewhere; nothing was changed.
    Lost,
}

/// How far a piece of work has come, for those who look on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which work.
    pub work: Work,
    /// The last place that it has finished. What was written by a program which noted the position alone names no event
    /// before the next move.
    pub at: Bookmark,
    /// How often it was taken.
    pub epoch: u64,
    /// What people call the process that has it; `None` if it was released, or if the lease ran out.
    pub owner: Option<String>,
    /// When the lease runs out, or ran out, by the clock of the storage.
    pub leased_until: Timestamp,
    /// When the position changed last, by the clock of the storage.
    pub moved_at: Timestamp,
    /// Why its owner does nothing for it, for people; `None` if it is not paused.
    pub paused: Option<String>,
}
