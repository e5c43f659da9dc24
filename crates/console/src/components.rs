//! Shows the components, and pauses and resumes them.

use askama::Template;
use axum::Extension;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use seriatim_core::{Component, Progress};
use seriatim_runtime::{PieceState, PieceStatus};
use seriatim_security::Verb;

use crate::console::Shared;
use crate::frame::{Frame, page};
use crate::refusal::Refusal;
use crate::show::{self, Moment};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "components.html")]
struct ComponentsPage {
    frame: Frame,
    alert: Option<String>,
    components: Vec<ComponentLine>,
    may_operate: bool,
    may_read_letters: bool,
}

struct ComponentLine {
    name: String,
    /// Why a person has paused it.
    paused: Option<String>,
    work: Vec<WorkLine>,
    /// What this process does for it.
    here: Vec<String>,
}

/// A piece of work that has begun.
struct WorkLine {
    name: String,
    at: u64,
    lag: u64,
    behind_since: Option<Moment>,
    moved: Moment,
    owner: String,
    paused: Option<String>,
    parked: usize,
    parked_since: Option<Moment>,
}

/// The form to pause or to resume.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Why {
    reason: String,
}

/// Shows the components.
pub(crate) async fn show(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Refusal> {
    visitor.check(Verb::Observe)?;
    shown(&shared, &visitor, StatusCode::OK, None).await
}

/// Pauses a component, with a reason.
pub(crate) async fn pause(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
    Form(Why { reason }): Form<Why>,
) -> Result<Response, Refusal> {
    visitor.check(Verb::Operate)?;
    let component = named(&name)?;
    let reason = reason.trim().to_owned();
    let paused = match reason.is_empty() {
        true => Err(Refusal::Invalid(format!("Say why {component} is paused."))),
        false => {
            let (reactions, actor) = (shared.reactions.clone(), visitor.name());
            let (target, why) = (component.clone(), reason.clone());
            let work = async move {
                let paused = reactions.pause(&component, actor.as_deref(), Some(&why));
                paused.await.map(drop)
            };
            let recorder = &shared.recorder;
            recorder
                .run(&visitor, "pause", target, Some(&reason), work)
                .await
        }
    };
    answer(&shared, &visitor, paused).await
}

/// Lets a component go on.
pub(crate) async fn resume(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
    Form(Why { reason }): Form<Why>,
) -> Result<Response, Refusal> {
    visitor.check(Verb::Operate)?;
    let component = named(&name)?;
    let (reactions, target) = (shared.reactions.clone(), component.clone());
    let work = async move { reactions.resume(&component).await.map(drop) };
    let reason = Some(reason.trim()).filter(|reason| !reason.is_empty());
    let recorder = &shared.recorder;
    let resumed = recorder.run(&visitor, "resume", target, reason, work).await;
    answer(&shared, &visitor, resumed).await
}

fn named(name: &str) -> Result<Component, Refusal> {
    Component::new(name).map_err(|error| Refusal::Invalid(show::line(&error.to_string())))
}

/// Shows the components after an action, or only the answer if the visitor may not see them.
async fn answer(
    shared: &Shared,
    visitor: &Visitor,
    done: Result<(), Refusal>,
) -> Result<Response, Refusal> {
    match done {
        Ok(()) => Ok(Redirect::to("/components").into_response()),
        Err(refusal) if !visitor.may_at_all(Verb::Observe) => Err(refusal),
        Err(refusal) => {
            let (status, why) = (refusal.status(), refusal.why());
            shown(shared, visitor, status, Some(why)).await
        }
    }
}

async fn shown(
    shared: &Shared,
    visitor: &Visitor,
    status: StatusCode,
    alert: Option<String>,
) -> Result<Response, Refusal> {
    let components = ComponentsPage {
        frame: Frame::new("Components", "/components", visitor).showing_changes(),
        alert,
        components: lines(shared).await?,
        may_operate: visitor.may_at_all(Verb::Operate),
        may_read_letters: visitor.may_at_all(Verb::LettersRead),
    };
    Ok(page(status, &components))
}

async fn lines(shared: &Shared) -> Result<Vec<ComponentLine>, Refusal> {
    let progress = shared.reactions.progress().await?;
    let here = shared.reactions.status();
    let mut names: Vec<_> = (here.iter().map(|piece| &piece.work.component))
        .chain(
            progress
                .iter()
                .map(|progress| &progress.checkpoint.work.component),
        )
        .collect();
    names.sort_unstable();
    names.dedup();
    let mut lines = Vec::new();
    for component in names {
        let of_it = |progress: &&Progress| progress.checkpoint.work.component == *component;
        let pieces = here
            .iter()
            .filter(|piece| piece.work.component == *component);
        let paused = shared.coordinator.store().pause_of(component).await?;
        lines.push(ComponentLine {
            name: component.to_string(),
            paused: paused.as_deref().map(show::line),
            work: progress.iter().filter(of_it).map(WorkLine::from).collect(),
            here: pieces.map(state).collect(),
        });
    }
    Ok(lines)
}

impl From<&Progress> for WorkLine {
    fn from(progress: &Progress) -> Self {
        let checkpoint = &progress.checkpoint;
        Self {
            name: checkpoint.work.to_string(),
            at: checkpoint.at.position.0,
            lag: progress.lag(),
            behind_since: progress.behind_since.map(Into::into),
            moved: checkpoint.moved_at.into(),
            owner: checkpoint
                .owner
                .as_deref()
                .map_or("nobody".into(), show::line),
            paused: checkpoint.paused.as_deref().map(show::line),
            parked: progress.parked,
            parked_since: progress.parked_since.map(Into::into),
        }
    }
}

fn state(piece: &PieceStatus) -> String {
    let state = match &piece.state {
        PieceState::StandingBy { owner: Some(owner) } => format!("stands by; {owner} has it"),
        PieceState::StandingBy { owner: None } => "stands by".into(),
        PieceState::CannotBegin { error } => format!("cannot begin: {error}"),
        PieceState::Beginning => "begins".into(),
        PieceState::Working => "works".into(),
        PieceState::WaitingForStore { error } => format!("waits for a store: {error}"),
        PieceState::WaitingForTarget { target, error } => format!("waits for {target}: {error}"),
        PieceState::Retrying { failure, tried } => {
            let (stream, sequence, error) = (&failure.stream, failure.sequence, &failure.error);
            format!("tries {stream} at {sequence} again, {tried} times so far: {error}")
        }
        PieceState::Paused { error, .. } => format!("is paused: {error}"),
        PieceState::Stopped => "has stopped".into(),
    };
    show::line(&format!("{} {state}", piece.work))
}
