//! Limits how often somebody does something.

use std::time::Duration;

use tokio::time::Instant;

/// So many a second, and some more at once: the generic cell rate algorithm (ITU-T I.371).
#[derive(Clone, Debug)]
pub struct Rate {
    /// The time between two, if they come evenly.
    each: Duration,
    /// The time whose number may come at once.
    burst: Duration,
    /// The time at which the next would come, if all came evenly.
    next: Option<Instant>,
}

impl Rate {
    /// Makes one that lets `per_second` pass in a second; none counts as one. As many may come at once as pass in
    /// `burst`, and at least one.
    pub fn new(per_second: u32, burst: Duration) -> Self {
        let each = Duration::from_secs(1) / per_second.max(1);
        Self {
            each,
            burst: burst.max(each),
            next: None,
        }
    }

    /// Lets one pass. Fails with the time after which one passes again, and takes nothing then.
    pub fn pass(&mut self, now: Instant) -> Result<(), Duration> {
        let next = self.next.map_or(now, |next| next.max(now)) + self.each;
        match (next - now).checked_sub(self.burst) {
            Some(wait) if !wait.is_zero() => Err(wait),
            Some(_) | None => {
                self.next = Some(next);
                Ok(())
            }
        }
    }

    /// Returns whether a new one would let no more pass at once.
    pub fn is_rested(&self, now: Instant) -> bool {
        self.next.is_none_or(|next| next <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn some_may_come_at_once_and_then_they_come_evenly() {
        for (burst, at_once) in [(SECOND, 10), (3 * SECOND, 30), (Duration::ZERO, 1)] {
            let (mut rate, start) = (Rate::new(10, burst), Instant::now());
            assert!(rate.is_rested(start));
            for _ in 0..at_once {
                assert_eq!(rate.pass(start), Ok(()));
            }
            let wait = rate.pass(start).unwrap_err();
            assert_eq!(wait, Duration::from_millis(100));
            // One that is refused takes nothing.
            assert_eq!(rate.pass(start).unwrap_err(), wait);
            assert!(!rate.is_rested(start));
            assert_eq!(rate.pass(start + wait), Ok(()));
            assert!(rate.pass(start + wait).is_err());
            // However long nobody comes, no more than that come at once.
            let later = start + 60 * SECOND;
            assert!(rate.is_rested(later));
            let passed = (0..100).filter(|_| rate.pass(later).is_ok());
            assert_eq!(passed.count(), at_once);
        }
    }
}
