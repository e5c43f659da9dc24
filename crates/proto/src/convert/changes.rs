//! Converts what events have changed.

use seriatim_core::{
    Changes, ChangesQuery, EventChanges, FieldChange, FieldPath, Sequence, StreamId, Tree,
};

use super::event::recorded_event;
use super::identity::{cover, stream};
use super::invalid::{Invalid, required};
use crate::v1;

/// Makes the request for the changes of a stream. The most events of a request are 1000.
pub(crate) fn changes_request(of: &StreamId, query: &ChangesQuery) -> v1::ListChangesRequest {
    v1::ListChangesRequest {
        cover: Some(cover(of)),
        field: query.field.to_string(),
        through_sequence: query.through.map(|Sequence(through)| through),
        page_size: u32::try_from(query.limit).unwrap_or(u32::MAX),
    }
}

/// Reads the stream and the field to look at.
pub fn changes_query(request: v1::ListChangesRequest) -> Result<(StreamId, ChangesQuery), Invalid> {
    let limit = match request.page_size {
        0 => 100,
        asked => asked.min(1000),
    };
    let query = ChangesQuery {
        field: path(request.field, "field")?,
        through: request.through_sequence.map(Sequence),
        limit: usize::try_from(limit).expect("1000 fit"),
    };
    Ok((stream(request.cover.as_ref())?, query))
}

impl From<Changes> for v1::ListChangesResponse {
    fn from(changes: Changes) -> Self {
        Self {
            events: changes.events.iter().map(Into::into).collect(),
            value_json: text(changes.value.as_ref()),
            next_through_sequence: changes.next.map(|Sequence(next)| next),
        }
    }
}

impl From<&EventChanges> for v1::EventChanges {
    fn from(found: &EventChanges) -> Self {
        let changes = found.changes.iter().map(|change| v1::FieldChange {
            path: change.path.to_string(),
            before_json: text(change.before.as_ref()),
            after_json: text(change.after.as_ref()),
        });
        Self {
            event: Some((&found.event).into()),
            changes: changes.collect(),
        }
    }
}

/// Reads the changes of a stream.
pub(crate) fn changes(answer: v1::ListChangesResponse, of: &StreamId) -> Result<Changes, Invalid> {
    let events = answer.events.into_iter().enumerate();
    let events = events.map(|(at, event)| {
        event_changes(event, of).map_err(|invalid| invalid.within(format_args!("events[{at}]")))
    });
    Ok(Changes {
        events: events.collect::<Result<_, _>>()?,
        value: tree(answer.value_json, "value_json")?,
        next: answer.next_through_sequence.map(Sequence),
    })
}

fn event_changes(message: v1::EventChanges, of: &StreamId) -> Result<EventChanges, Invalid> {
    let changes = message.changes.into_iter().enumerate();
    let changes = changes.map(|(at, change)| {
        field_change(change).map_err(|invalid| invalid.within(format_args!("changes[{at}]")))
    });
    Ok(EventChanges {
        event: recorded_event(required(message.event, "event", "give the event")?, of)
            .map_err(|invalid| invalid.within("event"))?,
        changes: changes.collect::<Result<_, _>>()?,
    })
}

fn field_change(message: v1::FieldChange) -> Result<FieldChange, Invalid> {
    Ok(FieldChange {
        path: path(message.path, "path")?,
        before: tree(message.before_json, "before_json")?,
        after: tree(message.after_json, "after_json")?,
    })
}

fn path(text: String, field: &str) -> Result<FieldPath, Invalid> {
    text.try_into()
        .map_err(|error: seriatim_core::InvalidFieldPath| Invalid::field(field, error.to_string()))
}

fn text(value: Option<&Tree>) -> Option<String> {
    value.map(ToString::to_string)
}

fn tree(text: Option<String>, field: &str) -> Result<Option<Tree>, Invalid> {
    text.map(|text| Tree::parse(text.as_bytes()))
        .transpose()
        .map_err(|error| Invalid::field(field, format!("is not JSON: {error}")))
}
