//! The writer's connection: one statement for a transaction if no other process has written, four otherwise.

use std::sync::Arc;
use std::time::Duration;

use seriatim_core::{AppendOutcome, LogPartition, Position, StoreErrorKind, Timestamp};
use seriatim_store_sql::Call;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Error, PgConnection, Row};
use uuid::Uuid;

use crate::append::compare::{self, Comparison};
use crate::append::lookup::Lookup;
use crate::append::memory::{Head, Memory};
use crate::append::plan::{self, Plan, Planned};
use crate::append::rows::{Rows, Writes};
use crate::opening::connection;
use crate::opening::driver_error::{self, Meaning};
use crate::opening::location::Location;
use crate::opening::migrations;
use crate::opening::pooling::Pooling;

/// The state that the writer needs besides its connection.
pub(crate) struct Session {
    memory: Memory,
    pooling: Pooling,
    writes: Writes,
    checksums: bool,
    lock: Arc<str>,
    /// The time that an answer may take.
    patience: Duration,
    lookup: Lookup,
    comparison: Comparison,
    /// `true` if no other process has written since this writer did.
    alone: bool,
}

/// The answers of a transaction, call by call.
pub(crate) type Answers = Vec<Vec<AppendOutcome>>;

/// The reason why a transaction has no answer.
pub(crate) enum Failure {
    /// Nothing was written.
    NotWritten(Error),
    /// The connection was lost after everything was sent. The value is what is needed to find out whether it was
    /// written.
    Unknown(Sent, Error),
}

/// A transaction that was sent.
pub(crate) struct Sent {
    /// Its name, if it was committed.
    pub(crate) batch: Uuid,
    /// The revision that it must find to write.
    pub(crate) revision: i64,
    pub(crate) answers: Answers,
}

impl Session {
    pub(crate) fn new(location: &Location, partition: LogPartition) -> Self {
        let schema = &location.schema;
        let pooling = Pooling::of(location);
        Self {
            memory: Memory::default(),
            writes: Writes::of(schema, partition),
            checksums: location.checksums,
            patience: location.answer_timeout(),
            // One message, one round trip.
            lock: format!(
                "{begin};
                 SELECT position, recorded_at, revision, batch, {last_made} FROM {schema}.seriatim_log_head
                 WHERE partition = {partition} FOR UPDATE",
                begin = pooling.begin(),
                last_made = migrations::last_made(schema),
            )
            .into(),
            lookup: Lookup::new(schema, pooling.clone()),
            comparison: Comparison::new(schema, partition, pooling.clone()),
            pooling,
            alone: true,
        }
    }

    /// Must be called after a failure, because it is not known what was written and whether a new domain has stayed.
    pub(crate) fn forget(&mut self) {
        self.memory = Memory::default();
    }

    /// Does all of `calls` in one transaction.
    pub(crate) async fn transact(
        &mut self,
        connection: &mut PgConnection,
        calls: &[Call],
    ) -> Result<Answers, Failure> {
        if calls.iter().all(compare::only_compares) {
            let compared = self.comparison.run(connection, calls);
            return within(self.patience, compared)
                .await
                .map_err(Failure::NotWritten);
        }
        if self.alone
            && let Some(answers) = self.transact_alone(connection, calls).await?
        {
            return Ok(answers);
        }
        let mut attempts = 0;
        loop {
            match self.transact_locked(connection, calls).await {
                Err(Failure::NotWritten(error)) => {
                    if driver_error::meaning(&error) != Meaning::Lost {
                        // A new domain does not exist any more.
                        self.memory = Memory::default();
                        let roll_back = sqlx::raw_sql("ROLLBACK").execute(&mut *connection);
                        within(self.patience, roll_back)
                            .await
                            .map_err(Failure::NotWritten)?;
                    }
                    attempts += 1;
                    if driver_error::meaning(&error) != Meaning::Again || attempts == 3 {
                        return Err(Failure::NotWritten(error));
                    }
                }
                other => return other,
            }
        }
    }

    /// Writes on the basis of what is remembered, in one statement that is its own transaction. `None` means that the
    /// log is not as remembered or that something would be refused; nothing was written.
    async fn transact_alone(
        &mut self,
        connection: &mut PgConnection,
        calls: &[Call],
    ) -> Result<Option<Answers>, Failure> {
        let Some(head) = self.memory.head() else {
            return Ok(None);
        };
        let mut plan = Plan::from_memory(&self.memory, head, Rows::new(self.checksums));
        let answers: Result<Answers, _> =
            calls.iter().map(|call| plan.call(&call.appends)).collect();
        let Ok(mut answers) = answers else {
            return Ok(None);
        };
        let mut planned = plan.finish();
        let statement = (planned.rows).statement(&self.writes, head, planned.head);
        // All rows: the commit is durable only after the last message of the answer.
        let written = self.pooling.fetch_all(connection, statement);
        match within(self.patience, written).await {
            Ok(rows) if rows.is_empty() => Ok(None),
            Ok(rows) => {
                let time = time(rows.first()).map_err(Failure::NotWritten)?;
                plan::recorded(&mut answers, time);
                planned.recorded(time);
                self.memory.learn(planned.head(), planned.lasts);
                Ok(Some(answers))
            }
            Err(error) => match driver_error::meaning(&error) {
                Meaning::KeyTaken | Meaning::Again => Ok(None),
                // A newer program may have migrated the tables, which is found out under the lock.
                Meaning::Refused(StoreErrorKind::Corrupt) => Ok(None),
                Meaning::Refused(_) => Err(Failure::NotWritten(error)),
                Meaning::Lost => Err(Failure::Unknown(
                    Sent {
                        batch: planned.head.batch,
                        revision: head.revision,
                        answers,
                    },
                    error,
                )),
            },
        }
    }

    /// Takes the lock of the head first, looks everything up, and then writes. Writers take turns by that lock, so no
    /// two of them can conflict.
    async fn transact_locked(
        &mut self,
        connection: &mut PgConnection,
        calls: &[Call],
    ) -> Result<Answers, Failure> {
        let lock = sqlx::raw_sql(AssertSqlSafe(self.lock.clone())).fetch_all(&mut *connection);
        let rows = within(self.patience, lock)
            .await
            .map_err(Failure::NotWritten)?;
        let head = head(rows.first()).map_err(Failure::NotWritten)?;
        self.alone = self.memory.head().is_none_or(|known| known == head);
        self.memory.keep_if_unchanged(head);
        let (answers, planned) = self
            .look_and_write(connection, head, calls)
            .await
            .map_err(Failure::NotWritten)?;
        // Also if only the number of a new domain was written.
        let commit = sqlx::raw_sql("COMMIT").execute(connection);
        if let Err(error) = within(self.patience, commit).await {
            return Err(match driver_error::meaning(&error) {
                Meaning::Lost if !planned.rows.is_empty() => Failure::Unknown(
                    Sent {
                        batch: planned.head.batch,
                        revision: head.revision,
                        answers,
                    },
                    error,
                ),
                _ => Failure::NotWritten(error),
            });
        }
        self.memory.learn(planned.head(), planned.lasts);
        Ok(answers)
    }

    async fn look_and_write(
        &mut self,
        connection: &mut PgConnection,
        head: Head,
        calls: &[Call],
    ) -> Result<(Answers, Planned), Error> {
        let appends = || calls.iter().flat_map(|call| &call.appends);
        let domains = (self.lookup).domains(connection, &mut self.memory, appends());
        within(self.patience, domains).await?;
        let found = (self.lookup).streams_and_claims(connection, &self.memory, appends());
        let found = within(self.patience, found).await?;
        let mut plan = Plan::from_sight(&self.memory, head, found, Rows::new(self.checksums));
        let answers: Result<Answers, _> =
            calls.iter().map(|call| plan.call(&call.appends)).collect();
        let mut answers = answers.expect("everything was looked up");
        let mut planned = plan.finish();
        if !planned.rows.is_empty() {
            let statement = (planned.rows).statement(&self.writes, head, planned.head);
            let statement = self.pooling.in_transaction(statement);
            let written = within(self.patience, statement.fetch_all(connection)).await?;
            let time = time(written.first())?;
            plan::recorded(&mut answers, time);
            planned.recorded(time);
        }
        Ok((answers, planned))
    }
}

/// A server that does not answer any more is treated as lost.
async fn within<T>(
    patience: Duration,
    answer: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let answer = tokio::time::timeout(patience, answer).await;
    answer.unwrap_or_else(|_| Err(connection::timed_out()))
}

/// Returns the time of the write; there is no row if nothing was written.
fn time(row: Option<&PgRow>) -> Result<Timestamp, Error> {
    let time = row.ok_or(Error::RowNotFound)?.try_get(0)?;
    Ok(Timestamp::from_micros(time))
}

/// The head of the log is made with its table.
fn head(row: Option<&PgRow>) -> Result<Head, Error> {
    let row = row.ok_or(Error::RowNotFound)?;
    migrations::check_unchanged(row.try_get(4)?)?;
    let position: i64 = row.try_get(0)?;
    Ok(Head {
        position: Position(u64::try_from(position).map_err(|error| Error::Decode(error.into()))?),
        recorded_at: Timestamp::from_micros(row.try_get(1)?),
        revision: row.try_get(2)?,
        batch: row.try_get(3)?,
    })
}
