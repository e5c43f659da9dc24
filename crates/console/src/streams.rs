//! Lists streams, and finds them by the beginning of their names.

use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use seriatim_core::{Domain, StreamId, StreamSummary};
use seriatim_security::Verb;
use uuid::Uuid;

use crate::console::Shared;
use crate::frame::{Frame, page};
use crate::refusal::Refusal;
use crate::show::Moment;
use crate::visitor::Visitor;

/// The streams of a page.
const PAGE: usize = 50;

/// What a visitor asks for: a domain, `DOMAIN/ROOT`, or the beginning of that; and the last stream of the page before.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    find: String,
    after: String,
}

#[derive(Template)]
#[template(path = "streams.html")]
struct StreamsPage {
    frame: Frame,
    find: String,
    domains: Vec<String>,
    /// `None` if nothing was asked for.
    streams: Option<Vec<Line>>,
    next: Option<Uuid>,
}

struct Line {
    stream: String,
    current: String,
    at: Moment,
}

/// Lists the streams that the visitor asks for and may read.
pub(crate) async fn list(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Refusal> {
    visitor.check(Verb::Read)?;
    let find = wanted.find.trim();
    if let Ok(stream) = find.parse::<StreamId>() {
        return Ok(Redirect::to(&format!("/streams/{stream}")).into_response());
    }
    let after = match wanted.after.as_str() {
        "" => None,
        id => Some(
            id.parse::<Uuid>()
                .map_err(|_| invalid("This is no place in the list."))?,
        ),
    };
    let found = match find {
        "" => None,
        find => Some(found(&shared, &visitor, find, after).await?),
    };
    let next = found.as_ref().filter(|found| found.len() > PAGE);
    let next = next.map(|found| found[PAGE - 1].stream.root);
    let lines = |found: Vec<StreamSummary>| found.iter().take(PAGE).map(Line::from).collect();
    let domains = shared.coordinator.domains().into_iter();
    let domains = domains.filter(|info| visitor.may(Verb::Read, &info.domain));
    let streams = StreamsPage {
        frame: Frame::new("Streams", "/streams", &visitor).showing_changes(),
        find: find.to_owned(),
        domains: domains.map(|info| info.domain.to_string()).collect(),
        streams: found.map(lines),
        next,
    };
    Ok(page(StatusCode::OK, &streams))
}

/// Returns the streams that begin so, one more than a page has. A domain that one may not read is as an empty one.
async fn found(
    shared: &Shared,
    visitor: &Visitor,
    find: &str,
    after: Option<Uuid>,
) -> Result<Vec<StreamSummary>, Refusal> {
    let (domain, root) = find.split_once('/').unwrap_or((find, ""));
    let domain = Domain::new(domain).map_err(|error| invalid(&error.to_string()))?;
    let digits = root.replace('-', "").to_ascii_lowercase();
    if digits.len() > 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(invalid(
            "After the domain comes the beginning of an id, in hexadecimal digits.",
        ));
    }
    if !visitor.may(Verb::Read, &domain) {
        return Ok(Vec::new());
    }
    let first = u128::from_str_radix(&format!("{digits:0<32}"), 16).unwrap_or_default();
    let before = after.or_else(|| first.checked_sub(1).map(Uuid::from_u128));
    let before = before.map(|root| StreamId::new(domain.clone(), root));
    let store = shared.coordinator.store();
    let mut found = store
        .streams(Some(&domain), before.as_ref(), PAGE + 1)
        .await?;
    found.retain(|line| line.stream.root.simple().to_string().starts_with(&digits));
    Ok(found)
}

fn invalid(why: &str) -> Refusal {
    Refusal::Invalid(why.into())
}

impl From<&StreamSummary> for Line {
    fn from(line: &StreamSummary) -> Self {
        Self {
            stream: line.stream.to_string(),
            current: line.current.to_string(),
            at: line.recorded_at.into(),
        }
    }
}
