//! Measures the time in which a request must be complete.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

/// The number of steps that the time is divided into. The time between two polls counts as one step at most: if it was
/// longer, nobody polled.
const STEPS: u32 = 32;

/// A clock that runs while somebody waits for the rest of a request, and stands while nobody reads it.
#[derive(Debug)]
pub(crate) struct RequestTime {
    left: Duration,
    step: Duration,
    /// The time at which somebody began to wait, and a sleep until one step later.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl RequestTime {
    pub(crate) fn new(whole: Duration) -> Self {
        Self {
            left: whole,
            step: (whole / STEPS).max(Duration::from_millis(1)),
            waiting: None,
        }
    }

    /// Is ready when the time is over. Call it to wait for something.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while !self.left.is_zero() {
            let step = self.step.min(self.left);
            let (_, end) = self
                .waiting
                .get_or_insert_with(|| (Instant::now(), Box::pin(sleep(step))));
            ready!(end.as_mut().poll(cx));
            self.stop();
        }
        Poll::Ready(())
    }

    /// Stops the clock. Call it when something has come.
    pub(crate) fn stop(&mut self) {
        if let Some((begin, _)) = self.waiting.take() {
            let waited = begin.elapsed().min(self.step);
            self.left = self.left.saturating_sub(waited);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures::poll;
    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn it_runs_while_somebody_waits() {
        let mut time = RequestTime::new(32 * SECOND);
        let start = Instant::now();
        poll_fn(|cx| time.poll(cx)).await;
        assert_eq!(start.elapsed().as_secs(), 32);
        // A request that comes in small parts has no more time.
        let mut time = RequestTime::new(32 * SECOND);
        let mut parts = 0;
        while poll!(poll_fn(|cx| time.poll(cx))).is_pending() {
            advance(SECOND / 2).await;
            time.stop();
            parts += 1;
        }
        assert_eq!(parts, 64);
    }

    #[tokio::test(start_paused = true)]
    async fn it_stands_still_while_nobody_looks() {
        let mut time = RequestTime::new(32 * SECOND);
        for _ in 0..31 {
            assert!(poll!(poll_fn(|cx| time.poll(cx))).is_pending());
            advance(100 * SECOND).await;
        }
        assert!(poll!(poll_fn(|cx| time.poll(cx))).is_pending());
        advance(100 * SECOND).await;
        assert!(poll!(poll_fn(|cx| time.poll(cx))).is_ready());
    }
}
