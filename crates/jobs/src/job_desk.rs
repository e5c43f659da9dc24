//! Starts, lists, pauses, resumes and cancels jobs.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use seriatim_core::codec::encode_command;
use seriatim_core::{
    CommandGateway, CommandRequest, DeadLetter, DecodeError, Desk, Domain, EncodeError, EventStore,
    JobPart, JobPlan, JobRecord, JobResult, LetterFilter, Metadata, NewJob, OperatorError,
    ResultPlace, Sequence, StoreError, SubmitError, Verb,
};
use uuid::Uuid;

use crate::bulk_job::{BulkJob, JobCommand, JobEvent, JobFilter};
use crate::view::{JobView, decode, stream};

/// The number of streams, or events, that are read at once.
const PAGE: usize = 1000;
/// The number of events whose results are read at once.
const RESULTS_PAGE: usize = 50;
/// The most kinds of faults that are counted for a plan.
const MOST_FAULTS: usize = 100_000;
/// The most bytes of a reason.
const MOST_REASON: usize = 1024;

/// The bulk jobs of a store. Cheap to clone.
#[derive(Clone)]
pub struct JobDesk {
    gateway: Arc<dyn CommandGateway>,
    store: Arc<dyn EventStore>,
    letters: Desk,
}

impl fmt::Debug for JobDesk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let store = &self.store;
        f.debug_struct("JobDesk")
            .field("store", store)
            .finish_non_exhaustive()
    }
}

impl JobDesk {
    /// Makes a desk. The gateway must be that of a coordinator which has [`BulkJob`], on this store. The letters are those
    /// of the application's coordinator on the same store.
    pub fn new(
        gateway: Arc<dyn CommandGateway>,
        store: Arc<dyn EventStore>,
        letters: Desk,
    ) -> Self {
        Self {
            gateway,
            store,
            letters,
        }
    }

    pub(crate) fn letters(&self) -> &Desk {
        &self.letters
    }

    /// Returns what a job would take if it was started now: the letters of the domains that `may` lets through. Writes
    /// nothing.
    pub async fn plan(
        &self,
        new: &NewJob,
        may: impl Fn(&Domain) -> bool,
    ) -> Result<JobPlan, JobError> {
        let filter = LetterFilter::from(JobFilter::from(&new.filter));
        let latest = LetterFilter {
            latest_first: true,
            ..filter.clone()
        };
        let latest = self.letters.letters(&latest, 1).await?;
        let latest = latest.first().map(DeadLetter::id).unwrap_or_default();
        // Whatever is asked for, letters that are parked from now on are not taken.
        let through = new.through.map_or(latest, |through| through.min(latest));
        let groups = self.letters.fault_groups(&filter, MOST_FAULTS).await?;
        let (mut letters, mut parts) = (0, BTreeSet::new());
        for group in groups {
            if may(&group.domain) && group.first <= through {
                letters += group.count;
                parts.insert(JobPart {
                    component: group.component,
                    domain: group.domain,
                });
            }
        }
        Ok(JobPlan {
            through,
            letters,
            parts: parts.into_iter().collect(),
        })
    }

    /// Starts a job by its [plan](Self::plan). Returns it once it is durable. A process of the application begins to work
    /// for it within a second, if none is busy with another job.
    pub async fn start(
        &self,
        new: &NewJob,
        plan: &JobPlan,
        actor: Option<String>,
    ) -> Result<JobRecord, JobError> {
        let reason = new.reason.as_deref().map(str::trim);
        let reason = reason.filter(|reason| !reason.is_empty());
        if new.verb == Verb::Discard && reason.is_none() {
            return Err(OperatorError::NoReason.into());
        }
        if reason.is_some_and(|reason| reason.len() > MOST_REASON) {
            return Err(JobError::Reason);
        }
        let id = Uuid::now_v7();
        let command = JobCommand::Start {
            verb: new.verb,
            filter: (&new.filter).into(),
            through: plan.through,
            letters: plan.letters,
            parts: plan.parts.clone(),
            reason: reason.map(|reason| reason.replace('\0', "\u{fffd}")),
            stop_at_failure: new.stop_at_failure,
        };
        self.send(id, &command, actor).await?;
        self.get(id).await
    }

    /// Returns a job. Fails if there is none with this id.
    pub async fn get(&self, id: Uuid) -> Result<JobRecord, JobError> {
        let view = JobView::read(&*self.store, id).await?;
        let view = view.ok_or(OperatorError::UnknownJob { id })?;
        Ok(view.record)
    }

    /// Returns at most `limit` jobs, the newest first, after the job `after` in that order.
    pub async fn list(
        &self,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<JobRecord>, JobError> {
        let ids = self.ids().await?.into_iter().rev();
        let ids = ids.filter(|id| after.is_none_or(|after| *id < after));
        let mut found = Vec::new();
        for id in ids.take(limit) {
            found.extend(self.read(id).await?.map(|view| view.record));
        }
        Ok(found)
    }

    /// Returns at most `limit` results of a job in the order in which its letters were tried, from a place on, and the
    /// place of the next; `None` if there is none yet. The job may still get more.
    pub async fn results(
        &self,
        id: Uuid,
        from: ResultPlace,
        limit: usize,
    ) -> Result<(Vec<JobResult>, Option<ResultPlace>), JobError> {
        let of_job = stream(id);
        let (mut found, mut place) = (Vec::new(), from);
        loop {
            let sequence = Sequence(place.sequence);
            let page = (self.store)
                .read_stream(&of_job, sequence, RESULTS_PAGE)
                .await?;
            if page.is_empty() && place == ResultPlace::default() {
                return Err(OperatorError::UnknownJob { id }.into());
            }
            for event in &page {
                if let Some(JobEvent::Tried { results }) = decode(event)? {
                    let skipped = match event.sequence == Sequence(from.sequence) {
                        true => from.index,
                        false => 0,
                    };
                    for (index, result) in (0..).zip(results).skip(skipped as usize) {
                        let sequence = event.sequence.0;
                        if found.len() == limit {
                            return Ok((found, Some(ResultPlace { sequence, index })));
                        }
                        found.push(result);
                    }
                }
                place.sequence = event.sequence.0 + 1;
            }
            if page.len() < RESULTS_PAGE {
                return Ok((found, None));
            }
        }
    }

    /// Pauses a job. The letters that are being tried get their results. If it is paused already, nothing happens.
    pub async fn pause(&self, id: Uuid, actor: Option<String>) -> Result<JobRecord, JobError> {
        self.change(id, &JobCommand::Pause, actor).await
    }

    /// Lets a job go on that is paused or has stopped. If it runs already, nothing happens.
    pub async fn resume(&self, id: Uuid, actor: Option<String>) -> Result<JobRecord, JobError> {
        self.change(id, &JobCommand::Resume, actor).await
    }

    /// Cancels a job, for good. What it has done stays.
    pub async fn cancel(&self, id: Uuid, actor: Option<String>) -> Result<JobRecord, JobError> {
        self.change(id, &JobCommand::Cancel, actor).await
    }

    async fn change(
        &self,
        id: Uuid,
        command: &JobCommand,
        actor: Option<String>,
    ) -> Result<JobRecord, JobError> {
        match self.send(id, command, actor).await {
            Ok(()) => self.get(id).await,
            Err(JobError::Submit(SubmitError::Rejected(_))) => {
                let status = self.get(id).await?.status;
                Err(OperatorError::JobOver { id, status }.into())
            }
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn send(
        &self,
        id: Uuid,
        command: &JobCommand,
        actor: Option<String>,
    ) -> Result<(), JobError> {
        let payload = encode_command(command)?;
        let request = CommandRequest {
            metadata: Metadata {
                actor,
                ..Metadata::default()
            },
            ..CommandRequest::new(stream(id), payload)
        };
        self.gateway.submit(request).await?;
        Ok(())
    }

    pub(crate) async fn read(&self, id: Uuid) -> Result<Option<JobView>, JobError> {
        JobView::read(&*self.store, id).await
    }

    pub(crate) async fn refresh(&self, view: &mut JobView) -> Result<(), JobError> {
        view.refresh(&*self.store).await
    }

    /// Returns the ids of all jobs, oldest first.
    pub(crate) async fn ids(&self) -> Result<Vec<Uuid>, JobError> {
        let domain = Domain::of::<BulkJob>();
        let mut ids: Vec<Uuid> = Vec::new();
        loop {
            let after = ids.last().map(|id| stream(*id));
            let page = self.store.streams(Some(&domain), after.as_ref(), PAGE);
            let page = page.await?;
            ids.extend(page.iter().map(|found| found.stream.root));
            if page.len() < PAGE {
                return Ok(ids);
            }
        }
    }
}

/// The reason why a job was not started, shown or changed.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// A person's request was not carried out.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// The reason is too long.
    #[error("a reason has at most {MOST_REASON} bytes; say it shorter")]
    Reason,
    /// It could not be written.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// It could not be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// What is stored of it cannot be read.
    #[error("the events of the job {id} cannot be read: {source}")]
    Damaged {
        /// The job.
        id: Uuid,
        /// The reason.
        source: DecodeError,
    },
}

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        Self::Operator(error.into())
    }
}
