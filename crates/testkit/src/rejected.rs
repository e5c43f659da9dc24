//! An effect that its target has rejected, as a test wants it.

use seriatim_core::{
    Aggregate, Component, Domain, EffectId, Message, Metadata, RejectedEffect, Sequence, StreamId,
};
use uuid::Uuid;

/// Sent by a component called `name` because of an event.
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
