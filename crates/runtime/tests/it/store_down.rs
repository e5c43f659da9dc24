//! Tests a store that does not answer for a while.

use std::sync::Arc;

use seriatim_core::{Begin, Store, StoreErrorKind, SubscribeError};
use seriatim_testkit::faults::FaultyStore;
use seriatim_testkit::soon;

use crate::support::{append, assert_whole, fill, memory, stream, subscribe, take};

#[tokio::test]
async fn a_subscriber_is_told_and_goes_on_where_it_stood() {
    let storage = memory(1);
    let faulty = FaultyStore::new(Arc::clone(&storage.store));
    let store: Arc<dyn Store> = Arc::new(faulty.clone());
    fill(&*storage.store, 1, 3).await;
    let mut subscription = subscribe(&store, Begin::AtTheFirst).await;
    // The store fails while the subscription is behind.
    faulty.go_down(StoreErrorKind::Unavailable);
    let down = soon(subscription.next()).await.unwrap_err();
    assert!(matches!(down, SubscribeError::Store(_)), "{down}");
    faulty.come_back();
    let mut seen = take(&mut subscription, 3).await;
    // The store fails while the subscription waits at the end.
    assert!(soon(subscription.next()).await.unwrap().caught_up());
    let waiting = tokio::spawn(async move {
        let told = soon(subscription.next()).await;
        (subscription, told)
    });
    tokio::task::yield_now().await;
    faulty.go_down(StoreErrorKind::Unavailable);
    append(&*storage.store, &stream("order", 0), 3, &["Noted"]).await;
    let (mut subscription, told) = soon(waiting).await.unwrap();
    assert!(matches!(told, Err(SubscribeError::Store(_))), "{told:?}");
    faulty.come_back();
    loop {
        // The fault is reported once more if the next try came before the store did.
        if let Ok(batch) = soon(subscription.next()).await {
            seen.extend(batch.events().cloned());
            break;
        }
    }
    assert_eq!(seen.len(), 4);
    assert_whole(&*store, &seen);
}
