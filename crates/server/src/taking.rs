//! Watches whether clients read the answers that are offered, and ends the calls whose clients do not.
//!
//! An answer is asked for its next piece when the one before it is on its way. While the client reads nothing, nobody
//! asks, so the answer cannot end itself: the task that runs the call does that.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::Executor;
use tokio::time::{Sleep, sleep};

tokio::task_local! {
    static TAKING: Arc<Taking>;
}

/// A record of what one client reads of one answer.
#[derive(Debug, Default)]
pub(crate) struct Taking {
    /// A number that grows when something is offered and when it is taken: odd while something is offered.
    turns: AtomicU64,
    ended: AtomicBool,
}

impl Taking {
    /// Returns the record of the call in whose task this is called. Returns a new one if [`Tasks`] does not run that
    /// task.
    pub(crate) fn current() -> Arc<Self> {
        TAKING.try_with(Arc::clone).unwrap_or_default()
    }

    /// Notes that something is offered.
    pub(crate) fn offer(&self) {
        self.turns.fetch_or(1, Relaxed);
    }

    /// Notes that it was taken.
    pub(crate) fn taken(&self) {
        let turns = self.turns.load(Relaxed);
        if turns % 2 == 1 {
            self.turns.store(turns + 1, Relaxed);
        }
    }

    /// Returns `true` if the call was ended because nothing was taken.
    pub(crate) fn was_ended(&self) -> bool {
        self.ended.load(Relaxed)
    }
}

/// An executor that runs each call of a connection on a task of its own, and ends it when its client has read nothing
/// of what is offered for `patience`.
#[derive(Clone, Debug)]
pub(crate) struct Tasks {
    pub(crate) patience: Duration,
}

impl<C> Executor<C> for Tasks
where
    C: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, call: C) {
        let taking = Arc::new(Taking::default());
        let mut watch = Watch {
            taking: Arc::clone(&taking),
            patience: self.patience,
            late: None,
        };
        // A task is copied several times while it is made and when it ends.
        let mut call = Box::pin(call);
        let watched = poll_fn(move |cx| match call.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => watch.poll(cx),
        });
        tokio::spawn(TAKING.scope(taking, watched));
    }
}

struct Watch {
    taking: Arc<Taking>,
    patience: Duration,
    /// The turn, and a sleep until it has lasted too long.
    late: Option<(u64, Pin<Box<Sleep>>)>,
}

impl Watch {
    /// Is ready when the client has had enough time for what is offered.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let turn = self.taking.turns.load(Relaxed);
        if turn.is_multiple_of(2) {
            self.late = None;
            return Poll::Pending;
        }
        let patience = self.patience;
        let late = match &mut self.late {
            Some((of, late)) if *of == turn => late,
            late => &mut late.insert((turn, Box::pin(sleep(patience)))).1,
        };
        ready!(late.as_mut().poll(cx));
        self.taking.ended.store(true, Relaxed);
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// Runs a call that offers something at some times, in seconds, and takes it at others. Returns when it was ended,
    /// if it was.
    async fn ended(offers: &'static [u64], takes: &'static [u64], length: u64) -> Option<u64> {
        let (tell, told) = oneshot::channel();
        let tasks = Tasks { patience: PATIENCE };
        let start = tokio::time::Instant::now();
        tasks.execute(async move {
            let taking = Taking::current();
            let _ = tell.send(Arc::clone(&taking));
            for second in 0..length {
                if offers.contains(&second) {
                    taking.offer();
                }
                if takes.contains(&second) {
                    taking.taken();
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let taking = told.await.unwrap();
        while Arc::strong_count(&taking) > 1 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        taking.was_ended().then(|| start.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_ends_when_nothing_of_it_is_taken_for_too_long() {
        assert_eq!(ended(&[], &[], 500).await, None);
        assert_eq!(ended(&[10, 60, 110], &[60, 110, 160], 500).await, None);
        let late = ended(&[10], &[], 500).await;
        assert!(matches!(late, Some(70..75)), "{late:?}");
        let late = ended(&[10, 50], &[40, 49], 500).await;
        assert!(matches!(late, Some(110..115)), "{late:?}");
    }
}
