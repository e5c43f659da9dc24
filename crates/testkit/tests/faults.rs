//! The faulty store does what was planned, in order, and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use seriatim_core::{
    Append, AppendError, CheckpointStore, Component, EventStore, LogPartition, Owner, Position,
    Share, StoreErrorKind, Work,
};
use seriatim_store_memory::MemoryStore;
use seriatim_testkit::conformance::{append, events, new_stream};
use seriatim_testkit::faults::{Fault, FaultyStore, Interruption};

fn one_event() -> Vec<Append> {
    vec![append(&new_stream(), None, events(1))]
}

#[tokio::test]
async fn each_append_meets_its_own_fault() {
    let store = FaultyStore::new(Arc::new(MemoryStore::new()));
    store.plan([
        Some(Fault::NotWritten(StoreErrorKind::Full)),
        None,
        Some(Fault::UnknownButWritten),
        Some(Fault::UnknownNotWritten),
    ]);
    assert_eq!(store.planned(), 3);
    let outcome = store.append(one_event()).await;
    assert!(
        matches!(outcome, Err(AppendError::NotWritten(error)) if error.kind == StoreErrorKind::Full)
    );
    assert_eq!(store.head(LogPartition::FIRST).await.unwrap(), Position(0));
    assert!(store.append(one_event()).await.is_ok());
    assert_eq!(store.head(LogPartition::FIRST).await.unwrap(), Position(1));
    let outcome = store.append(one_event()).await;
    assert!(matches!(outcome, Err(AppendError::Unknown(_))));
    assert_eq!(store.head(LogPartition::FIRST).await.unwrap(), Position(2));
    let outcome = store.append(one_event()).await;
    assert!(matches!(outcome, Err(AppendError::Unknown(_))));
    assert_eq!(store.head(LogPartition::FIRST).await.unwrap(), Position(2));
    assert!(store.append(one_event()).await.is_ok());
    assert_eq!((store.appends(), store.planned()), (5, 0));
}

#[tokio::test]
async fn a_crowd_gets_in_first() {
    let inner = MemoryStore::new();
    let store = FaultyStore::new(Arc::new(inner.clone()));
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = seen.clone();
    store.fail_next(Fault::crowded(move || {
        let (inner, seen) = (inner.clone(), counted.clone());
        async move {
            assert_eq!(inner.head(LogPartition::FIRST).await.unwrap(), Position(0));
            inner.append(one_event()).await.unwrap();
            seen.fetch_add(1, Ordering::SeqCst);
        }
    }));
    store.append(one_event()).await.unwrap();
    assert_eq!(seen.load(Ordering::SeqCst), 1);
    assert_eq!(store.head(LogPartition::FIRST).await.unwrap(), Position(2));
}

#[tokio::test]
async fn a_store_that_is_down_answers_nothing_until_it_comes_back() {
    let store = FaultyStore::new(Arc::new(MemoryStore::new()));
    store.go_down(StoreErrorKind::Unavailable);
    let outcome = store.append(one_event()).await;
    assert!(matches!(outcome, Err(AppendError::NotWritten(_))));
    assert!(store.head(LogPartition::FIRST).await.is_err());
    assert!(store.checkpoints(None).await.is_err());
    store.come_back();
    assert_eq!(store.checkpoints(None).await.unwrap(), []);
    assert_eq!(store.head(LogPartition::FIRST).await.unwrap(), Position(0));
}

#[tokio::test]
async fn the_call_that_was_planned_is_broken_off_and_no_other() {
    let inner = MemoryStore::new();
    let store = FaultyStore::new(Arc::new(inner.clone()));
    let work = Work {
        component: Component::new("note").unwrap(),
        partition: LogPartition::FIRST,
        share: Share::WHOLE,
    };
    let owner = Owner::new("one");
    let take = || store.take(&work, &owner, Duration::ZERO);
    let epoch = async || match &inner.checkpoints(None).await.unwrap()[..] {
        [] => 0,
        [checkpoint, ..] => checkpoint.epoch,
    };
    for (how, done) in [
        (Interruption::Refused, false),
        (Interruption::AnswerLost, true),
        (Interruption::DiesBefore, false),
        (Interruption::DiesAfter, true),
    ] {
        store.interrupt("take a piece of work", 2, how);
        take().await.unwrap();
        assert!(!store.was_interrupted());
        let before = epoch().await;
        let dies = matches!(how, Interruption::DiesBefore | Interruption::DiesAfter);
        tokio::select! {
            // It is asked first, and never answers if it dies.
            biased;
            taken = take() => assert!(!dies && taken.is_err(), "{how:?}"),
            () = std::future::ready(()) => assert!(dies, "{how:?}"),
        }
        assert!(store.was_interrupted());
        assert_eq!(epoch().await - before, u64::from(done), "{how:?}");
        take().await.unwrap();
        assert_eq!(store.calls()["take a piece of work"], 3);
    }
}
