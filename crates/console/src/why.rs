//! Shows which events made a field of a state what it is.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use seriatim_core::{ChangesQuery, EventChanges, FieldPath, Sequence, StreamId};
use seriatim_security::Verb;

use crate::console::Shared;
use crate::frame::{Frame, page};
use crate::refusal::Refusal;
use crate::show::{self, Event};
use crate::sides::{self, Change};
use crate::stream;
use crate::visitor::Visitor;

/// The most events of a page.
const PAGE: usize = 50;

/// What a visitor asks for: the field, and the last sequence to look at.
#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    field: String,
    through: Option<u32>,
}

#[derive(Template)]
#[template(path = "why.html")]
struct WhyPage {
    frame: Frame,
    stream: StreamId,
    name: String,
    /// The path as it is asked for.
    field: String,
    value: String,
    lines: Vec<Line>,
    /// The last sequence that was looked at, if it is not the last of the stream.
    through: Option<u32>,
    /// Where older events are.
    next: Option<u32>,
}

struct Line {
    event: Event,
    changes: Vec<Change>,
}

impl From<&EventChanges> for Line {
    fn from(found: &EventChanges) -> Self {
        Self {
            event: (&found.event).into(),
            changes: sides::all(&found.changes),
        }
    }
}

/// Shows the history of a field, if the visitor may read the stream.
pub(crate) async fn show(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path((domain, root)): Path<(String, String)>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Refusal> {
    visitor.check(Verb::Read)?;
    let stream = stream::find(&shared, &visitor, &domain, &root)
        .await?
        .stream;
    let field = FieldPath::try_from(wanted.field);
    let field = field.map_err(|error| Refusal::Invalid(show::line(&error.to_string())))?;
    let query = ChangesQuery {
        field: field.clone(),
        through: wanted.through.map(Sequence),
        limit: PAGE,
    };
    let found = shared.coordinator.changes(&stream, query).await?;
    let found = shared.readable(found);
    let name = sides::named(&field);
    let shown = WhyPage {
        frame: Frame::new(format!("Why: {name}"), "/streams/", &visitor),
        name,
        field: field.to_string(),
        value: show::value(found.value.as_ref()),
        lines: found.events.iter().map(Into::into).collect(),
        through: wanted.through,
        next: found.next.map(|Sequence(next)| next),
        stream,
    };
    Ok(page(StatusCode::OK, &shown))
}
