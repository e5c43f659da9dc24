//! Reads parts of a stream, a bounded number of bytes at a time.

use seriatim_core::{Log, RecordedEvent, Sequence, StoreError, StreamId};

use crate::event_json;

/// The events that are read at once.
const CHUNK: u64 = 50;
/// The bytes of events after which a part ends.
const PART_BYTES: usize = 512 * 1024;

/// Consecutive events of a stream, as JSON.
#[derive(Debug, Default)]
pub(crate) struct Part {
    pub(crate) events: Vec<String>,
    bytes: usize,
}

impl Part {
    fn add(&mut self, events: &[RecordedEvent]) {
        for event in events {
            let json = event_json::to_json(event);
            self.bytes += json.len();
            self.events.push(json);
        }
    }

    fn is_full(&self) -> bool {
        self.bytes >= PART_BYTES
    }
}

/// Returns events from `from` on and before `end`, oldest first: at least one if there is one, and so many that fit
/// into a part.
pub(crate) async fn forwards(
    log: &Log,
    stream: &StreamId,
    from: u64,
    end: u64,
) -> Result<Part, StoreError> {
    let (mut part, mut from) = (Part::default(), from);
    while from < end && !part.is_full() {
        let events = read(log, stream, from, (end - from).min(CHUNK)).await?;
        if events.is_empty() {
            break;
        }
        from += events.len() as u64;
        part.add(&events);
    }
    Ok(part)
}

/// Returns the newest events before `end`, oldest first: at most `limit`, and at least one if there is one. They are so
/// many that fit into a part.
pub(crate) async fn newest(
    log: &Log,
    stream: &StreamId,
    end: u64,
    limit: usize,
) -> Result<Part, StoreError> {
    let first = end.saturating_sub(limit as u64);
    let (mut chunks, mut bytes, mut end) = (Vec::new(), 0, end);
    while end > first && bytes < PART_BYTES {
        let begin = end.saturating_sub(CHUNK).max(first);
        let events = read(log, stream, begin, end - begin).await?;
        let mut chunk = Part::default();
        chunk.add(&events);
        bytes += chunk.bytes;
        chunks.push(chunk.events);
        // A stream without some of its events was replaced under us. The client finds that out.
        if (events.len() as u64) < end - begin {
            break;
        }
        end = begin;
    }
    let events = chunks.into_iter().rev().flatten().collect();
    Ok(Part { events, bytes })
}

async fn read(
    log: &Log,
    stream: &StreamId,
    from: u64,
    limit: u64,
) -> Result<Vec<RecordedEvent>, StoreError> {
    // No event has a larger sequence.
    let Ok(from) = u32::try_from(from) else {
        return Ok(Vec::new());
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    log.read_stream(stream, Sequence(from), limit).await
}
