//! The connections that user code works on. They do not have the settings for the store's own statements, and each
//! transaction has one of its own.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, Error, PgConnection, Postgres, Transaction};

use crate::opening::connection;
use crate::opening::location::Location;

/// The driver names the statements of user code on the server by numbers that count up from one in each session of
/// ours. A pooler assigns the sessions of the server for each transaction, so another session of ours may have left the
/// same names there.
const FORGET_STATEMENTS: &str = "DO $$
    DECLARE prepared text;
    BEGIN
        FOR prepared IN SELECT name FROM pg_prepared_statements WHERE name LIKE 'sqlx\\_s\\_%' LOOP
            EXECUTE 'DEALLOCATE ' || quote_ident(prepared);
        END LOOP;
    END $$";

/// As many connections are kept open as were needed at once.
pub(crate) struct UserConnections {
    location: Location,
    idle: Mutex<Vec<PgConnection>>,
}

impl UserConnections {
    pub(crate) fn new(location: Location) -> Self {
        Self {
            location,
            idle: Mutex::default(),
        }
    }

    /// If the caller drops it during a transaction, the server sees the connection end and rolls back.
    pub(super) async fn get(&self) -> Result<PgConnection, Error> {
        if let Some(connection) = self.lock().pop() {
            return Ok(connection);
        }
        connection::connect(&self.location.for_users).await
    }

    /// Keeps the connection for the next caller. It must be in order, and in no transaction.
    pub(super) fn put_back(&self, connection: PgConnection) {
        self.lock().push(connection);
    }

    /// After one connection was lost, the other idle ones may be lost too.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    /// Behind a pooler a session keeps no settings, so the message that begins the transaction has them.
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

    /// For the store's own statements: a server that does not answer any more is treated as lost.
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
