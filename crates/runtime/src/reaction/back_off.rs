//! Decides when and how often something is tried again.

use std::time::Duration;

/// The longest time that it may take to notice that a store or a target answers again.
const LONGEST_FOR_AN_ANSWER: Duration = Duration::from_secs(5);

/// The number of times that a failed event is tried again, and the pauses between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackOff {
    /// The first pause; each further pause is twice as long.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// The number of tries after the first.
    pub retries: u32,
}

impl Default for BackOff {
    /// Returns a back-off of twelve retries over about seven minutes: long enough for a restart of another system.
    fn default() -> Self {
        Self {
            first: Duration::from_millis(200),
            longest: Duration::from_secs(120),
            retries: 12,
        }
    }
}

impl BackOff {
    /// Returns the pause after a try, counted from 1; `None` if it was the last one.
    pub fn pause(&self, tried: u32) -> Option<Duration> {
        if tried > self.retries {
            return None;
        }
        Some(self.doubled(tried))
    }

    /// Returns the pause after a try of something that is tried until it answers. The pause stays short, because
    /// something waits for the answer.
    pub(crate) fn pause_without_end(&self, tried: u32) -> Duration {
        self.doubled(tried).min(LONGEST_FOR_AN_ANSWER)
    }

    fn doubled(&self, tried: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(tried.saturating_sub(1));
        self.first.saturating_mul(doubled).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_end() {
        let back_off = BackOff {
            first: Duration::from_millis(100),
            longest: Duration::from_millis(350),
            retries: 3,
        };
        let pauses: Vec<_> = (1..=4).map(|tried| back_off.pause(tried)).collect();
        let millis = |millis| Some(Duration::from_millis(millis));
        assert_eq!(pauses, [millis(100), millis(200), millis(350), None]);
        assert_eq!(back_off.pause_without_end(u32::MAX), back_off.longest);
    }
}
