//! A store on SQLite, the embedded default: one file for several processes.
//!
//! One thread writes; it puts all waiting appends into one transaction. Three other threads read what was committed
//! last: one does the reads that commands wait for, two read pages and lists, which may be long. A file may be shared
//! with other processes and with an application's own tables; all names of the store begin with `seriatim_`.
//!
//! The log has one partition: a file has only one writer at a time, so with several partitions it would only be read
//! out of order.

mod append;
mod progress;
mod reading;
mod opening;
mod letters;
#[cfg(feature = "read-models")]
mod read_model;
mod row;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use opening::open_error::OpenError;
pub use seriatim_store_sql::SchemaError;
/// The driver for read models, in the version whose connections they get.
#[cfg(feature = "read-models")]
pub use sqlx;

use append::transaction::Transaction;
use append::writer::Writer;
use opening::damage::Damage;
use opening::files::Files;
use opening::location::Location;
use opening::{connection, location};
use reading::reader::Reader;
use reading::waiting::Waiting;
use rusqlite::Connection;
use seriatim_core::{LogId, SchemaChange, StoreError};

/// The number of loads that may share a transaction.
const LOADS_TOGETHER: usize = 64;

/// A store on SQLite. Clones are handles to the same threads, which end with the last clone.
///
/// Dropping the last handle waits until all queued work is done and the write-ahead log is copied into the file. If no
/// other process has the file open, the file is then the whole store, and a copy of it is a backup.
#[derive(Clone)]
pub struct SqliteStore {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    damage: Damage,
    log_id: LogId,
    loads: Reader,
    lists: Reader,
    waiting: Waiting,
    #[cfg(feature = "read-models")]
    user_connection: read_model::UserConnection,
    // The last: it waits for the connections of the others.
    writer: Writer,
}

impl SqliteStore {
    /// Opens a database, or makes a new one, and migrates its tables to this program's schema.
    ///
    /// `location` is `sqlite://path`, `sqlite:path` or a plain path; a relative path begins at the working directory.
    /// With `?checksums=off` after a URL, new events get no checksum, which costs about 0.1 µs and 9 bytes. Existing
    /// checksums are checked in any case when whole events are read; to load a state, only their data is. Several
    /// handles and processes may have the same file open.
    pub async fn open(location: &str) -> Result<Self, OpenError> {
        Self::open_at(Location::of(location)?).await
    }

    /// Opens the database in the file at `path`; see [`SqliteStore::open`].
    pub async fn open_file(path: &Path) -> Result<Self, OpenError> {
        Self::open_at(Location::of_path(path)).await
    }

    async fn open_at(location: Location) -> Result<Self, OpenError> {
        let path = location::absolute(&location.path)?;
        let file = path.clone();
        let (writer, [loads, first, second], log_id) =
            in_thread(move || connection::open(&file)).await?;
        let waiting = Waiting::default();
        let damage = Damage::none_yet(path.clone());
        let (writer, still_reading) = Writer::start(
            writer,
            Files::of(&path),
            damage.clone(),
            location.checksums,
            waiting.head(),
        )?;
        let loads = Reader::start(
            [loads],
            "seriatim-load",
            LOADS_TOGETHER,
            damage.clone(),
            &still_reading,
        )?;
        let lists = Reader::start(
            [first, second],
            "seriatim-list",
            1,
            damage.clone(),
            &still_reading,
        )?;
        let shared = Shared {
            #[cfg(feature = "read-models")]
            user_connection: read_model::UserConnection::new(&path, damage.clone()),
            path,
            damage,
            log_id,
            loads,
            lists,
            waiting,
            writer,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Makes the database if it does not exist, migrates its tables to this program's schema, and returns what was
    /// missing.
    pub async fn migrate(location: &str) -> Result<SchemaChange, OpenError> {
        let path = location::absolute(&Location::of(location)?.path)?;
        in_thread(move || connection::migrate(&path)).await
    }

    /// Returns what [`SqliteStore::migrate`] would do, and changes nothing.
    pub async fn pending(location: &str) -> Result<SchemaChange, OpenError> {
        let path = location::absolute(&Location::of(location)?.path)?;
        in_thread(move || connection::pending(&path)).await
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    fn writer(&self) -> &Writer {
        &self.shared.writer
    }

    /// Runs `change` in a transaction of the writer. `action` is what it does, as a verb phrase.
    async fn write<T: Send + 'static>(
        &self,
        action: &'static str,
        change: impl Fn(&Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let change = move |transaction: &mut Transaction<'_, '_>| change(transaction.connection);
        self.writer().change(action, change).await
    }

    fn waiting(&self) -> &Waiting {
        &self.shared.waiting
    }

    /// The thread for small reads that a command waits for. There is only one, because commands that wait while it
    /// works share the next transaction; a second thread would only halve the groups.
    fn loads(&self) -> &Reader {
        &self.shared.loads
    }

    #[cfg(feature = "read-models")]
    fn user_connection(&self) -> &read_model::UserConnection {
        &self.shared.user_connection
    }

    /// The threads for reads that may be long. There are two, because a reader that catches up reads two pages at the same
    /// time.
    fn lists(&self) -> &Reader {
        &self.shared.lists
    }
}

/// Opening may wait for other processes that open the file, so it has a thread of its own too.
async fn in_thread<T: Send + 'static>(
    opening: impl FnOnce() -> Result<T, OpenError> + Send + 'static,
) -> Result<T, OpenError> {
    let opening = tokio::task::spawn_blocking(opening);
    opening.await.map_err(|error| OpenError::NoThread {
        source: std::io::Error::other(error),
    })?
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.shared.path)
            .finish_non_exhaustive()
    }
}
