//! The seam of the kept states.

use async_trait::async_trait;
use seriatim_core::{Load, Snapshot, SnapshotStore, StoreError, StreamId};

use crate::{MemoryStore, Stream};

/// How many snapshots of one type a stream keeps: the newest, and one for states a little back.
const KEPT: usize = 2;

#[async_trait]
impl SnapshotStore for MemoryStore {
    async fn save_snapshot(&self, stream: &StreamId, snapshot: Snapshot) -> Result<(), StoreError> {
        if let Some(stream) = self.log().streams.get_mut(stream) {
            stream.keep(snapshot);
        }
        Ok(())
    }
}

impl Stream {
    /// A snapshot of an event that the stream does not have is dropped: another event may get its sequence.
    fn keep(&mut self, snapshot: Snapshot) {
        if self.current() < Some(snapshot.sequence) {
            return;
        }
        let fingerprint = snapshot.fingerprint;
        self.snapshots
            .retain(|kept| kept.fingerprint != fingerprint || kept.sequence != snapshot.sequence);
        self.snapshots.push(snapshot);
        self.snapshots.sort_by_key(|kept| kept.sequence);
        let newest = self.snapshots.iter().rev();
        let oldest_kept = newest
            .filter(|kept| kept.fingerprint == fingerprint)
            .nth(KEPT - 1)
            .map(|kept| kept.sequence);
        // Also those of other types: once a type has two that are newer, the older form is out of use.
        self.snapshots
            .retain(|kept| Some(kept.sequence) >= oldest_kept);
    }

    pub(crate) fn newest_snapshot(&self, load: &Load) -> Option<Snapshot> {
        let usable = |kept: &&Snapshot| {
            Some(kept.fingerprint) == load.snapshots
                && load.through.is_none_or(|through| kept.sequence <= through)
        };
        self.snapshots.iter().rev().find(usable).cloned()
    }
}
