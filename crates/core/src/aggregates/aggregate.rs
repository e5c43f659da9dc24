//! The traits and types that an application developer writes.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Command, Event, FactOrigin, MergeStrategy, Payload, RejectedEffect, Rejection};

/// A consistency boundary: the state of one instance, its decisions, and the events that change it. `decide` and
/// `evolve` are pure: they use no clock, no id generator and no I/O. The command holds all that a decision needs; a
/// [`Prepare`] step adds answers from outside before the command is decided.
///
/// The state is serialised for snapshots and for people. [`PartialEq`] compares states to find out whether the order of
/// two changes matters. If it leaves a field out, the order of changes to that field does not matter.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an aggregate",
    note = "implement `Aggregate` for it: `DOMAIN`, the types `Command`, `Event` and `Rejection`, and the functions `decide` and `evolve`",
    note = "the state needs `#[derive(Default, Clone, PartialEq, Serialize, Deserialize)]`"
)]
pub trait Aggregate:
    Default + Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The kind of aggregate, see [`Domain`](crate::Domain).
    const DOMAIN: &'static str;

    /// The changes that overlap under [`MergeStrategy::Commutative`].
    const OVERLAP: Overlap = Overlap::Order;

    /// True if facts go through [`Aggregate::on_fact`], unless the sender says otherwise.
    const ROUTE_FACTS: bool = true;

    /// The policy for snapshots of the state.
    const SNAPSHOTS: SnapshotPolicy = SnapshotPolicy::Every(100);

    /// The version of the state that `evolve` makes. Raise it when `evolve` gives other states for the same events. A
    /// change of the state's types is noticed without it, within the limits that
    /// [`Snapshot::restore`](crate::Snapshot::restore) names. Snapshots of other types or of another schema are
    /// ignored.
    const SNAPSHOT_SCHEMA: u32 = 1;

    /// True if each event is read back from its stored form before it is appended. If it would not read back as it is,
    /// the sender gets an error, and no stream is written that cannot be loaded. The check costs as much as decoding,
    /// about 0.4 us for a small event; `docs/performance.md` has the row. Switch it off only if you have measured that
    /// it matters.
    const READ_BACK: bool = true;

    /// The commands that it can be asked to run.
    type Command: Command;
    /// The events that can happen to it.
    type Event: Event;
    /// The reasons for which it may reject a command; [`Never`](crate::Never) if it never does.
    type Rejection: Rejection;

    /// Decides a command on this state. Returns the events to append, which may be none. Fails with a rejection if the
    /// domain says no.
    fn decide(&self, command: &Self::Command) -> Result<Vec<Self::Event>, Self::Rejection>;

    /// Applies an event to the state. It is total: it never fails or panics, in whatever order events come.
    fn evolve(&mut self, event: &Self::Event);

    /// Returns the strategy for a command whose sender names none. For a book of several commands the most careful one
    /// is used: STRICT before MANUAL before AGGREGATE_HANDLES before COMMUTATIVE.
    fn merge_strategy(command: &Self::Command) -> MergeStrategy {
        let _ = command;
        MergeStrategy::default()
    }

    /// Translates a fact or adds to it. Returns the events to append. A fact cannot be rejected, because it has already
    /// happened elsewhere.
    fn on_fact(&self, fact: &Fact<Self::Event>) -> Vec<Self::Event> {
        vec![fact.event.clone()]
    }

    /// Returns the events that follow when a target rejects an effect that a saga made of one of this aggregate's
    /// events. Such an event often undoes something, or records that it failed. It is called once for each rejected
    /// effect.
    fn on_rejected(&self, effect: &RejectedEffect) -> Vec<Self::Event> {
        let _ = effect;
        Vec::new()
    }

    /// Decides what to do with a command under [`MergeStrategy::AggregateHandles`]. The command was decided upon at
    /// `base` while `intervening` happened; `self` is the state after them. It is called again if the stream moves
    /// meanwhile.
    fn merge(
        &self,
        command: &Self::Command,
        base: &Self,
        intervening: &[Self::Event],
    ) -> Merge<Self> {
        let _ = (command, base, intervening);
        Merge::Conflict
    }

    /// Brings a stored event into today's shape before a state, a component, a subscriber or a person sees it. The
    /// stored bytes do not change.
    ///
    /// It is called for every event that is read, so it must return an event in today's shape unchanged. Returns
    /// [`Payload::nothing`] for an event that has no meaning any more: the event keeps its sequence and its position,
    /// and no reader is given it. It must be total, as [`evolve`](Self::evolve): an event on which it panics cannot be
    /// read, and its readers fail.
    fn upcast(stored: Payload) -> Payload {
        stored
    }

    /// Brings an old command into today's shape before it is decoded. Old commands come from parked letters, from
    /// process managers that planned them, and from senders that are older than this program. It is called for every
    /// command, so it must return a command in today's shape unchanged.
    fn upcast_command(sent: Payload) -> Payload {
        sent
    }
}

/// An event that already happened elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact<E> {
    /// The event.
    pub event: E,
    /// The system that it happened in.
    pub origin: FactOrigin,
}

/// An aggregate's answer to a collision.
pub enum Merge<A: Aggregate> {
    /// Append these events.
    Proceed(Vec<A::Event>),
    /// The domain says no.
    Reject(A::Rejection),
    /// Refuse, as [`MergeStrategy::Strict`] does: the sender must read again.
    Conflict,
    /// Park the command for a person, as [`MergeStrategy::Manual`] does, for this reason.
    Manual(String),
}

impl<A: Aggregate> std::fmt::Debug for Merge<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Proceed(events) => f.debug_tuple("Proceed").field(events).finish(),
            Self::Reject(rejection) => f.debug_tuple("Reject").field(rejection).finish(),
            Self::Conflict => f.write_str("Conflict"),
            Self::Manual(reason) => f.debug_tuple("Manual").field(reason).finish(),
        }
    }
}

/// The changes that overlap under [`MergeStrategy::Commutative`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// Two changes overlap if their order matters, or if one was decided on what the other changed.
    Order,
    /// Two changes also overlap if both touch the same field, whatever their order leads to. The state is serialised
    /// after each event in between; a comparison of more than 16 MiB of JSON in all is refused.
    Fields,
    /// There are fewer overlaps than under `Order`: a command that gives other events now is still merged if it leads
    /// to the same state as if it had come first. Use it for events that hold the state, such as a balance after a
    /// deposit.
    Converging,
}

/// The policy for snapshots of the state. With a snapshot, loading need not begin at sequence 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotPolicy {
    /// No snapshots.
    Never,
    /// A snapshot after at least this many events since the last one. 0 counts as 1.
    Every(u32),
}

/// Fetches answers from outside that a command needs, before it is decided.
///
/// It runs once for each submission, before the command waits for its turn. A slow answer delays no other command, and
/// nothing here is repeated when the decision is repeated or when events are replayed.
pub trait Prepare<A: Aggregate>: Send + Sync + 'static {
    /// Completes `command`, for example with today's price. Write it as an `async fn`.
    fn prepare(
        &self,
        command: A::Command,
    ) -> impl Future<Output = Result<A::Command, PrepareError<A::Rejection>>> + Send;
}

/// The reason why a command could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError<R: std::error::Error + 'static> {
    /// The domain says no.
    #[error(transparent)]
    Rejected(R),
    /// The outside system does not answer; the same command may be sent again.
    #[error("the preparation of the command is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}
