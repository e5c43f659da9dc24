//! The connection that user code works on. SQLite has one writer at a time, so there is one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use seriatim_core::{ReactionError, StoreError};
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Error, SqliteConnection};
use tokio::sync::{Mutex, MutexGuard};

use super::fault::{self, ACTION};
use crate::append::writer::Writer;
use crate::opening::damage::Damage;
use crate::opening::files::Files;

/// The time for which it waits for others who write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Opened when it is first needed.
pub(crate) struct UserConnection {
    path: PathBuf,
    damage: Damage,
    kept: Mutex<Kept>,
}

struct Kept {
    idle: Option<SqliteConnection>,
    files: Files,
}

impl UserConnection {
    pub(crate) fn new(path: &Path, damage: Damage) -> Self {
        let kept = Kept {
            idle: None,
            files: Files::of(path),
        };
        Self {
            path: path.into(),
            damage,
            kept: Mutex::new(kept),
        }
    }

    /// Waits for its turn. If the caller drops the connection during a transaction, the transaction is rolled back. Fails
    /// if the store writes nothing more; where the files are in doubt, `writer` clears that up.
    pub(super) async fn get(&self, writer: &Writer) -> Result<Turn<'_>, StoreError> {
        let mut kept = self.kept.lock().await;
        if let Some(damage) = self.damage.found() {
            return Err(damage.clone());
        }
        if !kept.files.are_as_before() {
            writer.change(ACTION, |_| Ok(())).await?;
            kept.files.accept();
        }
        let connection = match kept.idle.take() {
            Some(connection) => connection,
            None => {
                let connected = self.connect().await;
                connected.map_err(|error| fault::store_error(ACTION, error))?
            }
        };
        Ok(Turn { kept, connection })
    }

    /// To be told of every error that a step ends with.
    pub(super) fn note(&self, error: &ReactionError) {
        if let Some(why) = fault::damage(error) {
            let _ = self.damage.stop(ACTION, &why);
        }
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
    kept: MutexGuard<'a, Kept>,
    pub(super) connection: SqliteConnection,
}

impl Turn<'_> {
    /// Keeps the connection for the next caller. It must be in order, and in no transaction.
    pub(super) fn put_back(mut self) {
        self.kept.idle = Some(self.connection);
        self.kept.files.remember();
    }
}
