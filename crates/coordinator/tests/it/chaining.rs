//! Checks that commands of one hot stream are decided on top of one another and share commits, and that nobody is told
//! of anything that did not become durable.

use std::sync::Arc;

use seriatim_core::{CommandGateway, MergeStrategy, Sequence, Store, StoreErrorKind, SubmitError};
use seriatim_store_memory::MemoryStore;
use seriatim_testkit::faults::{Fault, FaultyStore};
use tokio::sync::{Notify, Semaphore};

use crate::cart::*;

/// Returns a coordinator whose next append waits until it is released.
fn held() -> (
    seriatim_coordinator::Coordinator,
    FaultyStore,
    Arc<dyn Store>,
    Arc<Notify>,
    Arc<Semaphore>,
) {
    let store = FaultyStore::new(Arc::new(MemoryStore::new()));
    let began = Arc::new(Notify::new());
    let go = Arc::new(Semaphore::new(0));
    let (signal, gate) = (Arc::clone(&began), Arc::clone(&go));
    store.fail_next(Fault::crowded(move || {
        let (signal, gate) = (Arc::clone(&signal), Arc::clone(&gate));
        async move {
            signal.notify_one();
            gate.acquire().await.unwrap().forget();
        }
    }));
    let shared: Arc<dyn Store> = Arc::new(store.clone());
    (on(&shared), store, shared, began, go)
}

/// Sends requests in this order while the first one's append waits, then releases it. Returns the answers.
async fn behind_one_another(
    coordinator: &seriatim_coordinator::Coordinator,
    began: &Notify,
    go: &Semaphore,
    requests: Vec<seriatim_core::CommandRequest>,
) -> Vec<Result<seriatim_core::Receipt, SubmitError>> {
    let mut tasks = Vec::new();
    for request in requests {
        let coordinator = coordinator.clone();
        tasks.push(tokio::spawn(
            async move { coordinator.submit(request).await },
        ));
        if tasks.len() == 1 {
            began.notified().await;
        }
        // A task posts its request first of all; this gives it its turn.
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }
    go.add_permits(1);
    futures::future::join_all(tasks)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect()
}

#[tokio::test]
async fn what_waits_for_a_stream_shares_a_commit() {
    let (coordinator, store, shared, began, go) = held();
    let stream = cart();
    let requests = (0..100)
        .map(|_| ask(&stream, &Do::Add { count: 1 }))
        .collect();
    for answer in behind_one_another(&coordinator, &began, &go, requests).await {
        answer.unwrap();
    }
    assert_eq!(history(&shared, &stream).await.len(), 100);
    assert_eq!(
        store.appends(),
        2,
        "the first, and one for the 99 that waited"
    );
}

#[tokio::test]
async fn each_is_decided_on_the_state_its_predecessor_leaves() {
    let (coordinator, store, shared, began, go) = held();
    let stream = cart();
    let requests = vec![
        ask(&stream, &Do::Add { count: 3 }),
        ask(&stream, &Do::Double),
        ask(&stream, &Do::Take { count: 7 }),
        ask(&stream, &Do::Take { count: 6 }),
        stale(&stream, &name("pipelined"), 2, MergeStrategy::Strict),
        stale(&stream, &name("ahead"), 9, MergeStrategy::Strict),
    ];
    let answers = behind_one_another(&coordinator, &began, &go, requests).await;
    assert!(
        matches!(&answers[2], Err(SubmitError::Rejected(rejected)) if rejected.fields[0].1 == 6)
    );
    assert_eq!(committed(answers[4].as_ref().unwrap()), (3, 3, false));
    assert!(matches!(
        &answers[5],
        Err(SubmitError::BeyondCurrent { conflict, .. }) if conflict.current == Some(Sequence(3))
    ));
    assert_eq!(
        history(&shared, &stream).await,
        [added(3), added(3), added(-6), named("pipelined")]
    );
    assert_eq!(store.appends(), 2);
}

#[tokio::test]
async fn a_collision_waits_for_what_is_ahead_of_it() {
    let (coordinator, _, shared, began, go) = held();
    let stream = cart();
    let requests = vec![
        ask(&stream, &Do::Add { count: 3 }),
        ask(&stream, &name("theirs")),
        stale(
            &stream,
            &Do::Add { count: 1 },
            0,
            MergeStrategy::Commutative,
        ),
        stale(&stream, &name("ours"), 0, MergeStrategy::Strict),
    ];
    let mut answers = behind_one_another(&coordinator, &began, &go, requests).await;
    let refused = conflict(answers.pop().unwrap());
    let intervening: Vec<_> = refused
        .intervening
        .iter()
        .map(|event| event.sequence.0)
        .collect();
    assert_eq!(intervening, [1, 2], "all of them durable");
    assert!(committed(answers[2].as_ref().unwrap()).2);
    assert_eq!(
        history(&shared, &stream).await,
        [added(3), named("theirs"), added(1)]
    );
}

#[tokio::test]
async fn a_no_that_rests_on_what_was_lost_is_taken_back() {
    let (coordinator, store, shared, began, go) = held();
    let stream = cart();
    // The second commit loses against another writer; what was decided on top of it is decided anew.
    let other = on(&shared);
    let elsewhere = stream.clone();
    store.fail_next(Fault::crowded(move || {
        let (other, stream) = (other.clone(), elsewhere.clone());
        async move {
            accept(&other, &stream, Do::Add { count: 10 }).await;
        }
    }));
    let requests = vec![
        ask(&stream, &Do::Add { count: 1 }),
        ask(&stream, &Do::Add { count: 1 }),
        ask(&stream, &Do::Take { count: 12 }),
    ];
    let answers = behind_one_another(&coordinator, &began, &go, requests).await;
    answers.into_iter().for_each(|answer| drop(answer.unwrap()));
    assert_eq!(
        history(&shared, &stream).await,
        [added(1), added(10), added(1), added(-12)]
    );
}

#[tokio::test]
async fn a_failed_commit_is_told_to_those_it_carried_and_to_nobody_else() {
    let (coordinator, store, shared, began, go) = held();
    let stream = cart();
    store.fail_next(Fault::NotWritten(StoreErrorKind::Full));
    let requests = vec![
        ask(&stream, &Do::Add { count: 1 }),
        ask(&stream, &Do::Add { count: 5 }),
        ask(&stream, &Do::Take { count: 3 }),
        ask(&stream, &Do::Open),
    ];
    let answers = behind_one_another(&coordinator, &began, &go, requests).await;
    assert!(answers[0].is_ok());
    for answer in &answers[1..] {
        assert!(
            matches!(answer, Err(SubmitError::Unavailable { .. })),
            "{answer:?}"
        );
    }
    assert_eq!(history(&shared, &stream).await, [added(1)]);
    accept(&coordinator, &stream, Do::Open).await;
    assert_eq!(history(&shared, &stream).await.len(), 2);
}

#[tokio::test]
async fn a_panic_in_the_middle_of_a_chain_is_one_commands_trouble() {
    let (coordinator, _, shared, began, go) = held();
    let stream = cart();
    let requests = vec![
        ask(&stream, &Do::Add { count: 1 }),
        ask(&stream, &Do::Add { count: 2 }),
        ask(&stream, &Do::Curse),
        ask(&stream, &Do::Panic),
        ask(&stream, &Do::Add { count: 3 }),
    ];
    let answers = behind_one_another(&coordinator, &began, &go, requests).await;
    let broken: Vec<_> = answers
        .iter()
        .map(|answer| matches!(answer, Err(SubmitError::Broken { .. })))
        .collect();
    assert_eq!(broken, [false, false, true, true, false]);
    assert_eq!(
        history(&shared, &stream).await,
        [added(1), added(2), added(3)]
    );
}

/// A "no" that is decided on a kept state is compared in the commit of its round. The outcome of that is known if
/// anything of the commit is found.
#[tokio::test]
async fn a_no_in_a_lost_commit_is_known_by_what_is_beside_it() {
    let (coordinator, store, shared, began, go) = held();
    store.fail_next(Fault::UnknownButWritten);
    let stream = cart();
    let add = ask(&stream, &Do::Add { count: 1 });
    let requests = vec![add.clone(), ask(&stream, &Do::Take { count: 9 }), add];
    let answers = behind_one_another(&coordinator, &began, &go, requests).await;
    let [Ok(_), Err(SubmitError::Rejected(_)), Ok(last)] = &answers[..] else {
        panic!("{answers:?}");
    };
    assert_eq!(committed(last), (1, 1, false));
    assert_eq!(store.appends(), 2);
    assert_eq!(history(&shared, &stream).await.len(), 2);
}

/// If nothing is found, or nothing was written, nobody knows whether the state was current.
#[tokio::test]
async fn a_no_whose_commit_failed_is_not_given() {
    for fault in [
        Fault::NotWritten(StoreErrorKind::Unavailable),
        Fault::UnknownNotWritten,
    ] {
        let (coordinator, store, _, began, go) = held();
        store.fail_next(fault);
        let stream = cart();
        let take = ask(&stream, &Do::Take { count: 9 });
        let requests = vec![ask(&stream, &Do::Add { count: 1 }), take.clone()];
        let answers = behind_one_another(&coordinator, &began, &go, requests).await;
        let [Ok(_), Err(SubmitError::Unavailable { .. })] = &answers[..] else {
            panic!("{answers:?}");
        };
        let answer = coordinator.submit(take).await;
        assert!(
            matches!(answer, Err(SubmitError::Rejected(_))),
            "{answer:?}"
        );
    }
}
