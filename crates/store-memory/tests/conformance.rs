//! The store in memory obeys the rules of every store.

use std::num::NonZero;
use std::sync::Arc;

use seriatim_store_memory::MemoryStore;

seriatim_testkit::store_conformance!(open(1));

mod with_four_partitions {
    seriatim_testkit::partitions_conformance!(super::open(4));
}

async fn open(partitions: u16) -> (Arc<MemoryStore>, Arc<MemoryStore>) {
    let store = MemoryStore::with_partitions(NonZero::new(partitions).unwrap());
    (Arc::new(store.clone()), Arc::new(store))
}
