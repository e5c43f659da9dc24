//! What the writer remembers between its transactions, as long as nobody else has written.

use std::collections::HashMap;

use seriatim_core::{Position, Sequence, StreamId, Timestamp};

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
    streams: HashMap<StreamId, StreamRow>,
}

/// The last position that was given away, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) position: Position,
    pub(crate) recorded_at: Timestamp,
}

/// A stream that has a row, and its current sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StreamRow {
    pub(crate) id: i64,
    pub(crate) current: Option<Sequence>,
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
        self.data_version = None;
        self.head = None;
        self.streams.clear();
    }

    pub(crate) fn head(&self) -> Option<Head> {
        self.head
    }

    pub(crate) fn set_head(&mut self, head: Head) {
        self.head = Some(head);
    }

    pub(crate) fn stream(&self, id: &StreamId) -> Option<StreamRow> {
        self.streams.get(id).copied()
    }

    pub(crate) fn set_stream(&mut self, id: &StreamId, row: StreamRow) {
        if let Some(known) = self.streams.get_mut(id) {
            *known = row;
            return;
        }
        if self.streams.len() >= REMEMBERED {
            self.streams.clear();
        }
        self.streams.insert(id.clone(), row);
    }
}
