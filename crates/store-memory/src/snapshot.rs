//! The seam of the kept states.

use async_trait::async_trait;
use seriatim_core::{Load, Snapshot, SnapshotStore, StoreError, StreamId};

use crate::{MemoryStore, Stream};

#[async_trait]
impl SnapshotStore for MemoryStore {
    async fn save_snapshot(&self, stream: &StreamId, snapshot: Snapshot) -> Result<(), StoreError> {
        let mut log = self.log();
        // If the stream does not have this event, another event may get its sequence.
        let has_event = log.event_id(stream, snapshot.sequence) == Some(snapshot.event);
        if has_event && let Some(stream) = log.streams.get_mut(stream) {
            stream.keep(snapshot);
        }
        Ok(())
    }
}

impl Stream {
    fn keep(&mut self, snapshot: Snapshot) {
        let fingerprint = snapshot.fingerprint;
        let is_same =
            |kept: &Snapshot| (kept.fingerprint, kept.sequence) == (fingerprint, snapshot.sequence);
        self.snapshots.retain(|kept| !is_same(kept));
        self.snapshots.push(snapshot);
        self.snapshots.sort_by_key(|kept| kept.sequence);
        let newest_first = self.snapshots.iter().rev();
        let own: Vec<_> = newest_first
            .filter(|kept| kept.fingerprint == fingerprint)
            .map(|kept| kept.sequence)
            .collect();
        let second = own.get(1).copied();
        let mut kept = own.clone();
        kept.dedup_by_key(|sequence| sequence.0 / Snapshot::SPAN);
        kept.truncate(Snapshot::SPANS as usize);
        kept.extend(own.iter().take(2));
        self.snapshots
            .retain(|snapshot| match snapshot.fingerprint == fingerprint {
                true => kept.contains(&snapshot.sequence),
                // Once a type has two newer snapshots of one form, the other form is not used any more.
                false => Some(snapshot.sequence) >= second,
            });
    }

    pub(crate) fn newest_snapshot(&self, load: &Load) -> Option<Snapshot> {
        let usable = |kept: &&Snapshot| {
            Some(kept.fingerprint) == load.snapshots
                && load.through.is_none_or(|through| kept.sequence <= through)
        };
        self.snapshots.iter().rev().find(usable).cloned()
    }
}
