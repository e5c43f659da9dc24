//! A reaction with a state: inputs from many streams in, commands, facts and timers out.
//!
//! What a developer writes is pure. Its instances are aggregates of a domain of its name ([`Process`]): what came in and
//! what was planned about it is one event there, so that no crash can come between the two.

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

/// Watches over something that takes several steps, and knows how far it has come: a saga with a memory and a clock.
///
/// There is one instance for each root that [`correlate`](Self::correlate) names. Its state is what became of its
/// triggers, as an aggregate's is what became of its events, and has a stream of its own, of the domain
/// [`NAME`](Self::NAME).
///
/// `decide` and `evolve` are pure: no clock, no id generator, no I/O.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a process manager",
    note = "implement `ProcessManager` for it: `NAME`, the type `Input`, and the functions `filter`, `correlate`, `decide` and `evolve`",
    note = "the state needs `#[derive(Default, Clone, PartialEq, Serialize, Deserialize)]`"
)]
pub trait ProcessManager:
    Default + Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// Its name: that of the component that does what was planned, and of the domain of its streams. At most
    /// 57 characters, see [`Domain`](crate::Domain). Under another name it begins anew.
    const NAME: &'static str;

    /// Raise this when `evolve` gives other states for the same triggers, as
    /// [`Aggregate::SNAPSHOT_SCHEMA`](crate::Aggregate::SNAPSHOT_SCHEMA).
    const SNAPSHOT_SCHEMA: u32 = 1;

    /// What it takes in: the part of others' events that it needs, in its own words.
    type Input: Event;

    /// Which events are looked at.
    fn filter() -> EventFilter;

    /// Which instance an event concerns, and what it means there; `None`: none.
    fn correlate(event: &RecordedEvent) -> Result<Option<(Uuid, Self::Input)>, DecodeError>;

    /// Decides what is to be done about a trigger. `self` is the state before it.
    fn decide(&self, trigger: &Trigger<Self::Input>, plan: &mut Plan);

    /// Takes a trigger into the state. Total: it never fails or panics, whatever the order.
    fn evolve(&mut self, trigger: &Trigger<Self::Input>);

    /// Brings a stored input into today's shape, before it is decoded. An input cannot become nothing: it made the
    /// instance act, and what was planned then is recorded with it.
    fn upcast(stored: Payload) -> Payload {
        stored
    }
}

/// What makes a process manager act. The triggers of one instance come one after another.
#[derive(Clone, Debug, PartialEq)]
pub enum Trigger<I> {
    /// Something happened elsewhere. Those of one stream come in its order. After the end of the process none comes.
    Input(I),
    /// A command that it has sent was rejected. That comes after the end of the process too.
    Rejected(Box<RejectedEffect>),
    /// The timer of this name has run out. It has neither been cancelled nor set anew.
    Timer(String),
}
