//! The connections for everything but appends: they read, and write checkpoints, timers, snapshots and letters. They are
//! kept open, handed out without asking the server, and dropped when in doubt.

use std::sync::{Mutex, MutexGuard, PoisonError};

use seriatim_core::StoreError;
use sqlx::postgres::PgRow;
use sqlx::{Error, PgConnection, Row};
use tokio::sync::Semaphore;

use crate::opening::connection;
use crate::opening::driver_error::{self, Meaning};
use crate::opening::location::Location;
use crate::opening::migrations;
use crate::opening::pooling::Pooling;
use crate::statement::{Schema, Statement};

/// A small pool. The driver's own pool asks the server whether a connection is alive each time it is given back, which
/// is a round trip for every query.
pub(crate) struct Connections {
    location: Location,
    schema: Schema,
    pooling: Pooling,
    free: Semaphore,
    idle: Mutex<Vec<PgConnection>>,
}

impl Connections {
    pub(crate) fn new(location: Location) -> Self {
        Self {
            free: Semaphore::new(location.connections),
            idle: Mutex::default(),
            schema: Schema::new(&location.schema),
            pooling: Pooling::of(&location),
            location,
        }
    }

    /// The schema of the tables.
    pub(crate) fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Runs a statement, which must be one that may be run twice, and returns its rows. `action` is what it does, as a
    /// verb phrase.
    pub(crate) async fn fetch(
        &self,
        action: &'static str,
        statement: impl Fn() -> Statement,
    ) -> Result<Vec<PgRow>, StoreError> {
        self.fetch_into(action, statement, Vec::new).await
    }

    /// The same, with the rows added to what `empty` makes, each as soon as it arrives. What is done with a row is then
    /// done while the server prepares the next.
    pub(crate) async fn fetch_into<R: Extend<PgRow>>(
        &self,
        action: &'static str,
        statement: impl Fn() -> Statement,
        empty: impl Fn() -> R,
    ) -> Result<R, StoreError> {
        let error = match self.rows_into(statement, empty).await {
            Ok(rows) => return Ok(rows),
            Err(error) => error,
        };
        // A table or a column that does not exist.
        let does_not_fit = matches!(
            driver_error::code(&error).as_deref(),
            Some("42P01" | "42703")
        );
        let changed = match does_not_fit {
            true => self.check_schema().await.err(),
            false => None,
        };
        Err(driver_error::store_error(action, changed.unwrap_or(error)))
    }

    /// The same, with each row decoded.
    pub(crate) async fn fetch_as<T>(
        &self,
        action: &'static str,
        statement: impl Fn() -> Statement,
        decode: impl Fn(&PgRow) -> Result<T, Error>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = self.fetch(action, statement).await?;
        let decoded: Result<_, _> = rows.iter().map(decode).collect();
        decoded.map_err(|error| driver_error::store_error(action, error))
    }

    async fn check_schema(&self) -> Result<(), Error> {
        let select = "SELECT max(number) FROM seriatim_migrations";
        let rows = self.rows(|| self.schema.statement(select)).await?;
        let row = rows.first().ok_or(Error::RowNotFound)?;
        migrations::check_unchanged(row.try_get(0)?)
    }

    /// The same as [`Connections::fetch`] with the driver's error.
    pub(crate) async fn rows(
        &self,
        statement: impl Fn() -> Statement,
    ) -> Result<Vec<PgRow>, Error> {
        self.rows_into(statement, Vec::new).await
    }

    /// The same as [`Connections::fetch_into`] with the driver's error.
    ///
    /// A connection that was idle may be lost unnoticed, and then all idle ones are; in this case a new one is used. A
    /// connection whose statement is dropped before its end is not used again.
    async fn rows_into<R: Extend<PgRow>>(
        &self,
        statement: impl Fn() -> Statement,
        empty: impl Fn() -> R,
    ) -> Result<R, Error> {
        let _permit = self.free.acquire().await.map_err(|_| Error::PoolClosed)?;
        let idle = self.lock().pop();
        if let Some(mut connection) = idle {
            match self.answer(&mut connection, statement(), empty()).await {
                Err(error) if driver_error::meaning(&error) == Meaning::Lost => {
                    self.lock().clear();
                }
                result => {
                    self.lock().push(connection);
                    return result;
                }
            }
        }
        let mut connection = connection::connect(&self.location.connect).await?;
        let result = self.answer(&mut connection, statement(), empty()).await;
        let lost = |error| driver_error::meaning(error) == Meaning::Lost;
        if !result.as_ref().err().is_some_and(lost) {
            self.lock().push(connection);
        }
        result
    }

    async fn answer<R: Extend<PgRow>>(
        &self,
        connection: &mut PgConnection,
        statement: Statement,
        mut rows: R,
    ) -> Result<R, Error> {
        let answer = self.pooling.fetch_into(connection, statement, &mut rows);
        let answer = tokio::time::timeout(self.location.answer_timeout(), answer);
        answer
            .await
            .unwrap_or_else(|_| Err(connection::timed_out()))?;
        Ok(rows)
    }

    /// Nothing panics while the lock is held.
    fn lock(&self) -> MutexGuard<'_, Vec<PgConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
