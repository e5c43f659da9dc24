//! Shows everything that belongs to a workflow, in the order of time.

use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use seriatim_core::{Begin, Cursor, Domain, RecordedEvent, SubscribeError, Timestamp};
use seriatim_security::Verb;

use crate::console::Shared;
use crate::frame::{Frame, page};
use crate::letters::{self, LetterLine};
use crate::refusal::Refusal;
use crate::show::{self, Event};
use crate::visitor::Visitor;

/// The deepest effect that stands further to the right than the one before.
const DEEPEST: u32 = 6;

/// What a visitor asks for: the correlation id, and the place to begin after.
#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    id: String,
    after: Option<String>,
}

#[derive(Template)]
#[template(path = "workflow.html")]
struct WorkflowPage {
    frame: Frame,
    id: String,
    shown: String,
    lines: Vec<Line>,
    letters: Vec<LetterLine>,
    next: Option<String>,
}

struct Line {
    event: Event,
    stream: String,
    /// The time since the first event of the page.
    since: String,
    depth: u32,
}

/// Shows a workflow, as far as the visitor may read its streams.
pub(crate) async fn show(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Refusal> {
    visitor.check(Verb::Read)?;
    let id = wanted.id.trim();
    if id.is_empty() {
        return Err(Refusal::Invalid(
            "Give the correlation id of a workflow.".into(),
        ));
    }
    let after = wanted
        .after
        .as_deref()
        .map(str::parse::<Cursor>)
        .transpose();
    let after = after.map_err(|_| Refusal::Invalid("This is no place in the log.".into()))?;
    let log = shared.coordinator.log();
    let found = log
        .workflow(id, after.map(Begin::After))
        .await
        .map_err(refusal)?;
    let may_see = |domain: &Domain| visitor.may(Verb::LettersRead, domain);
    let letters = shared.desk.letters_of(&found, may_see).await?;
    let found = shared.readable(found);
    let events = found.events.iter();
    let events: Vec<_> = events
        .filter(|event| visitor.may(Verb::Read, &event.stream.domain))
        .collect();
    let first = events.first().map(|event| event.recorded_at);
    let shown = WorkflowPage {
        frame: Frame::new("Workflow", "/streams/", &visitor).showing_changes(),
        shown: show::line(id),
        id: id.to_owned(),
        lines: events.iter().map(|event| line(event, first)).collect(),
        letters: letters
            .iter()
            .map(|letter| letters::line(letter, &visitor))
            .collect(),
        next: found.next.map(|next| next.to_string()),
    };
    Ok(page(StatusCode::OK, &shown))
}

fn line(event: &RecordedEvent, first: Option<Timestamp>) -> Line {
    let since = event.recorded_at.since(first.unwrap_or(event.recorded_at));
    Line {
        event: event.into(),
        stream: event.stream.to_string(),
        since: format!("+{:.3} s", since.as_secs_f64()),
        depth: event.metadata.depth.min(DEEPEST),
    }
}

fn refusal(error: SubscribeError) -> Refusal {
    match error {
        SubscribeError::Store(error) => error.into(),
        SubscribeError::OtherPartitions { .. } | SubscribeError::Replaced(_) => {
            Refusal::Invalid(error.to_string())
        }
        SubscribeError::PositionMissing { .. } | SubscribeError::SequenceMissing { .. } => {
            Refusal::Broken(error.to_string())
        }
    }
}
