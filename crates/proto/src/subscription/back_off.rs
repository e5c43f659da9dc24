//! Computes the wait before a lost subscription is opened again.

use std::time::Duration;

use uuid::Uuid;

/// The wait after the first loss. It is doubled after each further loss without a response in between.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// The next wait, which is longer each time.
#[derive(Debug)]
pub(super) struct BackOff(Duration);

impl Default for BackOff {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl BackOff {
    /// Returns the next wait: at least `asked`, plus a random part of up to half as much, so that the clients of a
    /// server that was down do not all come back at once.
    pub(super) fn next(&mut self, asked: Option<Duration>) -> Duration {
        let wait = self.0.max(asked.unwrap_or_default());
        self.0 = (self.0 * 2).min(LONGEST);
        wait.saturating_add(wait.mul_f64(chance() / 2.0))
    }

    /// Begins again with the shortest wait, because the subscription works.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}

/// Returns a random number from 0 to 1. The last bytes of a UUID are random enough for this.
fn chance() -> f64 {
    let [.., a, b] = Uuid::now_v7().into_bytes();
    f64::from(u16::from_be_bytes([a, b])) / f64::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_about(wait: Duration, least: Duration) {
        assert!((least..=least + least / 2).contains(&wait), "{wait:?}");
    }

    #[test]
    fn waits_grow_up_to_a_limit_and_begin_anew() {
        let mut back_off = BackOff::default();
        for millis in [100, 200, 400, 800, 1600, 3200, 5000, 5000] {
            assert_about(back_off.next(None), Duration::from_millis(millis));
        }
        back_off.reset();
        assert_about(back_off.next(None), FIRST);
    }

    #[test]
    fn a_server_that_asks_for_more_gets_it() {
        let mut back_off = BackOff::default();
        assert_about(
            back_off.next(Some(Duration::from_secs(20))),
            Duration::from_secs(20),
        );
        assert_about(back_off.next(Some(Duration::ZERO)), FIRST * 2);
    }
}
