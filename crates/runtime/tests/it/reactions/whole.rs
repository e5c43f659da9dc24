//! Checks that components that do not fail see all events, in order.

use std::num::NonZero;
use std::time::Duration;

use seriatim_core::{EventFilter, EventStore, LogPartition, Position};
use seriatim_runtime::{AtLeastOnce, Enrolled};
use seriatim_store_memory::MemoryStore;

use super::tally::{NAME, Tally, checkpoints, enrolled, named, start, start_with, until};
use crate::support::{append, fill, stream};

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_seen_once_however_the_work_is_cut() {
    for (partitions, shares) in [(1, 1), (1, 3), (4, 1), (3, 2)] {
        let store = MemoryStore::with_partitions(NonZero::new(partitions).unwrap());
        let tally = Tally::new();
        let component = Enrolled {
            shares: NonZero::new(shares).unwrap(),
            ..enrolled(&store, &tally)
        };
        fill(&store, 20, 3).await;
        let reactions = start(&store, "one", vec![component]);
        assert_eq!(reactions.status().len(), usize::from(partitions * shares));
        // Some events come while it runs.
        for root in 0..20 {
            append(&store, &stream("order", root), 3, &["Noted"]).await;
        }
        until("all are seen", || tally.count() == 80).await;
        reactions.shutdown().await;
        tally.assert_exactly(20, 4);
    }
}

#[tokio::test]
async fn a_component_goes_on_where_it_stood() {
    let store = MemoryStore::new();
    let tally = Tally::new();
    for round in 0..4 {
        append(&store, &stream("order", 1), 2 * round, &["Noted", "Noted"]).await;
        let reactions = start(&store, "one", vec![enrolled(&store, &tally)]);
        let expected = 2 * (round as usize + 1);
        until("they are seen", || tally.count() == expected).await;
        reactions.shutdown().await;
        let checkpoint = &checkpoints(&store).await[0];
        assert_eq!(checkpoint.at.position, Position(expected as u64));
        assert_eq!(checkpoint.owner, None);
    }
    tally.assert_exactly(1, 8);
}

#[tokio::test]
async fn components_do_not_know_of_each_other() {
    let store = MemoryStore::new();
    let (one, other) = (Tally::new(), Tally::new());
    fill(&store, 2, 5).await;
    let both = vec![named("one", &store, &one), named("other", &store, &other)];
    let reactions = start(&store, "here", both);
    until("both are there", || one.count() + other.count() == 20).await;
    reactions.shutdown().await;
    one.assert_exactly(2, 5);
    other.assert_exactly(2, 5);
}

#[tokio::test]
async fn events_that_concern_others_move_the_checkpoint_too() {
    let store = MemoryStore::new();
    let tally = Tally::new();
    let accounts = EventFilter {
        domains: vec![stream("account", 0).domain],
        ..EventFilter::default()
    };
    let component = Enrolled::new(std::sync::Arc::new(AtLeastOnce::new(
        NAME.parse().unwrap(),
        accounts,
        std::sync::Arc::new(store.clone()),
        tally.clone(),
    )));
    append(&store, &stream("account", 1), 0, &["Opened"]).await;
    let reactions = start_with(&store, "one", Duration::from_millis(30), vec![component]);
    until("its event is seen", || tally.count() == 1).await;
    fill(&store, 5, 10).await;
    let head = store.head(LogPartition::FIRST).await.unwrap();
    until("the checkpoint is at the end", || {
        reactions.status()[0].position == head
    })
    .await;
    assert_eq!(checkpoints(&store).await[0].at.position, head);
    assert_eq!(tally.count(), 1);
    reactions.shutdown().await;
}
