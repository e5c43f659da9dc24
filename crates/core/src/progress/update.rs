//! Defines what an owner writes about its work.

use crate::{Bookmark, ReactionLetter, Scope, Sequence, StreamId};

/// A write of an owner. Each is done in one step, as a whole or not at all, and extends the lease. Letters must be of
/// the tenure's work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Update {
    /// Only extends the lease, wherever the checkpoint is. An owner may write it while it works.
    Renew,
    /// Records the scope of the checkpoint, wherever that is. The scope stays for later owners until the component
    /// begins again or is forgotten.
    Scope(Scope),
    /// Moves the checkpoint or a parked stream.
    Advance(Advance),
    /// Parks the stream of an event, with a decision if there is one, and moves the checkpoint to this place, past the
    /// event. If the stream is already parked, its letter is unchanged and this event queues behind it.
    Park(Box<ReactionLetter>, Bookmark),
    /// Records that the first event of a parked stream has failed again. The identity, time, failure, tries and
    /// attempts become those given here, and the decision is carried out. Returns `Lost` if the stream is parked at
    /// another event, or if the letter already has as many tries: then this failure was recorded before, and the
    /// decision is a new one.
    ParkAgain(Box<ReactionLetter>),
    /// Records for good that the component's policy skips an event, and advances past it. The letter is closed as given
    /// here, even if the stream is parked at its event.
    Skip(Box<ReactionLetter>, Advance),
    /// Shows all observers that the owner does nothing for the work, and why. This lasts until
    /// [`resume`](crate::CheckpointStore::resume).
    Pause(String),
}

impl Update {
    /// Returns what it does, as a verb phrase for errors.
    pub fn action(&self) -> &'static str {
        match self {
            Self::Renew => "renew a lease",
            Self::Scope(_) => "record the scope of a checkpoint",
            Self::Advance(_) => "advance a checkpoint",
            Self::Park(..) => "park a stream",
            Self::ParkAgain(_) => "park a stream again",
            Self::Skip(..) => "skip an event",
            Self::Pause(_) => "pause a piece of work",
        }
    }
}

/// Finished work to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advance {
    /// The log up to a place: the checkpoint moves there from the tenure's place. Returns `Lost` if it is elsewhere.
    Checkpoint(Bookmark),
    /// Events of a parked stream. Returns `Lost` if it is not parked at `from`.
    ///
    /// If the stream is still parked afterwards, its new first event was not tried yet, and any pending decision
    /// becomes a resubmission from there on. If the letter of the earlier event has an identity, it is closed in the
    /// same step and kept for good with all its data: as discarded if that was decided, otherwise as resolved.
    Parked {
        /// The stream.
        stream: StreamId,
        /// The first of the events.
        from: Sequence,
        /// The first event that is not handled afterwards. `None` if none is left, so that the stream is no longer
        /// parked.
        to: Option<Sequence>,
    },
}
