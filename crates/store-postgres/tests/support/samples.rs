//! Makes the events and batches that these tests append.

use seriatim_core::{AppendOutcome, Domain, StreamId};
pub use seriatim_testkit::conformance::{append_with_key as append, event_ids as ids};
use uuid::Uuid;

pub fn stream_of(domain: &str) -> StreamId {
    StreamId::new(Domain::new(domain).unwrap(), Uuid::now_v7())
}

pub fn is_written(outcome: &AppendOutcome) -> bool {
    matches!(outcome, AppendOutcome::Written { .. })
}
