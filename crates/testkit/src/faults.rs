//! A store that fails on request, for tests of what stands on it.

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZero;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use seriatim_core::{
    Advance, Append, AppendError, AppendOutcome, Checkpoint, CheckpointStore, ClaimRecord,
    ClearedTimer, Component, DeadLetter, DeadLetterStore, Domain, EventStore, Hold, LetterFilter,
    Load, Loaded, LogPartition, Parked, Position, RecordedEvent, Sequence, Skipped, Snapshot,
    SnapshotStore, Store, StoreError, StoreErrorKind, StreamId, StreamSummary, Taking, Tenure,
    Timer, TimerStore, Wish, Work,
};
use uuid::Uuid;

/// What goes wrong with one call of [`EventStore::append`].
#[derive(Clone)]
pub enum Fault {
    /// It fails before anything is written, and says so.
    NotWritten(StoreErrorKind),
    /// It writes everything, and then does not know whether it did.
    UnknownButWritten,
    /// It writes what is for one partition of the log, and then does not know what it wrote.
    UnknownButWrittenIn(LogPartition),
    /// It writes nothing, and does not know whether it did.
    UnknownNotWritten,
    /// It takes longer.
    Delay(Duration),
    /// Somebody else gets in first.
    Crowded(Crowd),
}

/// What somebody else does just before an append.
pub type Crowd = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

impl Fault {
    /// Runs `crowd` before the append: another writer, or a wait for whatever the test decides.
    pub fn crowded<F>(crowd: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::Crowded(Arc::new(move || Box::pin(crowd())))
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotWritten(kind) => f.debug_tuple("NotWritten").field(kind).finish(),
            Self::UnknownButWritten => f.write_str("UnknownButWritten"),
            Self::UnknownButWrittenIn(partition) => f
                .debug_tuple("UnknownButWrittenIn")
                .field(partition)
                .finish(),
            Self::UnknownNotWritten => f.write_str("UnknownNotWritten"),
            Self::Delay(time) => f.debug_tuple("Delay").field(time).finish(),
            Self::Crowded(_) => f.write_str("Crowded"),
        }
    }
}

/// Wraps a store. Calls of `append` meet the planned faults in order, one each; a call with none planned, and
/// everything else, goes straight through. Clones share the plan.
#[derive(Clone, Debug)]
pub struct FaultyStore {
    inner: Arc<Mutex<Arc<dyn Store>>>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    plan: VecDeque<Option<Fault>>,
    down: Option<StoreErrorKind>,
    appends: usize,
    log_reads: usize,
    timers_held: bool,
    most_timers_rung: usize,
}

impl FaultyStore {
    /// Wraps `inner`, with nothing planned.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self {
            inner: Arc::new(Mutex::new(inner)),
            state: Arc::default(),
        }
    }

    /// Plans a fault for the next call of `append` that has none yet.
    pub fn fail_next(&self, fault: Fault) {
        self.state().plan.push_back(Some(fault));
    }

    /// Plans what happens to the calls of `append` after those already planned; `None`: nothing.
    pub fn plan(&self, faults: impl IntoIterator<Item = Option<Fault>>) {
        self.state().plan.extend(faults);
    }

    /// Lets every call of every method fail, until [`FaultyStore::come_back`].
    pub fn go_down(&self, kind: StoreErrorKind) {
        self.state().down = Some(kind);
    }

    /// Ends [`FaultyStore::go_down`].
    pub fn come_back(&self) {
        self.state().down = None;
    }

    /// Puts another store in the place of the one that is wrapped, as the restoring of a backup does.
    pub fn replace(&self, store: Arc<dyn Store>) {
        *self.inner.lock().unwrap_or_else(PoisonError::into_inner) = store;
    }

    fn inner(&self) -> Arc<dyn Store> {
        Arc::clone(&self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many calls of `append` there were.
    pub fn appends(&self) -> usize {
        self.state().appends
    }

    /// How many pages of the log were asked for.
    pub fn log_reads(&self) -> usize {
        self.state().log_reads
    }

    /// Lets no timer ring, and seem as if there were none, until [`FaultyStore::let_timers_ring`].
    pub fn hold_timers(&self) {
        self.state().timers_held = true;
    }

    /// Ends [`FaultyStore::hold_timers`].
    pub fn let_timers_ring(&self) {
        self.state().timers_held = false;
    }

    /// The most timers that one call was given.
    pub fn most_timers_rung(&self) -> usize {
        self.state().most_timers_rung
    }

    /// How many planned faults are still to come.
    pub fn planned(&self) -> usize {
        self.state().plan.iter().flatten().count()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_fault(&self) -> Option<Fault> {
        let mut state = self.state();
        state.appends += 1;
        state.plan.pop_front().flatten()
    }

    fn check_up(&self, action: &'static str) -> Result<(), StoreError> {
        match self.state().down {
            Some(kind) => Err(planned(action, kind)),
            None => Ok(()),
        }
    }
}

fn planned(action: &'static str, kind: StoreErrorKind) -> StoreError {
    StoreError::new(action, kind, "a fault that a test has planned")
}

#[async_trait]
impl EventStore for FaultyStore {
    async fn append(&self, batch: Vec<Append>) -> Result<Vec<AppendOutcome>, AppendError> {
        const ACTION: &str = "append a batch";
        let fault = self.next_fault();
        self.check_up(ACTION).map_err(AppendError::NotWritten)?;
        let unknown = || AppendError::Unknown(planned(ACTION, StoreErrorKind::Unavailable));
        match fault {
            Some(Fault::NotWritten(kind)) => {
                return Err(AppendError::NotWritten(planned(ACTION, kind)));
            }
            Some(Fault::UnknownNotWritten) => return Err(unknown()),
            Some(Fault::UnknownButWritten) => {
                self.inner().append(batch).await?;
                return Err(unknown());
            }
            Some(Fault::UnknownButWrittenIn(partition)) => {
                let count = self.partitions();
                let is_of_it =
                    |append: &Append| LogPartition::of(&append.stream, count) == partition;
                let part = batch.into_iter().filter(is_of_it).collect();
                self.inner().append(part).await?;
                return Err(unknown());
            }
            Some(Fault::Delay(time)) => tokio::time::sleep(time).await,
            Some(Fault::Crowded(crowd)) => crowd().await,
            None => {}
        }
        self.inner().append(batch).await
    }

    async fn load(&self, load: Load) -> Result<Loaded, StoreError> {
        self.check_up("load a stream")?;
        self.inner().load(load).await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        from: Sequence,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        self.check_up("read a stream")?;
        self.inner().read_stream(stream, from, limit).await
    }

    fn partitions(&self) -> NonZero<u16> {
        self.inner().partitions()
    }

    async fn read_log(
        &self,
        partition: LogPartition,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        self.check_up("read the log")?;
        self.state().log_reads += 1;
        self.inner().read_log(partition, after, limit).await
    }

    async fn head(&self, partition: LogPartition) -> Result<Position, StoreError> {
        self.check_up("read the head of the log")?;
        self.inner().head(partition).await
    }

    async fn wait_past(&self, partition: LogPartition, position: Position) {
        self.inner().wait_past(partition, position).await;
    }

    async fn streams(
        &self,
        domain: Option<&Domain>,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<StreamSummary>, StoreError> {
        self.check_up("list the streams")?;
        self.inner().streams(domain, after, limit).await
    }

    async fn find_claim(
        &self,
        stream: &StreamId,
        external_id: &str,
    ) -> Result<Option<ClaimRecord>, StoreError> {
        self.check_up("look up an external id")?;
        self.inner().find_claim(stream, external_id).await
    }
}

#[async_trait]
impl SnapshotStore for FaultyStore {
    async fn save_snapshot(&self, stream: &StreamId, snapshot: Snapshot) -> Result<(), StoreError> {
        self.check_up("save a snapshot")?;
        self.inner().save_snapshot(stream, snapshot).await
    }
}

#[async_trait]
impl DeadLetterStore for FaultyStore {
    async fn letter(&self, id: Uuid) -> Result<Option<DeadLetter>, StoreError> {
        self.check_up("read a dead letter")?;
        self.inner().letter(id).await
    }

    async fn letters(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        self.check_up("list the dead letters")?;
        self.inner().letters(filter, limit).await
    }
}

#[async_trait]
impl CheckpointStore for FaultyStore {
    async fn take(
        &self,
        work: &Work,
        owner: &str,
        lease: Duration,
        begin: Position,
    ) -> Result<Taking, StoreError> {
        self.check_up("take a piece of work")?;
        self.inner().take(work, owner, lease, begin).await
    }

    async fn prolong(&self, tenure: &Tenure, lease: Duration) -> Result<Hold, StoreError> {
        self.check_up("prolong a lease")?;
        self.inner().prolong(tenure, lease).await
    }

    async fn advance(
        &self,
        tenure: &Tenure,
        advance: &Advance,
        lease: Duration,
    ) -> Result<Hold, StoreError> {
        self.check_up("advance a checkpoint")?;
        self.inner().advance(tenure, advance, lease).await
    }

    async fn park(
        &self,
        tenure: &Tenure,
        parked: &Parked,
        to: Position,
        lease: Duration,
    ) -> Result<Hold, StoreError> {
        self.check_up("park a stream")?;
        self.inner().park(tenure, parked, to, lease).await
    }

    async fn park_again(
        &self,
        tenure: &Tenure,
        parked: &Parked,
        lease: Duration,
    ) -> Result<Hold, StoreError> {
        self.check_up("park a stream again")?;
        self.inner().park_again(tenure, parked, lease).await
    }

    async fn skip(
        &self,
        tenure: &Tenure,
        skipped: &Skipped,
        advance: &Advance,
        lease: Duration,
    ) -> Result<Hold, StoreError> {
        self.check_up("skip an event")?;
        self.inner().skip(tenure, skipped, advance, lease).await
    }

    async fn pause(&self, tenure: &Tenure, why: &str, lease: Duration) -> Result<Hold, StoreError> {
        self.check_up("pause a piece of work")?;
        self.inner().pause(tenure, why, lease).await
    }

    async fn release(&self, tenure: &Tenure) -> Result<(), StoreError> {
        self.check_up("release a piece of work")?;
        self.inner().release(tenure).await
    }

    async fn checkpoints(
        &self,
        component: Option<&Component>,
    ) -> Result<Vec<Checkpoint>, StoreError> {
        self.check_up("list the checkpoints")?;
        self.inner().checkpoints(component).await
    }

    async fn resume(&self, work: &Work) -> Result<bool, StoreError> {
        self.check_up("resume a piece of work")?;
        self.inner().resume(work).await
    }

    async fn parked(&self, component: Option<&Component>) -> Result<Vec<Parked>, StoreError> {
        self.check_up("list the parked streams")?;
        self.inner().parked(component).await
    }

    async fn decide(
        &self,
        work: &Work,
        stream: &StreamId,
        sequence: Sequence,
        wish: &Wish,
    ) -> Result<bool, StoreError> {
        self.check_up("decide about a parked stream")?;
        self.inner().decide(work, stream, sequence, wish).await
    }

    async fn skipped(
        &self,
        component: Option<&Component>,
        limit: usize,
    ) -> Result<Vec<Skipped>, StoreError> {
        self.check_up("list the skipped events")?;
        self.inner().skipped(component, limit).await
    }

    async fn forget(&self, component: &Component) -> Result<(), StoreError> {
        self.check_up("forget the checkpoints")?;
        self.inner().forget(component).await
    }
}

#[async_trait]
impl TimerStore for FaultyStore {
    async fn set_timers(&self, timers: &[Timer]) -> Result<(), StoreError> {
        self.check_up("set timers")?;
        self.inner().set_timers(timers).await
    }

    async fn clear_timers(&self, cleared: &[ClearedTimer]) -> Result<(), StoreError> {
        self.check_up("clear timers")?;
        self.inner().clear_timers(cleared).await
    }

    async fn ring_timers(
        &self,
        domain: &Domain,
        limit: usize,
        silence: Duration,
    ) -> Result<Vec<Timer>, StoreError> {
        self.check_up("ring timers")?;
        if self.state().timers_held {
            return Ok(Vec::new());
        }
        let rung = self.inner().ring_timers(domain, limit, silence).await?;
        let mut state = self.state();
        state.most_timers_rung = state.most_timers_rung.max(rung.len());
        Ok(rung)
    }

    async fn next_timer(&self, domain: &Domain) -> Result<Option<Duration>, StoreError> {
        self.check_up("look for the next timer")?;
        if self.state().timers_held {
            return Ok(None);
        }
        self.inner().next_timer(domain).await
    }
}
