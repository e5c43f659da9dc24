//! Groups commits without a timer: calls that come while a commit is in progress share the next one. A lone sender
//! therefore waits for nobody, and many senders share one disk sync.

use std::ops::AddAssign;
use std::sync::mpsc;
use std::time::Duration;

use seriatim_core::{AppendError, StoreErrorKind};
use tokio::runtime::Handle;

/// The most that a commit holds, so that its first call does not wait long for its last one. A larger call is alone.
const MOST: Size = Size {
    appends: 1024,
    bytes: 16 * 1024 * 1024,
};

/// The number of turns to yield. A woken sender needs one to settle its commands and one to answer them, its caller
/// needs one to send again, and the stream needs one to pass that on.
const TURNS: usize = 4;

/// The size of a call or of a commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// The number of appends.
    pub appends: usize,
    /// The bytes of the payloads of their events.
    pub bytes: usize,
}

impl AddAssign for Size {
    fn add_assign(&mut self, other: Self) {
        self.appends += other.appends;
        self.bytes += other.bytes;
    }
}

/// Takes the calls that wait for the next commit, beginning with `first`, until they are large enough.
pub fn fill<T>(first: T, mut next: impl FnMut() -> Option<T>, size: impl Fn(&T) -> Size) -> Vec<T> {
    let mut sum = size(&first);
    let mut batch = vec![first];
    while sum.appends < MOST.appends
        && sum.bytes < MOST.bytes
        && let Some(more) = next()
    {
        sum += size(&more);
        batch.push(more);
    }
    batch
}

/// Lets the tasks that are ready run. Call it after several callers were answered at once. Without it, the first of
/// them to send again would begin a commit of its own, and the others would wait for a disk sync that carries little.
pub async fn others_first() {
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
    }
}

/// Does the same for a thread that is no task of the runtime. The thread waits for a millisecond at most, because the
/// runtime may be at its end.
pub fn others_first_on(runtime: &Handle) {
    let (done, over) = mpsc::channel();
    runtime.spawn(async move {
        others_first().await;
        let _ = done.send(());
    });
    let _ = over.recv_timeout(Duration::from_millis(1));
}

/// Logs once that a commit failed, however many calls it had; each sender is told.
pub fn log_failure(calls: usize, error: &AppendError) {
    let error = error.to_string();
    tracing::warn!(error, calls, "a commit failed");
}

/// Returns `true` if a commit of several calls may have been refused because of the size or the content of one of them.
/// Then its halves are to be tried.
pub fn may_be_of_one_call(kind: StoreErrorKind) -> bool {
    match kind {
        StoreErrorKind::Full | StoreErrorKind::Refused | StoreErrorKind::Corrupt => true,
        StoreErrorKind::Unavailable | StoreErrorKind::ReadOnly | StoreErrorKind::Denied => false,
    }
}
