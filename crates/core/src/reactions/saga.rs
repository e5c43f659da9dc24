//! Defines a reaction without a state: it takes events of one domain, and gives commands and facts for others.

use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, DecodeError, EffectId, Effects, Metadata, Payload, RecordedEvent, Rejected,
    StreamId, decode_command,
};

/// Turns events of one kind of aggregate into commands and facts for others.
///
/// It is pure, as an aggregate is: it uses no clock, no id generator and no I/O. It may be called more than once for
/// the same event and must then ask for the same effects in the same order, because an effect's place in the list is
/// part of its [`EffectId`], under which the target applies it once. Take the root of something new from the event, or
/// make it from the event, for example by `Uuid::new_v5` (behind the feature `v5` of the crate `uuid`).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a saga",
    note = "implement `Saga` for it: `NAME`, the type `Source` and the function `react`"
)]
pub trait Saga: Send + Sync + 'static {
    /// Its name, see [`Component`](crate::Component). Its progress and the identity of its effects depend on it: with
    /// another name it begins again, and asks for everything again.
    const NAME: &'static str;

    /// The aggregate whose events it reacts to.
    type Source: Aggregate;

    /// Adds the effects of an event to `effects`. `recorded` is the event with its sequence, position, time and
    /// metadata.
    fn react(
        &self,
        event: &<Self::Source as Aggregate>::Event,
        recorded: &RecordedEvent,
        effects: &mut Effects,
    );
}

/// An effect that its target rejected, on its way back to its source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedEffect {
    /// The identity of the effect, which names the source.
    pub effect: EffectId,
    /// The stream that it was for.
    pub target: StreamId,
    /// The commands that it asked for.
    pub commands: Vec<Payload>,
    /// The rejection. A conflict that the strategy refused has the code [`Rejected::CONFLICT`].
    pub rejected: Rejected,
    /// Correlation, causation and external id, as they were sent.
    #[serde(default)]
    pub metadata: Metadata,
}

impl RejectedEffect {
    /// Decodes the commands if the target is an aggregate `A`; `None` if it is of another domain.
    pub fn of<A: Aggregate>(&self) -> Option<Result<Vec<A::Command>, DecodeError>> {
        let is_of = self.target.domain.as_str() == A::DOMAIN;
        is_of.then(|| self.commands.iter().map(decode_command::<A>).collect())
    }
}
