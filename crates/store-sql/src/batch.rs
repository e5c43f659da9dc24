//! Groups commits without a timer: calls that come while a commit is in progress share the next one. A lone sender
//! therefore waits for nobody, and many senders share one disk sync.

use std::ops::AddAssign;

use seriatim_core::{AppendError, OtherSchema, StoreError, StoreErrorKind, cause};

/// The most that calls which share a commit hold together, so that the first one does not wait long for the last one. A
/// call that is larger by itself has a commit of its own.
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

impl Size {
    fn fits(self) -> bool {
        self.appends <= MOST.appends && self.bytes <= MOST.bytes
    }
}

impl AddAssign for Size {
    fn add_assign(&mut self, other: Self) {
        self.appends += other.appends;
        self.bytes += other.bytes;
    }
}

/// Takes what waits for the next commit, beginning with `first`. Returns it, and what was taken but does not fit, which
/// must begin the commit after it.
pub fn fill<T>(
    first: T,
    mut next: impl FnMut() -> Option<T>,
    size: impl Fn(&T) -> Size,
) -> (Vec<T>, Option<T>) {
    let mut sum = size(&first);
    let mut batch = vec![first];
    while sum.fits()
        && let Some(more) = next()
    {
        sum += size(&more);
        if !sum.fits() {
            return (batch, Some(more));
        }
        batch.push(more);
    }
    (batch, None)
}

/// Lets the tasks that are ready run. Call it after several callers were answered at once. Without it, the first of
/// them to send again would begin a commit of its own, and the others would wait for a disk sync that carries little.
pub async fn others_first() {
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
    }
}

/// The calls of one commit that failed. They are logged together: a store that is down would fill the log otherwise.
#[derive(Debug, Default)]
pub struct Failures {
    calls: usize,
    last: Option<String>,
}

impl Failures {
    /// Counts calls that failed with this error.
    pub fn add(&mut self, calls: usize, error: &AppendError) {
        let (AppendError::NotWritten(error) | AppendError::Unknown(error)) = error;
        self.calls += calls;
        self.last = Some(error.source.to_string());
    }

    /// Logs them, if there are any. Each sender is told in any case.
    pub fn log(self) {
        if let Some(error) = self.last {
            tracing::warn!(error, calls = self.calls, "a commit failed");
        }
    }
}

/// Returns `true` if a commit of several calls may have been refused because of the size or the content of one of them.
/// Then its halves are to be tried.
pub fn may_be_of_one_call(error: &StoreError) -> bool {
    match error.kind {
        StoreErrorKind::Full | StoreErrorKind::Refused | StoreErrorKind::Corrupt => {
            // The tables are of another program for all of them.
            cause::<OtherSchema>(&*error.source).is_none()
        }
        StoreErrorKind::Unavailable | StoreErrorKind::ReadOnly | StoreErrorKind::Denied => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    /// The bytes of each call, by commits.
    fn commits(calls: impl IntoIterator<Item = usize>) -> Vec<Vec<usize>> {
        let mut queue = VecDeque::from_iter(calls);
        let mut commits = Vec::new();
        let mut held = None;
        while let Some(first) = held.take().or_else(|| queue.pop_front()) {
            let size = |bytes: &usize| Size {
                appends: 1,
                bytes: *bytes,
            };
            let (commit, rest) = fill(first, || queue.pop_front(), size);
            commits.push(commit);
            held = rest;
        }
        commits
    }

    #[test]
    fn what_does_not_fit_begins_the_next_commit() {
        const MB: usize = 1024 * 1024;
        assert_eq!(commits([1, 2, 3]), [vec![1, 2, 3]]);
        assert_eq!(
            commits([8 * MB, 8 * MB, 1]),
            [vec![8 * MB, 8 * MB], vec![1]]
        );
        // A call that is larger by itself shares its commit with nobody, before or after it.
        let expected = [vec![1], vec![500 * MB], vec![2, 3]];
        assert_eq!(commits([1, 500 * MB, 2, 3]), expected);
        let counts = commits([0; 2500]).into_iter().map(|commit| commit.len());
        assert_eq!(Vec::from_iter(counts), [1024, 1024, 452]);
    }

    #[tokio::test]
    async fn whoever_was_answered_runs_first() {
        let ran = Arc::new(AtomicBool::new(false));
        let sender = {
            let ran = Arc::clone(&ran);
            async move {
                for _ in 1..TURNS {
                    tokio::task::yield_now().await;
                }
                ran.store(true, Ordering::SeqCst);
            }
        };
        tokio::spawn(sender);
        others_first().await;
        assert!(ran.load(Ordering::SeqCst));
    }
}
