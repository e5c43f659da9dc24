//! Converts bulk jobs and their results.

use seriatim_core::{
    Component, JobCounts, JobOutcome, JobPart, JobPlan, JobRecord, JobResult, JobStatus,
    LetterFilter, LetterStatus, NewJob, ResultPlace, Verb,
};

use super::desk::{letter_filter, list_request, verb};
use super::identity::{cover, domain, non_empty, optional_uuid, stream, uuid};
use super::invalid::{Invalid, required};
use super::operator::optional_component;
use super::time::time;
use crate::v1;

/// Reads the job to start.
pub fn new_job(request: v1::JobServiceStartRequest) -> Result<NewJob, Invalid> {
    Ok(NewJob {
        verb: verb(request.verb)?,
        filter: job_filter(request.filter)?,
        through: optional_uuid(request.through.as_ref(), "through")?,
        reason: non_empty(request.reason),
        stop_at_failure: request.stop_at_failure,
    })
}

/// Reads the token of a page of results.
pub fn result_place(token: &str) -> Result<ResultPlace, Invalid> {
    let invalid = || {
        let wrong = "give the `next_page_token` of the page before";
        Invalid::field("page_token", wrong)
    };
    if token.is_empty() {
        return Ok(ResultPlace::default());
    }
    let (sequence, index) = token.split_once('/').ok_or_else(invalid)?;
    Ok(ResultPlace {
        sequence: sequence.parse().map_err(|_| invalid())?,
        index: index.parse().map_err(|_| invalid())?,
    })
}

fn job_filter(filter: Option<v1::JobFilter>) -> Result<LetterFilter, Invalid> {
    let filter = filter.unwrap_or_default();
    let read = letter_filter(&v1::DeadLetterServiceListRequest {
        domain: filter.domain,
        root: filter.root,
        kind: filter.kind,
        component: filter.component,
        fault: filter.fault,
        assignee: filter.assignee,
        ..v1::DeadLetterServiceListRequest::default()
    });
    Ok(LetterFilter {
        status: Some(LetterStatus::Parked),
        ..read.map_err(|invalid| invalid.within("filter"))?
    })
}

impl From<&LetterFilter> for v1::JobFilter {
    fn from(filter: &LetterFilter) -> Self {
        let list = list_request(filter);
        Self {
            domain: list.domain,
            root: list.root,
            kind: list.kind,
            component: list.component,
            fault: list.fault,
            assignee: list.assignee,
        }
    }
}

impl From<&NewJob> for v1::JobServiceStartRequest {
    fn from(job: &NewJob) -> Self {
        Self {
            verb: wire_verb(job.verb).into(),
            filter: Some((&job.filter).into()),
            reason: job.reason.clone().unwrap_or_default(),
            stop_at_failure: job.stop_at_failure,
            through: job.through.map(Into::into),
            count_only: false,
        }
    }
}

impl From<&JobPlan> for v1::Job {
    /// Makes a job that is only counted.
    fn from(plan: &JobPlan) -> Self {
        let parts = plan.parts.iter().map(|part| v1::job::Part {
            component: (part.component.as_ref())
                .map(Component::to_string)
                .unwrap_or_default(),
            domain: part.domain.to_string(),
        });
        Self {
            through: Some(plan.through.into()),
            letters: plan.letters,
            parts: parts.collect(),
            ..Self::default()
        }
    }
}

impl From<&JobRecord> for v1::Job {
    fn from(job: &JobRecord) -> Self {
        Self {
            id: Some(job.id.into()),
            verb: wire_verb(job.verb).into(),
            filter: Some((&job.filter).into()),
            reason: job.reason.clone().unwrap_or_default(),
            stop_at_failure: job.stop_at_failure,
            started_at: Some(job.started.into()),
            started_by: job.started_by.clone().unwrap_or_default(),
            status: v1::JobStatus::from(job.status).into(),
            changed_at: Some(job.changed.into()),
            changed_by: job.changed_by.clone().unwrap_or_default(),
            done: job.counts.done,
            handed: job.counts.handed,
            failed: job.counts.failed,
            passed: job.counts.passed,
            ..Self::from(&job.plan)
        }
    }
}

impl TryFrom<v1::Job> for JobPlan {
    type Error = Invalid;

    fn try_from(job: v1::Job) -> Result<Self, Invalid> {
        let parts = job.parts.into_iter().map(|part| {
            Ok(JobPart {
                component: optional_component(&part.component)?,
                domain: domain(&part.domain, "parts.domain")?,
            })
        });
        Ok(Self {
            through: uuid(job.through.as_ref(), "through")?,
            letters: job.letters,
            parts: parts.collect::<Result<_, Invalid>>()?,
        })
    }
}

impl TryFrom<v1::Job> for JobRecord {
    type Error = Invalid;

    fn try_from(mut job: v1::Job) -> Result<Self, Invalid> {
        Ok(Self {
            id: uuid(job.id.as_ref(), "id")?,
            verb: verb(job.verb)?,
            filter: job_filter(job.filter.take())?,
            reason: non_empty(std::mem::take(&mut job.reason)),
            stop_at_failure: job.stop_at_failure,
            started: time(job.started_at, "started_at")?,
            started_by: non_empty(std::mem::take(&mut job.started_by)),
            status: job_status(job.status())?,
            changed: time(job.changed_at, "changed_at")?,
            changed_by: non_empty(std::mem::take(&mut job.changed_by)),
            counts: JobCounts {
                done: job.done,
                handed: job.handed,
                failed: job.failed,
                passed: job.passed,
            },
            plan: JobPlan::try_from(job)?,
        })
    }
}

impl From<&JobResult> for v1::JobResult {
    fn from(result: &JobResult) -> Self {
        Self {
            letter: Some(result.letter.into()),
            cover: result.stream.as_ref().map(cover),
            outcome: match result.outcome {
                JobOutcome::Done => v1::JobOutcome::Done,
                JobOutcome::Handed => v1::JobOutcome::Handed,
                JobOutcome::Failed => v1::JobOutcome::Failed,
                JobOutcome::Passed => v1::JobOutcome::Passed,
            }
            .into(),
            text: result.text.clone(),
            at: Some(result.at.into()),
        }
    }
}

impl TryFrom<v1::JobResult> for JobResult {
    type Error = Invalid;

    fn try_from(result: v1::JobResult) -> Result<Self, Invalid> {
        let outcome = match result.outcome() {
            v1::JobOutcome::Unspecified => None,
            v1::JobOutcome::Done => Some(JobOutcome::Done),
            v1::JobOutcome::Handed => Some(JobOutcome::Handed),
            v1::JobOutcome::Failed => Some(JobOutcome::Failed),
            v1::JobOutcome::Passed => Some(JobOutcome::Passed),
        };
        Ok(Self {
            letter: uuid(result.letter.as_ref(), "letter")?,
            stream: match &result.cover {
                Some(cover) => Some(stream(Some(cover))?),
                None => None,
            },
            outcome: required(outcome, "outcome", "say what became of the letter")?,
            text: result.text,
            at: time(result.at, "at")?,
        })
    }
}

impl From<JobStatus> for v1::JobStatus {
    fn from(status: JobStatus) -> Self {
        match status {
            JobStatus::Running => Self::Running,
            JobStatus::Paused => Self::Paused,
            JobStatus::Stopped => Self::Stopped,
            JobStatus::Cancelled => Self::Cancelled,
            JobStatus::Finished => Self::Finished,
        }
    }
}

fn job_status(status: v1::JobStatus) -> Result<JobStatus, Invalid> {
    Ok(match status {
        v1::JobStatus::Unspecified => {
            return Err(Invalid::field("status", "is no status of a job"));
        }
        v1::JobStatus::Running => JobStatus::Running,
        v1::JobStatus::Paused => JobStatus::Paused,
        v1::JobStatus::Stopped => JobStatus::Stopped,
        v1::JobStatus::Cancelled => JobStatus::Cancelled,
        v1::JobStatus::Finished => JobStatus::Finished,
    })
}

fn wire_verb(verb: Verb) -> v1::DeadLetterVerb {
    match verb {
        Verb::Resubmit => v1::DeadLetterVerb::Resubmit,
        Verb::Discard => v1::DeadLetterVerb::Discard,
    }
}
