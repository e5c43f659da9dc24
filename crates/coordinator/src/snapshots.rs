//! Keeps snapshots in the background, so that they never delay a command.

use std::sync::Arc;

use seriatim_core::{Aggregate, Sequence, Snapshot, SnapshotPolicy, StreamId};

use crate::beside::beside;
use crate::guard::guarded;
use crate::history::Standing;
use crate::shared::Shared;

/// A stream that is always busy gets this many times fewer snapshots, because each is a commit of its own.
const BUSY: u64 = 10;

/// Keeps a snapshot of `standing` if the aggregate's policy says so.
///
/// A snapshot is only a shortcut: if too many are on their way already, or one fails, it is left out, and a later round
/// tries again.
pub(crate) fn keep<A: Aggregate>(
    shared: &Shared,
    stream: &StreamId,
    standing: &mut Standing<A>,
    idle: bool,
) {
    let SnapshotPolicy::Every(events) = A::SNAPSHOTS else {
        return;
    };
    let Some((sequence, event)) = standing.current.zip(standing.last) else {
        return;
    };
    let since = Sequence::count(Some(sequence)) - Sequence::count(standing.snapshot);
    let due = u64::from(events.max(1)) * if idle { 1 } else { BUSY };
    if since < due {
        return;
    }
    let Ok(ticket) = Arc::clone(&shared.background).try_acquire_owned() else {
        return;
    };
    standing.snapshot = Some(sequence);
    let state = standing.state.clone();
    let store = Arc::clone(&shared.store);
    let stream = stream.clone();
    tokio::spawn(async move {
        let snapshot = move || guarded("serialize", || Snapshot::of(&state, sequence, event));
        let snapshot = match beside(snapshot).await {
            Ok(Ok(Ok(snapshot))) => snapshot,
            Ok(Ok(Err(error))) => {
                tracing::warn!(%stream, error = error.to_string(), "a state cannot be kept as a snapshot");
                return;
            }
            Ok(Err(fault)) | Err(fault) => {
                tracing::warn!(%stream, error = fault.to_string(), "a state cannot be kept as a snapshot");
                return;
            }
        };
        if let Err(error) = store.save_snapshot(&stream, snapshot).await {
            tracing::warn!(%stream, error = error.to_string(), "a snapshot was not kept");
        }
        drop(ticket);
    });
}
