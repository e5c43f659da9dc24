//! Converts subscriptions: their beginnings, their filters, and their events.

use seriatim_core::{Begin, Bookmark, Cursor, Domain, EventFilter, LogId, Position, RecordedEvent};
use uuid::Uuid;

use super::event::recorded_event;
use super::identity::{cover, optional_uuid, stream};
use super::invalid::{Found, Invalid, required};
use super::time::time;
use crate::v1;
use v1::begin::{At, First, Now};

/// The most entries of one part of a filter, because each event is compared with all of them.
const MOST_ENTRIES: usize = 256;
/// The longest type name that a command or a fact may have by default.
const MOST_TYPE_BYTES: usize = 256;
/// The longest correlation id that a command or a fact may have by default.
const MOST_ID_BYTES: usize = 256;

/// Makes the request for a subscription.
pub fn subscribe_request(begin: &Begin, filter: &EventFilter) -> v1::SubscribeRequest {
    v1::SubscribeRequest {
        begin: Some(begin.into()),
        filter: Some(v1::EventFilter {
            domains: filter.domains.iter().map(ToString::to_string).collect(),
            types: filter.types.clone(),
            roots: filter.roots.iter().map(|root| (*root).into()).collect(),
            correlation_ids: filter.workflows.clone(),
        }),
    }
}

/// Reads the request for a subscription.
pub fn subscription_of(request: v1::SubscribeRequest) -> Result<(Begin, EventFilter), Invalid> {
    let mut found = Found::default();
    let begin = found.take(begin(request.begin));
    let filter = filter(&request.filter.unwrap_or_default());
    let filter = found.take(filter.map_err(|invalid| invalid.within("filter")));
    found.give(begin.zip(filter))
}

impl From<&Begin> for v1::Begin {
    fn from(begin: &Begin) -> Self {
        Self {
            at: Some(match begin {
                Begin::AtTheFirst => At::First(First {}),
                Begin::Now => At::Now(Now {}),
                Begin::Since(time) => At::Since((*time).into()),
                Begin::After(cursor) => At::After(cursor.to_string()),
            }),
        }
    }
}

/// Reads the place where a subscription begins.
pub fn begin(begin: Option<v1::Begin>) -> Result<Begin, Invalid> {
    let how = "give `first`, `now`, a time as `since`, or a cursor as `after`";
    let begin = required(begin.and_then(|begin| begin.at), "begin", how)?;
    let begin = match begin {
        At::First(First {}) => Ok(Begin::AtTheFirst),
        At::Now(Now {}) => Ok(Begin::Now),
        At::Since(since) => time(Some(since), "since").map(Begin::Since),
        At::After(text) => cursor(&text, "after").map(Begin::After),
    };
    begin.map_err(|invalid| invalid.within("begin"))
}

fn filter(filter: &v1::EventFilter) -> Result<EventFilter, Invalid> {
    let mut found = Found::default();
    let domains = entries(&filter.domains, "domains", |name: &String| {
        Domain::new(name).map_err(|error| Invalid::field("", error.to_string()))
    });
    let types = entries(&filter.types, "types", |name: &String| type_name(name));
    let roots = entries(&filter.roots, "roots", |root| Uuid::try_from(root));
    let workflows = entries(&filter.correlation_ids, "correlation_ids", |id: &String| {
        correlation_id(id)
    });
    let (domains, types, roots) = (found.take(domains), found.take(types), found.take(roots));
    let workflows = found.take(workflows);
    let filter = (|| {
        Some(EventFilter {
            domains: domains?,
            types: types?,
            roots: roots?,
            workflows: workflows?,
        })
    })();
    found.give(filter)
}

fn entries<W, T>(
    entries: &[W],
    field: &str,
    read: impl Fn(&W) -> Result<T, Invalid>,
) -> Result<Vec<T>, Invalid> {
    if entries.len() > MOST_ENTRIES {
        let description = format!(
            "{} entries; at most {MOST_ENTRIES} are allowed: leave it empty and choose among what comes",
            entries.len()
        );
        return Err(Invalid::field(field, description));
    }
    let mut found = Found::default();
    let read = entries.iter().enumerate().filter_map(|(at, entry)| {
        found.take(read(entry).map_err(|invalid| invalid.within(format_args!("{field}[{at}]"))))
    });
    let read: Vec<_> = read.collect();
    found.give(Some(read))
}

fn type_name(name: &str) -> Result<String, Invalid> {
    match name.len() {
        0 => Err(Invalid::field(
            "",
            "is empty; give the type name of an event",
        )),
        1..=MOST_TYPE_BYTES => Ok(name.to_owned()),
        bytes => Err(Invalid::field(
            "",
            format!("{bytes} bytes; at most {MOST_TYPE_BYTES} are allowed"),
        )),
    }
}

/// Reads the id of a workflow.
pub(super) fn correlation_id(id: &str) -> Result<String, Invalid> {
    match id.len() {
        0 => Err(Invalid::field("", "is empty; give the correlation id")),
        1..=MOST_ID_BYTES => Ok(id.to_owned()),
        bytes => Err(Invalid::field(
            "",
            format!("{bytes} bytes; at most {MOST_ID_BYTES} are allowed"),
        )),
    }
}

/// Reads the text of a cursor.
pub(crate) fn cursor(text: &str, field: &str) -> Result<Cursor, Invalid> {
    text.parse().map_err(|_| {
        Invalid::field(
            field,
            "is no place in the log; give the `cursor` of a response as it came",
        )
    })
}

impl From<&Bookmark> for v1::LogPlace {
    fn from(place: &Bookmark) -> Self {
        Self {
            log: place.log.map(|LogId(log)| log.into()),
            position: place.position.0,
            event: place.event.map(Into::into),
        }
    }
}

/// Reads a place in a log.
pub(crate) fn bookmark(place: &v1::LogPlace) -> Result<Bookmark, Invalid> {
    Ok(Bookmark {
        log: optional_uuid(place.log.as_ref(), "log")?.map(LogId),
        position: Position(place.position),
        event: optional_uuid(place.event.as_ref(), "event")?,
    })
}

/// Makes an event with its stream.
pub fn subscribed_event(event: &RecordedEvent) -> v1::SubscribedEvent {
    v1::SubscribedEvent {
        cover: Some(cover(&event.stream)),
        page: Some(event.into()),
    }
}

/// Reads the events of a response, and the cursor after them.
pub(crate) fn subscribed(
    response: v1::SubscribeResponse,
) -> Result<(Vec<RecordedEvent>, Cursor), Invalid> {
    let events = subscribed_events(response.events)?;
    Ok((events, cursor(&response.cursor, "cursor")?))
}

/// Reads events with their streams.
pub(super) fn subscribed_events(
    events: Vec<v1::SubscribedEvent>,
) -> Result<Vec<RecordedEvent>, Invalid> {
    let events = events.into_iter().enumerate().map(|(at, event)| {
        let read = |event: v1::SubscribedEvent| {
            let stream = stream(event.cover.as_ref())?;
            let page = required(event.page, "page", "give an event")?;
            recorded_event(page, &stream).map_err(|invalid| invalid.within("page"))
        };
        read(event).map_err(|invalid| invalid.within(format_args!("events[{at}]")))
    });
    events.collect()
}
