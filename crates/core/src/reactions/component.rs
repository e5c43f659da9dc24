//! Names the parts that react to events, and cuts their work into pieces.

use std::fmt;
use std::num::NonZero;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::events::stream::is_name;
use crate::{LogPartition, Saga, StreamId};

/// The name of a saga, a process manager or a projector, for example `balances`.
///
/// It is made of the same characters as a [`Domain`](crate::Domain), because a process manager has streams under its
/// name. The component's progress is kept under it: a component with another name begins again. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Component(Arc<str>);

impl Component {
    /// Checks `name` and makes a component of it.
    pub fn new(name: &str) -> Result<Self, InvalidComponent> {
        if is_name(name) {
            return Ok(Self(name.into()));
        }
        Err(InvalidComponent { name: name.into() })
    }

    /// Returns the name of a saga. An invalid `NAME` does not compile.
    pub fn of_saga<S: Saga>() -> Self {
        const {
            assert!(
                is_name(S::NAME),
                "`NAME` must be 1 to 64 characters: a lower-case letter first, then lower-case letters, digits, `_`, `-` or `.`"
            );
        }
        Self(S::NAME.into())
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl FromStr for Component {
    type Err = InvalidComponent;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::new(name)
    }
}

impl TryFrom<String> for Component {
    type Error = InvalidComponent;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::new(&name)
    }
}

impl From<Component> for String {
    fn from(component: Component) -> Self {
        component.as_str().into()
    }
}

/// A name that is not a valid [`Component`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{name}` cannot name a component: take 1 to {} characters, a lower-case letter first, then lower-case letters, digits, `_`, `-` or `.`",
    crate::Domain::MAX_LENGTH
)]
pub struct InvalidComponent {
    /// The value that was given.
    pub name: String,
}

/// One of several equal parts that the streams are divided into, so that as many processes can work for one component.
/// All events of a stream are in one share, so their order is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share {
    of: NonZero<u16>,
    index: u16,
}

impl Share {
    /// The only share, with all streams in it.
    pub const WHOLE: Self = Self {
        of: NonZero::<u16>::MIN,
        index: 0,
    };

    /// Returns all shares if there are `count`.
    pub fn all(count: NonZero<u16>) -> impl Iterator<Item = Self> + Clone {
        (0..count.get()).map(move |index| Self { of: count, index })
    }

    /// Returns its number, from 0 on.
    pub fn index(self) -> u16 {
        self.index
    }

    /// Returns the number of shares.
    pub fn count(self) -> NonZero<u16> {
        self.of
    }

    /// Returns whether a stream is in this share.
    ///
    /// The share is a number modulo the count. The number is the last eight bytes, highest byte first, of the SHA-256
    /// of the domain's name, a byte 0, and the root. The partition of the log is computed from other bytes, so the
    /// shares of one partition are equal too.
    pub fn has(self, stream: &StreamId) -> bool {
        if self.of.get() == 1 {
            return true;
        }
        let mut hasher = Sha256::new();
        hasher.update(stream.domain.as_str());
        hasher.update([0]);
        hasher.update(stream.root);
        let digest: [u8; 32] = hasher.finalize().into();
        let [.., a, b, c, d, e, f, g, h] = digest;
        let number = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        number % u64::from(self.of.get()) == u64::from(self.index)
    }
}

/// A piece of a component's work: the streams of one share in one partition of the log. One process at a time does it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Work {
    /// The component.
    pub component: Component,
    /// The partition of the log.
    pub partition: LogPartition,
    /// The share of the streams in that partition.
    pub share: Share,
}

impl fmt::Display for Work {
    /// Writes the component and the partition, such as `balances/0`, with `/INDEXofCOUNT` if there are several shares.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.component, self.partition)?;
        match self.share {
            Share::WHOLE => Ok(()),
            Share { of, index } => write!(f, "/{index}of{of}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::Domain;

    fn streams() -> impl Iterator<Item = StreamId> {
        (0..4000).map(|root| StreamId::new(Domain::new("order").unwrap(), Uuid::from_u128(root)))
    }

    #[test]
    fn every_stream_is_in_exactly_one_share() {
        let shares: Vec<_> = Share::all(NonZero::new(5).unwrap()).collect();
        for stream in streams() {
            assert_eq!(shares.iter().filter(|share| share.has(&stream)).count(), 1);
            assert!(Share::WHOLE.has(&stream));
        }
    }

    #[test]
    fn the_shares_of_one_partition_are_equal() {
        let two = NonZero::new(2).unwrap();
        let first = Share::all(two).next().unwrap();
        let in_partition = |stream: &StreamId| LogPartition::of(stream, two).0 == 0;
        let in_both = streams().filter(|stream| in_partition(stream) && first.has(stream));
        let count = in_both.count();
        assert!((900..1100).contains(&count), "{count}");
    }

    #[test]
    fn names_are_those_of_domains() {
        assert!(Component::new("order-list.v2").is_ok());
        for name in ["", "Orders", "1st", "a b"] {
            assert_eq!(
                Component::new(name),
                Err(InvalidComponent { name: name.into() })
            );
        }
    }
}
