//! Finds out what became of a transaction whose answer was lost, before any sender gets an answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use seriatim_core::{LogPartition, Timestamp};
use sqlx::{AssertSqlSafe, Error, PgConnection, Row};
use uuid::Uuid;

use crate::opening::connection;
use crate::opening::driver_error::{self, Meaning};
use crate::opening::location::Location;
use crate::opening::pooling::Pooling;

/// The time for which it tries; a server that was killed is usually back by then.
const PATIENCE: Duration = Duration::from_secs(15);

/// The outcome of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Written, at this time.
    Written(Timestamp),
    /// Not written, and it never will be.
    NotWritten,
    /// Other processes have written since, or no server answers.
    Unknown,
}

/// Finds out about transactions.
pub(crate) struct Settler {
    pooling: Pooling,
    fence: Arc<str>,
    look: Arc<str>,
}

impl Settler {
    pub(crate) fn new(location: &Location, partition: LogPartition) -> Self {
        let schema = &location.schema;
        Self {
            pooling: Pooling::of(location),
            fence: format!(
                "UPDATE {schema}.seriatim_log_head SET revision = revision + 1, batch = $2
                 WHERE partition = {partition} AND revision = $1 RETURNING revision"
            )
            .into(),
            // It changes nothing, but its commit comes after all commits before it. So what it finds is as durable as
            // any answer, even if commits wait for a standby and the server has come back without having waited.
            look: format!(
                "UPDATE {schema}.seriatim_log_head SET batch = batch
                 WHERE partition = {partition} RETURNING batch, recorded_at"
            )
            .into(),
        }
    }

    /// `batch` was sent on a connection that is lost; it writes only if it finds `revision`.
    pub(crate) async fn settle(
        &self,
        location: &Location,
        batch: Uuid,
        revision: i64,
    ) -> (Fate, Option<PgConnection>) {
        let give_up = Instant::now() + PATIENCE;
        let fence = Uuid::now_v7();
        loop {
            let tried = tokio::time::timeout(
                location.answer_timeout(),
                self.attempt(location, batch, revision, fence),
            );
            let tried = tried.await.unwrap_or_else(|_| Err(connection::timed_out()));
            match tried {
                Ok((fate, connection)) => return (fate, Some(connection)),
                Err(error) if Instant::now() < give_up && worth_another_try(&error) => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(error) => {
                    tracing::warn!(
                        error = error.to_string(),
                        "the fate of a batch could not be found out"
                    );
                    return (Fate::Unknown, None);
                }
            }
        }
    }

    /// The lost connection may still be active on the server, or its transaction may not even have begun. The first to
    /// take the revision wins: if the revision is still there, this takes it, and the lost transaction can then write
    /// nothing. The update waits for a transaction that holds the head.
    async fn attempt(
        &self,
        location: &Location,
        batch: Uuid,
        revision: i64,
        fence: Uuid,
    ) -> Result<(Fate, PgConnection), Error> {
        let mut connection = connection::connect(&location.connect).await?;
        let take = sqlx::query(AssertSqlSafe(self.fence.clone()))
            .bind(revision)
            .bind(fence);
        let taken = self.pooling.fetch_all(&mut connection, take).await?;
        if !taken.is_empty() {
            return Ok((Fate::NotWritten, connection));
        }
        let look = sqlx::query(AssertSqlSafe(self.look.clone()));
        let rows = self.pooling.fetch_all(&mut connection, look).await?;
        let head = rows.first().ok_or(Error::RowNotFound)?;
        let last: Uuid = head.try_get(0)?;
        let fate = if last == batch {
            Fate::Written(Timestamp::from_micros(head.try_get(1)?))
        } else if last == fence {
            // An earlier attempt took it and lost the answer.
            Fate::NotWritten
        } else {
            Fate::Unknown
        };
        Ok((fate, connection))
    }
}

fn worth_another_try(error: &Error) -> bool {
    // The lost transaction may hold the head until the server ends it.
    let is_held = driver_error::code(error).as_deref() == Some("55P03");
    // If the login is refused, a further try is useless.
    let may_pass = driver_error::kind(error).is_transient();
    is_held || (may_pass && matches!(driver_error::meaning(error), Meaning::Lost | Meaning::Again))
}
