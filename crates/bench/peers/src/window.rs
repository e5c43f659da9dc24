//! Counting what callers get done in a window of time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::Outcome;

/// A function that returns what a caller does next, by its number, or `None` if nothing is left. A call gives how much
/// it counts.
pub(crate) type Calls =
    Arc<dyn Fn(usize) -> Option<BoxFuture<'static, Outcome<u64>>> + Send + Sync>;

/// The result of one measurement.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Figure {
    pub(crate) per_second: f64,
    /// The sum of what the calls that ended in the window counted.
    pub(crate) count: u64,
    /// The median time of a call.
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
}

/// Lets so many callers call, each one call at a time, and counts what ends within the window. It is over early when
/// nothing is left to do. Calls may go on for `grace` longer, then they are dropped.
pub(crate) async fn measure(
    callers: usize,
    length: Duration,
    grace: Duration,
    calls: &Calls,
) -> Outcome<Figure> {
    let start = Instant::now();
    let end = start + length;
    // Dropped with all its tasks if one of them fails.
    let mut tasks: JoinSet<Outcome<Done>> = (0..callers)
        .map(|caller| call_until(end, grace, caller, Arc::clone(calls)))
        .collect();
    let mut all = Done::default();
    while let Some(done) = tasks.join_next().await {
        all.add(done??);
    }
    let time = match (all.ran_out, all.last) {
        (true, Some(last)) => last - start,
        _ => length,
    };
    all.micros.sort_unstable();
    Ok(Figure {
        per_second: all.count as f64 / time.as_secs_f64(),
        count: all.count,
        p50_us: percentile(&all.micros, 50),
        p99_us: percentile(&all.micros, 99),
    })
}

/// The calls that callers made.
#[derive(Default)]
struct Done {
    count: u64,
    micros: Vec<u32>,
    last: Option<Instant>,
    ran_out: bool,
}

impl Done {
    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.micros.extend(other.micros);
        self.last = self.last.max(other.last);
        self.ran_out |= other.ran_out;
    }
}

async fn call_until(end: Instant, grace: Duration, caller: usize, calls: Calls) -> Outcome<Done> {
    let mut done = Done::default();
    loop {
        let start = Instant::now();
        if start >= end {
            return Ok(done);
        }
        let Some(call) = calls(caller) else {
            done.ran_out = true;
            return Ok(done);
        };
        let Ok(count) = tokio::time::timeout_at((end + grace).into(), call).await else {
            return Ok(done);
        };
        let (count, now) = (count?, Instant::now());
        if now <= end {
            done.count += count;
            done.micros
                .push(u32::try_from((now - start).as_micros()).unwrap_or(u32::MAX));
            done.last = Some(now);
        }
    }
}

fn percentile(sorted: &[u32], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().map_or(f64::NAN, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[tokio::test]
    async fn a_window_is_over_when_nothing_is_left() {
        let left = AtomicU64::new(100);
        let calls: Calls = Arc::new(move |_| {
            let more = left.fetch_sub(1, Ordering::Relaxed) > 0;
            more.then(|| -> BoxFuture<'static, _> { Box::pin(async { Ok(1) }) })
        });
        let hour = Duration::from_secs(3600);
        let figure = measure(1, hour, hour, &calls).await.unwrap();
        assert!(figure.per_second > 1.0, "{figure:?}");
    }

    #[tokio::test]
    async fn a_call_that_fails_fails_the_measurement() {
        let calls: Calls = Arc::new(|_| Some(Box::pin(async { Err("no".into()) })));
        assert!(
            measure(2, Duration::from_secs(5), Duration::ZERO, &calls)
                .await
                .is_err()
        );
    }

    #[tokio::test]
    async fn what_ends_after_the_window_does_not_count() {
        let calls: Calls = Arc::new(|_| {
            Some(Box::pin(async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                Ok(1)
            }))
        });
        let window = Duration::from_millis(10);
        for grace in [Duration::ZERO, Duration::from_secs(60)] {
            let figure = measure(3, window, grace, &calls).await.unwrap();
            assert_eq!(figure.per_second, 0.0);
        }
    }
}
