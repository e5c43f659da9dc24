//! Shows a stream: its events, what each has changed, and its state at any of them.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use seriatim_core::{At, Domain, Sequence, StateView, StreamId, StreamSummary};
use seriatim_security::Verb;
use uuid::Uuid;

use crate::console::Shared;
use crate::frame::{Frame, page};
use crate::refusal::Refusal;
use crate::show::{self, Event};
use crate::sides::{self, Change};
use crate::visitor::Visitor;

/// The events of a page.
const PAGE: u32 = 20;
/// The last sequence up to which what each event of a page has changed is shown. In a longer stream a state takes long
/// to make, and only the changes of the event that is looked at are.
const SHORT: u32 = 2000;

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
    state: Option<String>,
    /// Why there is no state.
    why_not: Option<String>,
    older: Option<u32>,
    newer: Option<u32>,
}

struct Line {
    event: Event,
    sequence: u32,
    /// `None` if it was not looked at.
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
    let Some(found) = find(&shared, &visitor, &domain, &root).await? else {
        let why = "There is no such stream, or you may not read it.";
        return Err(Refusal::NotFound(why.into()));
    };
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
    let mut states = States::of(&shared, &stream);
    let mut lines = Vec::new();
    for event in &events {
        let sequence = event.sequence.0;
        let is_wanted = sequence == at || current < SHORT;
        lines.push(Line {
            event: event.into(),
            sequence,
            changes: if is_wanted {
                states.changes(sequence).await
            } else {
                None
            },
        });
    }
    let state = states
        .at(Some(at))
        .await
        .map(|state| show::state(&state.state));
    let shown = StreamPage {
        frame: Frame::new(format!("Stream {stream}"), "/streams/", &visitor),
        stream: stream.clone(),
        current,
        at,
        lines,
        state,
        why_not: states.why_not,
        older: first.checked_sub(1),
        newer: first.checked_add(PAGE).filter(|next| *next <= current),
    };
    Ok(page(StatusCode::OK, &shown))
}

/// Returns a stream that has events and that the visitor may read.
async fn find(
    shared: &Shared,
    visitor: &Visitor,
    domain: &str,
    root: &str,
) -> Result<Option<StreamSummary>, Refusal> {
    let (Ok(domain), Ok(root)) = (Domain::new(domain), root.parse::<Uuid>()) else {
        return Ok(None);
    };
    if !visitor.may(Verb::Read, &domain) {
        return Ok(None);
    }
    let before = root.as_u128().checked_sub(1).map(Uuid::from_u128);
    let before = before.map(|root| StreamId::new(domain.clone(), root));
    let store = shared.coordinator.store();
    let found = store.streams(Some(&domain), before.as_ref(), 1).await?;
    Ok(found.into_iter().find(|found| found.stream.root == root))
}

/// The states of a stream, of which the last one is kept.
struct States<'a> {
    shared: &'a Shared,
    stream: &'a StreamId,
    last: Option<StateView>,
    why_not: Option<String>,
}

impl<'a> States<'a> {
    fn of(shared: &'a Shared, stream: &'a StreamId) -> Self {
        Self {
            shared,
            stream,
            last: None,
            why_not: None,
        }
    }

    /// Returns what an event has changed.
    async fn changes(&mut self, sequence: u32) -> Option<Vec<Change>> {
        let before = self.at(sequence.checked_sub(1)).await?;
        let after = self.at(Some(sequence)).await?;
        Some(sides::changes(&before, &after))
    }

    /// Returns a state; `None` stands for the one before all events. After one that cannot be made, no more are.
    async fn at(&mut self, sequence: Option<u32>) -> Option<StateView> {
        let sequence = sequence.map(Sequence);
        if let Some(last) = self.last.as_ref().filter(|last| last.sequence == sequence) {
            return Some(last.clone());
        }
        if self.why_not.is_some() {
            return None;
        }
        let at = match sequence {
            Some(sequence) => At::Sequence(sequence),
            None => At::Time(seriatim_core::Timestamp::MIN),
        };
        match self.shared.coordinator.state(self.stream, at).await {
            Ok(state) => {
                self.last = Some(state.clone());
                Some(state)
            }
            Err(error) => {
                self.why_not = Some(show::line(&Refusal::from(error).why()));
                None
            }
        }
    }
}
