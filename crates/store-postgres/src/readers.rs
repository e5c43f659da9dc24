//! The connections that read. They are kept open, handed out without asking the server, and dropped when in doubt.

use std::sync::{Arc, Mutex, PoisonError};

use seriatim_core::StoreError;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Error, PgConnection, Postgres, Row};
use tokio::sync::Semaphore;

use crate::connection;
use crate::driver_error::{self, Meaning};
use crate::location::Location;
use crate::migrations;
use crate::pooling::Pooling;

/// A small pool. The driver's own pool asks the server whether a connection is alive each time it is given back, which
/// is a round trip for every query.
pub(crate) struct Readers {
    location: Location,
    pooling: Pooling,
    free: Semaphore,
    idle: Mutex<Vec<PgConnection>>,
}

impl Readers {
    pub(crate) fn new(location: Location) -> Self {
        Self {
            free: Semaphore::new(location.readers),
            idle: Mutex::default(),
            pooling: Pooling::of(&location),
            location,
        }
    }

    /// Runs a query, which must be one that may be run twice. `action` is what it does, as a verb phrase.
    pub(crate) async fn read(
        &self,
        action: &'static str,
        query: impl Fn() -> Query<'static, Postgres, PgArguments>,
    ) -> Result<Vec<PgRow>, StoreError> {
        let rows = self.rows(query).await;
        let error = match rows {
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

    async fn check_schema(&self) -> Result<(), Error> {
        let select: Arc<str> =
            format!("SELECT {}", migrations::last_made(&self.location.schema)).into();
        let rows = self
            .rows(|| sqlx::query(AssertSqlSafe(select.clone())))
            .await?;
        let row = rows.first().ok_or(Error::RowNotFound)?;
        migrations::check_unchanged(row.try_get(0)?)
    }

    /// The same with the driver's error.
    ///
    /// A connection that was idle may be lost unnoticed, and then all idle ones are; in this case a new one is used. A
    /// connection whose query is dropped before its end is not used again.
    pub(crate) async fn rows(
        &self,
        query: impl Fn() -> Query<'static, Postgres, PgArguments>,
    ) -> Result<Vec<PgRow>, Error> {
        let _permit = self.free.acquire().await.map_err(|_| Error::PoolClosed)?;
        if let Some(mut connection) = self.take() {
            match self.answer(&mut connection, query()).await {
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
        let result = self.answer(&mut connection, query()).await;
        let lost = |error| driver_error::meaning(error) == Meaning::Lost;
        if !result.as_ref().err().is_some_and(lost) {
            self.lock().push(connection);
        }
        result
    }

    async fn answer(
        &self,
        connection: &mut PgConnection,
        query: Query<'static, Postgres, PgArguments>,
    ) -> Result<Vec<PgRow>, Error> {
        let answer = self.pooling.fetch_all(connection, query);
        let answer = tokio::time::timeout(self.location.answer_timeout(), answer);
        answer
            .await
            .unwrap_or_else(|_| Err(connection::timed_out()))
    }

    fn take(&self) -> Option<PgConnection> {
        self.lock().pop()
    }

    /// Nothing panics while the lock is held.
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<PgConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
