//! Implements `JobService`.

use seriatim_coordinator::Coordinator;
use seriatim_core::{JobPlan, JobRecord, OperatorError, ResultPlace};
use seriatim_jobs::{JobDesk, JobError};
use seriatim_proto::convert::{self, Invalid};
use seriatim_proto::v1;
use seriatim_security::Verb::{self, LettersPayload, LettersRead, LettersResolve};
use tonic::{Request, Response, Status};
use uuid::Uuid;
use v1::job_service_server::JobService;

use super::page::Page;
use super::{By, by, check_domain, status};
use crate::caller::Caller;

/// The most jobs that are read for a page. A caller that may see few of many gets a shorter page.
const MOST_READ: usize = 1000;

/// Starts, shows and changes bulk jobs.
#[derive(Clone, Debug)]
pub(crate) struct Jobs {
    desk: JobDesk,
    coordinator: Coordinator,
}

impl Jobs {
    /// Makes the service. The letters of `desk` are those of `coordinator`, and others.
    pub(crate) fn new(desk: JobDesk, coordinator: Coordinator) -> Self {
        Self { desk, coordinator }
    }

    /// Returns a job that the caller may see, and for whose letters it has a right. To others there is no such job.
    async fn job(&self, caller: &Caller, verb: Verb, id: Uuid) -> Result<JobRecord, Status> {
        let job = self.desk.get(id).await.map_err(refused)?;
        match may(caller, LettersRead, &job.plan) && may(caller, verb, &job.plan) {
            true => Ok(job),
            false => Err(status(OperatorError::UnknownJob { id })),
        }
    }

    /// Changes a job, and records who asked for that.
    async fn change<F>(
        &self,
        by: &By,
        what: &'static str,
        id: Option<&v1::Uuid>,
        change: impl FnOnce(Uuid, Option<String>) -> F,
    ) -> Result<Option<v1::Job>, Status>
    where
        F: Future<Output = Result<JobRecord, JobError>>,
    {
        let id = convert::uuid(id, "id").map_err(status)?;
        let actor = by.person()?;
        self.job(&by.caller, LettersResolve, id).await?;
        let changing = async { change(id, actor).await.map_err(refused) };
        let job = by.operate(what, id, None, changing).await?;
        Ok(Some(shown(&job, &by.caller)))
    }
}

/// Returns whether a caller has a right for all that a job takes.
fn may(caller: &Caller, verb: Verb, plan: &JobPlan) -> bool {
    (plan.parts.iter()).all(|part| caller.may(verb, &part.domain))
}

/// Returns what a caller may see of a job: a fault tells of the content of letters.
fn shown(job: &JobRecord, caller: &Caller) -> v1::Job {
    let mut shown = v1::Job::from(job);
    if let (false, Some(filter)) = (may(caller, LettersPayload, &job.plan), &mut shown.filter) {
        filter.fault = None;
    }
    shown
}

fn refused(error: JobError) -> Status {
    match error {
        JobError::Operator(error) => status(error),
        JobError::Submit(error) => status(error),
        JobError::Reason => status(Invalid::field("reason", error.to_string())),
        JobError::Encode(_) | JobError::Damaged { .. } => Status::internal(error.to_string()),
    }
}

#[tonic::async_trait]
impl JobService for Jobs {
    async fn start(
        &self,
        mut request: Request<v1::JobServiceStartRequest>,
    ) -> Result<Response<v1::JobServiceStartResponse>, Status> {
        let (by, _) = by(&mut request)?;
        let caller = &by.caller;
        let actor = by.person()?;
        let request = request.into_inner();
        let only_counted = request.count_only;
        let new = convert::new_job(request).map_err(status)?;
        for verb in [LettersRead, LettersResolve] {
            caller.check(verb, new.filter.domain.as_ref())?;
        }
        let both =
            |domain: &_| caller.may(LettersRead, domain) && caller.may(LettersResolve, domain);
        let plan = self.desk.plan(&new, both).await.map_err(refused)?;
        if let (0, Some(domain)) = (plan.letters, &new.filter.domain) {
            check_domain(&self.coordinator, domain, caller)?;
        }
        let job = match only_counted {
            true => v1::Job::from(&plan),
            false => {
                let what = match new.verb {
                    seriatim_core::Verb::Resubmit => "resubmit-job",
                    seriatim_core::Verb::Discard => "discard-job",
                };
                let target = format!("{} letters through {}", plan.letters, plan.through);
                let reason = new.reason.clone();
                let starting = async { self.desk.start(&new, &plan, actor).await.map_err(refused) };
                let started = by.operate(what, target, reason.as_deref(), starting);
                shown(&started.await?, caller)
            }
        };
        Ok(Response::new(v1::JobServiceStartResponse {
            job: Some(job),
        }))
    }

    async fn get(
        &self,
        mut request: Request<v1::JobServiceGetRequest>,
    ) -> Result<Response<v1::JobServiceGetResponse>, Status> {
        let (by, _) = by(&mut request)?;
        let id = convert::uuid(request.get_ref().id.as_ref(), "id").map_err(status)?;
        let job = self.job(&by.caller, LettersRead, id).await?;
        Ok(Response::new(v1::JobServiceGetResponse {
            job: Some(shown(&job, &by.caller)),
        }))
    }

    async fn list(
        &self,
        mut request: Request<v1::JobServiceListRequest>,
    ) -> Result<Response<v1::JobServiceListResponse>, Status> {
        let (by, _) = by(&mut request)?;
        let request = request.get_ref();
        let after: Option<Uuid> = match request.page_token.as_str() {
            "" => None,
            token => Some(token.parse().map_err(|_| {
                let wrong = "give the `next_page_token` of the page before";
                status(Invalid::field("page_token", wrong))
            })?),
        };
        let mut page = Page::of(request.page_size);
        let most = MOST_READ.min(page.most_lines() + 1);
        let found = self.desk.list(after, most).await.map_err(refused)?;
        let (mut next_page_token, mut last) = (String::new(), None::<Uuid>);
        for job in &found {
            if may(&by.caller, LettersRead, &job.plan) && !page.push(shown(job, &by.caller)) {
                next_page_token = last.map(|id| id.to_string()).unwrap_or_default();
                break;
            }
            last = Some(job.id);
        }
        if found.len() == most && next_page_token.is_empty() {
            next_page_token = last.map(|id| id.to_string()).unwrap_or_default();
        }
        Ok(Response::new(v1::JobServiceListResponse {
            jobs: page.into_lines(),
            next_page_token,
        }))
    }

    async fn list_results(
        &self,
        mut request: Request<v1::JobServiceListResultsRequest>,
    ) -> Result<Response<v1::JobServiceListResultsResponse>, Status> {
        let (by, _) = by(&mut request)?;
        let caller = &by.caller;
        let request = request.get_ref();
        let id = convert::uuid(request.id.as_ref(), "id").map_err(status)?;
        let place = convert::result_place(&request.page_token).map_err(status)?;
        self.job(caller, LettersRead, id).await?;
        let mut page = Page::of(request.page_size);
        let found = self.desk.results(id, place, page.most_lines()).await;
        let (results, next) = found.map_err(refused)?;
        for result in &results {
            let mut shown = v1::JobResult::from(result);
            let stream = result.stream.as_ref();
            if stream.is_none_or(|stream| !caller.may(LettersPayload, &stream.domain)) {
                shown.text.clear();
            }
            let fits = page.push(shown);
            debug_assert!(fits, "so many of the longest texts fit");
        }
        let next = next.map(|ResultPlace { sequence, index }| format!("{sequence}/{index}"));
        Ok(Response::new(v1::JobServiceListResultsResponse {
            results: page.into_lines(),
            next_page_token: next.unwrap_or_default(),
        }))
    }

    async fn pause(
        &self,
        mut request: Request<v1::JobServicePauseRequest>,
    ) -> Result<Response<v1::JobServicePauseResponse>, Status> {
        let (by, _) = by(&mut request)?;
        let id = request.get_ref().id.as_ref();
        let pause = |id, actor| self.desk.pause(id, actor);
        let job = self.change(&by, "pause-job", id, pause).await?;
        Ok(Response::new(v1::JobServicePauseResponse { job }))
    }

    async fn resume(
        &self,
        mut request: Request<v1::JobServiceResumeRequest>,
    ) -> Result<Response<v1::JobServiceResumeResponse>, Status> {
        let (by, _) = by(&mut request)?;
        let id = request.get_ref().id.as_ref();
        let resume = |id, actor| self.desk.resume(id, actor);
        let job = self.change(&by, "resume-job", id, resume).await?;
        Ok(Response::new(v1::JobServiceResumeResponse { job }))
    }

    async fn cancel(
        &self,
        mut request: Request<v1::JobServiceCancelRequest>,
    ) -> Result<Response<v1::JobServiceCancelResponse>, Status> {
        let (by, _) = by(&mut request)?;
        let id = request.get_ref().id.as_ref();
        let cancel = |id, actor| self.desk.cancel(id, actor);
        let job = self.change(&by, "cancel-job", id, cancel).await?;
        Ok(Response::new(v1::JobServiceCancelResponse { job }))
    }
}
