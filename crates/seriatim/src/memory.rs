//! The URL of a store in memory.

use std::num::NonZero;

use seriatim_store_memory::MemoryStore;

use crate::OpenStoreError;

/// Opens an empty store, for `memory:` or `memory:?partitions=4`.
pub(crate) fn open(url: &str) -> Result<MemoryStore, OpenStoreError> {
    let partitions = match url.strip_prefix("memory:") {
        Some("") => Some(NonZero::<u16>::MIN),
        Some(options) => options
            .strip_prefix("?partitions=")
            .and_then(|count| count.parse().ok()),
        None => None,
    };
    let invalid = || OpenStoreError::InvalidMemoryUrl { url: url.into() };
    partitions
        .map(MemoryStore::with_partitions)
        .ok_or_else(invalid)
}

#[cfg(test)]
mod tests {
    use seriatim_core::EventStore;

    use super::*;

    #[test]
    fn a_log_in_memory_has_one_partition_or_as_many_as_the_url_says() {
        for (url, count) in [("memory:", 1), ("memory:?partitions=4", 4)] {
            assert_eq!(open(url).unwrap().partitions().get(), count);
        }
        for url in [
            "memory:?partitions=0",
            "memory:?partitions=65536",
            "memory:?partition=4",
            "memory:?partitions=4&more",
            "memory:bank",
        ] {
            let error = open(url).unwrap_err();
            assert!(error.to_string().contains(url), "{error}");
        }
    }
}
