//! Shows what operators did, and who was turned away.

use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use seriatim_core::OperationRecord;
use seriatim_security::Verb;

use crate::console::Shared;
use crate::frame::{Frame, page};
use crate::refusal::Refusal;
use crate::show::{self, Moment};
use crate::visitor::Visitor;

/// The records of a page.
const PAGE: usize = 50;

/// The place before which the page begins.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    before: String,
}

#[derive(Template)]
#[template(path = "operations.html")]
struct OperationsPage {
    frame: Frame,
    /// False if nobody is asked, so that nothing is recorded.
    are_recorded: bool,
    operations: Vec<Line>,
    next: Option<String>,
}

struct Line {
    at: Moment,
    actor: String,
    what: String,
    target: String,
    reason: Option<String>,
    times: u64,
    failure: Option<String>,
}

/// Shows what operators did, the newest first.
pub(crate) async fn list(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Refusal> {
    visitor.check(Verb::Admin)?;
    let before = match wanted.before.as_str() {
        "" => None,
        place => Some(
            place
                .parse()
                .map_err(|_| Refusal::Invalid("This is no place in the list.".into()))?,
        ),
    };
    let (found, next) = match shared.recorder.trail() {
        Some(trail) => trail.list(before, PAGE).await?,
        None => (Vec::new(), None),
    };
    let operations = OperationsPage {
        frame: Frame::new("Operations", "/operations", &visitor).showing_changes(),
        are_recorded: shared.recorder.trail().is_some(),
        operations: found.iter().map(Line::from).collect(),
        next: next.map(|place| place.to_string()),
    };
    Ok(page(StatusCode::OK, &operations))
}

impl From<&OperationRecord> for Line {
    fn from(record: &OperationRecord) -> Self {
        Self {
            at: record.at.into(),
            actor: record.actor.as_deref().map_or("–".into(), show::line),
            what: show::line(&record.what),
            target: show::line(&record.target),
            reason: record.reason.as_deref().map(show::line),
            times: record.times,
            failure: record.failure.as_deref().map(show::line),
        }
    }
}
