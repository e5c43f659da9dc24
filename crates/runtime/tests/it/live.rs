//! Checks that nothing is missed or repeated from the first event to the last and beyond.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use seriatim_core::{
    Begin, EventFilter, Log, Position, RecordedEvent, Store, StoreErrorKind, SubscribeError,
};
use seriatim_runtime::{Feed, Subscription};
use seriatim_testkit::faults::FaultyStore;
use seriatim_testkit::soon;
use tokio::task::yield_now;

use crate::support::{all_kinds, append, assert_whole, fill, memory, stream, subscribe, take};

#[tokio::test(flavor = "multi_thread")]
async fn subscribers_of_any_pace_see_every_event_once_while_others_write() {
    for storage in all_kinds().await {
        let (streams, events) = (20, 25);
        let total = streams * events as usize;
        let feed = Feed::new(Log::as_stored(Arc::clone(&storage.store) as _));
        let mut readers = Vec::new();
        for pace in 0..4 {
            let mut subscription = feed
                .subscribe(Begin::AtTheFirst, EventFilter::default())
                .await
                .unwrap();
            readers.push(tokio::spawn(async move {
                let mut seen = Vec::new();
                while seen.len() < total {
                    seen.extend(soon(subscription.next()).await.unwrap().events().cloned());
                    for _ in 0..pace * 5 {
                        yield_now().await;
                    }
                }
                seen
            }));
        }
        let writers = (0..streams as u128).map(|root| {
            let store = Arc::clone(&storage.store);
            tokio::spawn(async move {
                for before in 0..events {
                    append(&*store, &stream("order", root), before, &["Noted"]).await;
                }
            })
        });
        for writer in Vec::from_iter(writers) {
            soon(writer).await.unwrap();
        }
        for reader in readers {
            assert_whole(&*storage.store, &soon(reader).await.unwrap());
        }
    }
}

#[tokio::test]
async fn who_stops_listening_in_the_middle_of_a_wait_loses_nothing() {
    let storage = memory(4);
    let mut subscription = subscribe(&storage.store, Begin::AtTheFirst).await;
    let mut seen = Vec::new();
    for before in 0..50 {
        for root in 0..3 {
            append(&*storage.store, &stream("order", root), before, &["Noted"]).await;
            // The future is polled once or a few times, and dropped.
            for _ in 0..2 {
                tokio::select! {
                    biased;
                    batch = subscription.next() => seen.extend(batch.unwrap().events().cloned()),
                    () = yield_now() => {}
                }
            }
        }
    }
    seen.extend(take(&mut subscription, 150 - seen.len()).await);
    assert_whole(&*storage.store, &seen);
}

#[tokio::test]
async fn a_subscriber_far_behind_holds_up_nobody_and_misses_nothing() {
    // These are more than are kept in memory for subscribers that are a little behind.
    let (streams, events) = (60, 400);
    let storage = memory(1);
    let feed = Feed::new(Log::as_stored(Arc::clone(&storage.store) as _));
    let all = || feed.subscribe(Begin::AtTheFirst, EventFilter::default());
    let (mut slow, mut fast) = (all().await.unwrap(), all().await.unwrap());
    fill(&*storage.store, 1, 1).await;
    let mut slow_seen = take(&mut slow, 1).await;
    // Both subscribers are live now; only one goes on.
    assert!(soon(slow.next()).await.unwrap().caught_up());
    let mut fast_seen = take(&mut fast, 1).await;
    for before in 0..events {
        for root in 1..=streams {
            append(&*storage.store, &stream("order", root), before, &["Noted"]).await;
        }
        fast_seen.extend(take(&mut fast, streams as usize).await);
    }
    slow_seen.extend(take(&mut slow, streams as usize * events as usize).await);
    assert_whole(&*storage.store, &fast_seen);
    assert_eq!(slow_seen, fast_seen);
}

#[tokio::test]
async fn the_log_is_read_once_for_all_who_have_caught_up() {
    let storage = memory(1);
    let store = FaultyStore::new(Arc::clone(&storage.store));
    let feed = Feed::new(Log::as_stored(Arc::new(store.clone())));
    let mut subscriptions = Vec::new();
    for _ in 0..20 {
        let mut subscription = feed
            .subscribe(Begin::AtTheFirst, EventFilter::default())
            .await
            .unwrap();
        assert!(soon(subscription.next()).await.unwrap().caught_up());
        subscriptions.push(subscription);
    }
    let got = Arc::new(AtomicUsize::new(0));
    let mut readers = Vec::new();
    for mut subscription in subscriptions {
        let got = Arc::clone(&got);
        readers.push(tokio::spawn(async move {
            let mut seen = 0;
            while seen < 30 {
                let batch = soon(subscription.next()).await.unwrap();
                seen += batch.events().count();
                got.fetch_add(batch.events().count(), Ordering::Relaxed);
            }
        }));
    }
    yield_now().await;
    let before = store.log_reads();
    for number in 0..30 {
        append(&*storage.store, &stream("order", 1), number, &["Noted"]).await;
        soon(async {
            while got.load(Ordering::Relaxed) < 20 * (number as usize + 1) {
                yield_now().await;
            }
        })
        .await;
    }
    for reader in readers {
        soon(reader).await.unwrap();
    }
    // One read gets each event, and one finds that there is nothing more; there are not twenty.
    let reads = store.log_reads() - before;
    assert!(reads <= 2 * 30 + 2, "{reads}");
}

#[tokio::test]
async fn only_what_passes_the_filter_is_handed_out_but_the_cursor_moves_over_all() {
    let storage = memory(1);
    let (order, account) = (stream("order", 1), stream("account", 2));
    append(&*storage.store, &order, 0, &["Placed", "Paid"]).await;
    append(&*storage.store, &account, 0, &["Opened"]).await;
    append(&*storage.store, &order, 2, &["Shipped"]).await;
    append(&*storage.store, &stream("order", 3), 0, &["Placed"]).await;
    let feed = Feed::new(Log::as_stored(Arc::clone(&storage.store) as _));
    for (filter, expected) in [
        (
            EventFilter::default(),
            vec!["Placed", "Paid", "Opened", "Shipped", "Placed"],
        ),
        (
            EventFilter {
                domains: vec![account.domain.clone()],
                ..EventFilter::default()
            },
            vec!["Opened"],
        ),
        (
            EventFilter {
                types: vec!["Placed".into(), "Opened".into()],
                ..EventFilter::default()
            },
            vec!["Placed", "Opened", "Placed"],
        ),
        (
            EventFilter {
                domains: vec![order.domain.clone()],
                types: vec!["Placed".into(), "Shipped".into(), "Opened".into()],
                roots: vec![order.root, account.root],
                ..EventFilter::default()
            },
            vec!["Placed", "Shipped"],
        ),
    ] {
        let mut subscription = feed.subscribe(Begin::AtTheFirst, filter).await.unwrap();
        let mut seen = Vec::new();
        loop {
            let batch = soon(subscription.next()).await.unwrap();
            seen.extend(
                batch
                    .events()
                    .map(|event| event.payload.type_name.to_string()),
            );
            if batch.caught_up() {
                break;
            }
        }
        assert_eq!(seen, expected);
        assert!(subscription.cursor().positions().eq([Position(5)]));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any mixture of writes, reads and new subscriptions after the last cursor is tried.
    #[test]
    fn resumed_subscriptions_go_on_exactly_where_they_stood(
        partitions in 1..4_u16,
        steps in proptest::collection::vec(0..3_u8, 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let storage = memory(partitions);
            let mut subscription = subscribe(&storage.store, Begin::AtTheFirst).await;
            let (mut written, mut seen) = (0_u32, Vec::new());
            for step in steps {
                match step {
                    0 => {
                        let root = u128::from(written % 3);
                        append(&*storage.store, &stream("order", root), written / 3, &["Noted"]).await;
                        written += 1;
                    }
                    1 if seen.len() < written as usize => {
                        seen.extend(soon(subscription.next()).await.unwrap().events().cloned());
                    }
                    _ => {
                        let cursor = subscription.cursor().clone();
                        subscription = subscribe(&storage.store, Begin::After(cursor)).await;
                    }
                }
            }
            seen.extend(take(&mut subscription, written as usize - seen.len()).await);
            assert_whole(&*storage.store, &seen);
        });
    }
}

#[tokio::test]
async fn while_it_catches_up_one_page_is_read_ahead_and_no_more() {
    let storage = memory(1);
    let faulty = FaultyStore::new(Arc::clone(&storage.store));
    fill(&*storage.store, 10, 80).await;
    let store: Arc<dyn Store> = Arc::new(faulty.clone());
    let mut subscription = subscribe(&store, Begin::AtTheFirst).await;
    let mut seen = take_one(&mut subscription).await;
    assert!(seen.len() < 400, "pages of this test are too large");
    for _ in 0..100 {
        yield_now().await;
    }
    assert_eq!(faulty.log_reads(), 2);
    while seen.len() < 800 {
        seen.extend(take_one(&mut subscription).await);
    }
    assert_whole(&*storage.store, &seen);
}

#[tokio::test]
async fn what_was_read_ahead_in_vain_is_told_and_read_again() {
    let storage = memory(1);
    let faulty = FaultyStore::new(Arc::clone(&storage.store));
    fill(&*storage.store, 10, 80).await;
    let store: Arc<dyn Store> = Arc::new(faulty.clone());
    let mut subscription = subscribe(&store, Begin::AtTheFirst).await;
    let mut seen = take_one(&mut subscription).await;
    faulty.go_down(StoreErrorKind::Unavailable);
    for _ in 0..100 {
        yield_now().await;
    }
    faulty.come_back();
    let told = soon(subscription.next()).await;
    assert!(matches!(told, Err(SubscribeError::Store(_))), "{told:?}");
    while seen.len() < 800 {
        seen.extend(take_one(&mut subscription).await);
    }
    assert_whole(&*storage.store, &seen);
}

async fn take_one(subscription: &mut Subscription) -> Vec<RecordedEvent> {
    let batch = soon(subscription.next()).await.unwrap();
    batch.events().cloned().collect()
}
