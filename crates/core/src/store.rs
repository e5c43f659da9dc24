//! The seams that a store implements: a log of events in streams, snapshots, dead letters, checkpoints, and timers.
//!
//! A new store is written from `store-memory`, the reference, and proves itself by the conformance suite in
//! `testkit`. All rules about merging, routing and retrying live above these seams.

use std::error::Error;
use std::fmt::Debug;
use std::num::NonZero;
use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use crate::{
    Append, AppendError, AppendOutcome, CheckpointStore, ClaimRecord, CommandLetter, Domain,
    Fingerprint, KeyedClaim, LetterFilter, LogId, LogPartition, Payload, Position, RecordedEvent,
    Sequence, Snapshot, StreamId, TimerStore, Timestamp,
};

/// Everything that a coordinator and reactions need of a store.
pub trait Store:
    EventStore + SnapshotStore + DeadLetterStore + CheckpointStore + TimerStore
{
}

impl<S: EventStore + SnapshotStore + DeadLetterStore + CheckpointStore + TimerStore> Store for S {}

/// An append-only log of events, grouped in streams.
///
/// What must hold, with any number of handles and processes on one storage:
///
/// - A stream's sequences begin at 0 and have no gaps; the unique pair (stream, sequence) decides every race.
/// - A stream lives in one partition of the log, [`LogPartition::of`] it and their number, which never changes.
/// - The positions of a partition begin at 1, have no gaps, and are in commit order: a reader that has seen position
///   `p` of it will never see a smaller one appear. Recorded times are those of the storage's clock, and never decrease
///   with the position. Partitions know nothing of each other: neither order nor time holds between them.
/// - What was answered as written survives a crash of the process and of the machine.
#[async_trait]
pub trait EventStore: Send + Sync + Debug + 'static {
    /// Appends a batch in one durable commit for each partition it is for, and answers each append on its own, in
    /// the order given.
    ///
    /// An append writes all it carries or nothing. One that conflicts leaves the others of the batch alone, except
    /// those decided on top of it: the appends of one stream in a batch are a chain, each sees the earlier ones, and
    /// once events of it are not written, its later [`Write::Events`](crate::Write::Events) are refused as conflicts, even if their
    /// `after` happens to be what is current. (It can be: whoever came first may have left the same *number*.)
    ///
    /// For each append the claim is looked at first, then the sequence: whoever repeats an external id learns so
    /// even if the stream has moved.
    ///
    /// # Cancel safety
    /// Dropping the future leaves what is for one partition written or not written, never in part.
    async fn append(&self, batch: Vec<Append>) -> Result<Vec<AppendOutcome>, AppendError>;

    /// What is needed to build a state: the newest usable snapshot and the payloads after it.
    async fn load(&self, load: Load) -> Result<Loaded, StoreError>;

    /// Events of a stream, from `from` on, oldest first, at most `limit`.
    async fn read_stream(
        &self,
        stream: &StreamId,
        from: Sequence,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StoreError>;

    /// How many partitions the log was created with. Every handle on it says the same for ever.
    fn partitions(&self) -> NonZero<u16>;

    /// The identity of the log, which was made with it. Every handle on it says the same for ever.
    fn log_id(&self) -> LogId;

    /// Events of a partition of the log after a position, in order, at most `limit`; and, as of the same moment, which
    /// event is at that position.
    ///
    /// # Panics
    /// If the log has no such partition, as [`head`](Self::head) and [`wait_past`](Self::wait_past) do.
    async fn read_log(
        &self,
        partition: LogPartition,
        after: Position,
        limit: usize,
    ) -> Result<LogPage, StoreError>;

    /// The position of the last event of a partition; [`Position::START`] if it has none. Fails if the store is not
    /// usable.
    async fn head(&self, partition: LogPartition) -> Result<Position, StoreError>;

    /// Waits until there may be events of a partition after a position, whoever writes them.
    ///
    /// For those who follow the log: read a page; if it is empty, wait here for more after the last event seen, and
    /// read again. An event between the page and the wait is not missed. It is a hint: it may return too early, and
    /// where messages between processes were lost it returns late, but no later than the store takes between two
    /// looks of its own. While the storage does not answer it just goes on waiting.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing, and harms no other waiter.
    async fn wait_past(&self, partition: LogPartition, position: Position);

    /// Streams in the order of their ids, at most `limit`: of one domain if given, after a stream if given.
    async fn streams(
        &self,
        domain: Option<&Domain>,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<StreamSummary>, StoreError>;

    /// What an external id of a stream stands for.
    async fn find_claim(
        &self,
        stream: &StreamId,
        external_id: &str,
    ) -> Result<Option<ClaimRecord>, StoreError>;

    /// All that was spent on any stream, external ids and effects alike, in the order of the streams' ids and then of the
    /// keys, byte by byte: what comes after a key of a stream if given, at most `limit`.
    async fn claims(
        &self,
        after: Option<(&StreamId, &str)>,
        limit: usize,
    ) -> Result<Vec<KeyedClaim>, StoreError>;

    /// Brings what is durable to where it stays, so that a plain copy of the storage is complete: SQLite's write-ahead
    /// log goes into its file. Does nothing where there is nothing of that kind. An application does so when it ends; the
    /// store can be used on. An error means that another process was in the way, and harms nothing: what is durable is so
    /// in any case.
    async fn flush(&self) -> Result<(), StoreError>;

    /// Asks the storage whether its own structures are whole, such as the pages and the indexes of a file: what no read of a
    /// log need run into. Takes as long as to read all of it. Does nothing where the storage has no such check. Fails as
    /// [`Corrupt`](StoreErrorKind::Corrupt), with the first that is wrong.
    async fn check_storage(&self) -> Result<(), StoreError>;
}

/// Where states are kept. Losing them costs time, never truth.
#[async_trait]
pub trait SnapshotStore: Send + Sync + Debug + 'static {
    /// Keeps a snapshot, and of the older ones of its type so many that states a little back are near one too: the newest
    /// two, and the latest in each of the newest [`Snapshot::SPANS`] spans of [`Snapshot::SPAN`] sequences that have any.
    /// What is older may be dropped, and of other types what is older than the newest two. A snapshot of an event that the
    /// stream does not have is not kept.
    async fn save_snapshot(&self, stream: &StreamId, snapshot: Snapshot) -> Result<(), StoreError>;
}

/// Where parked commands wait. They are written first by [`EventStore::append`], in the transaction of their claim.
#[async_trait]
pub trait DeadLetterStore: Send + Sync + Debug + 'static {
    /// A letter by its id.
    async fn letter(&self, id: Uuid) -> Result<Option<CommandLetter>, StoreError>;

    /// Letters that pass the filter, in its order, at most `limit`. What the filter says of kinds and components is not
    /// looked at.
    async fn letters(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<CommandLetter>, StoreError>;

    /// Puts a letter in the place of what it was before its last attempt. Whether that was done: not if there was another
    /// attempt in between, or none before.
    async fn revise(&self, letter: &CommandLetter) -> Result<bool, StoreError>;
}

/// Which state to build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// Of which stream.
    pub stream: StreamId,
    /// Up to which event; `None`: the current one.
    pub through: Option<Sequence>,
    /// Snapshots of this type may be used, if they are not past `through`; `None`: begin at the first event.
    pub snapshots: Option<Fingerprint>,
}

/// What a state is built from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The snapshot to begin with. The store makes sure that the stream really has the event it ends with: a snapshot
    /// must not outlive events that a restored backup has lost.
    pub snapshot: Option<Snapshot>,
    /// The payloads after the snapshot, or from sequence 0 on, without gaps.
    pub payloads: Vec<Payload>,
    /// The id of the last event that is in here, be it in the snapshot; `None`: there are no events.
    pub last: Option<Uuid>,
}

/// Some events of a partition that follow one another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPage {
    /// The event at the position that they were asked for after; `None`: there is none. It shows a reader whether this is
    /// still the log that it knows.
    pub follows: Option<Uuid>,
    /// The events, in order.
    pub events: Vec<RecordedEvent>,
}

/// One line of a list of streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSummary {
    /// Which stream.
    pub stream: StreamId,
    /// The sequence of its last event.
    pub current: Sequence,
    /// When that was recorded.
    pub recorded_at: Timestamp,
}

/// Why a store did not do what it was asked for.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the store could not {action}: {source}")]
pub struct StoreError {
    /// What it was asked for, as a verb phrase: `append a batch`.
    pub action: &'static str,
    /// What a caller can branch on.
    pub kind: StoreErrorKind,
    /// What the driver said; shared by all whose appends were in one failed batch.
    pub source: Arc<dyn Error + Send + Sync>,
}

impl StoreError {
    /// Names what failed.
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

/// What is the matter with a store: whether the same may work later, and if not, who has to do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreErrorKind {
    /// It does not answer, or is busy for too long. The same may work in a moment.
    Unavailable,
    /// There is no space left. The same works once there is some again.
    Full,
    /// It takes no writes now, as a standby does not. The same works once it does.
    ReadOnly,
    /// The account of this program lacks a right, until somebody grants it.
    Denied,
    /// It does not accept what it was given: a value that it cannot hold, or that breaks a rule of its tables, or that
    /// needs a number of which none is left.
    Refused,
    /// What it holds contradicts itself, or its tables are not as the migrations made them.
    Corrupt,
}

impl StoreErrorKind {
    /// All that there are.
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

    /// Its name, which programs may branch on.
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
