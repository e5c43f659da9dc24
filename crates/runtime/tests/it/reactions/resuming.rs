//! Tests that paused work goes on without a restart when a person resumes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use seriatim_core::{CheckpointStore, OperatorError};
use seriatim_runtime::PieceState;
use seriatim_store_memory::MemoryStore;

use super::tally::{
    Does, NAME, Tally, checkpoints, enrolled, is_paused, only, start_with, until, until_shown,
};
use crate::support::fill;

const HOUR: Duration = Duration::from_secs(3600);

fn switched() -> (Tally, Arc<AtomicBool>) {
    let broken = Arc::new(AtomicBool::new(true));
    let switch = Arc::clone(&broken);
    let tally = Tally::that(move |event| match event.sequence.0 {
        2 if switch.load(Ordering::Relaxed) => Does::Fails,
        _ => Does::Notes,
    });
    (tally, broken)
}

#[tokio::test]
async fn paused_work_shows_why_and_is_resumed_here() {
    let store = MemoryStore::new();
    let (tally, broken) = switched();
    fill(&store, 1, 5).await;
    // Only a request wakes it up.
    let reactions = start_with(&store, "one", HOUR, vec![enrolled(&store, &tally)]);
    until("it is paused", || is_paused(&only(&reactions))).await;
    let why = until_shown(&store, true).await.unwrap();
    assert!(
        why.contains("told to fail") && why.starts_with("2 of order/"),
        "{why}"
    );

    let name = NAME.parse().unwrap();
    // A fault that is still there is found again.
    assert_eq!(reactions.resume(&name).await.unwrap().len(), 1);
    until_shown(&store, true).await;
    broken.store(false, Ordering::Relaxed);
    reactions.resume(&name).await.unwrap();
    until("all are seen", || tally.count() == 5).await;
    assert_eq!(only(&reactions).state, PieceState::Working);
    assert_eq!(checkpoints(&store).await[0].paused, None);
    tally.assert_exactly(1, 5);
    assert_eq!(reactions.resume(&name).await.unwrap(), []);
    let refused = reactions.resume(&"other".parse().unwrap()).await;
    let refused = refused.unwrap_err();
    assert!(matches!(refused, OperatorError::UnknownComponent { .. }));
    reactions.shutdown().await;
}

#[tokio::test]
async fn paused_work_is_resumed_from_elsewhere() {
    let store = MemoryStore::new();
    let (tally, broken) = switched();
    fill(&store, 1, 5).await;
    let lease = Duration::from_millis(30);
    let reactions = start_with(&store, "one", lease, vec![enrolled(&store, &tally)]);
    until_shown(&store, true).await;
    broken.store(false, Ordering::Relaxed);
    let work = &checkpoints(&store).await[0].work;
    assert!(store.resume(work).await.unwrap());
    until("all are seen", || tally.count() == 5).await;
    reactions.shutdown().await;
}

#[tokio::test]
async fn a_restart_resumes_too() {
    let store = MemoryStore::new();
    let (tally, broken) = switched();
    fill(&store, 1, 5).await;
    let reactions = start_with(&store, "one", HOUR, vec![enrolled(&store, &tally)]);
    until_shown(&store, true).await;
    reactions.shutdown().await;
    broken.store(false, Ordering::Relaxed);
    let reactions = start_with(&store, "two", HOUR, vec![enrolled(&store, &tally)]);
    until("all are seen", || tally.count() == 5).await;
    assert_eq!(until_shown(&store, false).await, None);
    reactions.shutdown().await;
}
