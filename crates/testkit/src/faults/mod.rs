//! A store that fails on request, for tests of the code that uses a store.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use seriatim_core::{Store, StoreError, StoreErrorKind};

mod events;
mod progress;

use crate::interruption::Calls;
pub use crate::interruption::Interruption;

/// A fault of one call of [`EventStore::append`](seriatim_core::EventStore::append).
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
