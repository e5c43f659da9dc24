//! Writes and reads the keys under which a stream keeps the results of commands, facts and effects.

use std::fmt;

use uuid::Uuid;

use crate::{Component, Domain, EffectId, Sequence, StreamId};

/// The purpose for which a claim was spent.
///
/// Its text, by `Display`, is the key of the claim in its stream; [`ClaimKey::of`] reads it back. A key that is not a
/// sender's begins with the character 0, which a sender's external id may not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimKey {
    /// A sender's command or fact, with its external id.
    Sender(String),
    /// An effect, at its target.
    Effect(EffectId),
    /// A rejected effect that was handed back, at its source.
    Return(EffectId),
    /// A timer that its instance could not act upon, recorded as an event. For the instance the timer is this effect.
    StuckTimer(EffectId),
    /// The decision about a parked command, by the id of its letter. Its result is that of the resubmitted command, or
    /// the rejection by the person who discarded it.
    Letter(Uuid),
    /// Another reserved key. No sender may use it, and this program does not make it.
    Unknown(String),
}

impl ClaimKey {
    /// Returns whether a key is reserved, so that no sender may use it.
    pub fn is_reserved(key: &str) -> bool {
        key.starts_with('\0')
    }

    /// Reads a key.
    pub fn of(key: &str) -> Self {
        let Some(text) = key.strip_prefix('\0') else {
            return Self::Sender(key.to_owned());
        };
        let known = match text.rsplit_once('/') {
            Some(("letter", id)) => Uuid::parse_str(id).ok().map(Self::Letter),
            Some((id, "rejected")) => effect_id(id).map(Self::Return),
            Some((id, "stuck")) => effect_id(id).map(Self::StuckTimer),
            _ => effect_id(text).map(Self::Effect),
        };
        // Another spelling is another key.
        known
            .filter(|known| known.to_string() == key)
            .unwrap_or_else(|| Self::Unknown(key.to_owned()))
    }
}

impl fmt::Display for ClaimKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sender(key) | Self::Unknown(key) => f.write_str(key),
            Self::Effect(id) => write!(f, "\0{id}"),
            Self::Return(id) => write!(f, "\0{id}/rejected"),
            Self::StuckTimer(id) => write!(f, "\0{id}/stuck"),
            Self::Letter(id) => write!(f, "\0letter/{id}"),
        }
    }
}

fn effect_id(text: &str) -> Option<EffectId> {
    let mut parts = text.split('/');
    let component = Component::new(parts.next()?).ok()?;
    let domain = Domain::new(parts.next()?).ok()?;
    let root = Uuid::parse_str(parts.next()?).ok()?;
    Some(EffectId {
        component,
        source: StreamId::new(domain, root),
        sequence: Sequence(parts.next()?.parse().ok()?),
        ordinal: parts.next()?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(component: &str) -> EffectId {
        EffectId {
            component: Component::new(component).unwrap(),
            source: StreamId::new(Domain::new("order").unwrap(), Uuid::from_u128(7)),
            sequence: Sequence(3),
            ordinal: 12,
        }
    }

    #[test]
    fn a_key_is_read_as_what_it_was_made_of() {
        for component in ["order-list.v2", "letter", "rejected", "stuck"] {
            for key in [
                ClaimKey::Effect(id(component)),
                ClaimKey::Return(id(component)),
                ClaimKey::StuckTimer(id(component)),
                ClaimKey::Letter(Uuid::from_u128(9)),
                ClaimKey::Sender("till-7/000123".into()),
                ClaimKey::Sender(id(component).to_string()),
                ClaimKey::Unknown("\0pins/desk".into()),
            ] {
                assert_eq!(ClaimKey::of(&key.to_string()), key);
            }
        }
    }

    /// Stores have these keys, so they must not change.
    #[test]
    fn keys_are_written_like_this() {
        let effect = "pins/order/00000000-0000-0000-0000-000000000007/3/12";
        let id = id("pins");
        for (key, text) in [
            (ClaimKey::Effect(id.clone()), format!("\0{effect}")),
            (ClaimKey::Return(id.clone()), format!("\0{effect}/rejected")),
            (ClaimKey::StuckTimer(id), format!("\0{effect}/stuck")),
            (
                ClaimKey::Letter(Uuid::from_u128(9)),
                "\0letter/00000000-0000-0000-0000-000000000009".into(),
            ),
        ] {
            assert_eq!(key.to_string(), text);
        }
    }

    #[test]
    fn another_spelling_is_another_key() {
        let key = ClaimKey::Effect(id("pins")).to_string();
        let letter = ClaimKey::Letter(Uuid::from_u128(10)).to_string();
        for other in [
            key.replace("/3/", "/03/"),
            key.replace("/12", "/+12"),
            key.replace("order/", "Order/"),
            key.replace('-', ""),
            format!("{key}/"),
            format!("{key}/7"),
            format!("{key}/rejected/rejected"),
            format!("{key}/stuck/rejected"),
            letter.replace('-', ""),
            letter.to_uppercase(),
            format!("{letter}/rejected"),
            "\0letter/".to_owned(),
            "\0".to_owned(),
        ] {
            assert_eq!(ClaimKey::of(&other), ClaimKey::Unknown(other.clone()));
        }
    }
}
