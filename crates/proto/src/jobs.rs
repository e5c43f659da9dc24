//! Contains the client for bulk jobs.

use seriatim_core::{JobPlan, JobRecord, JobResult, NewJob, OperatorError};
use uuid::Uuid;

use crate::call_error::CallError;
use crate::client::{Page, read_page};
use crate::departure::Departures;
use crate::{ANSWER_BYTES, Client, v1};
use v1::job_service_client::JobServiceClient;

type Call<T> = Result<T, CallError<OperatorError>>;

impl Client {
    /// Returns what a job would take if it was started now. Writes nothing.
    pub async fn count_job(&self, job: &NewJob, actor: Option<&str>) -> Call<JobPlan> {
        let message = v1::JobServiceStartRequest {
            count_only: true,
            ..job.into()
        };
        let message = self.request_of(message, actor);
        let answer = self.job_service().start(message).await?.into_inner();
        let job = answer.job.unwrap_or_default();
        job.try_into().map_err(CallError::Garbled)
    }

    /// Starts a job. Returns it once it is durable; it goes on by itself.
    pub async fn start_job(&self, job: &NewJob, actor: Option<&str>) -> Call<JobRecord> {
        let message = self.request_of(v1::JobServiceStartRequest::from(job), actor);
        read(self.job_service().start(message).await?.into_inner().job)
    }

    /// Returns a job with its progress.
    pub async fn job(&self, id: Uuid) -> Call<JobRecord> {
        let id = Some(id.into());
        let message = self.request(v1::JobServiceGetRequest { id });
        read(self.job_service().get(message).await?.into_inner().job)
    }

    /// Lists jobs, the newest first, a page at a time: `page` is the token that came with the page before.
    pub async fn jobs(&self, page: Option<String>) -> Call<Page<JobRecord>> {
        let message = self.request(v1::JobServiceListRequest {
            page_size: 0,
            page_token: page.unwrap_or_default(),
        });
        let answer = self.job_service().list(message).await?.into_inner();
        read_page(answer.jobs, answer.next_page_token)
    }

    /// Lists the results of a job, a page at a time: `page` is the token that came with the page before.
    pub async fn job_results(&self, id: Uuid, page: Option<String>) -> Call<Page<JobResult>> {
        let message = self.request(v1::JobServiceListResultsRequest {
            id: Some(id.into()),
            page_size: 0,
            page_token: page.unwrap_or_default(),
        });
        let answer = self.job_service().list_results(message).await?;
        let answer = answer.into_inner();
        read_page(answer.results, answer.next_page_token)
    }

    /// Pauses a job. Returns it as it is then.
    pub async fn pause_job(&self, id: Uuid, actor: Option<&str>) -> Call<JobRecord> {
        let id = Some(id.into());
        let message = self.request_of(v1::JobServicePauseRequest { id }, actor);
        read(self.job_service().pause(message).await?.into_inner().job)
    }

    /// Lets a job go on. Returns it as it is then.
    pub async fn resume_job(&self, id: Uuid, actor: Option<&str>) -> Call<JobRecord> {
        let id = Some(id.into());
        let message = self.request_of(v1::JobServiceResumeRequest { id }, actor);
        read(self.job_service().resume(message).await?.into_inner().job)
    }

    /// Cancels a job, for good. Returns it as it is then.
    pub async fn cancel_job(&self, id: Uuid, actor: Option<&str>) -> Call<JobRecord> {
        let id = Some(id.into());
        let message = self.request_of(v1::JobServiceCancelRequest { id }, actor);
        read(self.job_service().cancel(message).await?.into_inner().job)
    }

    fn job_service(&self) -> JobServiceClient<Departures> {
        JobServiceClient::new(self.departures()).max_decoding_message_size(ANSWER_BYTES)
    }
}

fn read(job: Option<v1::Job>) -> Call<JobRecord> {
    job.unwrap_or_default()
        .try_into()
        .map_err(CallError::Garbled)
}
