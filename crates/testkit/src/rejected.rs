//! A rejected effect for a test.

use seriatim_core::{
    Aggregate, Component, Domain, EffectId, Message, Metadata, RejectedEffect, Sequence, StreamId,
};
use uuid::Uuid;

/// Makes one that a component called `name` sent because of an event.
pub(crate) fn rejected<T: Aggregate>(
    name: &str,
    (source, sequence): (StreamId, Sequence),
    target: Uuid,
    command: &T::Command,
    rejection: &T::Rejection,
) -> RejectedEffect {
    RejectedEffect {
        effect: EffectId {
            component: Component::new(name).expect("it is a name"),
            source,
            sequence,
            ordinal: 0,
        },
        target: StreamId::new(Domain::of::<T>(), target),
        commands: vec![command.encode().expect("it was written down before")],
        rejected: rejection.into(),
        metadata: Metadata::default(),
    }
}
