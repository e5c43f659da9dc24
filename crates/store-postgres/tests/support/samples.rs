//! Makes the events and batches that these tests append.

use seriatim_core::{
    Append, AppendOutcome, Claim, ContentHash, Domain, Payload, Sequence, StreamId, Write,
};
use seriatim_testkit::conformance::{self, event};
use uuid::Uuid;

pub fn stream_of(domain: &str) -> StreamId {
    StreamId::new(Domain::new(domain).unwrap(), Uuid::now_v7())
}

/// Each payload names its append and how many events that has, so that halves are found. The external id is the
/// name of the append.
pub fn append(stream: &StreamId, after: Option<Sequence>, count: usize) -> Append {
    let id = Uuid::now_v7();
    let text = format!(r#"{{"append":"{id}","of":{count}}}"#);
    let written = || event(Payload::json("Written", text.clone()));
    let events: Vec<_> = (0..count).map(|_| written()).collect();
    let claim = Claim {
        external_id: id.to_string(),
        content: ContentHash([1; 32]),
        refusal: None,
    };
    Append {
        claim: Some(claim),
        ..conformance::append(stream, after, events)
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
