//! Defines the seams that a store implements: a log of events in streams, snapshots, dead letters, checkpoints, and
//! timers.
//!
//! Begin a new store with `store-memory`, the reference, and prove it by the conformance suite in `testkit`. All rules
//! about merging, routing and retrying live above these seams.

use std::error::Error;
use std::fmt::Debug;
use std::num::NonZero;
use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use crate::{
    AnnotationStore, Append, AppendError, AppendOutcome, CheckpointStore, ClaimRecord,
    CommandLetter, Domain, FaultGroup, Fingerprint, KeyedClaim, LetterFilter, LogId, LogPartition,
    Payload, Position, RecordedEvent, Sequence, Snapshot, StreamId, TimerStore, Timestamp,
};

/// The whole interface of a store for a coordinator and reactions.
pub trait Store:
    EventStore + SnapshotStore + DeadLetterStore + AnnotationStore + CheckpointStore + TimerStore
{
}

impl<S> Store for S where
    S: EventStore
        + SnapshotStore
        + DeadLetterStore
        + AnnotationStore
        + CheckpointStore
        + TimerStore
{
}

/// An append-only log of events, grouped in streams.
///
/// An implementation must keep these rules, with any number of handles and processes on one storage:
///
/// - A stream's sequences begin at 0 and have no gaps; the unique pair (stream, sequence) decides every race.
/// - A stream lives in one partition of the log. [`LogPartition::of`] computes it from the stream and the number of
///   partitions, which never changes.
/// - The positions of a partition begin at 1, have no gaps, and are in commit order: a reader that has seen position
///   `p` will never see a smaller one appear. Recorded times come from the storage's clock, and never decrease with the
///   position. Neither order nor time holds between partitions.
/// - An append that was answered as written survives a crash of the process and of the machine.
#[async_trait]
pub trait EventStore: Send + Sync + Debug + 'static {
    /// Appends in one durable commit, which other calls may share, to streams of one partition. Returns an answer for
    /// each append, in the given order.
    ///
    /// An append is written as a whole or not at all. If one conflicts, the others of the call are written all the
    /// same, except those decided on top of it. The appends of a call are a chain: each sees the earlier ones. Once
    /// events of a stream are not written, the later appends of the call that name this stream are refused as
    /// conflicts, even if their `after` happens to match the current sequence. (It can match: another writer may have
    /// left the same *number* of events.)
    ///
    /// For each append the claim is checked first, then the sequences. A sender that repeats an external id (the
    /// idempotency key) therefore learns of it even if the stream has moved. An append without events and claim only
    /// compares: its answer is as new as that of a write.
    ///
    /// Calls at the same time share commits, but none fails because of the size or the content of another. An error
    /// speaks only of this call.
    ///
    /// # Cancel safety
    /// If the future is dropped, the appends are written or not written, never in part.
    ///
    /// # Panics
    /// Panics as [`Append::partition`] does.
    async fn append(&self, call: Vec<Append>) -> Result<Vec<AppendOutcome>, AppendError>;

    /// Returns the data to build a state: the newest usable snapshot and the payloads after it.
    async fn load(&self, load: Load) -> Result<Loaded, StoreError>;

    /// Returns at most `limit` events of a stream, from `from` on, oldest first.
    async fn read_stream(
        &self,
        stream: &StreamId,
        from: Sequence,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StoreError>;

    /// Returns how many partitions the log was created with. It is the same for every handle and never changes.
    fn partitions(&self) -> NonZero<u16>;

    /// Returns the identity of the log, which was made with it. It is the same for every handle and never changes.
    fn log_id(&self) -> LogId;

    /// Returns at most `limit` events of a partition after a position, in order, and the event at that position as of
    /// the same moment.
    ///
    /// # Panics
    /// Panics if the log has no such partition, as [`head`](Self::head) and [`wait_past`](Self::wait_past) do.
    async fn read_log(
        &self,
        partition: LogPartition,
        after: Position,
        limit: usize,
    ) -> Result<LogPage, StoreError>;

    /// Returns the position of the last event of a partition; [`Position::START`] if it has none. Fails if the store is
    /// not usable.
    async fn head(&self, partition: LogPartition) -> Result<Position, StoreError>;

    /// Waits until there may be events of a partition after a position, whichever process writes them.
    ///
    /// It is for readers that follow the log: read a page; if it is empty, wait here for more after the last event
    /// seen, and read again. An event between the page and the wait is not missed. The return is a hint, and may come
    /// too early. If messages between processes are lost it comes late, but no later than the interval at which the
    /// store itself looks. While the storage does not answer it keeps waiting.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing and does not disturb other waiters.
    async fn wait_past(&self, partition: LogPartition, position: Position);

    /// Returns at most `limit` streams in the order of their ids. A domain restricts them to it, and a stream to those
    /// after it.
    async fn streams(
        &self,
        domain: Option<&Domain>,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<StreamSummary>, StoreError>;

    /// Returns the claim of an external id of a stream; `None` if it was not spent.
    async fn find_claim(
        &self,
        stream: &StreamId,
        external_id: &str,
    ) -> Result<Option<ClaimRecord>, StoreError>;

    /// Returns at most `limit` spent claims of all streams, external ids and effects alike, in the order of the
    /// streams' ids and then of the keys, byte by byte. If `after` is given, it begins after that key of that stream.
    async fn claims(
        &self,
        after: Option<(&StreamId, &str)>,
        limit: usize,
    ) -> Result<Vec<KeyedClaim>, StoreError>;

    /// Moves durable data to its final place, so that a plain copy of the storage is complete: SQLite's write-ahead log
    /// goes into its file. Does nothing in other stores. An application calls it when it ends; the store can still be
    /// used afterwards. An error means that another process was in the way. It does no harm, because the data is
    /// durable in any case.
    async fn flush(&self) -> Result<(), StoreError>;

    /// Asks the storage to check its own structures, such as the pages and the indexes of the tables of the store and of
    /// read models. Reading a log need not notice their damage. It takes as long as reading everything. Does nothing in
    /// a storage without such a check. Fails as [`Corrupt`](StoreErrorKind::Corrupt), with the first fault found.
    async fn check_storage(&self) -> Result<(), StoreError>;
}

/// Keeps snapshots of states. Losing them costs only time.
#[async_trait]
pub trait SnapshotStore: Send + Sync + Debug + 'static {
    /// Keeps a snapshot. It also keeps some older ones of the same type, so that there is a snapshot near a slightly
    /// older state: the newest two, and the latest in each of the newest [`Snapshot::SPANS`] spans of
    /// [`Snapshot::SPAN`] sequences that have any. Older ones may be dropped, and all but the newest two of other
    /// types. A snapshot of an event that the stream does not have is not kept.
    async fn save_snapshot(&self, stream: &StreamId, snapshot: Snapshot) -> Result<(), StoreError>;
}

/// Keeps parked commands. [`EventStore::append`] writes them first, in the transaction of their claim.
#[async_trait]
pub trait DeadLetterStore: Send + Sync + Debug + 'static {
    /// Returns a letter by its id.
    async fn letter(&self, id: Uuid) -> Result<Option<CommandLetter>, StoreError>;

    /// Returns at most `limit` letters that pass the filter, in its order.
    ///
    /// In the SQL stores the cost depends on the number of letters returned, not on how many there are, if the filter
    /// names at most one of domain, stream and status. A combination may read all letters that pass a part of it.
    async fn letters(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<CommandLetter>, StoreError>;

    /// Returns the faults for which the waiting letters that pass the filter are there, those with most letters first, at
    /// most `limit`. Its status and its place in the list do not matter. In the SQL stores it reads an index of the
    /// waiting letters, and no letter.
    async fn fault_groups(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<FaultGroup>, StoreError>;

    /// Replaces the stored letter if it has exactly one attempt fewer. Returns `false` otherwise.
    async fn revise(&self, letter: &CommandLetter) -> Result<bool, StoreError>;
}

/// The state to build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// The stream.
    pub stream: StreamId,
    /// The last event of the state; `None` for the current state.
    pub through: Option<Sequence>,
    /// The type of the snapshots that may be used, if they are not past `through`; `None` to begin at the first event.
    pub snapshots: Option<Fingerprint>,
}

/// The data that a state is built from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The snapshot to begin with. The store makes sure that the stream still has the snapshot's last event: a snapshot
    /// must not outlive events that a restored backup has lost.
    pub snapshot: Option<Snapshot>,
    /// The payloads after the snapshot, or from sequence 0 on, without gaps.
    pub payloads: Vec<Payload>,
    /// The id of the last event in here, even if it is in the snapshot; `None` if there are no events.
    pub last: Option<Uuid>,
}

/// Consecutive events of a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPage {
    /// The event at the position after which the page begins; `None` if there is none. It shows a reader whether this
    /// is still the log that it knows.
    pub follows: Option<Uuid>,
    /// The events, in order.
    pub events: Vec<RecordedEvent>,
}

/// One entry of a list of streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSummary {
    /// The stream.
    pub stream: StreamId,
    /// The sequence of its last event.
    pub current: Sequence,
    /// The time at which that event was recorded.
    pub recorded_at: Timestamp,
}

/// The reason why a store did not do what it was asked to do.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the store could not {action}: {source}")]
pub struct StoreError {
    /// The action that it was asked to do, as a verb phrase: `append events`.
    pub action: &'static str,
    /// The kind of the failure, which a caller can branch on.
    pub kind: StoreErrorKind,
    /// The error of the driver. All callers whose appends were in one failed batch share it.
    pub source: Arc<dyn Error + Send + Sync>,
}

impl StoreError {
    /// Makes an error that names the action that failed.
    pub fn new(
        action: &'static str,
        kind: StoreErrorKind,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self {
            action,
            kind,
            source: Arc::from(source.into()),
        }
    }
}

/// The fault of a store. It says whether the same may work later, and if not, who has to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreErrorKind {
    /// The store does not answer, or is busy for too long. The same may work in a moment.
    Unavailable,
    /// The store has no space left. The same works once it has some.
    Full,
    /// The store takes no writes now, for example because it is a standby. The same works once it takes them.
    ReadOnly,
    /// The account of this program lacks a right, until somebody grants it.
    Denied,
    /// The store does not accept the data: it cannot hold a value, a value breaks a rule of its tables, or no number is
    /// left.
    Refused,
    /// The store's data contradict each other, or its tables are not as the migrations made them.
    Corrupt,
}

impl StoreErrorKind {
    /// All kinds.
    pub const ALL: [Self; 6] = [
        Self::Unavailable,
        Self::Full,
        Self::ReadOnly,
        Self::Denied,
        Self::Refused,
        Self::Corrupt,
    ];

    /// Returns whether the same may work later although nobody has changed the request or the rights.
    pub fn is_transient(self) -> bool {
        match self {
            Self::Unavailable | Self::Full | Self::ReadOnly => true,
            Self::Denied | Self::Refused | Self::Corrupt => false,
        }
    }

    /// Returns its name, which programs may branch on.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Full => "full",
            Self::ReadOnly => "read_only",
            Self::Denied => "denied",
            Self::Refused => "refused",
            Self::Corrupt => "corrupt",
        }
    }
}
