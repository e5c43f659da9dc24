//! Makes the events and batches that these tests append.

use std::sync::Arc;

use seriatim_core::{
    Append, AppendOutcome, Claim, ContentHash, Domain, NewEvent, Payload, Sequence, StreamId, Write,
};
use uuid::Uuid;

pub fn new_stream() -> StreamId {
    stream_of("exam")
}

pub fn stream_of(domain: &str) -> StreamId {
    StreamId::new(Domain::new(domain).unwrap(), Uuid::now_v7())
}

/// Each payload names its append and how many events that has, so that halves are found. The external id is the
/// name of the append.
pub fn append(stream: &StreamId, after: Option<Sequence>, count: usize) -> Append {
    let id = Uuid::now_v7();
    let text = format!(r#"{{"append":"{id}","of":{count}}}"#);
    let events = (0..count).map(|_| NewEvent {
        id: Uuid::now_v7(),
        payload: Payload::json("Written", text.clone()),
        metadata: Arc::default(),
    });
    Append {
        stream: stream.clone(),
        write: Write::Events {
            after,
            last: None,
            events: events.collect(),
        },
        claim: Some(Claim {
            external_id: id.to_string(),
            content: ContentHash([1; 32]),
            refusal: None,
        }),
    }
}

/// The ids of the events.
pub fn ids(append: &Append) -> Vec<Uuid> {
    match &append.write {
        Write::Events { events, .. } => events.iter().map(|event| event.id).collect(),
        Write::Letter(_) => Vec::new(),
    }
}

pub fn is_written(outcome: &AppendOutcome) -> bool {
    matches!(outcome, AppendOutcome::Written { .. })
}
