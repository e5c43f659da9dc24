//! The seams of a store in memory: the reference that a new store is written from, and `memory:`.
//!
//! Everything is lost with the last handle. One mutex stands for what is a transaction elsewhere; what happens
//! while it is held is, step by step, what every store does.

mod append;
mod dead_letter;
mod read;
mod snapshot;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use seriatim_core::{ClaimRecord, DeadLetter, RecordedEvent, Sequence, Snapshot, StreamId};
use uuid::Uuid;

/// A store in memory. Clones are handles on the same storage.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    log: Arc<Mutex<Log>>,
}

impl MemoryStore {
    /// Makes an empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// No code panics while it holds the lock, so what a poisoned one guards is still whole.
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All that is stored.
#[derive(Debug, Default)]
struct Log {
    /// In the order of their positions: position 1 comes first.
    events: Vec<RecordedEvent>,
    streams: BTreeMap<StreamId, Stream>,
    letters: BTreeMap<Uuid, DeadLetter>,
}

/// What is known of one stream. It may have claims and no events: a letter that was parked on a new stream.
#[derive(Debug, Default)]
struct Stream {
    /// Where in [`Log::events`] its events are: that of sequence 0 comes first.
    events: Vec<usize>,
    claims: HashMap<String, ClaimRecord>,
    /// Oldest first.
    snapshots: Vec<Snapshot>,
}

impl Stream {
    fn current(&self) -> Option<Sequence> {
        let last = self.events.len().checked_sub(1)?;
        Some(Sequence(
            u32::try_from(last).expect("no append passes the last sequence"),
        ))
    }
}
