//! Keeping a number of calls in flight.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::measure::median;

/// Calls `call` with the number of the caller and with 0, 1, 2 ... up to `total`, one call of each of `in_flight`
/// callers at a time, and returns the calls a second.
pub async fn rate<C, F>(in_flight: usize, total: usize, call: C) -> Outcome<f64>
where
    C: Fn(usize, usize) -> F + Clone + Send + 'static,
    F: Future<Output = Outcome<()>> + Send + 'static,
{
    calls_while(in_flight, move |number| number < total, call).await
}

/// The same for as long as `time`: what several programs do at once must not end with one of them alone.
pub async fn rate_for<C, F>(in_flight: usize, time: Duration, call: C) -> Outcome<f64>
where
    C: Fn(usize, usize) -> F + Clone + Send + 'static,
    F: Future<Output = Outcome<()>> + Send + 'static,
{
    let start = Instant::now();
    calls_while(in_flight, move |_| start.elapsed() < time, call).await
}

/// The median of how long a call takes, in microseconds, if the next one begins when it has ended. Calls are
/// numbered 0, 1, 2 ... up to `total`. They are made by a task of the runtime, as a server makes them.
pub async fn latency<C, F>(total: usize, call: C) -> Outcome<f64>
where
    C: Fn(usize) -> F + Send + 'static,
    F: Future<Output = Outcome<()>> + Send + 'static,
{
    let calls = async move {
        let mut times = Vec::with_capacity(total);
        for number in 0..total {
            let start = Instant::now();
            call(number).await?;
            times.push(microseconds(start));
        }
        Outcome::Ok(median(&times))
    };
    tokio::spawn(calls).await?
}

async fn calls_while<C, F>(
    in_flight: usize,
    more: impl Fn(usize) -> bool + Clone + Send + 'static,
    call: C,
) -> Outcome<f64>
where
    C: Fn(usize, usize) -> F + Clone + Send + 'static,
    F: Future<Output = Outcome<()>> + Send + 'static,
{
    let next = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let callers: Vec<_> = (0..in_flight)
        .map(|caller| {
            let (next, more, call) = (Arc::clone(&next), more.clone(), call.clone());
            tokio::spawn(async move {
                let mut called = 0;
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if !more(number) {
                        return Outcome::Ok(called);
                    }
                    call(caller, number).await?;
                    called += 1;
                }
            })
        })
        .collect();
    let mut called = 0;
    for caller in callers {
        called += caller.await??;
    }
    Ok(per_second(called, start.elapsed()))
}

/// Converts a count and its time to a rate a second.
pub fn per_second(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// Returns how long ago that was.
pub fn microseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[tokio::test]
    async fn every_number_is_called_once() {
        let called = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&called);
        let note = move |_, number| {
            let seen = Arc::clone(&seen);
            async move {
                tokio::task::yield_now().await;
                seen.lock().unwrap().push(number);
                Ok(())
            }
        };
        rate(7, 100, note).await.unwrap();
        let mut called = called.lock().unwrap().clone();
        called.sort_unstable();
        assert_eq!(called, (0..100).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_call_that_fails_fails_the_measurement() {
        let fail = |_, number| async move {
            if number == 5 {
                Err("no".into())
            } else {
                Ok(())
            }
        };
        assert!(rate(2, 10, fail).await.is_err());
    }
}
