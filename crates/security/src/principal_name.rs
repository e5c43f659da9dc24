//! Says which names principals may have.

use seriatim_core::{is_actor_of_reactions, printable};

/// The longest name of a principal, in bytes.
const MOST_BYTES: usize = 200;

/// Fails for a name that no principal may have. Events record it as their actor, and people read it.
pub fn check_principal_name(name: &str) -> Result<(), InvalidName> {
    if name.is_empty() {
        return Err(InvalidName::Empty);
    }
    if name.len() > MOST_BYTES {
        return Err(InvalidName::TooLong { bytes: name.len() });
    }
    // Without spaces `ann via gateway` cannot be a name, so it can only say that `gateway` spoke for `ann`.
    if name.contains(char::is_whitespace) || printable(name) != name {
        return Err(InvalidName::Characters);
    }
    match is_actor_of_reactions(name) {
        true => Err(InvalidName::Reserved { name: name.into() }),
        false => Ok(()),
    }
}

/// The reason why no principal may have a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// It is empty.
    #[error("the name of the principal is empty; give it one, for example `billing`")]
    Empty,
    /// It is too long.
    #[error("the name of the principal takes {bytes} bytes; at most {MOST_BYTES} are allowed")]
    TooLong {
        /// Its length, in bytes.
        bytes: usize,
    },
    /// It has spaces, or characters that cannot be seen.
    #[error(
        "the name of the principal has spaces, or characters that cannot be seen; leave them out"
    )]
    Characters,
    /// Only components have such names.
    #[error(
        "`{name}` begins as only the names of sagas, process managers and timers do; take another name"
    )]
    Reserved {
        /// The name that was given.
        name: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_mislead_are_refused() {
        for name in ["billing", "Zoë", "ann@example.com", "spiffe://x/y"] {
            assert_eq!(check_principal_name(name), Ok(()), "{name}");
        }
        let long = "x".repeat(MOST_BYTES + 1);
        for name in [
            "",
            " ",
            "a\n",
            "a\u{1b}[2J",
            " a",
            "a b",
            "ann via gateway",
            "a\u{202e}b",
            "saga:x",
            "timer:",
            "process-manager:x",
            &long,
        ] {
            assert!(check_principal_name(name).is_err(), "{name:?}");
        }
    }
}
