//! Batches without a timer: before taking what waits, let those have a turn who were just answered.

use std::time::{Duration, Instant};

/// Turns that a sender on this thread needs, from an answer to its next command: its own, perhaps that of one who waits
/// for several such, that of the stream's driver, and one to spare.
const TURNS: u32 = 4;

/// How long the next of a crowd may take after the one before it, when they run on another thread: some 10 us are needed
/// to make of an answer the next command.
const GAP: Duration = Duration::from_micros(30);

/// The longest that others are waited for who run on another thread, as a part of how long the answer had taken.
const PART: u32 = 4;

/// Lets the tasks that are ready run while what waits still becomes more, until as many have come as were `answered`.
/// To be called when they were, which had taken `took`. One alone is no crowd, and waits for nobody.
///
/// The answers of one commit wake a crowd of senders. Without this the first of them to send again begins a commit of
/// its own, and the others wait for a disk sync that carries little: a saga with 16 streams had commits of 1 and of 15
/// in turn.
pub(crate) async fn crowd(answered: usize, took: Duration, waiting: impl Fn() -> usize) {
    if answered < 2 {
        return;
    }
    let (begun, mut count, mut turns) = (Instant::now(), waiting(), 0);
    let (all, mut came) = (count + answered, begun);
    let patient = |came: Instant| came.elapsed() < GAP && begun.elapsed() < took / PART;
    while count < all && (turns < TURNS || patient(came)) {
        tokio::task::yield_now().await;
        turns += 1;
        let now = waiting();
        if now > count {
            (count, came, turns) = (now, Instant::now(), 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::FutureExt;

    use super::*;

    /// Tasks on this thread that need some turns each before they wait.
    fn senders(count: usize, turns: usize, waiting: &Arc<AtomicUsize>) {
        for _ in 0..count {
            let waiting = Arc::clone(waiting);
            tokio::spawn(async move {
                for _ in 1..turns {
                    tokio::task::yield_now().await;
                }
                waiting.fetch_add(1, Ordering::Relaxed);
            });
        }
    }

    /// The time is none, so only turns count.
    async fn after_a_commit(answered: usize, waiting: &AtomicUsize) -> usize {
        crowd(answered, Duration::ZERO, || waiting.load(Ordering::Relaxed)).await;
        waiting.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn all_who_were_answered_have_their_turns() {
        let waiting = Arc::default();
        senders(16, TURNS as usize, &waiting);
        assert_eq!(after_a_commit(16, &waiting).await, 16);
    }

    #[tokio::test]
    async fn who_waited_already_is_not_one_of_them() {
        let waiting = Arc::new(AtomicUsize::new(5));
        senders(3, 1, &waiting);
        assert_eq!(after_a_commit(3, &waiting).await, 8);
    }

    #[tokio::test]
    async fn those_who_do_not_come_are_not_waited_for() {
        let waiting = Arc::default();
        senders(1, 1, &waiting);
        assert_eq!(after_a_commit(64, &waiting).await, 1);
    }

    #[tokio::test]
    async fn one_alone_waits_for_nobody() {
        let waited = crowd(1, Duration::MAX, || 0).now_or_never();
        assert!(waited.is_some());
    }
}
