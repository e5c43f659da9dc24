//! Puts events into a log directly, faster than commands would, and checks those that come out of it.

use std::collections::HashMap;
use std::sync::Arc;

use seriatim_core::{
    Append, AppendOutcome, Domain, LogPartition, NewEvent, Payload, RecordedEvent, Sequence, Store,
    StreamId, Write,
};
use uuid::Uuid;

pub(crate) fn stream(domain: &str, root: u128) -> StreamId {
    StreamId::new(Domain::new(domain).unwrap(), Uuid::from_u128(root))
}

/// Appends events of one type and size to a stream that has `before` events.
pub(crate) async fn append(
    store: &dyn Store,
    stream: &StreamId,
    before: u32,
    name: &'static str,
    (count, bytes): (usize, usize),
) {
    let event = |_| NewEvent {
        id: Uuid::now_v7(),
        payload: Payload::json(name, format!("{{\"x\":\"{}\"}}", "x".repeat(bytes))),
        metadata: Arc::default(),
    };
    let append = Append {
        stream: stream.clone(),
        write: Write::Events {
            after: before.checked_sub(1).map(Sequence),
            last: None,
            events: (0..count).map(event).collect(),
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
            append(store, &stream("order", root), before, "Noted", (1, 0)).await;
        }
    }
}

/// Checks that these are all events there are: in each partition positions 1, 2, 3 ..., in each stream sequences 0, 1,
/// 2 ...
pub(crate) fn assert_whole(store: &dyn Store, events: &[RecordedEvent]) {
    let mut positions: HashMap<LogPartition, u64> = HashMap::new();
    let mut sequences: HashMap<StreamId, u32> = HashMap::new();
    for event in events {
        let partition = LogPartition::of(&event.stream, store.partitions());
        let last = positions.entry(partition).or_default();
        *last += 1;
        assert_eq!(event.position.0, *last, "partition {partition}");
        let next = sequences.entry(event.stream.clone()).or_default();
        assert_eq!(event.sequence.0, *next, "{}", event.stream);
        *next += 1;
    }
}
