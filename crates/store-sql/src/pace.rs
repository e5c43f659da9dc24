//! Decides how many of the calls that wait share the next commit.
//!
//! If a commit takes all of them, their senders decide what comes next only after it, and nothing is committed
//! meanwhile. If it takes half, one half is decided while the other is committed, but there are twice as many commits.
//! That pays if deciding all of them takes longer than what one more commit costs, so both are measured.

use std::time::Duration;

/// The number of senders below which a commit takes all that waits.
const FEW: usize = 16;
/// One commit of so many is made in the other way, to measure what the usual way does not show: the time to decide, if
/// halves are taken, and what a smaller commit costs, if all is taken.
const PROBE: u32 = 16;
/// The factor by which each new measurement lowers the weight of those before it.
const KEPT: f64 = 0.95;

/// The pace of one writer.
#[derive(Debug, Default)]
pub struct Pace {
    /// Calls that were answered, and the seconds until their senders had decided the next ones.
    deciding: Line,
    /// Calls of a commit, and the seconds that it took.
    committing: Line,
    commits: u32,
}

impl Pace {
    /// Returns how many calls the next commit takes at most, if there are this many senders that wait or were just
    /// answered. More may come until then, so there is no limit unless half is to be taken.
    pub fn share(&mut self, senders: usize) -> usize {
        self.commits = self.commits.wrapping_add(1);
        let deciding = self.deciding.through_zero() * senders as f64;
        let halves_pay = self
            .committing
            .at_zero()
            .is_some_and(|fixed| deciding > fixed);
        let probes = self.commits.is_multiple_of(PROBE);
        match senders >= FEW && halves_pay != probes {
            true => senders.div_ceil(2),
            false => usize::MAX,
        }
    }

    /// Learns how long it took until all senders of a commit had sent again while nothing was committed.
    pub fn decided(&mut self, calls: usize, time: Duration) {
        self.deciding.learn(calls, time);
    }

    /// Learns how long a commit took.
    pub fn committed(&mut self, calls: usize, time: Duration) {
        self.committing.learn(calls, time);
    }
}

/// A straight line through the latest measurements, by least squares.
#[derive(Debug, Default)]
struct Line {
    weight: f64,
    calls: f64,
    seconds: f64,
    calls_squared: f64,
    product: f64,
}

impl Line {
    fn learn(&mut self, calls: usize, time: Duration) {
        let (calls, seconds) = (calls as f64, time.as_secs_f64());
        let add = |sum: &mut f64, now: f64| *sum = *sum * KEPT + now;
        add(&mut self.weight, 1.0);
        add(&mut self.calls, calls);
        add(&mut self.seconds, seconds);
        add(&mut self.calls_squared, calls * calls);
        add(&mut self.product, calls * seconds);
    }

    /// Returns the seconds of each call, if no calls take no time. Zero if nothing was measured.
    fn through_zero(&self) -> f64 {
        match self.calls > 0.0 {
            true => self.seconds / self.calls,
            false => 0.0,
        }
    }

    /// Returns the seconds that no calls take. `None` if all measurements were of about as many calls.
    fn at_zero(&self) -> Option<f64> {
        let spread = self.weight * self.calls_squared - self.calls * self.calls;
        if spread <= 0.001 * self.calls * self.calls {
            return None;
        }
        let slope = (self.weight * self.product - self.calls * self.seconds) / spread;
        Some(((self.seconds - slope * self.calls) / self.weight).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes so many commits for this many senders, where each call takes so many microseconds to decide and to commit,
    /// and each commit so many more. Returns how many took half.
    fn halves(pace: &mut Pace, commits: usize, senders: usize, fixed: u64) -> usize {
        let mut share = senders;
        let mut halves = 0;
        for _ in 0..commits {
            share = share.min(senders);
            halves += usize::from(share < senders);
            pace.committed(share, Duration::from_micros(fixed + 5 * share as u64));
            if share == senders {
                pace.decided(senders, Duration::from_micros(5 * senders as u64));
            }
            share = pace.share(senders);
        }
        halves
    }

    #[test]
    fn halves_are_taken_where_deciding_takes_longer_than_one_more_commit() {
        let mut pace = Pace::default();
        assert!(halves(&mut pace, 1600, 64, 200) > 1400);
        // On a slow disk only the probes are halves.
        halves(&mut pace, 100, 64, 2000);
        assert!(halves(&mut pace, 1600, 64, 2000) <= 100);
        assert!(halves(&mut pace, 1600, 1000, 2000) > 1400);
        assert_eq!(halves(&mut pace, 1600, FEW - 1, 1), 0);
    }

    #[test]
    fn only_halves_have_a_limit() {
        let mut pace = Pace::default();
        assert_eq!(pace.share(65), usize::MAX);
        halves(&mut pace, 1600, 65, 1);
        assert_eq!(pace.share(65), 33);
        assert_eq!(
            pace.share(1),
            usize::MAX,
            "a burst after a pause shares a commit"
        );
    }

    #[test]
    fn a_first_commit_that_took_long_is_forgotten() {
        let mut pace = Pace::default();
        pace.committed(1, Duration::from_secs(1));
        halves(&mut pace, 400, 64, 100);
        assert!(halves(&mut pace, 160, 64, 100) > 140);
    }
}
