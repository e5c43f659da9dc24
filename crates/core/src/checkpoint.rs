//! The seam where the progress of reactions is kept, and where it is decided who does which work.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use crate::{Component, Position, StoreError, Timestamp, Work};

/// Keeps how far each piece of work has come, and who does it.
///
/// What must hold, with any number of handles and processes on one storage:
///
/// - A piece of work has one owner at a time. Whoever takes it begins a new tenure, and from that moment on nothing that
///   is written under an earlier one changes anything: an owner that was slow, stopped or cut off finds out by its
///   next write.
/// - A checkpoint moves only from where it was expected to be, so nothing is counted twice or left out.
///
/// Leases are measured by the clock of the storage, never by that of an owner. A lease is only about *when* another
/// may take over; what is safe is decided by the tenure.
#[async_trait]
pub trait CheckpointStore: Send + Sync + Debug + 'static {
    /// Takes a piece of work if nobody has it, or if the lease of who has it ran out. Work that nobody ever had begins
    /// after `begin`.
    async fn take(
        &self,
        work: &Work,
        owner: &str,
        lease: Duration,
        begin: Position,
    ) -> Result<Taking, StoreError>;

    /// Lets the lease last so long from now on, wherever the checkpoint is: an owner may do this beside its work.
    async fn prolong(&self, tenure: &Tenure, lease: Duration) -> Result<Hold, StoreError>;

    /// Moves the checkpoint from where the tenure has it to `to`, and prolongs the lease. Durable when it returns.
    ///
    /// # Cancel safety
    /// Dropping the future leaves it moved or not moved: take the work again to find out.
    async fn advance(
        &self,
        tenure: &Tenure,
        to: Position,
        lease: Duration,
    ) -> Result<Hold, StoreError>;

    /// Lets go of the work, so that others need not wait for the lease to run out. Does nothing if it was lost already.
    async fn release(&self, tenure: &Tenure) -> Result<(), StoreError>;

    /// All checkpoints, of one component if given, in the order of their work.
    async fn checkpoints(
        &self,
        component: Option<&Component>,
    ) -> Result<Vec<Checkpoint>, StoreError>;

    /// Forgets all progress of a component, whoever works for it; they find their tenures lost.
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
    pub position: Position,
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
    /// The last position it has finished.
    pub position: Position,
    /// How often it was taken.
    pub epoch: u64,
    /// Who has it, as long as the lease lasts; `None` if it was released.
    pub owner: Option<String>,
    /// When the lease runs out, or ran out, by the clock of the storage.
    pub leased_until: Timestamp,
    /// When the position changed last, by the clock of the storage.
    pub moved_at: Timestamp,
}
