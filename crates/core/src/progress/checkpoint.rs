//! Defines the seam that keeps the progress of reactions and decides which process does which work.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use crate::{
    AnnotationStore, Assignment, Bookmark, Component, Cursor, FaultGroup, LetterDecision,
    LetterFilter, Owner, ReactionLetter, Scope, Sequence, StoreError, StreamId, Timestamp, Update,
    Work,
};

/// Keeps the progress of each piece of work, and decides which process does it.
///
/// An implementation must keep these rules, with any number of handles and processes on one storage:
///
/// - A piece of work has one owner at a time. Taking it begins a new tenure. From then on, a write under an earlier
///   tenure changes nothing: an owner that was slow, stopped or cut off learns of it by its next write.
/// - A checkpoint moves only from where the writer expects it, so no event is counted twice or left out. The same holds
///   for the first unhandled event of a parked stream.
///
/// The clock of the storage measures leases, never the clock of an owner. A lease only says *when* another process may
/// take over; the tenure keeps two owners apart. A clock that jumps therefore costs only time. If it jumps ahead,
/// leases run out early. A lease that was given while it was ahead has run out once the clock is right again, because
/// no lease is longer than [`LONGEST_LEASE`](crate::LONGEST_LEASE).
///
/// Texts for people (names of owners, failures, reasons) may hold any character. A store that cannot keep the character
/// 0 keeps U+FFFD in its place.
#[async_trait]
pub trait CheckpointStore: AnnotationStore + Send + Sync + Debug + 'static {
    /// Takes a piece of work if it is free or its lease ran out. Work that was never taken begins where its component
    /// [begins](Self::begin), or at the first event if that is not decided. Taking clears the pause and any pending
    /// request. Returns the tenure, or the process that has the work.
    async fn take(&self, work: &Work, owner: &Owner, lease: Duration)
    -> Result<Taking, StoreError>;

    /// Decides the place in each partition after which all work of a component begins. Returns the places that are in
    /// force: an earlier decision stays.
    async fn begin(&self, component: &Component, at: &Cursor) -> Result<Cursor, StoreError>;

    /// Returns where a component begins; `None` if that is not decided.
    async fn begun(&self, component: &Component) -> Result<Option<Cursor>, StoreError>;

    /// Makes a component begin again at another place. Forgets its progress and its parked streams, and ends the
    /// tenures of all its owners. Closed letters are kept. After an error it may be half done; call it again.
    async fn begin_anew(&self, component: &Component, at: &Cursor) -> Result<(), StoreError>;

    /// Returns the scopes of a component's checkpoints, in the order of their work. A checkpoint whose scope was never
    /// [recorded](Update::Scope) is left out.
    async fn scopes(&self, component: &Component) -> Result<Vec<(Work, Scope)>, StoreError>;

    /// Writes an update if the tenure is in force, and extends the lease to this length from now on. The update is
    /// durable when this returns. Returns `Lost`, and changes nothing, if the tenure is not in force, or if the
    /// checkpoint or the stream is not where the update expects it.
    ///
    /// # Cancel safety
    /// If the future is dropped, the update was either written or not. Take the work again to find out.
    async fn write(
        &self,
        tenure: &Tenure,
        update: &Update,
        lease: Duration,
    ) -> Result<Hold, StoreError>;

    /// Ends the lease of an owner that is known to have died, as if it had run out. Returns `false` if that owner no
    /// longer has the work. Its tenure stays in force until the work is taken, as for any overdue owner.
    async fn end_lease(&self, work: &Work, owner: Uuid) -> Result<bool, StoreError>;

    /// Releases the work, so that others need not wait for the lease to run out. Does nothing if the tenure is lost.
    async fn release(&self, tenure: &Tenure) -> Result<(), StoreError>;

    /// Returns who has the work of a component now, by the clock of the storage, in the order of the work. Work that
    /// was never taken is left out.
    async fn assignments(&self, component: &Component) -> Result<Vec<Assignment>, StoreError>;

    /// Asks the owner of a piece of work to let it go, and all others to leave it to `asker`, for the time `lasts`.
    /// Returns `false` if the work is unowned, owned by the asker, paused, or requested by another process whose
    /// request is still in force.
    ///
    /// A request neither ends a tenure nor keeps a process from taking free work.
    async fn ask(&self, work: &Work, asker: Uuid, lasts: Duration) -> Result<bool, StoreError>;

    /// Returns all checkpoints, or those of one component, in the order of their work.
    async fn checkpoints(
        &self,
        component: Option<&Component>,
    ) -> Result<Vec<Checkpoint>, StoreError>;

    /// Records that a person has paused a component, and why; `None` lets it go on. The pause lasts until then: neither
    /// a take-over nor [`begin_anew`](Self::begin_anew) ends it. Returns whether it was paused before.
    ///
    /// The processes that work for the component must look for the pause, by [`pause_of`](Self::pause_of).
    async fn set_pause(&self, component: &Component, why: Option<&str>)
    -> Result<bool, StoreError>;

    /// Returns the reason why a person has paused a component; `None` if nobody has.
    async fn pause_of(&self, component: &Component) -> Result<Option<String>, StoreError>;

    /// Asks the owner of paused work to go on. Any process may call this. Returns whether the work was paused.
    async fn resume(&self, work: &Work) -> Result<bool, StoreError>;

    /// Returns the first unhandled event of each parked stream, of all components or of one, in the order of their work
    /// and then of the streams' ids: letters, and events that are not given up (yet).
    async fn parked(
        &self,
        component: Option<&Component>,
    ) -> Result<Vec<ReactionLetter>, StoreError>;

    /// Records a person's decision about a stream that is parked at this event. Returns `false` if the stream is not
    /// parked there, or if another decision is not carried out yet.
    async fn decide(
        &self,
        work: &Work,
        stream: &StreamId,
        sequence: Sequence,
        decision: &LetterDecision,
    ) -> Result<bool, StoreError>;

    /// Returns at most `limit` letters of all components that pass the filter, in its order and as of one moment.
    /// Events that are not given up are left out.
    ///
    /// In the SQL stores the cost depends on the number of letters returned, not on how many there are, if the filter
    /// names at most one of component, domain, stream and status, or a component with a domain or a status. The status
    /// `Parked` may be added to each of these. Another combination may read all letters that pass a part of it.
    async fn reaction_letters(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<ReactionLetter>, StoreError>;

    /// Returns the faults for which the waiting letters that pass the filter are there, those with most letters first, at
    /// most `limit`, as [`DeadLetterStore::fault_groups`](crate::DeadLetterStore::fault_groups) does for commands.
    async fn reaction_fault_groups(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<FaultGroup>, StoreError>;

    /// Returns a letter by its id, parked or closed.
    async fn reaction_letter(&self, id: Uuid) -> Result<Option<ReactionLetter>, StoreError>;

    /// Forgets all progress of a component, its beginning, its pause by a person, its parked streams and all letters,
    /// and ends the tenures of all its owners.
    async fn forget(&self, component: &Component) -> Result<(), StoreError>;
}

/// The result of asking for work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taking {
    /// The asker has it now.
    Taken(Tenure),
    /// Another process has it.
    Busy {
        /// The name of that process.
        owner: String,
        /// The time at which its lease runs out if it is not extended, by the clock of the storage.
        until: Timestamp,
    },
}

/// The right to do a piece of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenure {
    /// The piece of work.
    pub work: Work,
    /// Its identity, by which the store knows whether it is still in force. Unlike a counter, it cannot come again
    /// after progress was forgotten or restored from a backup.
    pub id: Uuid,
    /// The place that the work has reached.
    pub at: Bookmark,
}

/// The answer to a write under a tenure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "an owner that has lost its work must stop"]
pub enum Hold {
    /// The tenure is in force, and the write was done.
    Held,
    /// Another process has taken over, or the checkpoint or the stream is elsewhere. Nothing was changed.
    Lost,
}

/// The progress of a piece of work, for observers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The piece of work.
    pub work: Work,
    /// The last place that it has finished. If the checkpoint was written by a program that recorded only positions, it
    /// names no event before its next move.
    pub at: Bookmark,
    /// The number of times that the work was taken.
    pub epoch: u64,
    /// The name of the process that has it; `None` if it was released or the lease ran out.
    pub owner: Option<String>,
    /// The end of the lease, past or future, by the clock of the storage.
    pub leased_until: Timestamp,
    /// The time of the last change of the position, by the clock of the storage.
    pub moved_at: Timestamp,
    /// The reason why its owner has paused it, for people; `None` if it is not paused.
    pub paused: Option<String>,
}
