//! Makes stores to subscribe to, and appends events to them.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::Arc;

use seriatim_core::{
    Append, AppendOutcome, Begin, Domain, EventFilter, Log, LogPartition, NewEvent, Payload,
    RecordedEvent, Sequence, Store, StreamId, Write,
};
use seriatim_runtime::{Feed, Subscription};
use seriatim_store_memory::MemoryStore;
use seriatim_store_sqlite::SqliteStore;
use seriatim_testkit::soon;
use tempfile::TempDir;
use uuid::Uuid;

/// A store, and the resources that it needs.
pub(crate) struct Storage {
    pub(crate) store: Arc<dyn Store>,
    _folder: Option<TempDir>,
}

/// Returns every kind of store that a test can have without a server.
pub(crate) async fn all_kinds() -> Vec<Storage> {
    let folder = tempfile::tempdir().unwrap();
    let file = SqliteStore::open_file(&folder.path().join("log.db")).await;
    vec![
        memory(1),
        memory(4),
        Storage {
            store: Arc::new(file.unwrap()),
            _folder: Some(folder),
        },
    ]
}

pub(crate) fn memory(partitions: u16) -> Storage {
    Storage {
        store: Arc::new(MemoryStore::with_partitions(
            NonZero::new(partitions).unwrap(),
        )),
        _folder: None,
    }
}

pub(crate) fn stream(domain: &str, root: u128) -> StreamId {
    StreamId::new(Domain::new(domain).unwrap(), Uuid::from_u128(root))
}

/// Appends events of these types to a stream that has `before` events.
pub(crate) async fn append(
    store: &dyn Store,
    stream: &StreamId,
    before: u32,
    types: &[&'static str],
) {
    let event = |name: &&'static str| NewEvent {
        id: Uuid::now_v7(),
        payload: Payload::json(*name, "{}"),
        metadata: Arc::default(),
    };
    let append = Append {
        stream: stream.clone(),
        write: Write::Events {
            after: before.checked_sub(1).map(Sequence),
            last: None,
            events: types.iter().map(event).collect(),
        },
        claim: None,
        beside: Vec::new(),
    };
    let outcomes = store.append(vec![append]).await.unwrap();
    assert!(
        matches!(outcomes[..], [AppendOutcome::Written { .. }]),
        "{outcomes:?}"
    );
}

/// Appends this many events to each of this many streams, one after another.
pub(crate) async fn fill(store: &dyn Store, streams: u128, events: u32) {
    for before in 0..events {
        for root in 0..streams {
            append(store, &stream("order", root), before, &["Noted"]).await;
        }
    }
}

pub(crate) async fn subscribe(store: &Arc<dyn Store>, begin: Begin) -> Subscription {
    let feed = Feed::new(Log::as_stored(Arc::clone(store) as _));
    feed.subscribe(begin, EventFilter::default()).await.unwrap()
}

/// Reads until `count` events have come.
pub(crate) async fn take(subscription: &mut Subscription, count: usize) -> Vec<RecordedEvent> {
    let mut events = Vec::new();
    while events.len() < count {
        let batch = soon(subscription.next()).await.unwrap();
        events.extend(batch.events().cloned());
    }
    assert_eq!(events.len(), count);
    events
}

/// Fails if events are missing: positions are 1, 2, 3 ... in each partition, and sequences 0, 1, 2 ... in each stream.
pub(crate) fn assert_whole(store: &dyn Store, events: &[RecordedEvent]) {
    let partitions = store.partitions();
    let mut positions: HashMap<LogPartition, u64> = HashMap::new();
    let mut sequences: HashMap<StreamId, u32> = HashMap::new();
    for event in events {
        let partition = LogPartition::of(&event.stream, partitions);
        let last = positions.entry(partition).or_default();
        *last += 1;
        assert_eq!(event.position.0, *last, "partition {partition}");
        let next = sequences.entry(event.stream.clone()).or_default();
        assert_eq!(event.sequence.0, *next, "{}", event.stream);
        *next += 1;
    }
}
