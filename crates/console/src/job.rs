//! Shows bulk jobs, their progress and their results.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{HeaderValue, REFRESH};
use axum::response::Response;
use serde::Deserialize;
use seriatim_core::{JobRecord, JobResult, JobStatus, OperatorError, ResultPlace};
use seriatim_security::Verb;
use uuid::Uuid;

use crate::console::Shared;
use crate::frame::{Frame, page};
use crate::refusal::Refusal;
use crate::show::{self, Id, Moment};
use crate::visitor::Visitor;

/// The jobs, or results, of a page.
const PAGE: usize = 50;

/// A place in a list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    after: String,
}

#[derive(Template)]
#[template(path = "jobs.html")]
struct JobsPage {
    frame: Frame,
    jobs: Vec<JobLine>,
    next: Option<Uuid>,
}

#[derive(Template)]
#[template(path = "job.html")]
struct JobPage {
    frame: Frame,
    alert: Option<String>,
    job: JobLine,
    letters: Vec<(&'static str, String)>,
    reason: Option<String>,
    changed: Moment,
    changed_by: Option<String>,
    counts: [(&'static str, u64); 4],
    stop_at_failure: bool,
    may_resolve: bool,
    /// True if a running job can be paused, or another one resumed.
    is_open: bool,
    runs: bool,
    results: Vec<ResultLine>,
    next: Option<String>,
}

struct JobLine {
    id: Id,
    verb: &'static str,
    status: &'static str,
    tried: u64,
    letters: u64,
    started: Moment,
    started_by: String,
}

struct ResultLine {
    letter: Id,
    stream: String,
    outcome: &'static str,
    is_bad: bool,
    text: String,
    at: Moment,
}

/// Lists the jobs that the visitor may see, the newest first.
pub(crate) async fn list(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(Wanted { after }): Query<Wanted>,
) -> Result<Response, Refusal> {
    visitor.check(Verb::LettersRead)?;
    let after = match after.as_str() {
        "" => None,
        id => Some(id.parse().map_err(|_| no_place())?),
    };
    let found = shared.jobs.list(after, PAGE).await?;
    let next = (found.len() == PAGE).then(|| found.last().map(|job| job.id));
    let seen = found
        .iter()
        .filter(|job| may(&visitor, job, Verb::LettersRead));
    let jobs = JobsPage {
        frame: Frame::new("Jobs", "/jobs", &visitor).showing_changes(),
        jobs: seen.map(JobLine::from).collect(),
        next: next.flatten(),
    };
    Ok(page(StatusCode::OK, &jobs))
}

/// Shows a job.
pub(crate) async fn show(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Query(Wanted { after }): Query<Wanted>,
) -> Result<Response, Refusal> {
    let job = find(&shared, &visitor, &id, Verb::LettersRead).await?;
    let place = match after.as_str() {
        "" => None,
        place => Some(place_of(place).ok_or_else(no_place)?),
    };
    shown(&shared, &visitor, job.id, None, place).await
}

/// Returns a job for whose letters the visitor has a right, and that it may see.
pub(crate) async fn find(
    shared: &Shared,
    visitor: &Visitor,
    id: &str,
    verb: Verb,
) -> Result<JobRecord, Refusal> {
    visitor.check(Verb::LettersRead)?;
    visitor.check(verb)?;
    let id = id.parse().map_err(|_| Refusal::NotFound(no_job()))?;
    let job = shared.jobs.get(id).await?;
    match may(visitor, &job, Verb::LettersRead) && may(visitor, &job, verb) {
        true => Ok(job),
        false => Err(OperatorError::UnknownJob { id }.into()),
    }
}

fn may(visitor: &Visitor, job: &JobRecord, verb: Verb) -> bool {
    let mut parts = job.plan.parts.iter();
    parts.all(|part| visitor.may(verb, &part.domain))
}

/// Shows a job as it is now, and why something was not done. A page of a job that runs asks to be loaded again.
pub(crate) async fn shown(
    shared: &Shared,
    visitor: &Visitor,
    id: Uuid,
    refusal: Option<Refusal>,
    from: Option<ResultPlace>,
) -> Result<Response, Refusal> {
    let job = shared.jobs.get(id).await?;
    let place = from.unwrap_or_default();
    let (results, next) = shared.jobs.results(id, place, PAGE).await?;
    let status = refusal.as_ref().map_or(StatusCode::OK, Refusal::status);
    let runs = job.status == JobStatus::Running;
    let counts = job.counts;
    let job_page = JobPage {
        frame: Frame::new(format!("Job {}", Id::from(id).short), "/jobs", visitor)
            .showing_changes(),
        alert: refusal.as_ref().map(Refusal::why),
        letters: letters(&job, may(visitor, &job, Verb::LettersPayload)),
        reason: job.reason.as_deref().map(show::line),
        changed: job.changed.into(),
        changed_by: job.changed_by.as_deref().map(show::line),
        counts: [
            ("done", counts.done),
            ("handed to their components", counts.handed),
            ("not accepted", counts.failed),
            ("decided by others", counts.passed),
        ],
        stop_at_failure: job.stop_at_failure,
        may_resolve: may(visitor, &job, Verb::LettersResolve),
        is_open: !job.status.is_final(),
        runs,
        results: results.iter().map(|result| line(result, visitor)).collect(),
        next: next.map(|ResultPlace { sequence, index }| format!("{sequence}/{index}")),
        job: (&job).into(),
    };
    let mut response = page(status, &job_page);
    if runs && refusal.is_none() && from.is_none() {
        response
            .headers_mut()
            .insert(REFRESH, HeaderValue::from_static("2"));
    }
    Ok(response)
}

/// Returns the filter of a job in words. A fault tells of the content of letters.
fn letters(job: &JobRecord, shows_content: bool) -> Vec<(&'static str, String)> {
    let filter = &job.filter;
    let mut words = Vec::new();
    words.extend(filter.kind.map(|kind| {
        let kind = match kind {
            seriatim_core::LetterKind::Command => "commands",
            seriatim_core::LetterKind::Reaction => "events",
        };
        ("kind", kind.to_owned())
    }));
    words.extend((filter.domain.as_ref()).map(|domain| ("domain", domain.to_string())));
    words.extend((filter.stream.as_ref()).map(|stream| ("stream", stream.to_string())));
    words.extend((filter.component.as_ref()).map(|name| ("component", name.to_string())));
    let fault = filter.fault.as_ref().filter(|_| shows_content);
    words.extend(fault.map(|fault| ("fault", show::line(fault))));
    words.extend(filter.assignee.as_ref().map(|to| {
        let name = to.name().map_or_else(|| "nobody".into(), show::line);
        ("looked after by", name)
    }));
    words
}

impl From<&JobRecord> for JobLine {
    fn from(job: &JobRecord) -> Self {
        Self {
            id: job.id.into(),
            verb: job.verb.as_str(),
            status: job.status.as_str(),
            tried: job.counts.all(),
            letters: job.plan.letters,
            started: job.started.into(),
            started_by: job.started_by.as_deref().map_or("–".into(), show::line),
        }
    }
}

fn line(result: &JobResult, visitor: &Visitor) -> ResultLine {
    let stream = result.stream.as_ref();
    let shows = stream.is_some_and(|stream| visitor.may(Verb::LettersPayload, &stream.domain));
    ResultLine {
        letter: result.letter.into(),
        stream: stream.map_or("–".into(), ToString::to_string),
        outcome: result.outcome.as_str(),
        is_bad: result.outcome == seriatim_core::JobOutcome::Failed,
        text: match shows {
            true => show::line(&result.text),
            false => String::new(),
        },
        at: result.at.into(),
    }
}

fn place_of(text: &str) -> Option<ResultPlace> {
    let (sequence, index) = text.split_once('/')?;
    Some(ResultPlace {
        sequence: sequence.parse().ok()?,
        index: index.parse().ok()?,
    })
}

fn no_place() -> Refusal {
    Refusal::Invalid("This is no place in the list. Go back and choose another.".into())
}

/// A job that does not exist and one that the visitor may not see read alike.
pub(crate) fn no_job() -> String {
    "There is no such job, or you may not see it.".into()
}
