//! The store in memory obeys the rules of every store.

use std::sync::Arc;

use seriatim_store_memory::MemoryStore;

seriatim_testkit::store_conformance!(async {
    let store = MemoryStore::new();
    (Arc::new(store.clone()), Arc::new(store))
});
