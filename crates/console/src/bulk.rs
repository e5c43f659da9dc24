//! Starts bulk jobs, and pauses, resumes and cancels them.

use askama::Template;
use axum::Extension;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use seriatim_core::{Component, Domain, JobPlan, JobRecord, NewJob, Verb as What};
use seriatim_jobs::{JobDesk, JobError};
use seriatim_security::Verb;
use uuid::Uuid;

use crate::console::Shared;
use crate::frame::{Frame, page};
use crate::job::{find, shown};
use crate::letters::Wanted;
use crate::refusal::Refusal;
use crate::show;
use crate::visitor::Visitor;

/// The form to start a job.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Bulk {
    verb: String,
    reason: String,
    stop_at_failure: Option<String>,
    /// The last letter that the visitor was shown the number of.
    through: String,
    kind: String,
    domain: String,
    component: String,
    assignee: String,
    fault: Option<String>,
}

#[derive(Template)]
#[template(path = "bulk.html")]
struct BulkPage {
    frame: Frame,
    alert: Option<String>,
    letters: u64,
    counted: String,
    parts: Vec<(String, String)>,
    through: Uuid,
    form: Bulk,
    fault: Option<String>,
}

/// Shows how many letters a job would take, and the form to start it.
pub(crate) async fn ask(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(bulk): Query<Bulk>,
) -> Result<Response, Refusal> {
    may_start(&visitor)?;
    asked(&shared, &visitor, bulk, None).await
}

/// Starts a job.
pub(crate) async fn start(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Form(bulk): Form<Bulk>,
) -> Result<Response, Refusal> {
    may_start(&visitor)?;
    match started(&shared, &visitor, &bulk).await {
        Ok(job) => Ok(see(job.id)),
        Err(refusal) => asked(&shared, &visitor, bulk, Some(refusal)).await,
    }
}

fn may_start(visitor: &Visitor) -> Result<(), Refusal> {
    visitor.check(Verb::LettersRead)?;
    visitor.check(Verb::LettersResolve)
}

async fn started(shared: &Shared, visitor: &Visitor, bulk: &Bulk) -> Result<JobRecord, Refusal> {
    let new = bulk.job()?;
    let plan = plan(shared, visitor, &new).await?;
    if plan.letters == 0 {
        return Err(Refusal::Late(
            "None of these letters waits any more.".into(),
        ));
    }
    let (jobs, actor) = (shared.jobs.clone(), visitor.name());
    let target = format!("{} letters through {}", plan.letters, plan.through);
    let what = match new.verb {
        What::Resubmit => "resubmit-job",
        What::Discard => "discard-job",
    };
    let reason = new.reason.clone();
    let work = async move { jobs.start(&new, &plan, actor).await };
    let recorder = &shared.recorder;
    let started = recorder.run(visitor, what, target, reason.as_deref(), work);
    started.await
}

/// Returns what a job takes: letters of the domains for which the visitor has both rights.
async fn plan(shared: &Shared, visitor: &Visitor, new: &NewJob) -> Result<JobPlan, Refusal> {
    let both = |domain: &Domain| {
        visitor.may(Verb::LettersRead, domain) && visitor.may(Verb::LettersResolve, domain)
    };
    Ok(shared.jobs.plan(new, both).await?)
}

async fn asked(
    shared: &Shared,
    visitor: &Visitor,
    bulk: Bulk,
    refusal: Option<Refusal>,
) -> Result<Response, Refusal> {
    let status = refusal.as_ref().map_or(StatusCode::OK, Refusal::status);
    let counted = NewJob {
        verb: What::Resubmit,
        through: None,
        ..bulk.letters()?
    };
    let plan = plan(shared, visitor, &counted).await?;
    let parts = plan.parts.iter().map(|part| {
        let what = part
            .component
            .as_ref()
            .map_or("commands", Component::as_str);
        (what.to_owned(), part.domain.to_string())
    });
    let shown = BulkPage {
        frame: Frame::new("Decide about many letters", "/letters", visitor),
        alert: refusal.map(|refusal| refusal.why()),
        letters: plan.letters,
        counted: show::count(plan.letters, "letter waits", "letters wait"),
        parts: parts.collect(),
        through: plan.through,
        fault: bulk.fault.as_deref().map(show::line),
        form: bulk,
    };
    Ok(page(status, &shown))
}

impl Bulk {
    fn job(&self) -> Result<NewJob, Refusal> {
        let verb = What::named(&self.verb)
            .ok_or_else(|| Refusal::Invalid("Say what is to be done with the letters.".into()))?;
        if verb == What::Discard && self.reason.trim().is_empty() {
            return Err(Refusal::Invalid("Say why they are given up.".into()));
        }
        let through = self.through.parse();
        let through: Uuid = through
            .map_err(|_| Refusal::Invalid("The form does not say what you were shown.".into()))?;
        Ok(NewJob {
            verb,
            through: Some(through),
            reason: Some(self.reason.clone()),
            stop_at_failure: self.stop_at_failure.is_some(),
            ..self.letters()?
        })
    }

    fn letters(&self) -> Result<NewJob, Refusal> {
        let wanted = Wanted::waiting(
            &self.kind,
            &self.domain,
            &self.component,
            &self.assignee,
            self.fault.clone(),
        );
        Ok(NewJob {
            verb: What::Resubmit,
            filter: wanted.filter()?,
            through: None,
            reason: None,
            stop_at_failure: false,
        })
    }
}

/// Pauses a job.
pub(crate) async fn pause(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let change = async |jobs: JobDesk, id, actor| jobs.pause(id, actor).await;
    changed(&shared, &visitor, "pause-job", &id, change).await
}

/// Lets a job go on.
pub(crate) async fn resume(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let change = async |jobs: JobDesk, id, actor| jobs.resume(id, actor).await;
    changed(&shared, &visitor, "resume-job", &id, change).await
}

/// Cancels a job, for good.
pub(crate) async fn cancel(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let change = async |jobs: JobDesk, id, actor| jobs.cancel(id, actor).await;
    changed(&shared, &visitor, "cancel-job", &id, change).await
}

async fn changed<F>(
    shared: &Shared,
    visitor: &Visitor,
    what: &'static str,
    id: &str,
    change: impl FnOnce(JobDesk, Uuid, Option<String>) -> F,
) -> Result<Response, Refusal>
where
    F: Future<Output = Result<JobRecord, JobError>> + Send + 'static,
{
    let job = find(shared, visitor, id, Verb::LettersResolve).await?;
    let work = change(shared.jobs.clone(), job.id, visitor.name());
    let recorder = &shared.recorder;
    match recorder.run(visitor, what, job.id, None, work).await {
        Ok(job) => Ok(see(job.id)),
        Err(refusal) => shown(shared, visitor, job.id, Some(refusal), None).await,
    }
}

fn see(job: Uuid) -> Response {
    Redirect::to(&format!("/jobs/{job}")).into_response()
}
