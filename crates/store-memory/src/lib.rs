//! A store in memory: the reference for new stores, and the store behind `memory:`.
//!
//! Everything is lost with the last handle. One mutex takes the place of a transaction in other stores; the steps under
//! it are the steps that every store takes.

mod annotation;
mod append;
mod checkpoint;
mod clock;
mod dead_letter;
mod parked;
mod read;
mod snapshot;
mod timer;

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZero;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use seriatim_core::{
    Annotation, ClaimRecord, CommandLetter, Component, Cursor, LogId, LogPartition, Position,
    ReactionLetter, RecordedEvent, Sequence, Snapshot, StreamId, Timestamp, Work,
};
use tokio::sync::watch;
use uuid::Uuid;

use clock::Clock;

/// A store in memory. Clones are handles to the same storage.
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

struct Shared {
    log_id: LogId,
    partitions: NonZero<u16>,
    /// Waiters watch these; they are set while the log is locked.
    heads: Box<[watch::Sender<Position>]>,
    log: Mutex<Log>,
}

impl MemoryStore {
    /// Makes an empty store, whose log has one partition.
    pub fn new() -> Self {
        Self::with_partitions(NonZero::<u16>::MIN)
    }

    /// Makes an empty store, whose log has this number of partitions.
    pub fn with_partitions(count: NonZero<u16>) -> Self {
        Self::with(count, Clock::of_this_machine())
    }

    /// Makes an empty store that uses this clock instead of the machine's, for example one that a test lets jump.
    pub fn with_clock(clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self::with(NonZero::<u16>::MIN, Clock::new(clock))
    }

    fn with(count: NonZero<u16>, clock: Clock) -> Self {
        let shared = Shared {
            log_id: LogId(Uuid::now_v7()),
            partitions: count,
            heads: LogPartition::all(count)
                .map(|_| watch::Sender::default())
                .collect(),
            log: Mutex::new(Log::new(count, clock)),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// No code panics while it holds the lock, so the data behind a poisoned lock is still whole.
    fn log(&self) -> MutexGuard<'_, Log> {
        self.shared
            .log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

/// All that is stored.
#[derive(Debug)]
struct Log {
    clock: Clock,
    partitions: Box<[Partition]>,
    streams: BTreeMap<StreamId, Stream>,
    letters: BTreeMap<Uuid, CommandLetter>,
    checkpoints: BTreeMap<Work, checkpoint::Kept>,
    beginnings: BTreeMap<Component, Cursor>,
    /// The components that a person has paused, and the reason for each.
    pauses: BTreeMap<Component, String>,
    parked: BTreeMap<(Work, StreamId), ReactionLetter>,
    /// Letters of events that components could not handle and that are handled or skipped by now.
    closed: BTreeMap<Uuid, ReactionLetter>,
    annotations: BTreeMap<Uuid, Vec<Annotation>>,
    /// By their stream and name.
    timers: BTreeMap<(StreamId, String), timer::Alarm>,
}

/// The events of one partition in the order of their positions: position 1 comes first.
type Partition = Vec<RecordedEvent>;

/// The state of one stream. It may have claims and no events: a letter that was parked on a new stream.
#[derive(Debug)]
struct Stream {
    /// The partition that it belongs to.
    partition: LogPartition,
    /// The indexes of its events in the partition, in the order of their sequences.
    events: Vec<usize>,
    claims: BTreeMap<String, ClaimRecord>,
    /// Oldest first.
    snapshots: Vec<Snapshot>,
}

impl Stream {
    fn new(partition: LogPartition) -> Self {
        Self {
            partition,
            events: Vec::new(),
            claims: BTreeMap::new(),
            snapshots: Vec::new(),
        }
    }

    fn current(&self) -> Option<Sequence> {
        let last = self.events.len().checked_sub(1)?;
        Some(Sequence(
            u32::try_from(last).expect("no append passes the last sequence"),
        ))
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("partitions", &self.shared.partitions)
            .finish_non_exhaustive()
    }
}
