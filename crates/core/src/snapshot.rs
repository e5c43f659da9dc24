//! Kept states, so that loading need not begin at the first event.

use bytes::Bytes;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::tree::{Shape, Tree};
use crate::{Aggregate, Message, Sequence};

/// A state that was kept. Only a shortcut: everything in it can be folded again from the events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Which type it is a state of.
    pub fingerprint: Fingerprint,
    /// What that type looked like, as far as the state shows it.
    pub shape: Shape,
    /// The sequence of the last event in it.
    pub sequence: Sequence,
    /// The id of that event: a stream that has another one there has another history.
    pub event: Uuid,
    /// The state, as JSON text.
    pub state: Bytes,
}

impl Snapshot {
    /// Of so many sequences in a row the latest snapshot is kept, see [`SnapshotStore`](crate::SnapshotStore).
    pub const SPAN: u32 = 64;
    /// Of so many such spans that have any. They reach back further than a merge compares by default.
    pub const SPANS: u32 = 6;

    /// Keeps `state`, which contains the events up to `event` at `sequence`. Fails if it would not read back as it is.
    pub fn of<A: Aggregate>(
        state: &A,
        sequence: Sequence,
        event: Uuid,
    ) -> Result<Self, SnapshotError> {
        let snapshot = Self {
            fingerprint: Fingerprint::of::<A>(),
            shape: Shape::of(state)?,
            sequence,
            event,
            state: serde_json::to_vec(state)?.into(),
        };
        match serde_json::from_slice::<A>(&snapshot.state)? == *state {
            true => Ok(snapshot),
            false => Err(SnapshotError::Differs),
        }
    }

    /// The state, or `None` if today's type is not what it was made by: the snapshot is ignored then.
    ///
    /// It must decode, hold structs and variants of today's [`Shape`] only, and be written by today's type in the same
    /// words. What may slip is a new field that serde leaves out where it is empty, inside a `flatten` or a hand-written
    /// `Serialize`; and that `evolve` gives other states. For both there is
    /// [`SNAPSHOT_SCHEMA`](Aggregate::SNAPSHOT_SCHEMA).
    pub fn restore<A: Aggregate>(&self) -> Option<A> {
        if self.fingerprint != Fingerprint::of::<A>() {
            return None;
        }
        let state: A = serde_json::from_slice(&self.state).ok()?;
        let has_shape = Shape::of(&state).ok()? == self.shape;
        let written = Tree::parse(&self.state).ok()?;
        let is_same = written.differences(&Tree::of(&state).ok()?).is_empty();
        (has_shape && is_same).then_some(state)
    }
}

/// Why a state is not kept.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// It has no form in JSON, or cannot be read from it.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// It reads back as another state.
    #[error(
        "the state reads back from JSON as another one; look at its serde attributes and its `PartialEq`"
    )]
    Differs,
}

/// Tells the snapshots of a type from those of other types and schemas.
///
/// It is made of the domain, [`Aggregate::SNAPSHOT_SCHEMA`] and the names of the event types. Of what the state is made is
/// in the snapshot's [`Shape`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub u64);

impl Fingerprint {
    /// Of an aggregate.
    pub fn of<A: Aggregate>() -> Self {
        let mut hasher = Sha256::new();
        hasher.update(A::DOMAIN);
        hasher.update(A::SNAPSHOT_SCHEMA.to_be_bytes());
        for name in A::Event::TYPE_NAMES {
            hasher.update([0]);
            hasher.update(name);
        }
        let digest: [u8; 32] = hasher.finalize().into();
        let (first, _) = digest.split_first_chunk().expect("32 bytes");
        Self(u64::from_be_bytes(*first))
    }
}
