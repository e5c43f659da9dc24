//! The names of users, and the roots that are made of them.

use std::cmp::{max, min};

use serde::{Deserialize, Serialize};
use seriatim::prelude::Uuid;

/// The namespace of the roots that are made of names, as UUIDs of version 5.
pub const NAMESPACE: Uuid = Uuid::from_u128(0x3f0c_5a9e_7b12_4d64_8e1f_9c20_6d5b_a713);

/// The most bytes of a user's name.
pub const MOST_NAME_BYTES: usize = 64;

/// The character that separates the two names of a direct conversation. No name contains it, so no two pairs look
/// alike.
const SEPARATOR: char = '/';

/// Checks the name of a user: 1 to 64 bytes, without control characters and `/`, and without white space at its ends.
/// Fails with the first of these rules that it breaks.
pub fn valid_user(name: &str) -> Result<(), InvalidUser> {
    if name.is_empty() || name.len() > MOST_NAME_BYTES {
        return Err(InvalidUser::Length { bytes: name.len() });
    }
    if name.contains(char::is_control) {
        return Err(InvalidUser::ControlCharacter);
    }
    if name.trim() != name {
        return Err(InvalidUser::SpaceAtAnEnd);
    }
    if name.contains(SEPARATOR) {
        return Err(InvalidUser::Slash);
    }
    Ok(())
}

/// The reason why a name cannot be that of a user.
#[derive(thiserror::Error, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum InvalidUser {
    /// It is empty or too long.
    #[error("it has {bytes} bytes, and must have 1 to {MOST_NAME_BYTES}")]
    Length {
        /// The length of the name.
        bytes: usize,
    },
    /// It has a control character, such as a line break.
    #[error("it has a control character")]
    ControlCharacter,
    /// It begins or ends with white space.
    #[error("it begins or ends with white space")]
    SpaceAtAnEnd,
    /// It has a `/`, which separates names where they stand together.
    #[error("it has a `/`")]
    Slash,
}

/// Returns the root of the direct conversation of two users. It is the same whichever of them is named first, and for
/// ever: the UUID of version 5 of both names in order of their bytes, with a `/` between them.
pub fn direct_root(one: &str, other: &str) -> Uuid {
    let pair = format!("{}{SEPARATOR}{}", min(one, other), max(one, other));
    Uuid::new_v5(&NAMESPACE, pair.as_bytes())
}

/// Returns the root of a user's inbox: the UUID of version 5 of the name.
pub fn inbox_root(user: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, user.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_visible_and_has_no_separator() {
        let (longest, too_long) = ("é".repeat(32), "é".repeat(33));
        for name in [
            "ann",
            "Ann Example",
            "ann@example.com",
            "anné",
            "\u{1f41d}",
            &longest,
        ] {
            assert_eq!(valid_user(name), Ok(()), "{name}");
        }
        for (name, why) in [
            ("", InvalidUser::Length { bytes: 0 }),
            (&too_long, InvalidUser::Length { bytes: 66 }),
            ("a\nb", InvalidUser::ControlCharacter),
            ("ann\u{7f}", InvalidUser::ControlCharacter),
            (" ann", InvalidUser::SpaceAtAnEnd),
            ("ann\u{3000}", InvalidUser::SpaceAtAnEnd),
            ("ann/bob", InvalidUser::Slash),
        ] {
            assert_eq!(valid_user(name), Err(why), "{name:?}");
        }
    }

    #[test]
    fn a_pair_has_one_root_and_no_other_pair_has_it() {
        assert_eq!(direct_root("ann", "bob"), direct_root("bob", "ann"));
        assert_ne!(direct_root("a", "bc"), direct_root("ab", "c"));
        assert_ne!(direct_root("ann", "bob"), direct_root("ann", "eve"));
        assert_ne!(inbox_root("ann"), inbox_root("bob"));
        assert_ne!(inbox_root("ann"), direct_root("", "ann"));
    }

    /// They are stored and computed by clients too: a change would make every conversation another one.
    #[test]
    fn roots_stay_what_they_are_for_ever() {
        assert_eq!(
            direct_root("bob", "ann").to_string(),
            "0c80085e-48ff-5ab0-a3aa-497ecdf80eb7"
        );
        assert_eq!(
            inbox_root("ann").to_string(),
            "09999a53-fda5-5518-a0be-f08b3d3eb1ae"
        );
    }
}
