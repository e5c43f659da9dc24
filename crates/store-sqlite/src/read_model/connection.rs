//! The connection that user code works on. SQLite has one writer at a time, so there is one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Error, SqliteConnection};
use tokio::sync::{Mutex, MutexGuard};

/// How long it waits for others who write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Opened when it is first needed.
pub(crate) struct UserConnection {
    path: PathBuf,
    idle: Mutex<Option<SqliteConnection>>,
}

impl UserConnection {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.into(),
            idle: Mutex::default(),
        }
    }

    /// Waits for its turn. If the caller drops the connection during a transaction, the transaction is rolled back.
    pub(super) async fn get(&self) -> Result<Turn<'_>, Error> {
        let mut idle = self.idle.lock().await;
        let connection = match idle.take() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        Ok(Turn { idle, connection })
    }

    /// A commit need not be synced. A power failure can only take away the end of the file's history, and so the rows
    /// of a read model together with their checkpoint; they are made again.
    async fn connect(&self) -> Result<SqliteConnection, Error> {
        let options = SqliteConnectOptions::new().filename(&self.path);
        let options = options.synchronous(SqliteSynchronous::Normal);
        options.busy_timeout(BUSY_TIMEOUT).connect().await
    }
}

/// The connection, for one who has it to himself.
pub(super) struct Turn<'a> {
    idle: MutexGuard<'a, Option<SqliteConnection>>,
    pub(super) connection: SqliteConnection,
}

impl Turn<'_> {
    /// Keeps the connection for the next caller. It must be in order, and in no transaction.
    pub(super) fn put_back(mut self) {
        *self.idle = Some(self.connection);
    }
}
