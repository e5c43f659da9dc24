//! Works for the jobs of a store, in one process at a time.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use seriatim_core::{
    CheckpointStore, Component, DeadLetter, Domain, Hold, JobOutcome, JobPart, JobResult,
    JobStatus, LetterFilter, LogPartition, OperatorError, Owner, Share, StoreError, SubmitError,
    Taking, Tenure, Update, Work,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::bulk_job::JobCommand;
use crate::job_desk::{JobDesk, JobError};
use crate::view::JobView;

/// The name of the lease.
const COMPONENT: &str = "seriatim.jobs";
/// The time between two looks for jobs.
const LOOK: Duration = Duration::from_secs(1);
/// The most letters in hand. Jobs take turns after so many.
const BATCH: usize = 16;
/// The time after which results are recorded, even if not all letters in hand have one.
const RECORD: Duration = Duration::from_millis(500);

/// What a process can decide about. It works only for jobs whose letters are all within its reach, because to any other
/// it would say that there is no such aggregate or component.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// The domains of its aggregates.
    pub domains: BTreeSet<Domain>,
    /// Its components.
    pub components: BTreeSet<Component>,
}

impl Reach {
    fn has(&self, part: &JobPart) -> bool {
        match &part.component {
            Some(component) => self.components.contains(component),
            None => self.domains.contains(&part.domain),
        }
    }
}

/// Works for the jobs of a store in the background. Of several processes on the store one works at a time; if it ends,
/// another goes on when its lease runs out. Dropping it ends it after the current letter; see [`JobRunner::shutdown`].
#[derive(Debug)]
pub struct JobRunner {
    stop: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl JobRunner {
    /// Begins to work. `checkpoints` has the lease, under the name of `owner`. It must be called on a Tokio runtime.
    pub fn start(
        jobs: JobDesk,
        checkpoints: Arc<dyn CheckpointStore>,
        reach: Reach,
        owner: &str,
        lease: Duration,
    ) -> Self {
        let (stop, stopping) = watch::channel(false);
        let runner = Runner {
            jobs,
            checkpoints,
            reach,
            owner: Owner::new(owner),
            lease,
            stop: stopping,
            known: HashMap::new(),
            over: HashSet::new(),
        };
        Self {
            stop,
            task: Mutex::new(Some(tokio::spawn(runner.run()))),
        }
    }

    /// Lets the current letter get its result, and returns. It may be called more than once.
    pub async fn shutdown(&self) {
        self.stop.send_replace(true);
        let task = (self.task.lock())
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(task) = task {
            // This fails only if the runtime ends first.
            let _ = task.await;
        }
    }
}

struct Runner {
    jobs: JobDesk,
    checkpoints: Arc<dyn CheckpointStore>,
    reach: Reach,
    owner: Owner,
    lease: Duration,
    stop: watch::Receiver<bool>,
    /// The jobs that are not over, as they were last read.
    known: HashMap<Uuid, JobView>,
    over: HashSet<Uuid>,
}

impl Runner {
    async fn run(mut self) {
        let mut failed = false;
        while !self.is_stopping() {
            match self.round().await {
                Ok(()) => failed = false,
                Err(error) if !failed => {
                    tracing::warn!(error = error.to_string(), "bulk jobs wait");
                    failed = true;
                }
                Err(_) => {}
            }
            tokio::select! {
                () = sleep(LOOK) => {}
                () = stopped(&mut self.stop) => return,
            }
        }
    }

    fn is_stopping(&self) -> bool {
        *self.stop.borrow() || self.stop.has_changed().is_err()
    }

    /// Works until no job runs any more. Returns at once if none runs, or if another process works.
    async fn round(&mut self) -> Result<(), JobError> {
        if self.running().await?.is_empty() {
            return Ok(());
        }
        let work = Work {
            component: Component::new(COMPONENT).expect("it is a name"),
            partition: LogPartition::FIRST,
            share: Share::WHOLE,
        };
        let taken = self
            .checkpoints
            .take(&work, &self.owner, self.lease)
            .await?;
        let Taking::Taken(tenure) = taken else {
            return Ok(());
        };
        let checkpoints = Arc::clone(&self.checkpoints);
        let lease = self.lease;
        let worked = tokio::select! {
            worked = self.work() => worked,
            lost = keep(&*checkpoints, &tenure, lease) => Ok(lost?),
        };
        // The lease runs out by itself if this fails.
        let _ = checkpoints.release(&tenure).await;
        worked
    }

    async fn work(&mut self) -> Result<(), JobError> {
        loop {
            let running = self.running().await?;
            if running.is_empty() {
                return Ok(());
            }
            let mut trouble = Ok(());
            for id in running {
                if self.is_stopping() {
                    return Ok(());
                }
                // A job that cannot go on now does not keep others waiting.
                trouble = trouble.and(self.batch(id).await);
            }
            trouble?;
        }
    }

    /// Returns the jobs that run and are within reach, oldest first.
    async fn running(&mut self) -> Result<Vec<Uuid>, JobError> {
        let mut running = Vec::new();
        for id in self.jobs.ids().await? {
            if self.over.contains(&id) {
                continue;
            }
            let view = match self.known.remove(&id) {
                Some(mut view) => {
                    self.jobs.refresh(&mut view).await?;
                    view
                }
                None => match self.jobs.read(id).await? {
                    Some(view) => view,
                    None => continue,
                },
            };
            let record = &view.record;
            if record.status.is_final() {
                self.over.insert(id);
                continue;
            }
            if record.status == JobStatus::Running
                && (record.plan.parts.iter()).all(|part| self.reach.has(part))
            {
                running.push(id);
            }
            self.known.insert(id, view);
        }
        Ok(running)
    }

    /// Tries the letters of a job that are in hand, or takes the next few and tries those.
    async fn batch(&mut self, id: Uuid) -> Result<(), JobError> {
        let Some(view) = self.known.get_mut(&id) else {
            return Ok(());
        };
        let is_left = !view.in_hand.is_empty();
        if !is_left {
            let letters = self.jobs.next_letters(view).await?;
            let command = match letters.is_empty() {
                true => JobCommand::Finish,
                false => JobCommand::Take { letters },
            };
            is_done(self.jobs.send(id, &command, None).await)?;
            self.jobs.refresh(view).await?;
        }
        let (mut results, mut recorded) = (Vec::new(), Instant::now());
        let in_hand = view.in_hand.clone();
        for letter in in_hand {
            let stop = *self.stop.borrow() || self.stop.has_changed().is_err();
            if stop || view.record.status != JobStatus::Running {
                break;
            }
            match self.jobs.try_letter(&view.record, letter, is_left).await {
                Ok(result) => results.push(result),
                Err(error) => {
                    self.jobs.record(view, &mut results).await?;
                    return Err(error.into());
                }
            }
            let failed = results.last().is_some_and(|last| {
                last.outcome == JobOutcome::Failed && view.record.stop_at_failure
            });
            if failed || recorded.elapsed() >= RECORD {
                self.jobs.record(view, &mut results).await?;
                recorded = Instant::now();
            }
        }
        self.jobs.record(view, &mut results).await
    }
}

impl JobDesk {
    /// Returns the next letters of a job in the order of their ids; none if it has taken all.
    async fn next_letters(&self, view: &JobView) -> Result<Vec<Uuid>, JobError> {
        let plan = &view.record.plan;
        let mut filter = LetterFilter {
            after: view.last_taken,
            ..view.record.filter.clone()
        };
        loop {
            let page = self.letters().letters(&filter, BATCH).await?;
            let is_last = page.len() < BATCH;
            filter.after = page.last().map(DeadLetter::id).or(filter.after);
            let is_past = page.iter().any(|letter| letter.id() > plan.through);
            let ours = page.iter().filter(|letter| {
                let domain = &letter.stream().domain;
                letter.id() <= plan.through
                    && letter.waits()
                    && plan.parts.iter().any(|part| part.domain == *domain)
            });
            let ours: Vec<_> = ours.map(DeadLetter::id).collect();
            if !ours.is_empty() || is_last || is_past {
                return Ok(ours);
            }
        }
    }

    /// Records results, and reads what became of the job.
    async fn record(
        &self,
        view: &mut JobView,
        results: &mut Vec<JobResult>,
    ) -> Result<(), JobError> {
        if !results.is_empty() {
            let results = std::mem::take(results);
            let command = JobCommand::Record { results };
            is_done(self.send(view.record.id, &command, None).await)?;
        }
        self.refresh(view).await
    }
}

/// A job that stands elsewhere than this process believed is read again.
fn is_done(sent: Result<(), JobError>) -> Result<(), JobError> {
    match sent {
        Err(JobError::Submit(SubmitError::Rejected(_))) => Ok(()),
        sent => sent,
    }
}

/// Extends the lease until it is lost, or until the store has not answered for as long as the lease lasts.
async fn keep(
    checkpoints: &dyn CheckpointStore,
    tenure: &Tenure,
    lease: Duration,
) -> Result<(), JobError> {
    let mut held = Instant::now();
    loop {
        sleep(lease / 3).await;
        let renewed: Result<Hold, StoreError> =
            checkpoints.write(tenure, &Update::Renew, lease).await;
        match renewed {
            Ok(Hold::Held) => held = Instant::now(),
            Ok(Hold::Lost) => {
                tracing::warn!("another process works for the bulk jobs now");
                return Ok(());
            }
            Err(error) if held.elapsed() >= lease => return Err(OperatorError::from(error).into()),
            Err(_) => {}
        }
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // It ends too if nobody can stop it any more.
    let _ = stop.wait_for(|stop| *stop).await;
}
