//! A reaction with a state: it takes inputs from many streams, and gives commands, facts and timers.
//!
//! The developer's part is pure. Its instances are aggregates in a domain of its name ([`Process`]). A trigger and the
//! plan for it are one event there, so that a crash cannot separate them.

mod aggregate;
mod dispatch;
mod message;
mod plan;
mod stuck;

use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

pub use aggregate::Process;
pub use dispatch::Dispatch;
pub use message::{ProcessCommand, ProcessEvent};
pub use plan::{Plan, Planned, TimerChange};
pub use stuck::StuckTimer;

use crate::{DecodeError, Event, EventFilter, Payload, RecordedEvent, RejectedEffect};

/// Watches over a matter that takes several steps, and remembers its progress: a saga with a memory and a clock.
///
/// There is one instance for each root that [`correlate`](Self::correlate) names. Its state is folded from its
/// triggers, as an aggregate's state is folded from its events. It has a stream of its own, in the domain
/// [`NAME`](Self::NAME).
///
/// `decide` and `evolve` are pure: they use no clock, no id generator and no I/O.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a process manager",
    note = "implement `ProcessManager` for it: `NAME`, the type `Input`, and the functions `filter`, `correlate`, `decide` and `evolve`",
    note = "the state needs `#[derive(Default, Clone, PartialEq, Serialize, Deserialize)]`"
)]
pub trait ProcessManager:
    Default + Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// Its name, which the component that carries out its plans and the domain of its streams have too. It has at most
    /// 57 characters, see [`Domain`](crate::Domain). With another name it begins again.
    const NAME: &'static str;

    /// The version of the state that `evolve` makes. Raise it when `evolve` gives other states for the same triggers,
    /// as for [`Aggregate::SNAPSHOT_SCHEMA`](crate::Aggregate::SNAPSHOT_SCHEMA).
    const SNAPSHOT_SCHEMA: u32 = 1;

    /// Its inputs: the part of others' events that it needs, in its own words.
    type Input: Event;

    /// Returns the filter of the events that it looks at.
    fn filter() -> EventFilter;

    /// Returns the instance that an event concerns, and what the event means to it; `None` if it concerns none.
    fn correlate(event: &RecordedEvent) -> Result<Option<(Uuid, Self::Input)>, DecodeError>;

    /// Decides what to do about a trigger. `self` is the state before it.
    fn decide(&self, trigger: &Trigger<Self::Input>, plan: &mut Plan);

    /// Applies a trigger to the state. It is total: it never fails or panics, in whatever order triggers come.
    fn evolve(&mut self, trigger: &Trigger<Self::Input>);

    /// Brings a stored input into today's shape before it is decoded. An input cannot become nothing, because it made
    /// the instance act, and the plan is recorded with it.
    fn upcast(stored: Payload) -> Payload {
        stored
    }
}

/// The reasons for a process manager to act. The triggers of one instance come one after another.
#[derive(Clone, Debug, PartialEq)]
pub enum Trigger<I> {
    /// Something happened elsewhere. The inputs of one stream come in its order. None comes after the process has
    /// ended.
    Input(I),
    /// A command that it has sent was rejected. This comes even after the process has ended.
    Rejected(Box<RejectedEffect>),
    /// The timer with this name has run out. It was neither cancelled nor set again.
    Timer(String),
}
