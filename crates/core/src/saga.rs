//! A reaction without a state: events of one domain in, commands and facts for others out.

use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, DecodeError, EffectId, Effects, Metadata, Payload, RecordedEvent, Rejected,
    StreamId, decode_command,
};

/// Turns events of one kind of aggregate into commands and facts for others.
///
/// It is pure, as an aggregate is: no clock, no id generator, no I/O. The same event may be reacted to more than once,
/// and what is asked for must then be the same, in the same order: its place in the list is part of its
/// [`EffectId`], under which the target applies it once. A root that is needed for something new is taken from the event,
/// or made from it, as by `Uuid::new_v5` (behind the feature `v5` of the crate `uuid`).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a saga",
    note = "implement `Saga` for it: `NAME`, the type `Source` and the function `react`"
)]
pub trait Saga: Send + Sync + 'static {
    /// Its name, see [`Component`](crate::Component). Its progress and the identity of its effects go by it: under
    /// another name it begins anew, and asks for everything again.
    const NAME: &'static str;

    /// Whose events it reacts to.
    type Source: Aggregate;

    /// What an event asks for. `recorded` is the event with its place, its time and where it comes from.
    fn react(
        &self,
        event: &<Self::Source as Aggregate>::Event,
        recorded: &RecordedEvent,
        effects: &mut Effects,
    );
}

/// An effect that its target said no to, on its way back to where it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedEffect {
    /// Which; its source is told.
    pub effect: EffectId,
    /// Whom it was for.
    pub target: StreamId,
    /// What it asked for.
    pub commands: Vec<Payload>,
    /// Why not. A conflict that the strategy refused has the code [`Rejected::CONFLICT`].
    pub rejected: Rejected,
    /// Correlation, causation and external id, as they were sent.
    #[serde(default)]
    pub metadata: Metadata,
}

impl RejectedEffect {
    /// What was asked for, if it was asked of the aggregate `A`; `None` if of another domain.
    pub fn of<A: Aggregate>(&self) -> Option<Result<Vec<A::Command>, DecodeError>> {
        let is_of = self.target.domain.as_str() == A::DOMAIN;
        is_of.then(|| self.commands.iter().map(decode_command::<A>).collect())
    }
}
