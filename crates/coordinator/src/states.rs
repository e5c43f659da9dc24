//! Keeps the states of recently used aggregates of all domains, bounded by the memory that they take.
//!
//! A state in here is only a starting point: everything decided on it is checked against the store before it counts, so
//! a wrong state costs a round and nothing else.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use seriatim_core::Aggregate;
use uuid::Uuid;

use crate::history::Standing;

/// The memory of an entry besides its state: the key, its links and hash, a counter, and the overhead of an allocator.
const ENTRY_BYTES: usize = 192;
/// The size of a state by which the number of entries is guessed, because only their bytes are bounded.
const GUESSED_BYTES: usize = 1024;
/// The number of recently evicted keys that are remembered, as a part of all entries.
const REMEMBERED: f64 = 0.25;

/// The states of all domains.
pub(crate) struct States {
    kept: Cache<Key, Kept, ByBytes>,
}

/// A domain by its number, and a root.
type Key = (usize, Uuid);

/// A state of any aggregate. It is `Clone` because the cache needs that; nobody clones it.
#[derive(Clone)]
struct Kept {
    state: Arc<dyn Any + Send + Sync>,
    bytes: usize,
}

struct Counted<A> {
    standing: Standing<A>,
    _count: One,
}

/// A count of one among the states of a domain, until it is dropped.
struct One(Arc<AtomicUsize>);

impl One {
    fn of(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for One {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Key, Kept> for ByBytes {
    fn weight(&self, _: &Key, kept: &Kept) -> u64 {
        kept.bytes as u64
    }
}

impl States {
    /// Makes a cache of this many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        let options = quick_cache::OptionsBuilder::new()
            .estimated_items_capacity(bytes / GUESSED_BYTES)
            .weight_capacity(bytes as u64)
            .ghost_allocation(REMEMBERED)
            .build()
            .expect("both capacities are given");
        let (by, hash) = (ByBytes, Default::default());
        Self {
            kept: Cache::with_options(options, by, hash, Default::default()),
        }
    }

    /// Returns the estimated bytes of the states that are kept now.
    pub(crate) fn bytes(&self) -> u64 {
        self.kept.weight()
    }
}

impl std::fmt::Debug for States {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("States").finish_non_exhaustive()
    }
}

/// The states of one domain.
pub(crate) struct StatesOf {
    all: Arc<States>,
    domain: usize,
    count: Arc<AtomicUsize>,
}

impl StatesOf {
    pub(crate) fn new(all: &Arc<States>, domain: usize) -> Self {
        Self {
            all: Arc::clone(all),
            domain,
            count: Arc::default(),
        }
    }

    /// Returns how many states are kept now.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Relaxed)
    }

    /// Takes a state out.
    pub(crate) fn take<A: Aggregate>(&self, root: Uuid) -> Option<Standing<A>> {
        let (_, kept) = self.all.kept.remove(&(self.domain, root))?;
        let counted = kept.state.downcast::<Counted<A>>().ok()?;
        Some(Arc::into_inner(counted)?.standing)
    }

    /// Puts a state in, and evicts others if there is no room. Does not keep a state that takes too large a part of the
    /// whole.
    pub(crate) fn put<A: Aggregate>(&self, root: Uuid, mut standing: Standing<A>) {
        let bytes = ENTRY_BYTES + standing.size.estimate(&standing.state);
        let state = Arc::new(Counted {
            standing,
            _count: One::of(&self.count),
        });
        self.all
            .kept
            .insert((self.domain, root), Kept { state, bytes });
    }
}
