//! The seams of a store on SQLite, the embedded default: one file, several processes.
//!
//! One thread writes; it takes all that waits into one transaction. Two threads read beside it, undisturbed, on
//! what was committed last. A file may be shared with other processes and with an application's own tables:
//! everything of the store is named `seriatim_…`.

mod append;
mod connection;
mod dead_letter;
mod decoder;
mod event_rows;
mod known;
mod location;
mod metadata_text;
mod migrations;
mod open_error;
mod read;
mod reader;
mod refused;
mod row;
mod snapshot;
mod streams;
mod transaction;
mod type_names;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use open_error::OpenError;

use reader::Readers;
use writer::Writer;

/// A store on SQLite. Clones are handles on the same threads; they end with the last one, after what was queued.
#[derive(Clone)]
pub struct SqliteStore {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    writer: Writer,
    readers: Readers,
}

impl SqliteStore {
    /// Opens a database, or makes a new one, and brings its tables to this program's schema.
    ///
    /// `location` is `sqlite://path`, `sqlite:path` or a plain path; a relative one begins at the working
    /// directory. Several handles and processes may have the same file open.
    pub async fn open(location: &str) -> Result<Self, OpenError> {
        Self::open_file(&location::path(location)?).await
    }

    /// Opens the database in the file at `path`; see [`SqliteStore::open`].
    pub async fn open_file(path: &Path) -> Result<Self, OpenError> {
        let path = location::absolute(path)?;
        let (writer, still_reading) = Writer::start(&path).await?;
        let readers = Readers::start(&path, &still_reading)?;
        let shared = Shared {
            path,
            writer,
            readers,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// The file it is in.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    fn writer(&self) -> &Writer {
        &self.shared.writer
    }

    fn readers(&self) -> &Readers {
        &self.shared.readers
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.shared.path)
            .finish_non_exhaustive()
    }
}
