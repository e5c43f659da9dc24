//! Tells the log of connections that are kept out, now and then.

use std::mem;
use std::time::Duration;

use tokio::time::Instant;

/// The time after which the log is told again of connections that are kept out. They are counted meanwhile.
const QUIET: Duration = Duration::from_secs(10);

/// A cause that keeps connections out, which the log is told of now and then.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    told: Option<Instant>,
    untold: usize,
}

impl Trouble {
    /// Counts one more connection. Returns how many others there were since the log was told, if it is time to tell it
    /// again.
    pub(crate) fn news(&mut self) -> Option<usize> {
        if self.told.is_some_and(|told| told.elapsed() < QUIET) {
            self.untold += 1;
            return None;
        }
        self.told = Some(Instant::now());
        Some(mem::take(&mut self.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_log_is_told_of_trouble_now_and_then() {
        let mut trouble = Trouble::default();
        for others in [0, 9] {
            assert_eq!(trouble.news(), Some(others));
            for _ in 0..9 {
                assert_eq!(trouble.news(), None);
            }
            tokio::time::advance(QUIET).await;
        }
    }
}
