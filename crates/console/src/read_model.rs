//! Shows a version of a read model, and compares, switches and drops it.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{HeaderValue, REFRESH};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use seriatim_core::{
    CompareTables, ComparedTables, Comparison, Component, ReadModelOverview, ReadModelVersion,
    VersionStanding,
};
use seriatim_security::Verb;

use crate::console::Shared;
use crate::frame::{Frame, page};
use crate::read_models::ModelLine;
use crate::refusal::{Refusal, no_version};
use crate::visitor::Visitor;

/// Says whether the version is compared.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    compare: Option<String>,
}

#[derive(Template)]
#[template(path = "read_model.html")]
struct ReadModelPage {
    frame: Frame,
    alert: Option<String>,
    model: ModelLine,
    /// The live version, if it is another one.
    live: Option<String>,
    compared: Option<Compared>,
    may_operate: bool,
}

/// The result of a comparison with the live version.
struct Compared {
    live: String,
    is_equal: bool,
    tables: Vec<TableLine>,
    only_in_one: Vec<String>,
    /// False if some tables had not handled the same events.
    at_same_position: bool,
}

struct TableLine {
    name: String,
    counts: Comparison,
}

/// Shows a version. The page of one that is being built asks to be loaded again.
pub(crate) async fn show(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Refusal> {
    visitor.check(Verb::Observe)?;
    let version = named(&name)?;
    let compared = match wanted.compare {
        Some(_) => Some(compare(&shared, &visitor, &version).await),
        None => None,
    };
    let (compared, refusal) = match compared {
        Some(Ok(compared)) => (Some(compared), None),
        Some(Err(refusal)) => (None, Some(refusal)),
        None => (None, None),
    };
    shown(&shared, &visitor, &version, compared, refusal).await
}

/// Makes the views show a version.
pub(crate) async fn switch(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Result<Response, Refusal> {
    visitor.check(Verb::Operate)?;
    let version = named(&name)?;
    let (reactions, target) = (shared.reactions.clone(), version.clone());
    let work = async move { reactions.switch_read_model(&target).await };
    let recorder = &shared.recorder;
    let what = "switch-read-model";
    let switched = recorder.run(&visitor, what, &version, None, work).await;
    let then = format!("/read-models/{}", version.component());
    answer(&shared, &visitor, &version, switched, &then).await
}

/// Drops a version that is not live.
pub(crate) async fn drop_version(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Result<Response, Refusal> {
    visitor.check(Verb::Operate)?;
    let version = named(&name)?;
    let (reactions, target) = (shared.reactions.clone(), version.clone());
    let work = async move { reactions.drop_read_model(&target).await };
    let recorder = &shared.recorder;
    let what = "drop-read-model";
    let dropped = recorder.run(&visitor, what, &version, None, work).await;
    answer(&shared, &visitor, &version, dropped, "/read-models").await
}

/// Reads the name of a version, which is that of its component.
fn named(name: &str) -> Result<ReadModelVersion, Refusal> {
    let component = Component::new(name).ok();
    let version = component.as_ref().and_then(ReadModelVersion::fed_by);
    version.ok_or_else(|| Refusal::NotFound(no_version()))
}

async fn compare(
    shared: &Shared,
    visitor: &Visitor,
    version: &ReadModelVersion,
) -> Result<Compared, Refusal> {
    visitor.check(Verb::Operate)?;
    let wanted = CompareTables {
        version: version.clone(),
        table: None,
        columns: Vec::new(),
    };
    Ok(shared.reactions.compare_read_model(&wanted).await?.into())
}

/// Shows a version after an action, or only the answer if the visitor may not see it.
async fn answer(
    shared: &Shared,
    visitor: &Visitor,
    version: &ReadModelVersion,
    done: Result<(), Refusal>,
    then: &str,
) -> Result<Response, Refusal> {
    match done {
        Ok(()) => Ok(Redirect::to(then).into_response()),
        Err(refusal) if !visitor.may_at_all(Verb::Observe) => Err(refusal),
        Err(refusal) => shown(shared, visitor, version, None, Some(refusal)).await,
    }
}

async fn shown(
    shared: &Shared,
    visitor: &Visitor,
    version: &ReadModelVersion,
    compared: Option<Compared>,
    refusal: Option<Refusal>,
) -> Result<Response, Refusal> {
    let all = shared.reactions.read_models(Some(version.name())).await?;
    let mut found = all.iter().filter(|one| one.version == *version);
    let Some(found) = found.next() else {
        return Err(Refusal::NotFound(no_version()));
    };
    let status = refusal.as_ref().map_or(StatusCode::OK, Refusal::status);
    let is_plain = compared.is_none() && refusal.is_none();
    let is_built = found.standing == VersionStanding::Building && !found.progress.is_done();
    let model_page = ReadModelPage {
        frame: Frame::new(version.component().to_string(), "/read-models", visitor),
        alert: refusal.as_ref().map(Refusal::why),
        model: found.into(),
        live: live_beside(&all, found),
        compared,
        may_operate: visitor.may_at_all(Verb::Operate),
    };
    let mut response = page(status, &model_page);
    if is_built && is_plain {
        let headers = response.headers_mut();
        headers.insert(REFRESH, HeaderValue::from_static("2"));
    }
    Ok(response)
}

/// Returns the live version, if it is another one.
fn live_beside(all: &[ReadModelOverview], model: &ReadModelOverview) -> Option<String> {
    let mut live = all
        .iter()
        .filter(|one| one.standing == VersionStanding::Live);
    let live = live.next().filter(|live| live.version != model.version);
    live.map(|live| live.version.component().to_string())
}

impl From<ComparedTables> for Compared {
    fn from(compared: ComparedTables) -> Self {
        let mut tables = compared.tables.iter();
        Self {
            live: compared.live.component().to_string(),
            is_equal: compared.is_equal(),
            at_same_position: tables.all(|(_, counts)| counts.at_same_position),
            tables: (compared.tables.into_iter())
                .map(|(name, counts)| TableLine { name, counts })
                .collect(),
            only_in_one: compared.only_in_one,
        }
    }
}
