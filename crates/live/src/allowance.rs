//! Limits how often somebody does something.

use std::time::{Duration, Instant};

/// A token bucket: so many a second, and some more at once.
#[derive(Clone, Debug)]
pub(crate) struct Allowance {
    per_second: f64,
    most: f64,
    left: f64,
    at: Instant,
}

impl Allowance {
    /// Makes a full one.
    pub(crate) fn new(per_second: u32, at_once: u32, now: Instant) -> Self {
        let most = f64::from(at_once.max(1));
        Self {
            per_second: f64::from(per_second.max(1)),
            most,
            left: most,
            at: now,
        }
    }

    /// Takes one. Fails with the time after which there is one again.
    pub(crate) fn take(&mut self, now: Instant) -> Result<(), Duration> {
        self.refill(now);
        if self.left >= 1.0 {
            self.left -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - self.left) / self.per_second))
    }

    /// Returns whether a new one would be no fuller.
    pub(crate) fn is_full(&mut self, now: Instant) -> bool {
        self.refill(now);
        self.left >= self.most
    }

    fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + passed * self.per_second).min(self.most);
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_some_at_once_and_then_so_many_a_second() {
        let begin = Instant::now();
        let mut allowance = Allowance::new(10, 3, begin);
        for _ in 0..3 {
            assert_eq!(allowance.take(begin), Ok(()));
        }
        let wait = allowance.take(begin).unwrap_err();
        assert_eq!(wait, Duration::from_millis(100));
        assert_eq!(allowance.take(begin + wait), Ok(()));
        assert!(allowance.take(begin + wait).is_err());
        // However long nobody asks, no more than that come at once.
        let later = begin + Duration::from_secs(60);
        assert_eq!((0..9).filter(|_| allowance.take(later).is_ok()).count(), 3);
    }
}
