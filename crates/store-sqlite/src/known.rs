//! What the writer remembers between its transactions, as long as nobody else has written.

use std::collections::HashMap;

use seriatim_core::{Domain, Position, Sequence, StreamId, Timestamp};

/// How many streams are remembered: about 150 bytes each.
const REMEMBERED: usize = 100_000;

/// The head of the log and the streams that were written last.
///
/// It is exact, not a guess: SQLite tells by its data version whether another connection has committed since the
/// last look, and then everything is forgotten. So it is after a transaction that failed.
#[derive(Debug, Default)]
pub(crate) struct Known {
    data_version: Option<i64>,
    head: Option<Head>,
    domains: HashMap<Domain, i64>,
    streams: HashMap<StreamId, Option<Sequence>>,
}

/// The last position that was given away, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) position: Position,
    pub(crate) recorded_at: Timestamp,
}

impl Known {
    /// To be called first in a transaction, with what SQLite says there.
    pub(crate) fn keep_if_unchanged(&mut self, data_version: i64) {
        if self.data_version != Some(data_version) {
            self.forget();
            self.data_version = Some(data_version);
        }
    }

    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn head(&self) -> Option<Head> {
        self.head
    }

    pub(crate) fn set_head(&mut self, head: Head) {
        self.head = Some(head);
    }

    /// The number of a domain.
    pub(crate) fn domain(&self, domain: &Domain) -> Option<i64> {
        self.domains.get(domain).copied()
    }

    pub(crate) fn set_domain(&mut self, domain: &Domain, id: i64) {
        self.domains.insert(domain.clone(), id);
    }

    /// The current sequence of a stream; the outer `None`: it is not known.
    pub(crate) fn current(&self, stream: &StreamId) -> Option<Option<Sequence>> {
        self.streams.get(stream).copied()
    }

    pub(crate) fn set_current(&mut self, stream: &StreamId, current: Option<Sequence>) {
        if let Some(known) = self.streams.get_mut(stream) {
            *known = current;
            return;
        }
        if self.streams.len() >= REMEMBERED {
            self.streams.clear();
        }
        self.streams.insert(stream.clone(), current);
    }
}
