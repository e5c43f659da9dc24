//! Makes and reads snapshots of states, so that loading need not begin at the first event.

use bytes::Bytes;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::tree::{Shape, Tree};
use crate::{Aggregate, Message, Sequence};

/// A snapshot of a state. It is only a shortcut: everything in it can be folded again from the events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The type of the state.
    pub fingerprint: Fingerprint,
    /// The form of that type, as the state shows it.
    pub shape: Shape,
    /// The sequence of the last event in the state.
    pub sequence: Sequence,
    /// The id of that event. A stream that has another event there has another history.
    pub event: Uuid,
    /// The state, as JSON text.
    pub state: Bytes,
}

impl Snapshot {
    /// The length of a span, in sequences. The latest snapshot of a span is kept, see
    /// [`SnapshotStore`](crate::SnapshotStore).
    pub const SPAN: u32 = 64;
    /// The number of spans whose snapshots are kept. They reach back further than a merge compares by default.
    pub const SPANS: u32 = 6;

    /// Makes a snapshot of `state`, which contains the events up to `event` at `sequence`. Fails if the state would not
    /// read back as it is.
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

    /// Returns the state; `None` if today's type is not the one that made it. The snapshot is then ignored.
    ///
    /// The state must decode, hold only structs and variants of today's [`Shape`], and read the same when today's type
    /// writes it. Two changes may go unnoticed: a new field that serde leaves out when it is empty, inside a `flatten`
    /// or a hand-written `Serialize`; and an `evolve` that gives other states. Raise
    /// [`SNAPSHOT_SCHEMA`](Aggregate::SNAPSHOT_SCHEMA) for both.
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

/// The reason why a snapshot of a state is not kept.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The state has no form in JSON, or cannot be read from it.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The state that is read back differs from the one that was written.
    #[error(
        "the state differs when it is read back from JSON; look at its serde attributes and its `PartialEq`"
    )]
    Differs,
}

/// Tells the snapshots of a type from those of other types and schemas.
///
/// It is made of the domain, [`Aggregate::SNAPSHOT_SCHEMA`] and the names of the event types. The types that the state
/// consists of are in the snapshot's [`Shape`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub u64);

impl Fingerprint {
    /// Returns the fingerprint of an aggregate.
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
