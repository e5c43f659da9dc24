//! Converts effects of reactions: `EffectId`, and rejected effects.

use seriatim_core::{Component, EffectId, Metadata, RejectedEffect, Sequence};

use super::command::{book_of, command_book};
use super::identity::{cover, optional_uuid, stream};
use super::invalid::{Found, Invalid, given, required};
use crate::v1;

impl From<&EffectId> for v1::EffectId {
    fn from(id: &EffectId) -> Self {
        Self {
            component: id.component.as_str().into(),
            source: Some(cover(&id.source)),
            sequence: id.sequence.0,
            ordinal: id.ordinal,
            depth: 0,
        }
    }
}

impl TryFrom<v1::EffectId> for EffectId {
    type Error = Invalid;

    fn try_from(id: v1::EffectId) -> Result<Self, Invalid> {
        let mut found = Found::default();
        let component = Component::new(&id.component);
        let component =
            found.take(component.map_err(|error| Invalid::field("component", error.to_string())));
        let source = found
            .take(stream(id.source.as_ref()).map_err(|invalid| invalid.renamed("cover", "source")));
        found.give(component.zip(source).map(|(component, source)| Self {
            component,
            source,
            sequence: Sequence(id.sequence),
            ordinal: id.ordinal,
        }))
    }
}

/// Makes the id of an effect of this depth.
pub(super) fn effect_id(id: &EffectId, depth: u32) -> v1::EffectId {
    v1::EffectId { depth, ..id.into() }
}

/// Reads an effect that may be left out.
pub(super) fn optional_effect(id: Option<v1::EffectId>) -> Result<Option<EffectId>, Invalid> {
    given(id)
        .map(EffectId::try_from)
        .transpose()
        .map_err(|invalid| invalid.within("effect"))
}

impl From<&RejectedEffect> for v1::HandBackRequest {
    /// Leaves out the actor, who travels in the call's metadata.
    fn from(rejected: &RejectedEffect) -> Self {
        Self {
            effect: Some(effect_id(&rejected.effect, rejected.metadata.depth)),
            book: Some(book_of(
                &rejected.target,
                &rejected.metadata,
                &rejected.commands,
            )),
            rejection: Some((&rejected.rejected).into()),
            causation_id: rejected.metadata.causation_id.map(Into::into),
            include_events: false,
        }
    }
}

impl TryFrom<v1::HandBackRequest> for RejectedEffect {
    type Error = Invalid;

    /// The actor is not in the message but in the call's metadata.
    fn try_from(request: v1::HandBackRequest) -> Result<Self, Invalid> {
        let mut found = Found::default();
        let depth = request.effect.as_ref().map_or(0, |effect| effect.depth);
        let effect = optional_effect(request.effect)
            .and_then(|effect| required(effect, "effect", "say which effect comes back"));
        let effect = found.take(effect);
        let book = found.take(command_book(request.book));
        let rejection = required(request.rejection, "rejection", "say why it was rejected");
        let rejected = found.take(rejection.and_then(TryInto::try_into));
        let causation_id = found.take(optional_uuid(request.causation_id.as_ref(), "causation_id"));
        let read = (|| {
            let command = book?.with(None, Vec::new());
            Some(Self {
                effect: effect?,
                target: command.stream,
                commands: command.commands,
                rejected: rejected?,
                metadata: Metadata {
                    causation_id: causation_id?,
                    depth,
                    ..command.metadata
                },
            })
        })();
        found.give(read)
    }
}
