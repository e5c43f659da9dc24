//! Keeping a number of calls in flight.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::Outcome;

/// Calls `call` with the number of the caller and with 0, 1, 2 ... up to `total`, one call of each of `in_flight`
/// callers at a time, and returns the calls a second.
pub(crate) async fn rate<C, F>(in_flight: usize, total: usize, call: C) -> Outcome<f64>
where
    C: Fn(usize, usize) -> F + Clone + Send + 'static,
    F: Future<Output = Outcome<()>> + Send + 'static,
{
    let next = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let callers: Vec<_> = (0..in_flight)
        .map(|caller| tokio::spawn(call_until(caller, total, Arc::clone(&next), call.clone())))
        .collect();
    for caller in callers {
        caller.await??;
    }
    Ok(per_second(total, start.elapsed()))
}

async fn call_until<C, F>(
    caller: usize,
    total: usize,
    next: Arc<AtomicUsize>,
    call: C,
) -> Outcome<()>
where
    C: Fn(usize, usize) -> F,
    F: Future<Output = Outcome<()>>,
{
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= total {
            return Ok(());
        }
        call(caller, number).await?;
    }
}

pub(crate) fn per_second(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
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
