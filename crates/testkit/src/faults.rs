//! A store that fails on request, for tests of the code that uses a store.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::num::NonZero;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use seriatim_core::{
    Append, AppendError, AppendOutcome, Assignment, Checkpoint, CheckpointStore, ClaimRecord,
    ClearedTimer, CommandLetter, Component, Cursor, DeadLetterStore, Domain, EventStore, Hold,
    KeyedClaim, LetterDecision, LetterFilter, Load, Loaded, LogId, LogPage, LogPartition, NewTimer,
    Overdue, Owner, Position, ReactionLetter, RecordedEvent, Scope, Sequence, Snapshot,
    SnapshotStore, Store, StoreError, StoreErrorKind, StreamId, StreamSummary, Taking, Tenure,
    Timer, TimerStore, Update, Work,
};
use uuid::Uuid;

use crate::interruption::Calls;
pub use crate::interruption::Interruption;

/// A fault of one call of [`EventStore::append`].
#[derive(Clone)]
pub enum Fault {
    /// The call fails before anything is written, and its error says so.
    NotWritten(StoreErrorKind),
    /// The call writes everything, but its error says that this is not known.
    UnknownButWritten,
    /// The call writes nothing, but its error says that this is not known.
    UnknownNotWritten,
    /// The call takes longer.
    Delay(Duration),
    /// Another writer comes first.
    Crowded(Crowd),
    /// The call, and those after it, wait for what the function waits for, as if a commit took so long.
    Held(Crowd),
}

/// A function that does what another writer does just before an append.
pub type Crowd = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

impl Fault {
    /// Runs `crowd` before the append: another writer, or any other wait that the test needs.
    pub fn crowded<F>(crowd: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::Crowded(Arc::new(move || Box::pin(crowd())))
    }

    /// Holds the call and those after it until `waits` has ended.
    pub fn held<F>(waits: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::Held(Arc::new(move || Box::pin(waits())))
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotWritten(kind) => f.debug_tuple("NotWritten").field(kind).finish(),
            Self::UnknownButWritten => f.write_str("UnknownButWritten"),
            Self::UnknownNotWritten => f.write_str("UnknownNotWritten"),
            Self::Delay(time) => f.debug_tuple("Delay").field(time).finish(),
            Self::Crowded(_) => f.write_str("Crowded"),
            Self::Held(_) => f.write_str("Held"),
        }
    }
}

/// Wraps a store. Each call of `append` meets the next planned fault. A call without a planned fault, and every other
/// call, is passed on unchanged, unless it is the one to interrupt. Clones share the plan.
#[derive(Clone, Debug)]
pub struct FaultyStore {
    inner: Arc<Mutex<Arc<dyn Store>>>,
    state: Arc<Mutex<State>>,
    /// Held by a call of `append` that is held up.
    commit: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
struct State {
    plan: VecDeque<Option<Fault>>,
    down: Option<StoreErrorKind>,
    appends: usize,
    log_reads: usize,
    timers_held: bool,
    most_timers_rung: usize,
    silence: Option<Duration>,
    calls: Calls,
    wakes_in_vain: bool,
}

impl FaultyStore {
    /// Wraps `inner`, with no fault planned.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self {
            inner: Arc::new(Mutex::new(inner)),
            state: Arc::default(),
            commit: Arc::default(),
        }
    }

    /// Plans a fault for the next call of `append` that has none yet.
    pub fn fail_next(&self, fault: Fault) {
        self.state().plan.push_back(Some(fault));
    }

    /// Plans the faults of the calls of `append` after those already planned; `None` means no fault.
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

    /// Interrupts the `nth` call, counted from 1, of the calls that do `action`. An action is named as in the errors of
    /// the store: `advance a checkpoint`. The count begins anew.
    pub fn interrupt(&self, action: &'static str, nth: usize, how: Interruption) {
        self.state().calls.plan(action, nth, how);
    }

    /// Returns whether the call to interrupt was made.
    pub fn was_interrupted(&self) -> bool {
        self.state().calls.reached()
    }

    /// Returns how often each action was called; calls that failed count too. These are the points at which a user of the
    /// store waits for it.
    pub fn calls(&self) -> BTreeMap<&'static str, usize> {
        self.state().calls.made()
    }

    /// Runs something as if it were a call of the store, so that it is counted, fails and is interrupted like one. The
    /// work of a component is an example.
    pub async fn call<T>(
        &self,
        action: &'static str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let interruption = self.state().calls.count(action);
        self.check_up(action)?;
        match interruption {
            None => work.await,
            Some(Interruption::Refused) => Err(planned(action, StoreErrorKind::Unavailable)),
            Some(Interruption::AnswerLost) => {
                work.await?;
                Err(planned(action, StoreErrorKind::Unavailable))
            }
            Some(Interruption::DiesBefore) => std::future::pending().await,
            Some(Interruption::DiesAfter) => {
                let _done = work.await;
                std::future::pending().await
            }
        }
    }

    /// Wakes those who wait for the log again and again, whether there is something new or not.
    pub fn wake_in_vain(&self) {
        self.state().wakes_in_vain = true;
    }

    /// Replaces the wrapped store by another one, as the restoring of a backup does.
    pub fn replace(&self, store: Arc<dyn Store>) {
        *self.inner.lock().unwrap_or_else(PoisonError::into_inner) = store;
    }

    fn inner(&self) -> Arc<dyn Store> {
        Arc::clone(&self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns how many calls of `append` there were.
    pub fn appends(&self) -> usize {
        self.state().appends
    }

    /// Returns how many pages of the log were read.
    pub fn log_reads(&self) -> usize {
        self.state().log_reads
    }

    /// Lets no timer ring, as if there were none, until [`FaultyStore::let_timers_ring`].
    pub fn hold_timers(&self) {
        self.state().timers_held = true;
    }

    /// Ends [`FaultyStore::hold_timers`].
    pub fn let_timers_ring(&self) {
        self.state().timers_held = false;
    }

    /// Returns the largest number of timers that one call returned.
    pub fn most_timers_rung(&self) -> usize {
        self.state().most_timers_rung
    }

    /// Returns for how long the timers that one call returned last are silent for others; `None` before the first call.
    pub fn silence(&self) -> Option<Duration> {
        self.state().silence
    }

    /// Returns how many planned faults are left.
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
        const ACTION: &str = "append events";
        let fault = self.next_fault();
        let interruption = self.state().calls.count(ACTION);
        self.check_up(ACTION).map_err(AppendError::NotWritten)?;
        let unknown = || AppendError::Unknown(planned(ACTION, StoreErrorKind::Unavailable));
        let fault = match interruption {
            None => fault,
            Some(Interruption::Refused) => Some(Fault::NotWritten(StoreErrorKind::Unavailable)),
            Some(Interruption::AnswerLost) => Some(Fault::UnknownButWritten),
            Some(Interruption::DiesBefore) => return std::future::pending().await,
            Some(Interruption::DiesAfter) => {
                let _written = self.inner().append(batch).await;
                return std::future::pending().await;
            }
        };
        match fault {
            Some(Fault::NotWritten(kind)) => {
                return Err(AppendError::NotWritten(planned(ACTION, kind)));
            }
            Some(Fault::UnknownNotWritten) => return Err(unknown()),
            Some(Fault::UnknownButWritten) => {
                self.inner().append(batch).await?;
                return Err(unknown());
            }
            Some(Fault::Delay(time)) => tokio::time::sleep(time).await,
            Some(Fault::Crowded(crowd)) => crowd().await,
            Some(Fault::Held(crowd)) => {
                let _commit = self.commit.lock().await;
                crowd().await;
            }
            None => {}
        }
        // Behind a call that is held.
        drop(self.commit.lock().await);
        self.inner().append(batch).await
    }

    async fn load(&self, load: Load) -> Result<Loaded, StoreError> {
        let inner = self.inner();
        self.call("load a stream", inner.load(load)).await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        from: Sequence,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let inner = self.inner();
        self.call("read a stream", inner.read_stream(stream, from, limit))
            .await
    }

    fn partitions(&self) -> NonZero<u16> {
        self.inner().partitions()
    }

    fn log_id(&self) -> LogId {
        self.inner().log_id()
    }

    async fn read_log(
        &self,
        partition: LogPartition,
        after: Position,
        limit: usize,
    ) -> Result<LogPage, StoreError> {
        self.state().log_reads += 1;
        let inner = self.inner();
        self.call("read the log", inner.read_log(partition, after, limit))
            .await
    }

    async fn head(&self, partition: LogPartition) -> Result<Position, StoreError> {
        let inner = self.inner();
        self.call("read the head of the log", inner.head(partition))
            .await
    }

    /// If it is interrupted or woken without a reason, it returns too early, which is permitted.
    async fn wait_past(&self, partition: LogPartition, position: Position) {
        if self.state().wakes_in_vain {
            return tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let inner = self.inner();
        let waited = inner.wait_past(partition, position).map(Ok);
        let _ = self.call("wait for the log", waited).await;
    }

    async fn streams(
        &self,
        domain: Option<&Domain>,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<StreamSummary>, StoreError> {
        let inner = self.inner();
        self.call("list the streams", inner.streams(domain, after, limit))
            .await
    }

    async fn find_claim(
        &self,
        stream: &StreamId,
        external_id: &str,
    ) -> Result<Option<ClaimRecord>, StoreError> {
        let inner = self.inner();
        self.call(
            "look up an external id",
            inner.find_claim(stream, external_id),
        )
        .await
    }

    async fn claims(
        &self,
        after: Option<(&StreamId, &str)>,
        limit: usize,
    ) -> Result<Vec<KeyedClaim>, StoreError> {
        let inner = self.inner();
        self.call("list the claims", inner.claims(after, limit))
            .await
    }

    async fn flush(&self) -> Result<(), StoreError> {
        let inner = self.inner();
        self.call("flush", inner.flush()).await
    }

    async fn check_storage(&self) -> Result<(), StoreError> {
        let inner = self.inner();
        self.call("check the storage", inner.check_storage()).await
    }
}

#[async_trait]
impl SnapshotStore for FaultyStore {
    async fn save_snapshot(&self, stream: &StreamId, snapshot: Snapshot) -> Result<(), StoreError> {
        let inner = self.inner();
        self.call("save a snapshot", inner.save_snapshot(stream, snapshot))
            .await
    }
}

#[async_trait]
impl DeadLetterStore for FaultyStore {
    async fn letter(&self, id: Uuid) -> Result<Option<CommandLetter>, StoreError> {
        let inner = self.inner();
        self.call("read a dead letter", inner.letter(id)).await
    }

    async fn letters(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<CommandLetter>, StoreError> {
        let inner = self.inner();
        self.call("list the dead letters", inner.letters(filter, limit))
            .await
    }

    async fn revise(&self, letter: &CommandLetter) -> Result<bool, StoreError> {
        let inner = self.inner();
        self.call("revise a dead letter", inner.revise(letter))
            .await
    }
}

#[async_trait]
impl CheckpointStore for FaultyStore {
    async fn take(
        &self,
        work: &Work,
        owner: &Owner,
        lease: Duration,
    ) -> Result<Taking, StoreError> {
        let inner = self.inner();
        self.call("take a piece of work", inner.take(work, owner, lease))
            .await
    }

    async fn begin(&self, component: &Component, at: &Cursor) -> Result<Cursor, StoreError> {
        let inner = self.inner();
        let action = "decide where a component begins";
        self.call(action, inner.begin(component, at)).await
    }

    async fn begun(&self, component: &Component) -> Result<Option<Cursor>, StoreError> {
        let inner = self.inner();
        let action = "look where a component begins";
        self.call(action, inner.begun(component)).await
    }

    async fn begin_anew(&self, component: &Component, at: &Cursor) -> Result<(), StoreError> {
        let inner = self.inner();
        let action = "let a component begin anew";
        self.call(action, inner.begin_anew(component, at)).await
    }

    async fn scopes(&self, component: &Component) -> Result<Vec<(Work, Scope)>, StoreError> {
        let inner = self.inner();
        let action = "look what the checkpoints speak of";
        self.call(action, inner.scopes(component)).await
    }

    async fn write(
        &self,
        tenure: &Tenure,
        update: &Update,
        lease: Duration,
    ) -> Result<Hold, StoreError> {
        let inner = self.inner();
        self.call(update.action(), inner.write(tenure, update, lease))
            .await
    }

    async fn end_lease(&self, work: &Work, owner: Uuid) -> Result<bool, StoreError> {
        let inner = self.inner();
        self.call("end a lease", inner.end_lease(work, owner)).await
    }

    async fn release(&self, tenure: &Tenure) -> Result<(), StoreError> {
        let inner = self.inner();
        self.call("release a piece of work", inner.release(tenure))
            .await
    }

    async fn assignments(&self, component: &Component) -> Result<Vec<Assignment>, StoreError> {
        let inner = self.inner();
        self.call("list who does the work", inner.assignments(component))
            .await
    }

    async fn ask(&self, work: &Work, asker: Uuid, lasts: Duration) -> Result<bool, StoreError> {
        let inner = self.inner();
        self.call("ask for a piece of work", inner.ask(work, asker, lasts))
            .await
    }

    async fn checkpoints(
        &self,
        component: Option<&Component>,
    ) -> Result<Vec<Checkpoint>, StoreError> {
        let inner = self.inner();
        self.call("list the checkpoints", inner.checkpoints(component))
            .await
    }

    async fn set_pause(
        &self,
        component: &Component,
        why: Option<&str>,
    ) -> Result<bool, StoreError> {
        let inner = self.inner();
        self.call("note a pause", inner.set_pause(component, why))
            .await
    }

    async fn pause_of(&self, component: &Component) -> Result<Option<String>, StoreError> {
        let inner = self.inner();
        self.call("look for a pause", inner.pause_of(component))
            .await
    }

    async fn resume(&self, work: &Work) -> Result<bool, StoreError> {
        let inner = self.inner();
        self.call("resume a piece of work", inner.resume(work))
            .await
    }

    async fn parked(
        &self,
        component: Option<&Component>,
    ) -> Result<Vec<ReactionLetter>, StoreError> {
        let inner = self.inner();
        self.call("list the parked streams", inner.parked(component))
            .await
    }

    async fn decide(
        &self,
        work: &Work,
        stream: &StreamId,
        sequence: Sequence,
        decision: &LetterDecision,
    ) -> Result<bool, StoreError> {
        let inner = self.inner();
        self.call(
            "decide about a parked stream",
            inner.decide(work, stream, sequence, decision),
        )
        .await
    }

    async fn reaction_letters(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<ReactionLetter>, StoreError> {
        let inner = self.inner();
        let letters = inner.reaction_letters(filter, limit);
        self.call("list the letters about events", letters).await
    }

    async fn reaction_letter(&self, id: Uuid) -> Result<Option<ReactionLetter>, StoreError> {
        let inner = self.inner();
        let letter = inner.reaction_letter(id);
        self.call("read a letter about an event", letter).await
    }

    async fn forget(&self, component: &Component) -> Result<(), StoreError> {
        let inner = self.inner();
        self.call("forget the checkpoints", inner.forget(component))
            .await
    }
}

#[async_trait]
impl TimerStore for FaultyStore {
    async fn set_timers(&self, timers: &[NewTimer]) -> Result<(), StoreError> {
        let inner = self.inner();
        self.call("set timers", inner.set_timers(timers)).await
    }

    async fn clear_timers(&self, cleared: &[ClearedTimer]) -> Result<(), StoreError> {
        let inner = self.inner();
        self.call("clear timers", inner.clear_timers(cleared)).await
    }

    async fn ring_timers(
        &self,
        domain: &Domain,
        limit: usize,
        silence: Duration,
    ) -> Result<Vec<Timer>, StoreError> {
        let inner = self.inner();
        let ring = async {
            if self.state().timers_held {
                return Ok(Vec::new());
            }
            let rung = inner.ring_timers(domain, limit, silence).await?;
            let mut state = self.state();
            state.silence = Some(silence);
            state.most_timers_rung = state.most_timers_rung.max(rung.len());
            Ok(rung)
        };
        self.call("ring timers", ring).await
    }

    async fn next_timer(&self, domain: &Domain) -> Result<Option<Duration>, StoreError> {
        let inner = self.inner();
        let look = async {
            if self.state().timers_held {
                return Ok(None);
            }
            inner.next_timer(domain).await
        };
        self.call("look for the next timer", look).await
    }

    async fn timers(
        &self,
        after: Option<(&StreamId, &str)>,
        limit: usize,
    ) -> Result<Vec<Timer>, StoreError> {
        let inner = self.inner();
        self.call("list the timers", inner.timers(after, limit))
            .await
    }

    async fn overdue(&self, domain: &Domain, silence: Duration) -> Result<Overdue, StoreError> {
        let inner = self.inner();
        self.call("count overdue timers", inner.overdue(domain, silence))
            .await
    }
}
