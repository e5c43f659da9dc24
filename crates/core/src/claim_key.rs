//! Whose a claim is, told by its key.

use uuid::Uuid;

use crate::{Component, Domain, EffectId, Sequence, StreamId};

/// What a claim was spent for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimKey {
    /// A sender's command or fact, under an external id.
    Sender,
    /// An effect, at its target.
    Effect(EffectId),
    /// An effect that came back rejected, at its source.
    Return(EffectId),
    /// Nothing that this program knows: no sender may use such a key, and no reaction does.
    Unknown,
}

impl ClaimKey {
    /// Reads what [`EffectId::claim_key`] and [`EffectId::return_key`] have written.
    pub fn of(key: &str) -> Self {
        let Some(text) = key.strip_prefix('\0') else {
            return Self::Sender;
        };
        let (id, is_return) = match text.strip_suffix("/rejected") {
            Some(id) => (id, true),
            None => (text, false),
        };
        match (effect_id(id), is_return) {
            (Some(id), false) => Self::Effect(id),
            (Some(id), true) => Self::Return(id),
            (None, _) => Self::Unknown,
        }
    }
}

/// Only what it is written like: another spelling would be another key.
fn effect_id(text: &str) -> Option<EffectId> {
    let mut parts = text.split('/');
    let component = Component::new(parts.next()?).ok()?;
    let domain = Domain::new(parts.next()?).ok()?;
    let root = Uuid::parse_str(parts.next()?).ok()?;
    let id = EffectId {
        component,
        source: StreamId::new(domain, root),
        sequence: Sequence(parts.next()?.parse().ok()?),
        ordinal: parts.next()?.parse().ok()?,
    };
    (id.to_string() == text).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> EffectId {
        EffectId {
            component: Component::new("order-list.v2").unwrap(),
            source: StreamId::new(Domain::new("order").unwrap(), Uuid::from_u128(7)),
            sequence: Sequence(3),
            ordinal: 12,
        }
    }

    #[test]
    fn a_key_tells_whose_it_is() {
        assert_eq!(ClaimKey::of(&id().claim_key()), ClaimKey::Effect(id()));
        assert_eq!(ClaimKey::of(&id().return_key()), ClaimKey::Return(id()));
        assert_eq!(ClaimKey::of("till-7/000123"), ClaimKey::Sender);
        assert_eq!(ClaimKey::of(&id().to_string()), ClaimKey::Sender);
    }

    #[test]
    fn another_spelling_is_another_key() {
        let key = id().claim_key();
        for other in [
            key.replace("/3/", "/03/"),
            key.replace("/12", "/+12"),
            key.replace("order/", "Order/"),
            key.replace('-', ""),
            format!("{key}/"),
            format!("{key}/rejected/rejected"),
            "\0".to_owned(),
        ] {
            assert_eq!(ClaimKey::of(&other), ClaimKey::Unknown, "{other:?}");
        }
    }
}
