//! Checks that `Client::subscribe` works as in the process, through restarts and lost connections.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use seriatim_core::{Begin, EventFilter, RecordedEvent, Store, StoreErrorKind, SubscribeError};
use seriatim_proto::{CallError, Client, Connection, RemoteSubscription};
use seriatim_store_memory::MemoryStore;
use seriatim_store_sqlite::SqliteStore;

use crate::log::{append, assert_whole, fill, stream};
use crate::proxy::Proxy;
use crate::rig::*;

async fn client(url: &str) -> Client {
    Client::connect(url, Duration::from_secs(60)).await.unwrap()
}

async fn subscribe(url: &str, begin: Begin) -> RemoteSubscription {
    let client = client(url).await;
    client
        .subscribe(begin, EventFilter::default())
        .await
        .unwrap()
}

/// Reads until `count` events have come.
async fn take(subscription: &mut RemoteSubscription, count: usize) -> Vec<RecordedEvent> {
    let mut events = Vec::new();
    while events.len() < count {
        events.extend(soon(subscription.next()).await.unwrap().events);
    }
    assert_eq!(events.len(), count);
    events
}

async fn caught_up(subscription: &mut RemoteSubscription) {
    while !soon(subscription.next()).await.unwrap().caught_up {}
}

async fn sqlite(path: &Path) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open_file(path).await.unwrap())
}

#[tokio::test]
async fn every_event_comes_once_while_others_write() {
    for partitions in [1, 4] {
        let store = MemoryStore::with_partitions(partitions.try_into().unwrap());
        let rig = Rig::start_on_store(Arc::new(store), |server| server).await;
        fill(&rig.store, 10, 5).await;
        let mut readers = Vec::new();
        for _ in 0..3 {
            let mut subscription = subscribe(&rig.url, Begin::AtTheFirst).await;
            readers.push(tokio::spawn(
                async move { take(&mut subscription, 300).await },
            ));
        }
        let writers = (0..10).map(|root| {
            let store = rig.store.clone();
            tokio::spawn(async move {
                for before in 5..30 {
                    append(&store, &stream("order", root), before, "Noted", (1, 0)).await;
                }
            })
        });
        for writer in Vec::from_iter(writers) {
            writer.await.unwrap();
        }
        for reader in readers {
            assert_whole(&rig.store, &reader.await.unwrap());
        }
    }
}

#[tokio::test]
async fn nothing_is_missed_or_repeated_when_the_server_restarts_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let mut rig = Rig::start_on_store(sqlite(&path).await, |server| server).await;
    let url = rig.url.clone();
    let address = url.strip_prefix("http://").unwrap().to_owned();
    let losses = Arc::new(AtomicUsize::new(0));
    let told = Arc::clone(&losses);
    let mut subscription = subscribe(&url, Begin::AtTheFirst)
        .await
        .on_connection(move |news| {
            told.fetch_add(
                usize::from(matches!(news, Connection::Lost(_))),
                Ordering::Relaxed,
            );
        });
    let reader = tokio::spawn(async move {
        let mut events: Vec<RecordedEvent> = Vec::new();
        while events
            .last()
            .is_none_or(|event| event.stream.domain.as_str() != "end")
        {
            events.extend(soon(subscription.next()).await.unwrap().events);
        }
        events
    });
    // Another process on the same file goes on while the server is away, and until it is back for good.
    let (enough, mut is_enough) = tokio::sync::oneshot::channel();
    let other = sqlite(&path).await;
    let writer = tokio::spawn(async move {
        let mut before = 0;
        while is_enough.try_recv().is_err() {
            for root in 0..4 {
                append(&*other, &stream("order", root), before, "Noted", (1, 0)).await;
            }
            before += 1;
        }
        append(&*other, &stream("end", 1), 0, "Ended", (1, 0)).await;
        other
    });
    for _ in 0..3 {
        let seen = rig.head().await;
        rig.begin_shutdown();
        rig.down().await;
        rig = Rig::start_at(&address, sqlite(&path).await, |server| server).await;
        // Each server gets some load.
        while rig.head().await.0 < seen.0 + 20 {
            tokio::task::yield_now().await;
        }
    }
    enough.send(()).unwrap();
    let store = writer.await.unwrap();
    assert_whole(&*store, &reader.await.unwrap());
    assert!(losses.load(Ordering::Relaxed) >= 1);
}

#[tokio::test]
async fn a_new_client_goes_on_where_the_last_one_stood() {
    let store = MemoryStore::with_partitions(3.try_into().unwrap());
    let rig = Rig::start_on_store(Arc::new(store), |server| server).await;
    fill(&rig.store, 9, 10).await;
    let (mut events, mut begin) = (Vec::new(), Begin::AtTheFirst);
    while events.len() < 90 {
        let mut subscription = subscribe(&rig.url, begin).await;
        let batch = soon(subscription.next()).await.unwrap();
        events.extend(batch.events);
        begin = Begin::After(batch.cursor);
    }
    assert_whole(&rig.store, &events);
}

#[tokio::test]
async fn who_stops_listening_in_the_middle_of_a_wait_loses_nothing() {
    let rig = Rig::start().await;
    let mut subscription = subscribe(&rig.url, Begin::AtTheFirst).await;
    let mut events = Vec::new();
    for before in 0..100 {
        append(&rig.store, &stream("order", 1), before, "Noted", (1, 0)).await;
        for _ in 0..3 {
            tokio::select! {
                biased;
                batch = subscription.next() => events.extend(batch.unwrap().events),
                () = tokio::task::yield_now() => {}
            }
        }
    }
    events.extend(take(&mut subscription, 100 - events.len()).await);
    assert_whole(&rig.store, &events);
}

#[tokio::test]
async fn a_dead_connection_is_noticed_and_replaced() {
    let rig = Rig::start().await;
    let server = rig.url.strip_prefix("http://").unwrap().parse().unwrap();
    let proxy = Proxy::before(server).await;
    // This is also how long the silence may last.
    let client = Client::connect(&proxy.url, Duration::from_secs(3))
        .await
        .unwrap();
    let subscribed = client.subscribe(Begin::Now, EventFilter::default()).await;
    let mut subscription = subscribed.unwrap();
    caught_up(&mut subscription).await;
    proxy.silence();
    fill(&rig.store, 1, 5).await;
    assert_whole(&rig.store, &take(&mut subscription, 5).await);
}

#[tokio::test]
async fn a_store_that_is_away_for_a_while_is_waited_for() {
    let rig = Rig::start().await;
    fill(&rig.store, 1, 3).await;
    let mut subscription = subscribe(&rig.url, Begin::AtTheFirst).await;
    let mut events = take(&mut subscription, 3).await;
    caught_up(&mut subscription).await;
    rig.store.go_down(StoreErrorKind::Unavailable);
    let (lost, mut noticed) = tokio::sync::mpsc::unbounded_channel();
    let mut behind = subscribe(&rig.url, Begin::AtTheFirst)
        .await
        .on_connection(move |news| lost.send(format!("{news:?}")).unwrap());
    let reader = tokio::spawn(async move { take(&mut behind, 3).await });
    assert!(soon(noticed.recv()).await.unwrap().starts_with("Lost"));
    rig.store.come_back();
    assert_eq!(soon(reader).await.unwrap(), events);
    append(&rig.store, &stream("order", 0), 3, "Noted", (1, 0)).await;
    events.extend(take(&mut subscription, 1).await);
    assert_whole(&rig.store, &events);
}

#[tokio::test]
async fn a_log_that_was_restored_from_a_backup_is_told_at_once() {
    let mut rig = Rig::start().await;
    fill(&rig.store, 1, 5).await;
    let mut subscription = subscribe(&rig.url, Begin::AtTheFirst).await;
    take(&mut subscription, 5).await;
    let address = rig.url.strip_prefix("http://").unwrap().to_owned();
    rig.begin_shutdown();
    rig.down().await;
    let older = Arc::new(MemoryStore::new());
    fill(&*older, 1, 2).await;
    let _rig = Rig::start_at(&address, older, |server| server).await;
    let error = loop {
        match soon(subscription.next()).await {
            // This is the last message of the server before.
            Ok(batch) => assert!(batch.events.is_empty()),
            Err(error) => break error,
        }
    };
    assert!(
        matches!(error, CallError::Refused(SubscribeError::Replaced(_))),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_refused_is_the_same_error_as_in_process() {
    let rig = Rig::start().await;
    let client = client(&rig.url).await;
    let begin = Begin::After("1,2".parse().unwrap());
    let other = client.subscribe(begin, EventFilter::default()).await;
    assert!(matches!(
        other,
        Err(CallError::Refused(SubscribeError::OtherPartitions {
            given: 2,
            partitions: 1
        }))
    ));
    let many = EventFilter {
        types: vec!["Noted".into(); 257],
        ..EventFilter::default()
    };
    let refused = client.subscribe(Begin::Now, many).await.unwrap_err();
    assert!(matches!(refused, CallError::Invalid(_)), "{refused}");
    rig.store.go_down(StoreErrorKind::Unavailable);
    let down = client.subscribe(Begin::Now, EventFilter::default()).await;
    assert!(matches!(
        down,
        Err(CallError::Refused(SubscribeError::Store(_)))
    ));
}
