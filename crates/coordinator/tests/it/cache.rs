//! Checks that answers are right although a kept state can be wrong in both directions.

use std::sync::Arc;

use seriatim_coordinator::Coordinator;
use seriatim_core::{
    CommandGateway, ExpectedSequence, LogPartition, MergeStrategy, Outcome, Sequence, Store,
    StreamId, SubmitError,
};
use seriatim_store_memory::MemoryStore;
use seriatim_testkit::faults::FaultyStore;
use uuid::Uuid;

use crate::cart::*;

/// Returns a coordinator whose kept state is outdated, and the one that wrote since.
async fn outdated() -> (Coordinator, Arc<dyn Store>, StreamId) {
    let (coordinator, store) = coordinator();
    let stream = stream_of(&coordinator, [Do::Open]).await;
    let other = on(&store);
    accept(&other, &stream, Do::Add { count: 5 }).await;
    (coordinator, store, stream)
}

#[tokio::test]
async fn a_command_is_decided_on_what_the_other_wrote() {
    let (coordinator, store, stream) = outdated().await;
    accept(&coordinator, &stream, Do::Double).await;
    assert_eq!(history(&store, &stream).await[2], added(5));
}

#[tokio::test]
async fn a_rejection_is_never_given_on_an_old_state() {
    let (coordinator, _, stream) = outdated().await;
    let receipt = coordinator
        .submit(ask(&stream, &Do::Take { count: 5 }))
        .await
        .unwrap();
    assert_eq!(committed(&receipt), (2, 2, false));
}

#[tokio::test]
async fn no_expectation_is_judged_on_an_old_state() {
    let (coordinator, _, stream) = outdated().await;
    let right = stale(&stream, &name("a"), 1, MergeStrategy::Strict);
    assert_eq!(
        committed(&coordinator.submit(right).await.unwrap()),
        (2, 2, false)
    );

    let (coordinator, _, stream) = outdated().await;
    let wrong = stale(&stream, &name("a"), 0, MergeStrategy::Strict);
    assert_eq!(
        conflict(coordinator.submit(wrong).await).conflict.current,
        Some(Sequence(1))
    );

    let (coordinator, _, stream) = outdated().await;
    let beyond = stale(&stream, &name("a"), 2, MergeStrategy::Strict);
    let Err(SubmitError::BeyondCurrent { conflict, .. }) = coordinator.submit(beyond).await else {
        panic!()
    };
    assert_eq!(conflict.current, Some(Sequence(1)));
}

#[tokio::test]
async fn nothing_changed_is_never_said_of_an_old_state() {
    let (coordinator, _, stream) = outdated().await;
    let receipt = coordinator
        .submit(ask(&stream, &Do::Nothing))
        .await
        .unwrap();
    assert_eq!(
        receipt.outcome,
        Outcome::Unchanged {
            current: Some(Sequence(1))
        }
    );
}

#[tokio::test]
async fn a_letter_names_what_is_current() {
    let (coordinator, store, stream) = outdated().await;
    let request = stale(
        &stream,
        &name("a"),
        ExpectedSequence::NoStream,
        MergeStrategy::Manual,
    );
    let Outcome::DeadLettered { id, .. } = coordinator.submit(request).await.unwrap().outcome
    else {
        panic!()
    };
    let letter = store.letter(id).await.unwrap().unwrap();
    assert_eq!(letter.conflict.current, Some(Sequence(1)));
}

#[tokio::test]
async fn a_store_that_fell_back_behind_the_kept_state_is_believed() {
    // This restores a backup: the store that the coordinator knows is replaced by an earlier one.
    let before: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let restored: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let store = FaultyStore::new(Arc::clone(&before));
    let coordinator = on(&(Arc::new(store.clone()) as Arc<dyn Store>));
    let stream = stream_of(&coordinator, [Do::Add { count: 1 }, Do::Add { count: 2 }]).await;
    accept(&on(&restored), &stream, Do::Add { count: 1 }).await;
    store.replace(Arc::clone(&restored));

    let rejected = coordinator
        .submit(ask(&stream, &Do::Take { count: 2 }))
        .await;
    assert!(
        matches!(rejected, Err(SubmitError::Rejected(_))),
        "{rejected:?}"
    );
    accept(&coordinator, &stream, Do::Double).await;
    assert_eq!(history(&restored, &stream).await, [added(1), added(1)]);
}

#[tokio::test]
async fn two_coordinators_on_the_same_streams_lose_and_double_nothing() {
    let (one, store) = coordinator();
    let two = on(&store);
    let streams: Vec<_> = (0..3).map(|_| cart()).collect();
    let all = (0..300).map(|n| {
        let coordinator = if n % 2 == 0 { one.clone() } else { two.clone() };
        let request = ask(&streams[n % 3], &Do::Add { count: 1 });
        tokio::spawn(async move { coordinator.submit(request).await.unwrap() })
    });
    futures::future::join_all(all).await;
    for stream in &streams {
        assert_eq!(history(&store, stream).await.len(), 100);
    }
    assert_eq!(store.head(LogPartition::FIRST).await.unwrap().0, 300);
}

/// Begins so many streams that the coordinator takes the next young one for new.
async fn begin_many(coordinator: &Coordinator) {
    for _ in 0..256 {
        accept(coordinator, &cart(), Do::Add { count: 1 }).await;
    }
}

#[tokio::test]
async fn streams_that_are_likely_to_be_new_are_not_loaded() {
    let store = FaultyStore::new(Arc::new(MemoryStore::new()));
    let coordinator = on(&(Arc::new(store.clone()) as Arc<dyn Store>));
    let loads = || store.calls()["load a stream"];
    begin_many(&coordinator).await;
    assert_eq!(loads(), 256);
    for _ in 0..100 {
        accept(&coordinator, &cart(), Do::Add { count: 1 }).await;
    }
    assert_eq!(loads(), 256);
    // Nothing is known of a root that does not tell its age.
    let stream = StreamId::new(cart().domain, Uuid::from_u128(7));
    accept(&coordinator, &stream, Do::Add { count: 1 }).await;
    assert_eq!(loads(), 257);
}

#[tokio::test]
async fn a_stream_that_was_wrongly_taken_for_new_is_loaded() {
    let (coordinator, store) = coordinator();
    begin_many(&coordinator).await;
    let other = on(&store);
    let (ours, theirs) = (cart(), cart());
    for stream in [&ours, &theirs] {
        accept(&other, stream, Do::Open).await;
        accept(&other, stream, Do::Add { count: 5 }).await;
    }
    accept(&coordinator, &ours, Do::Double).await;
    assert_eq!(history(&store, &ours).await[2], added(5));

    // A "no" is not given on a guess either.
    begin_many(&coordinator).await;
    let open = coordinator.submit(ask(&theirs, &Do::Open)).await;
    assert!(matches!(open, Err(SubmitError::Rejected(_))), "{open:?}");
    begin_many(&coordinator).await;
    let last = cart();
    accept(&other, &last, Do::Add { count: 5 }).await;
    let taken = coordinator.submit(ask(&last, &Do::Take { count: 5 })).await;
    assert_eq!(committed(&taken.unwrap()), (1, 1, false));
}
