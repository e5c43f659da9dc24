//! The connections that user code works on: without the settings that suit the store's own statements, and one for
//! each transaction at a time.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, Error, PgConnection, Postgres, Transaction};

use crate::connection;
use crate::location::Location;

/// The driver gives the statements of user code names on the server, which count up from one in each session of ours. The
/// sessions of the server are handed out by the transaction, so another one may have left the same names there.
const FORGET_STATEMENTS: &str = "DO $$
    DECLARE prepared text;
    BEGIN
        FOR prepared IN SELECT name FROM pg_prepared_statements WHERE name LIKE 'sqlx\\_s\\_%' LOOP
            EXECUTE 'DEALLOCATE ' || quote_ident(prepared);
        END LOOP;
    END $$";

/// Kept open as many as were needed at once.
pub(crate) struct Connections {
    location: Location,
    idle: Mutex<Vec<PgConnection>>,
}

impl Connections {
    pub(crate) fn new(location: Location) -> Self {
        Self {
            location,
            idle: Mutex::default(),
        }
    }

    /// Whoever drops it in the middle of a transaction undoes that: the server sees the connection end.
    pub(super) async fn get(&self) -> Result<PgConnection, Error> {
        if let Some(connection) = self.lock().pop() {
            return Ok(connection);
        }
        connection::connect(&self.location.for_users).await
    }

    /// For the next one. Only what is in order, and in no transaction.
    pub(super) fn put_back(&self, connection: PgConnection) {
        self.lock().push(connection);
    }

    /// After one was lost the others that wait are in doubt.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    /// Behind a pooler a session keeps no settings: there the message that begins the transaction has them.
    pub(super) async fn begin<'c>(
        &self,
        connection: &'c mut PgConnection,
        characteristics: &str,
    ) -> Result<Transaction<'c, Postgres>, Error> {
        let mut begin = format!("BEGIN {characteristics}");
        if self.location.pooled {
            for (name, value) in self.location.patience() {
                begin.push_str(&format!("; SET LOCAL {name} = '{value}'"));
            }
            begin.push_str("; ");
            begin.push_str(FORGET_STATEMENTS);
        }
        self.within(connection.begin_with(AssertSqlSafe(begin)))
            .await
    }

    /// For statements of the store's own: a server that does not answer any more is as good as lost.
    pub(super) async fn within<T>(
        &self,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let patience: Duration = self.location.answer_timeout();
        let answer = tokio::time::timeout(patience, answer).await;
        answer.unwrap_or_else(|_| Err(connection::timed_out()))
    }

    /// Nothing panics while the lock is held.
    fn lock(&self) -> MutexGuard<'_, Vec<PgConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
