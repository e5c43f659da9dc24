//! Guesses which streams have no events yet, so that a sender that expects any state need not wait for a load that
//! finds nothing.
//!
//! A guess saves time and nothing else: what is decided on it is written, or answered with a "no", only if the stream is
//! empty. Otherwise the stream is loaded and everything is decided anew.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use uuid::Uuid;

/// The age up to which a root may be that of a new stream. Roots tell their age if they are of version 7. A stream that
/// this process has written to is still in memory for some time.
const YOUNG: Duration = Duration::from_secs(10);

/// How many loads of young streams in a row must have found nothing before the next ones are left out. A wrong guess
/// may cost all commands of a commit some time, so it must be rare: where one young stream in a hundred has events, as
/// where several processes write to the same streams, few are ever guessed.
const PROVEN: u32 = 256;

/// What the loads of a domain have found.
#[derive(Debug, Default)]
pub(crate) struct Newness {
    /// The loads of young streams since one has found events.
    found_nothing: AtomicU32,
}

impl Newness {
    /// Returns `true` if the stream of this root has no events, probably.
    pub(crate) fn guess(&self, root: Uuid) -> bool {
        self.found_nothing.load(Relaxed) >= PROVEN && is_young(root)
    }

    /// Learns what a load has found.
    pub(crate) fn learn(&self, root: Uuid, is_new: bool) {
        // An old stream says nothing about young ones.
        match (is_young(root), is_new) {
            (false, _) => {}
            (true, true) => drop(self.found_nothing.fetch_add(1, Relaxed)),
            (true, false) => self.found_nothing.store(0, Relaxed),
        }
    }
}

fn is_young(root: Uuid) -> bool {
    if root.get_version_num() != 7 {
        return false;
    }
    let made = root.get_timestamp().map(|made| made.to_unix());
    let Some((seconds, nanos)) = made else {
        return false;
    };
    let made = SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos);
    // The clock of the sender may be a little ahead.
    let apart = match made.elapsed() {
        Ok(age) => age,
        Err(ahead) => ahead.duration(),
    };
    apart <= YOUNG
}

#[cfg(test)]
mod tests {
    use uuid::{NoContext, Timestamp};

    use super::*;

    fn made_at(time: SystemTime) -> Uuid {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let time = Timestamp::from_unix(NoContext, since.as_secs(), since.subsec_nanos());
        Uuid::new_v7(time)
    }

    #[test]
    fn only_young_roots_are_guessed_and_only_after_proof() {
        let newness = Newness::default();
        let (now, minute) = (SystemTime::now(), Duration::from_secs(60));
        let (young, old, ahead) = (made_at(now), made_at(now - minute), made_at(now + minute));
        let other = Uuid::new_v5(&Uuid::NAMESPACE_OID, b"an order");
        for _ in 1..PROVEN {
            newness.learn(young, true);
            newness.learn(old, true);
        }
        assert!(!newness.guess(young));
        newness.learn(young, true);
        assert!(newness.guess(young) && newness.guess(Uuid::now_v7()));
        for root in [old, ahead, other] {
            assert!(!newness.guess(root), "{root}");
            newness.learn(root, false);
        }
        assert!(newness.guess(young), "others have events, but they are old");
    }

    #[test]
    fn a_young_stream_with_events_ends_the_guesses() {
        let newness = Newness::default();
        (0..PROVEN).for_each(|_| newness.learn(Uuid::now_v7(), true));
        newness.learn(Uuid::now_v7(), false);
        assert!(!newness.guess(Uuid::now_v7()));
    }
}
