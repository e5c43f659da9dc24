//! The task that writes to a partition, on a connection of its own: it puts all waiting jobs into one transaction.

use std::sync::Arc;

use seriatim_core::{
    Append, AppendError, AppendOutcome, LogPartition, Position, StoreError, StoreErrorKind,
};
use sqlx::{Error, PgConnection};
use tokio::sync::{mpsc, oneshot};

use crate::commits::Commits;
use crate::connection;
use crate::driver_error::{self, Meaning};
use crate::location::Location;
use crate::plan;
use crate::session::{Answers, Failure, Session};
use crate::settle::{Fate, Settler};

/// The number of calls that may share a transaction. Its only purpose is to limit how long the first one waits for the
/// last one.
const CALLS_IN_ONE: usize = 64;

/// The most times that a transaction is sent, if it is known to have written nothing because its connection was lost.
const ATTEMPTS: usize = 3;

const APPEND: &str = "append a batch";

/// The handle on the task, which ends with it after finishing what was queued.
pub(crate) struct Writer {
    jobs: mpsc::UnboundedSender<Job>,
}

/// One call of `append`.
pub(crate) struct Job {
    pub(crate) batch: Vec<Append>,
    reply: oneshot::Sender<Result<Vec<AppendOutcome>, AppendError>>,
}

impl Writer {
    pub(crate) fn start(
        partition: LogPartition,
        connection: Option<PgConnection>,
        location: Arc<Location>,
        commits: Commits,
    ) -> Self {
        let (jobs, queue) = mpsc::unbounded_channel();
        let task = Task {
            partition,
            session: Session::new(&location, partition),
            settler: Settler::new(&location, partition),
            connection,
            location,
            commits,
        };
        tokio::spawn(task.run(queue));
        Self { jobs }
    }

    /// Queues a batch.
    pub(crate) fn append(&self, batch: Vec<Append>) -> Result<Pending, AppendError> {
        if batch.is_empty() {
            return Ok(Pending(None));
        }
        let (reply, answer) = oneshot::channel();
        let queued = self.jobs.send(Job { batch, reply });
        queued.map_err(|_| AppendError::NotWritten(ended()))?;
        Ok(Pending(Some(answer)))
    }
}

/// A batch that was queued; `None` is an empty batch, for which nothing is to be done.
pub(crate) struct Pending(Option<oneshot::Receiver<Result<Vec<AppendOutcome>, AppendError>>>);

impl Pending {
    pub(crate) async fn answer(self) -> Result<Vec<AppendOutcome>, AppendError> {
        match self.0 {
            None => Ok(Vec::new()),
            // Without an answer, the task has ended before the batch was done.
            Some(answer) => {
                let answer = answer.await;
                answer.unwrap_or_else(|_| Err(AppendError::Unknown(ended())))
            }
        }
    }
}

fn ended() -> StoreError {
    let why = "its writing task has ended; restart the program";
    StoreError::new(APPEND, StoreErrorKind::Unavailable, why)
}

struct Task {
    partition: LogPartition,
    location: Arc<Location>,
    session: Session,
    settler: Settler,
    connection: Option<PgConnection>,
    commits: Commits,
}

impl Task {
    async fn run(mut self, mut queue: mpsc::UnboundedReceiver<Job>) {
        while let Some(first) = queue.recv().await {
            let mut jobs = vec![first];
            while jobs.len() < CALLS_IN_ONE
                && let Ok(job) = queue.try_recv()
            {
                jobs.push(job);
            }
            self.work(jobs).await;
        }
    }

    /// Does all of `jobs` in one transaction. If the server refuses that, they are tried one by one, so that no job
    /// fails because of the size or content of another.
    async fn work(&mut self, jobs: Vec<Job>) {
        match self.transact(&jobs).await {
            Ok(answers) => self.answer(jobs, answers),
            Err(refusal) if refusal.may_be_one_jobs_own && jobs.len() > 1 => {
                for job in jobs {
                    let alone = [job];
                    let result = self.transact(&alone).await;
                    match result {
                        Ok(answers) => self.answer(alone, answers),
                        Err(refusal) => fail(alone, &refusal.error),
                    }
                }
            }
            Err(refusal) => fail(jobs, &refusal.error),
        }
    }

    /// A caller that is gone is not an error.
    fn answer(&self, jobs: impl IntoIterator<Item = Job>, answers: Answers) {
        if let Some(position) = last_written(&answers) {
            self.commits.committed(self.partition, position);
        }
        for (job, outcomes) in jobs.into_iter().zip(answers) {
            let _ = job.reply.send(Ok(outcomes));
        }
    }

    async fn transact(&mut self, jobs: &[Job]) -> Result<Answers, Refusal> {
        let mut attempt = 1;
        loop {
            let mut connection = match self.connection.take() {
                Some(connection) => connection,
                None => {
                    let connected = connection::connect(&self.location.connect).await;
                    connected.map_err(Refusal::not_written)?
                }
            };
            let failure = match self.session.transact(&mut connection, jobs).await {
                Ok(answers) => {
                    self.connection = Some(connection);
                    return Ok(answers);
                }
                Err(failure) => failure,
            };
            self.session.forget();
            let error = match failure {
                Failure::NotWritten(error) => {
                    if driver_error::meaning(&error) != Meaning::Lost {
                        // Not a connection to a standby: the next one may find the new primary.
                        if driver_error::kind(&error) != StoreErrorKind::ReadOnly {
                            self.connection = Some(connection);
                        }
                        return Err(Refusal::not_written(error));
                    }
                    error
                }
                Failure::Unknown(mut sent, error) => {
                    drop(connection);
                    tracing::warn!(
                        error = error.to_string(),
                        "the connection was lost during a commit"
                    );
                    let (batch, revision) = (sent.batch, sent.revision);
                    let settled = self.settler.settle(&self.location, batch, revision).await;
                    self.connection = settled.1;
                    match settled.0 {
                        Fate::Written(time) => {
                            plan::recorded(&mut sent.answers, time);
                            return Ok(sent.answers);
                        }
                        Fate::NotWritten => error,
                        Fate::Unknown => return Err(Refusal::unknown(error)),
                    }
                }
            };
            if attempt == ATTEMPTS {
                return Err(Refusal::not_written(error));
            }
            attempt += 1;
        }
    }
}

/// The reason why a transaction failed.
struct Refusal {
    error: AppendError,
    /// `true` if the size or content of one job may be the cause.
    may_be_one_jobs_own: bool,
}

impl Refusal {
    fn not_written(error: Error) -> Self {
        Self {
            may_be_one_jobs_own: driver_error::meaning(&error) != Meaning::Lost,
            error: AppendError::NotWritten(driver_error::store_error(APPEND, error)),
        }
    }

    fn unknown(error: Error) -> Self {
        Self {
            may_be_one_jobs_own: false,
            error: AppendError::Unknown(driver_error::store_error(APPEND, error)),
        }
    }
}

/// Returns how far the log has come, if anything was written.
fn last_written(answers: &Answers) -> Option<Position> {
    let outcomes = answers.iter().rev().flat_map(|job| job.iter().rev());
    let mut positions = outcomes.filter_map(|outcome| match outcome {
        AppendOutcome::Written { position, .. } => Some(*position),
        AppendOutcome::Conflict { .. } | AppendOutcome::Claimed(_) | AppendOutcome::StreamFull => {
            None
        }
    });
    positions.next()
}

fn fail(jobs: impl IntoIterator<Item = Job>, error: &AppendError) {
    for job in jobs {
        let _ = job.reply.send(Err(match error {
            AppendError::NotWritten(cause) => AppendError::NotWritten(cause.clone()),
            AppendError::Unknown(cause) => AppendError::Unknown(cause.clone()),
        }));
    }
}
