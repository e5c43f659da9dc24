//! Keeps what the writer remembers between its transactions, as long as no other process has written.

use foldhash::HashMap;
use seriatim_core::{Domain, Position, Sequence, StreamId, Timestamp};
use uuid::Uuid;

/// The number of streams that are remembered, at about 170 bytes each.
const REMEMBERED: usize = 100_000;

/// The head of the log and the streams that were written last.
///
/// It is exact, not a guess: every transaction that writes increases the head's revision and stores its own name there.
/// A write that relies on this is done only if both are still the remembered ones.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    head: Option<Head>,
    streams: HashMap<StreamId, Option<LastEvent>>,
    /// Never forgotten, because a domain keeps its number.
    domains: HashMap<Domain, i16>,
}

/// The sequence and the id of the last event of a stream.
pub(crate) type LastEvent = (Sequence, Uuid);

/// The last position that was assigned, and its time; and the state of the log that this belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) position: Position,
    pub(crate) recorded_at: Timestamp,
    /// The number of transactions so far.
    pub(crate) revision: i64,
    /// The name of the last transaction. A restored log may reach the same revision again, but not the same name.
    pub(crate) batch: Uuid,
}

impl Memory {
    pub(crate) fn head(&self) -> Option<Head> {
        self.head
    }

    /// Must be called with the head as read under its lock.
    pub(crate) fn keep_if_unchanged(&mut self, head: Head) {
        if self.head != Some(head) {
            self.forget();
            self.head = Some(head);
        }
    }

    pub(crate) fn forget(&mut self) {
        self.head = None;
        self.streams.clear();
    }

    /// Learns what was written, after the commit.
    pub(crate) fn learn(
        &mut self,
        head: Head,
        streams: impl IntoIterator<Item = (StreamId, Option<LastEvent>)>,
    ) {
        self.head = Some(head);
        for (stream, last) in streams {
            if self.streams.len() >= REMEMBERED && !self.streams.contains_key(&stream) {
                self.streams.clear();
            }
            self.streams.insert(stream, last);
        }
    }

    /// Returns the last event of a stream; the outer `None` means that it is not known.
    pub(crate) fn last(&self, stream: &StreamId) -> Option<Option<LastEvent>> {
        self.streams.get(stream).copied()
    }

    /// The number of a domain.
    pub(crate) fn domain(&self, domain: &Domain) -> Option<i16> {
        self.domains.get(domain).copied()
    }

    pub(crate) fn learn_domain(&mut self, domain: Domain, id: i16) {
        self.domains.insert(domain, id);
    }
}
