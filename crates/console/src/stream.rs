//! Shows a stream: its events, what each has changed, and its state at any of them.

use std::collections::BTreeMap;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use seriatim_core::{
    At, ChangesQuery, Domain, FieldPath, RecordedEvent, Sequence, StreamId, StreamSummary,
};
use seriatim_security::Verb;
use uuid::Uuid;

use crate::console::Shared;
use crate::fields::{self, StateLine};
use crate::frame::{Frame, page};
use crate::refusal::Refusal;
use crate::show::{self, Event};
use crate::sides::{self, Change};
use crate::visitor::Visitor;

/// The events of a page.
const PAGE: u32 = 20;

/// What a visitor asks for: the sequence to look at, without which it is the last.
#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    at: Option<String>,
}

#[derive(Template)]
#[template(path = "stream.html")]
struct StreamPage {
    frame: Frame,
    stream: StreamId,
    current: u32,
    at: u32,
    lines: Vec<Line>,
    state: Vec<StateLine>,
    /// Why there is no state.
    why_not: Option<String>,
    older: Option<u32>,
    newer: Option<u32>,
}

struct Line {
    event: Event,
    sequence: u32,
    /// `None` if they are too large to be shown beside the others, or cannot be made.
    changes: Option<Vec<Change>>,
}

/// Shows a stream, if the visitor may read it.
pub(crate) async fn show(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path((domain, root)): Path<(String, String)>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Refusal> {
    visitor.check(Verb::Read)?;
    let found = find(&shared, &visitor, &domain, &root).await?;
    let (stream, current) = (found.stream, found.current.0);
    let at = match wanted.at.as_deref().map(str::parse) {
        None => current,
        Some(Ok(at)) if at <= current => at,
        Some(_) => {
            let why = format!("The stream has the sequences 0 to {current}.");
            return Err(Refusal::NotFound(why));
        }
    };
    let first = at - at % PAGE;
    let log = shared.coordinator.log();
    let events = log
        .read_stream(&stream, Sequence(first), PAGE as usize)
        .await?;
    let events = shared.readable(events);
    let mut changes = changes(&shared, &stream, at, events.last()).await;
    let state = shared
        .coordinator
        .state(&stream, At::Sequence(Sequence(at)))
        .await;
    let (state, why_not) = match state {
        Ok(state) => (fields::lines(&state.state), None),
        Err(error) => (Vec::new(), Some(show::line(&Refusal::from(error).why()))),
    };
    let lines = events.iter().map(|event| Line {
        event: event.into(),
        sequence: event.sequence.0,
        changes: changes.remove(&event.sequence),
    });
    let lines = lines.collect();
    let shown = StreamPage {
        frame: Frame::new(format!("Stream {stream}"), "/streams/", &visitor).showing_changes(),
        stream: stream.clone(),
        current,
        at,
        lines,
        state,
        why_not,
        older: first.checked_sub(1),
        newer: first.checked_add(PAGE).filter(|next| *next <= current),
    };
    Ok(page(StatusCode::OK, &shown))
}

/// Returns what the events of a page have changed, as far as there is room for it; always what the one at `at` has.
async fn changes(
    shared: &Shared,
    stream: &StreamId,
    at: u32,
    last: Option<&RecordedEvent>,
) -> BTreeMap<Sequence, Vec<Change>> {
    let mut found = BTreeMap::new();
    let whole = |through: Sequence, limit: u32| ChangesQuery {
        field: FieldPath::default(),
        through: Some(through),
        limit: limit as usize,
    };
    let at = Sequence(at);
    for query in last
        .map(|last| whole(last.sequence, PAGE))
        .into_iter()
        .chain([whole(at, 1)])
    {
        if found.contains_key(&at) {
            break;
        }
        // Why there are none is said in the place of the state.
        let Ok(answer) = shared.coordinator.changes(stream, query).await else {
            continue;
        };
        let events = answer.events.iter();
        found.extend(events.map(|of| (of.event.sequence, sides::all(&of.changes))));
    }
    found
}

/// Returns a stream that has events and that the visitor may read.
pub(crate) async fn find(
    shared: &Shared,
    visitor: &Visitor,
    domain: &str,
    root: &str,
) -> Result<StreamSummary, Refusal> {
    let none = || Refusal::NotFound("There is no such stream, or you may not read it.".into());
    let (Ok(domain), Ok(root)) = (Domain::new(domain), root.parse::<Uuid>()) else {
        return Err(none());
    };
    if !visitor.may(Verb::Read, &domain) {
        return Err(none());
    }
    let before = root.as_u128().checked_sub(1).map(Uuid::from_u128);
    let before = before.map(|root| StreamId::new(domain.clone(), root));
    let store = shared.coordinator.store();
    let found = store.streams(Some(&domain), before.as_ref(), 1).await?;
    let found = found.into_iter().find(|found| found.stream.root == root);
    found.ok_or_else(none)
}
