//! What an application developer writes.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Command, Event, FactOrigin, MergeStrategy, Payload, RejectedEffect, Rejection};

/// A consistency boundary: the state of one instance, what may happen to it, and what happened.
///
/// `decide` and `evolve` are pure: no clock, no id generator, no I/O. What a decision needs is in the command;
/// an answer from outside is put there by a [`Prepare`] step before the command is decided.
///
/// The state is serialised for snapshots and for people who look at it, and compared by [`PartialEq`] to find
/// out whether the order of two changes matters: fields left out of the comparison are fields whose order does not.
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

    /// What [`MergeStrategy::Commutative`] takes for an overlap.
    const OVERLAP: Overlap = Overlap::Order;

    /// Whether facts go through [`Aggregate::on_fact`] where the sender does not say.
    const ROUTE_FACTS: bool = true;

    /// When to keep a snapshot of the state.
    const SNAPSHOTS: SnapshotPolicy = SnapshotPolicy::Every(100);

    /// Raise this when `evolve` gives other states for the same events. That the types of the state have changed is noticed
    /// without it, within the bounds that [`Snapshot::restore`](crate::Snapshot::restore) names; snapshots of other types
    /// or of another schema are ignored.
    const SNAPSHOT_SCHEMA: u32 = 1;

    /// Whether each event is read back from its stored form before it is appended, so that one which would not read back
    /// as it is becomes an error for its sender in place of a stream that nobody can load. It costs what decoding costs,
    /// some 0.4 us for a small event; `docs/performance.md` has the row. Switch it off only if that was measured to matter.
    const READ_BACK: bool = true;

    /// What it can be asked to do.
    type Command: Command;
    /// What can happen to it.
    type Event: Event;
    /// Why it may refuse; [`Never`](crate::Never) if it does not.
    type Rejection: Rejection;

    /// Decides what a command makes happen now. No events: nothing needs to.
    fn decide(&self, command: &Self::Command) -> Result<Vec<Self::Event>, Self::Rejection>;

    /// Takes an event into the state. Total: it never fails or panics, whatever the order.
    fn evolve(&mut self, event: &Self::Event);

    /// The strategy for a command whose sender names none. In a book of several commands the most careful one
    /// holds for all: STRICT before MANUAL before AGGREGATE_HANDLES before COMMUTATIVE.
    fn merge_strategy(command: &Self::Command) -> MergeStrategy {
        let _ = command;
        MergeStrategy::default()
    }

    /// Adds to a fact or translates it. It cannot be refused: what happened elsewhere happened.
    fn on_fact(&self, fact: &Fact<Self::Event>) -> Vec<Self::Event> {
        vec![fact.event.clone()]
    }

    /// What follows from a "no" to something that a saga asked for because of an event of this aggregate; often an event
    /// that takes something back, or that says that it failed. Called once for each effect that was rejected.
    fn on_rejected(&self, effect: &RejectedEffect) -> Vec<Self::Event> {
        let _ = effect;
        Vec::new()
    }

    /// Answers [`MergeStrategy::AggregateHandles`]: what to do with a command that was decided upon at `base`
    /// while `intervening` happened; `self` is the state after them. Asked again if the stream moves meanwhile.
    fn merge(
        &self,
        command: &Self::Command,
        base: &Self,
        intervening: &[Self::Event],
    ) -> Merge<Self> {
        let _ = (command, base, intervening);
        Merge::Conflict
    }

    /// Brings a stored event into today's shape, before anybody sees it: states, components, subscribers, people. The
    /// stored bytes stay as they are.
    ///
    /// Called for every event read, so one that is in today's shape must come out as it came in. Returns
    /// [`Payload::nothing`] for an event that is nothing any more: its sequence and its position stay, and nobody is
    /// given it. Total, as [`evolve`](Self::evolve): an event on which it panics cannot be read, and is a failure of
    /// whoever is given it.
    fn upcast(stored: Payload) -> Payload {
        stored
    }

    /// Brings a command of former times into today's shape, before it is decoded: that of a parked letter, one that a
    /// process manager has planned, or one of a sender that is older than this program. Called for every command, so one
    /// that is in today's shape must come out as it came in.
    fn upcast_command(sent: Payload) -> Payload {
        sent
    }
}

/// An event that already happened elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact<E> {
    /// What happened.
    pub event: E,
    /// Where.
    pub origin: FactOrigin,
}

/// An aggregate's answer to a collision.
pub enum Merge<A: Aggregate> {
    /// These events are to be appended.
    Proceed(Vec<A::Event>),
    /// The domain says no.
    Reject(A::Rejection),
    /// The sender must look again: refused like [`MergeStrategy::Strict`].
    Conflict,
    /// A person must decide, for this reason: parked like [`MergeStrategy::Manual`].
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

/// What [`MergeStrategy::Commutative`] takes for an overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// Two changes overlap when their order matters, or when one was decided on what the other changed.
    Order,
    /// Also when both touch the same field, whatever the order gives. It serialises the state after each event in
    /// between, and refuses where that is more than 16 MiB of JSON in all.
    Fields,
    /// Less often: a command that gives other events now is merged if it leads to the same state as if it had come
    /// first. For events that hold what the state was, such as a balance after a deposit.
    Converging,
}

/// When the state is kept so that loading need not begin at sequence 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotPolicy {
    /// Never.
    Never,
    /// After at least this many events since the last one (0 counts as 1).
    Every(u32),
}

/// Gets the outside answers a command needs, before it is decided.
///
/// Runs once for each submission, before the command waits for its turn: a slow answer holds up no other
/// command, and nothing here is repeated when the decision is, or when events are replayed.
pub trait Prepare<A: Aggregate>: Send + Sync + 'static {
    /// Completes `command`, for example with today's price. Write it as an `async fn`.
    fn prepare(
        &self,
        command: A::Command,
    ) -> impl Future<Output = Result<A::Command, PrepareError<A::Rejection>>> + Send;
}

/// Why a command could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError<R: std::error::Error + 'static> {
    /// The domain says no.
    #[error(transparent)]
    Rejected(R),
    /// The outside does not answer; the same command may be sent again.
    #[error("the preparation of the command is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}
