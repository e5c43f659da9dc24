//! Computes how long a lease lasts, and when it ends.

use std::time::Duration;

use crate::Timestamp;

/// The longest lease: five minutes. A longer one is cut to this.
pub const LONGEST_LEASE: Duration = Duration::from_secs(300);

/// For stores: returns the end of a lease that begins now.
pub fn lease_end(now: Timestamp, lease: Duration) -> Timestamp {
    now.later_by(lease.min(LONGEST_LEASE))
}

/// For stores: returns whether a lease that ends at `end` is still running.
///
/// A lease that has more time left than the longest lease was given while the clock of the storage was ahead. It counts
/// as run out; otherwise nobody could take the work before the clock reaches that time again.
pub fn lease_runs(now: Timestamp, end: Timestamp) -> bool {
    now < end && end <= lease_end(now, LONGEST_LEASE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_runs_until_its_end_and_never_longer_than_any() {
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        let micro = Duration::from_micros(1);
        let day = Duration::from_secs(24 * 3600);
        assert!(!lease_runs(now, now));
        assert!(lease_runs(now, lease_end(now, micro)));
        assert!(lease_runs(now, lease_end(now, LONGEST_LEASE)));
        assert!(lease_runs(now, lease_end(now, Duration::MAX)));
        assert!(!lease_runs(now, now.later_by(LONGEST_LEASE + micro)));
        assert!(!lease_runs(now, lease_end(now.later_by(day), micro)));
        assert!(!lease_runs(
            now.later_by(day),
            lease_end(now, LONGEST_LEASE)
        ));
    }
}
