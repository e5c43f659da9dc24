//! Checks that queues are bounded.

use std::sync::Arc;

use seriatim_coordinator::Settings;
use seriatim_core::{CommandGateway, Store, SubmitError};
use seriatim_store_memory::MemoryStore;
use seriatim_testkit::faults::{Fault, FaultyStore};
use tokio::sync::{Notify, Semaphore};

use crate::cart::*;

#[tokio::test]
async fn a_full_queue_says_when_to_come_back_and_takes_the_next_once_there_is_room() {
    let by_number = Settings {
        queue_places: 1,
        ..Settings::default()
    };
    is_full_after_a_large_one(by_number).await;
    let by_bytes = Settings {
        queue_bytes: 4 * 8200,
        ..Settings::default()
    };
    is_full_after_a_large_one(by_bytes).await;
}

async fn is_full_after_a_large_one(settings: Settings) {
    let store = FaultyStore::new(Arc::new(MemoryStore::new()));
    let (began, go) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
    let (signal, gate) = (Arc::clone(&began), Arc::clone(&go));
    store.fail_next(Fault::crowded(move || {
        let (signal, gate) = (Arc::clone(&signal), Arc::clone(&gate));
        async move {
            signal.notify_one();
            gate.acquire().await.unwrap().forget();
        }
    }));
    let shared: Arc<dyn Store> = Arc::new(store);
    let coordinator = with(&shared, settings);

    let first = ask(&cart(), &name(&"x".repeat(8192)));
    let sender = tokio::spawn({
        let coordinator = coordinator.clone();
        async move { coordinator.submit(first).await }
    });
    began.notified().await;
    let refused = coordinator.submit(ask(&cart(), &name("abc"))).await;
    let Err(SubmitError::Overloaded { retry_after }) = refused else {
        panic!("{refused:?}")
    };
    assert!(!retry_after.is_zero());
    go.add_permits(1);
    sender.await.unwrap().unwrap();
    accept(&coordinator, &cart(), Do::Open).await;
}

#[tokio::test]
async fn what_is_larger_than_the_queue_is_taken_when_the_queue_is_empty() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let settings = Settings {
        queue_bytes: 1000,
        ..Settings::default()
    };
    let coordinator = with(&store, settings);
    accept(&coordinator, &cart(), name(&"x".repeat(100_000))).await;
}
