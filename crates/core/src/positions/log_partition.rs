//! Divides a log into partitions, and assigns streams to them.

use std::fmt;
use std::num::NonZero;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::StreamId;

/// A partition of the log, with positions of its own. 0 is the first, and most logs have no other.
///
/// With several partitions, several writers work at once, where one row of the database would make them take turns. A
/// log keeps the number of partitions that it is created with; a stream stays in one of them for ever.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct LogPartition(pub u16);

impl LogPartition {
    /// The partition that every log has.
    pub const FIRST: Self = Self(0);

    /// Returns the partition of a stream in a log of `count` partitions.
    ///
    /// It takes the SHA-256 of the domain's name, a byte 0, and the 16 bytes of the root. The first eight bytes, as a
    /// number with the highest byte first, modulo `count` are the partition. Every store and every version of this
    /// program must give the same answer, or events are not found again.
    pub fn of(stream: &StreamId, count: NonZero<u16>) -> Self {
        if count.get() == 1 {
            return Self::FIRST;
        }
        let mut hasher = Sha256::new();
        hasher.update(stream.domain.as_str());
        hasher.update([0]);
        hasher.update(stream.root);
        let digest: [u8; 32] = hasher.finalize().into();
        let [a, b, c, d, e, f, g, h, ..] = digest;
        let number = u64::from_be_bytes([a, b, c, d, e, f, g, h]) % u64::from(count.get());
        Self(u16::try_from(number).expect("it is less than the count"))
    }

    /// Returns all partitions of a log that has `count`.
    pub fn all(count: NonZero<u16>) -> impl Iterator<Item = Self> + Clone {
        (0..count.get()).map(Self)
    }

    /// Returns its index in a list of all partitions.
    pub fn index(self) -> usize {
        self.0.into()
    }

    /// For stores: checks that the log has this partition.
    ///
    /// # Panics
    /// Panics if a log of `count` partitions does not have it. The caller has not looked at
    /// [`EventStore::partitions`](crate::EventStore::partitions), and would wait for ever for events that never come.
    #[track_caller]
    pub fn check(self, count: NonZero<u16>) {
        assert!(
            self.0 < count.get(),
            "the log has no partition {self}, only {count} from 0 on; ask for its `partitions()` first"
        );
    }
}

impl fmt::Display for LogPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::Domain;

    fn partition(domain: &str, root: u128, count: u16) -> u16 {
        let stream = StreamId::new(Domain::new(domain).unwrap(), Uuid::from_u128(root));
        LogPartition::of(&stream, NonZero::new(count).unwrap()).0
    }

    /// The values were computed by other means. A change of any would lose events that were written.
    #[test]
    fn streams_stay_where_they_are_for_ever() {
        let root = 0x0190_1234_5678_7abc_8def_0123_4567_89ab;
        for (domain, root, count, expected) in [
            ("order", root, 1, 0),
            ("order", root, 2, 0),
            ("order", root, 4, 0),
            ("order", root, 7, 1),
            ("order", root, 256, 112),
            ("order", root, 65535, 55568),
            ("account", root, 256, 139),
            ("a", 0, 256, 201),
            ("a", u128::MAX, 256, 168),
        ] {
            assert_eq!(partition(domain, root, count), expected, "{domain} {count}");
        }
    }

    #[test]
    fn streams_are_spread_over_all_partitions() {
        let mut counts = [0; 4];
        for root in 0..4000 {
            counts[usize::from(partition("order", root, 4))] += 1;
        }
        assert!(
            counts.iter().all(|count| (900..1100).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    #[should_panic(expected = "the log has no partition 4, only 4 from 0 on")]
    fn a_partition_that_a_log_does_not_have_is_a_mistake_of_the_program() {
        LogPartition(4).check(NonZero::new(4).unwrap());
    }
}
