//! Checks that what is sent under one external id is applied once, and that the first result is the answer for ever.

use std::sync::Arc;

use seriatim_core::{
    CommandGateway, FirstResult, MergeStrategy, Outcome, Position, Sequence, Store, SubmitError,
};
use seriatim_store_memory::MemoryStore;

use crate::cart::*;

fn first(first: u32, last: u32, position: u64) -> Outcome {
    Outcome::Duplicate(FirstResult::Committed {
        first: Sequence(first),
        last: Sequence(last),
        position: Position(position),
    })
}

#[tokio::test]
async fn the_same_content_gives_the_first_result_again() {
    let (coordinator, store) = coordinator();
    let stream = stream_of(&coordinator, [Do::Open]).await;
    let request = || under("k", ask(&stream, &Do::AddMany { n: 2 }));
    assert_eq!(
        committed(&coordinator.submit(request()).await.unwrap()),
        (1, 2, false)
    );
    accept(&coordinator, &stream, name("later")).await;
    assert_eq!(
        coordinator.submit(request()).await.unwrap().outcome,
        first(1, 2, 3)
    );
    // A coordinator that never saw the first request gives the same answer.
    assert_eq!(
        on(&store).submit(request()).await.unwrap().outcome,
        first(1, 2, 3)
    );
    assert_eq!(history(&store, &stream).await.len(), 4);
}

#[tokio::test]
async fn a_repetition_that_would_be_refused_today_gets_the_first_result() {
    let (coordinator, _) = coordinator();
    let stream = cart();
    let open = || under("k", ask(&stream, &Do::Open));
    coordinator.submit(open()).await.unwrap();
    // A second `Open` would be rejected, and its old expectation would be a conflict or beyond, but the claim is looked
    // at first.
    for expected in [None, Some(0), Some(77)] {
        let mut again = open();
        if let Some(expected) = expected {
            again.expected = expected.into();
            again.merge = Some(MergeStrategy::Strict);
        }
        accept(&coordinator, &stream, Do::Add { count: 1 }).await;
        assert_eq!(
            coordinator.submit(again).await.unwrap().outcome,
            first(0, 0, 1)
        );
    }
}

#[tokio::test]
async fn other_content_is_refused_with_the_first_result() {
    let (coordinator, store) = coordinator();
    let stream = cart();
    coordinator
        .submit(under("k", ask(&stream, &Do::Add { count: 1 })))
        .await
        .unwrap();
    for other in [Do::Add { count: 2 }, Do::Take { count: 50 }] {
        let answer = coordinator.submit(under("k", ask(&stream, &other))).await;
        let Err(SubmitError::ExternalIdReused {
            external_id, first, ..
        }) = answer
        else {
            panic!("{answer:?}")
        };
        assert_eq!(external_id, "k");
        assert!(matches!(
            first,
            FirstResult::Committed {
                first: Sequence(0),
                ..
            }
        ));
    }
    let paid = Happened::Paid { cents: 1 };
    let as_fact = coordinator.record(fact(&stream, "k", &paid)).await;
    assert!(matches!(as_fact, Err(SubmitError::ExternalIdReused { .. })));
    assert_eq!(history(&store, &stream).await.len(), 1);
}

#[tokio::test]
async fn a_refused_command_spends_no_external_id() {
    let (coordinator, _) = coordinator();
    let stream = cart();
    let take = || under("k", ask(&stream, &Do::Take { count: 1 }));
    assert!(matches!(
        coordinator.submit(take()).await,
        Err(SubmitError::Rejected(_))
    ));
    accept(&coordinator, &stream, Do::Add { count: 1 }).await;
    assert_eq!(
        committed(&coordinator.submit(take()).await.unwrap()),
        (1, 1, false)
    );
}

#[tokio::test]
async fn a_command_that_changes_nothing_spends_its_external_id_too() {
    let (coordinator, store) = coordinator();
    let stream = cart();
    let request = || under("k", ask(&stream, &Do::Nothing));
    let unchanged = coordinator.submit(request()).await.unwrap();
    assert_eq!(unchanged.outcome, Outcome::Unchanged { current: None });
    accept(&coordinator, &stream, Do::Open).await;
    let again = coordinator.submit(request()).await.unwrap();
    assert_eq!(
        again.outcome,
        Outcome::Duplicate(FirstResult::Unchanged { current: None })
    );
    assert_eq!(history(&store, &stream).await.len(), 1);
}

#[tokio::test]
async fn the_key_belongs_to_its_stream() {
    let (coordinator, _) = coordinator();
    for _ in 0..2 {
        let request = under("k", ask(&cart(), &Do::Open));
        assert_eq!(
            committed(&coordinator.submit(request).await.unwrap()),
            (0, 0, false)
        );
    }
}

#[tokio::test]
async fn sent_at_the_same_moment_to_two_coordinators_it_is_applied_once() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let coordinators = [on(&store), on(&store)];
    for _ in 0..50 {
        let stream = cart();
        let attempts = (0..8).map(|n| {
            let request = under("k", ask(&stream, &Do::AddMany { n: 2 }));
            let coordinator = coordinators[n % 2].clone();
            tokio::spawn(async move { coordinator.submit(request).await.unwrap() })
        });
        let receipts = futures::future::join_all(attempts).await;
        let fresh = receipts
            .iter()
            .filter(|receipt| matches!(receipt.as_ref().unwrap().outcome, Outcome::Committed(_)))
            .count();
        assert_eq!(fresh, 1);
        for receipt in receipts {
            assert_eq!(
                receipt.unwrap().sequences(),
                Some((Sequence(0), Sequence(1)))
            );
        }
        assert_eq!(history(&store, &stream).await.len(), 2);
    }
}

#[tokio::test]
async fn a_duplicate_in_the_middle_of_a_crowd_harms_nobody() {
    let (coordinator, store) = coordinator();
    let stream = cart();
    let repeated = || under("k", ask(&stream, &Do::Add { count: 100 }));
    let crowd = (0..60).map(|n| {
        let request = if n % 3 == 0 {
            repeated()
        } else {
            ask(&stream, &Do::Add { count: 1 })
        };
        let coordinator = coordinator.clone();
        tokio::spawn(async move { coordinator.submit(request).await.unwrap() })
    });
    futures::future::join_all(crowd).await;
    let total: i64 = history(&store, &stream)
        .await
        .iter()
        .map(|event| match event {
            Happened::Added { count } => *count,
            other => panic!("{other:?}"),
        })
        .sum();
    assert_eq!(total, 140);
}
