//! The store in memory bears a clock that jumps.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use seriatim_core::Timestamp;
use seriatim_store_memory::MemoryStore;
use seriatim_testkit::conformance::StorageClock;

/// A clock; its value says how far it is ahead of the clock of this machine, in microseconds.
#[derive(Clone, Default)]
struct Clock(Arc<AtomicI64>);

#[async_trait::async_trait]
impl StorageClock for Clock {
    async fn jump(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

seriatim_testkit::clock_conformance!(async {
    let clock = Clock::default();
    let ahead = Arc::clone(&clock.0);
    let store = MemoryStore::with_clock(move || {
        Timestamp::from_micros(Timestamp::now().as_micros() + ahead.load(Ordering::SeqCst))
    });
    (Arc::new(store.clone()), Arc::new(store), clock)
});
