//! Notices that something has changed, at a cost that does not grow with those who look.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use seriatim_core::{LogPartition, Position, Store, StoreError};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// The time between two looks at the log.
pub(crate) const BEAT: Duration = Duration::from_secs(1);

/// What has happened so far: how far the log goes, and how much was posted here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Beat {
    heads: Vec<Position>,
    posts: u64,
}

/// The look at the log that all open pages share.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    last: Mutex<Option<(Instant, Vec<Position>)>>,
    posts: AtomicU64,
}

impl Pulse {
    /// Counts what somebody has posted here: not all of it is in the log.
    pub(crate) fn posted(&self) {
        self.posts.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns what has happened so far. The store is asked at most once in each [`BEAT`].
    pub(crate) async fn beat(&self, store: &dyn Store) -> Result<Beat, StoreError> {
        let mut last = self.last.lock().await;
        let heads = match &*last {
            Some((at, heads)) if at.elapsed() < BEAT => heads.clone(),
            _ => {
                let heads = heads(store).await?;
                *last = Some((Instant::now(), heads.clone()));
                heads
            }
        };
        let posts = self.posts.load(Ordering::Relaxed);
        Ok(Beat { heads, posts })
    }
}

async fn heads(store: &dyn Store) -> Result<Vec<Position>, StoreError> {
    let mut heads = Vec::new();
    for partition in LogPartition::all(store.partitions()) {
        heads.push(store.head(partition).await?);
    }
    Ok(heads)
}
