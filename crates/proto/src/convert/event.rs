//! Converts recorded events: `EventPage` with a sequence, and `RecordedEvent`.

use std::sync::Arc;

use seriatim_core::{FactOrigin, Metadata, Payload, Position, RecordedEvent, Sequence, StreamId};

use super::identity::{cover, non_empty, optional_uuid, uuid};
use super::invalid::{Found, Invalid};
use super::payload::{any, payload};
use super::time::{optional_time, time};
use crate::v1;
use v1::event_page::SequenceType;

impl From<&RecordedEvent> for v1::EventPage {
    /// Always sets a sequence, because a recorded event cannot hold the marker of a fact.
    fn from(event: &RecordedEvent) -> Self {
        Self {
            sequence_type: Some(SequenceType::Sequence(event.sequence.0)),
            created_at: Some(event.recorded_at.into()),
            event: (!event.payload.type_name.is_empty()).then(|| any(&event.payload)),
            unreadable: (event.payload.why_unreadable()).map_or_else(String::new, Into::into),
            position: event.position.0,
            event_id: Some(event.id.into()),
            metadata: Some(event.metadata.as_ref().into()),
        }
    }
}

impl From<&Metadata> for v1::EventMetadata {
    fn from(metadata: &Metadata) -> Self {
        Self {
            correlation_id: metadata.correlation_id.clone().unwrap_or_default(),
            causation_id: metadata.causation_id.map(Into::into),
            external_id: metadata.external_id.clone().unwrap_or_default(),
            actor: metadata.actor.clone().unwrap_or_default(),
            depth: metadata.depth,
            sent_at: metadata.sent_at.map(Into::into),
            origin: metadata.origin.as_ref().map(|origin| v1::FactOrigin {
                source: origin.source.clone(),
                description: origin.description.clone(),
            }),
        }
    }
}

impl TryFrom<v1::EventMetadata> for Metadata {
    type Error = Invalid;

    fn try_from(metadata: v1::EventMetadata) -> Result<Self, Invalid> {
        Ok(Self {
            correlation_id: non_empty(metadata.correlation_id),
            causation_id: optional_uuid(metadata.causation_id.as_ref(), "causation_id")?,
            external_id: non_empty(metadata.external_id),
            actor: non_empty(metadata.actor),
            origin: metadata.origin.map(|origin| FactOrigin {
                source: origin.source,
                description: origin.description,
            }),
            sent_at: optional_time(metadata.sent_at, "sent_at")?,
            depth: metadata.depth,
        })
    }
}

/// Reads a recorded event of `stream`. Fails if the page has no sequence or has the marker of a fact.
pub fn recorded_event(page: v1::EventPage, stream: &StreamId) -> Result<RecordedEvent, Invalid> {
    let mut found = Found::default();
    let sequence = found.take(match page.sequence_type {
        Some(SequenceType::Sequence(sequence)) => Ok(Sequence(sequence)),
        Some(SequenceType::Fact(_)) => Err(Invalid::field(
            "fact",
            "a recorded event has no marker any more; give its `sequence`",
        )),
        None => Err(Invalid::field("sequence", "is missing")),
    });
    let id = found.take(uuid(page.event_id.as_ref(), "event_id"));
    let recorded_at = found.take(time(page.created_at, "created_at"));
    let payload = found.take(match (page.event, page.unreadable) {
        (Some(event), _) => payload(Some(event), "event"),
        (None, why) if why.is_empty() => Ok(Payload::nothing()),
        (None, why) => Ok(Payload::unreadable(why)),
    });
    let metadata = Metadata::try_from(page.metadata.unwrap_or_default());
    let metadata = found.take(metadata.map_err(|invalid| invalid.within("metadata")));
    let read = (|| {
        Some(RecordedEvent {
            id: id?,
            stream: stream.clone(),
            sequence: sequence?,
            position: Position(page.position),
            recorded_at: recorded_at?,
            payload: payload?,
            metadata: Arc::new(metadata?),
        })
    })();
    found.give(read)
}

/// Reads recorded events of `stream`. `field` is the name of the list in errors.
pub fn recorded_events(
    pages: Vec<v1::EventPage>,
    stream: &StreamId,
    field: &str,
) -> Result<Vec<RecordedEvent>, Invalid> {
    pages
        .into_iter()
        .enumerate()
        .map(|(at, page)| {
            recorded_event(page, stream)
                .map_err(|invalid| invalid.within(format_args!("{field}[{at}]")))
        })
        .collect()
}

/// Makes a book of consecutive events of `stream`. `from` is the sequence of a book without events.
pub fn event_book(stream: &StreamId, pages: Vec<v1::EventPage>, from: Sequence) -> v1::EventBook {
    let last = pages.last().and_then(|page| match page.sequence_type {
        Some(SequenceType::Sequence(sequence)) => Some(sequence),
        Some(SequenceType::Fact(_)) | None => None,
    });
    v1::EventBook {
        cover: Some(cover(stream)),
        snapshot: None,
        pages,
        next_sequence: last.map_or(from.0, |last| last.saturating_add(1)),
    }
}
