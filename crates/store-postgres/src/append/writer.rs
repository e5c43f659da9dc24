//! The task that writes to a partition, on a connection of its own: it puts all waiting calls into one transaction.

use std::sync::Arc;
use std::time::Instant;

use seriatim_core::{
    Append, AppendError, AppendOutcome, LogPartition, Position, StoreError, StoreErrorKind,
};
use seriatim_store_sql::{
    APPEND, Call, CommitMeter, Failures, Pace, fill, may_be_of_one_call, others_first,
};
use sqlx::{Error, PgConnection};
use tokio::sync::mpsc;

use crate::append::commits::Commits;
use crate::append::plan;
use crate::append::session::{Answers, Failure, Session};
use crate::append::settle::{Fate, Settler};
use crate::opening::connection;
use crate::opening::driver_error::{self, Meaning};
use crate::opening::location::Location;

/// The most times that a transaction is sent, if it is known to have written nothing because its connection was lost.
const ATTEMPTS: usize = 3;

/// The handle on the task, which ends with it after finishing what was queued.
pub(crate) struct Writer {
    calls: mpsc::UnboundedSender<Call>,
}

impl Writer {
    pub(crate) fn start(
        partition: LogPartition,
        connection: Option<PgConnection>,
        location: Arc<Location>,
        commits: Commits,
    ) -> Self {
        let (calls, queue) = mpsc::unbounded_channel();
        let task = Task {
            partition,
            session: Session::new(&location, partition),
            settler: Settler::new(&location, partition),
            connection,
            location,
            commits,
            meter: CommitMeter::default(),
        };
        tokio::spawn(task.run(queue));
        Self { calls }
    }

    pub(crate) async fn append(
        &self,
        appends: Vec<Append>,
    ) -> Result<Vec<AppendOutcome>, AppendError> {
        let (call, answer) = Call::new(appends);
        if self.calls.send(call).is_err() {
            let why = "its writing task has ended; restart the program";
            let error = StoreError::new(APPEND, StoreErrorKind::Unavailable, why);
            return Err(AppendError::NotWritten(error));
        }
        answer.get().await
    }
}

struct Task {
    partition: LogPartition,
    location: Arc<Location>,
    session: Session,
    settler: Settler,
    connection: Option<PgConnection>,
    commits: Commits,
    meter: CommitMeter,
}

impl Task {
    async fn run(mut self, mut queue: mpsc::UnboundedReceiver<Call>) {
        let (mut held, mut share) = (None, usize::MAX);
        let mut pace = Pace::default();
        loop {
            let first = match held.take() {
                Some(held) => held,
                None => match queue.recv().await {
                    Some(call) => call,
                    None => return,
                },
            };
            let mut left = 1..share;
            let next = || left.next().and_then(|_| queue.try_recv().ok());
            let (calls, rest) = fill(first, next, Call::size);
            held = rest;
            let (answered, begun) = (calls.len(), Instant::now());
            self.work(calls).await;
            pace.committed(answered, begun.elapsed());

            let waiting = queue.len() + usize::from(held.is_some());
            share = pace.share(waiting + answered);
            if answered > 1 && waiting < share {
                let begun = Instant::now();
                others_first().await;
                if waiting == 0 {
                    pace.decided(answered, begun.elapsed());
                }
            }
        }
    }

    /// Does all of `calls` in one transaction. If the server refuses that, their halves are tried, so that no call fails
    /// because of the size or the content of another.
    async fn work(&mut self, calls: Vec<Call>) {
        let mut failures = Failures::default();
        let mut left = vec![calls];
        while let Some(mut calls) = left.pop() {
            match self.transact(&calls).await {
                Ok(answers) => self.answer(calls, answers),
                Err(refusal) if refusal.may_be_of_one_call && calls.len() > 1 => {
                    left.push(calls.split_off(calls.len() / 2));
                    left.push(calls);
                }
                Err(refusal) => {
                    failures.add(calls.len(), &refusal.error);
                    calls.into_iter().for_each(|call| call.fail(&refusal.error));
                }
            }
        }
        failures.log();
    }

    fn answer(&self, calls: Vec<Call>, answers: Answers) {
        self.meter.committed(answers.iter().map(Vec::len).sum());
        if let Some(position) = last_written(&answers) {
            self.commits.committed(self.partition, position);
        }
        for (call, outcomes) in calls.into_iter().zip(answers) {
            call.answer(outcomes);
        }
    }

    async fn transact(&mut self, calls: &[Call]) -> Result<Answers, Refusal> {
        let mut attempt = 1;
        loop {
            let mut connection = match self.connection.take() {
                Some(connection) => connection,
                None => {
                    let connected = connection::connect(&self.location.connect).await;
                    connected.map_err(Refusal::not_written)?
                }
            };
            let failure = match self.session.transact(&mut connection, calls).await {
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
    may_be_of_one_call: bool,
}

impl Refusal {
    fn not_written(error: Error) -> Self {
        let lost = driver_error::meaning(&error) == Meaning::Lost;
        // Too much for the time of a statement, or for the memory of the server.
        let code = driver_error::code(&error);
        let too_large = matches!(code.as_deref(), Some("57014" | "53200"));
        let error = driver_error::store_error(APPEND, error);
        Self {
            may_be_of_one_call: !lost && (too_large || may_be_of_one_call(&error)),
            error: AppendError::NotWritten(error),
        }
    }

    fn unknown(error: Error) -> Self {
        Self {
            may_be_of_one_call: false,
            error: AppendError::Unknown(driver_error::store_error(APPEND, error)),
        }
    }
}

/// Returns how far the log has come, if anything was written.
fn last_written(answers: &Answers) -> Option<Position> {
    let outcomes = answers.iter().rev().flat_map(|call| call.iter().rev());
    let mut positions = outcomes.filter_map(|outcome| match outcome {
        AppendOutcome::Written { position, .. } => Some(*position),
        AppendOutcome::Conflict { .. } | AppendOutcome::Claimed(_) | AppendOutcome::StreamFull => {
            None
        }
    });
    positions.next()
}
