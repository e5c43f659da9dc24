//! Keeps what the writer remembers between its transactions, as long as no other connection has written.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use seriatim_core::{Domain, Position, Sequence, Timestamp};
use uuid::Uuid;

/// The number of streams that are remembered, at about 70 bytes each.
const REMEMBERED: usize = 100_000;

/// The head of the log and the streams that were written last.
///
/// It is exact, not a guess: the data version of SQLite shows whether another connection has committed since the last
/// check, and then everything is forgotten. Everything is also forgotten after a transaction that failed.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    data_version: Option<i64>,
    head: Option<Head>,
    /// Most appends in a row are for one domain.
    last_domain: Option<(Domain, i64)>,
    domains: HashMap<Domain, i64>,
    streams: HashMap<StreamKey, Option<LastEvent>, Seed>,
}

/// A stream, with its domain's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StreamKey {
    pub(crate) domain: i64,
    pub(crate) root: Uuid,
}

/// The sequence and the id of the last event of a stream.
pub(crate) type LastEvent = (Sequence, Uuid);

/// The last position that was assigned, and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) position: Position,
    pub(crate) recorded_at: Timestamp,
}

impl Memory {
    /// Must be called first in a transaction, with SQLite's data version. Returns whether no other connection has
    /// written.
    pub(crate) fn keep_if_unchanged(&mut self, data_version: i64) -> bool {
        let unchanged = self.data_version == Some(data_version);
        if !unchanged {
            self.forget();
            self.data_version = Some(data_version);
        }
        // Not in the middle of a transaction, where what waits to be inserted is known only here.
        if self.streams.len() >= REMEMBERED {
            self.streams.clear();
        }
        unchanged
    }

    pub(crate) fn forget(&mut self) {
        self.data_version = None;
        self.head = None;
        self.last_domain = None;
        self.domains.clear();
        self.streams.clear();
    }

    pub(crate) fn head(&self) -> Option<Head> {
        self.head
    }

    pub(crate) fn set_head(&mut self, head: Head) {
        self.head = Some(head);
    }

    /// The number of a domain.
    pub(crate) fn domain(&mut self, domain: &Domain) -> Option<i64> {
        if let Some((last, id)) = &self.last_domain
            && last == domain
        {
            return Some(*id);
        }
        let id = *self.domains.get(domain)?;
        self.last_domain = Some((domain.clone(), id));
        Some(id)
    }

    pub(crate) fn set_domain(&mut self, domain: &Domain, id: i64) {
        self.domains.insert(domain.clone(), id);
    }

    /// The last event of a stream; the outer `None`: it is not known.
    pub(crate) fn last(&self, stream: StreamKey) -> Option<Option<LastEvent>> {
        self.streams.get(&stream).copied()
    }

    pub(crate) fn set_last(&mut self, stream: StreamKey, last: Option<LastEvent>) {
        self.streams.insert(stream, last);
    }
}

impl Hash for StreamKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let (high, low) = self.root.as_u64_pair();
        state.write_u64(high ^ self.domain.cast_unsigned());
        state.write_u64(low);
    }
}

/// Hashes stream keys. They are random enough already, so this need not cost what a hasher for any bytes does; the
/// seed keeps those who choose roots from choosing ones that collide.
#[derive(Clone, Copy, Debug)]
struct Seed(u64);

impl Default for Seed {
    fn default() -> Self {
        Self(RandomState::new().hash_one(0) | 1)
    }
}

impl BuildHasher for Seed {
    type Hasher = Folded;

    fn build_hasher(&self) -> Folded {
        Folded {
            seed: self.0,
            hash: self.0,
        }
    }
}

struct Folded {
    seed: u64,
    hash: u64,
}

impl Hasher for Folded {
    fn write_u64(&mut self, word: u64) {
        let product = u128::from(self.hash ^ word) * u128::from(self.seed);
        self.hash = (product >> 64) as u64 ^ product as u64;
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64((*byte).into()));
    }

    fn finish(&self) -> u64 {
        self.hash
    }
}
