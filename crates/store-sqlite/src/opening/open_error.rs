//! The reasons why a database could not be opened.

use std::path::PathBuf;

use seriatim_store_sql::SchemaError;

/// The reason why a database could not be opened. Nothing was changed in it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The location names no file.
    #[error("`{location}` names no file; write it as `sqlite://path/to/file.db`")]
    NoPath {
        /// The location that was given.
        location: String,
    },
    /// A memory database of SQLite, which the threads of a store could not share.
    #[error("a store in memory needs no SQLite; use `memory:` instead")]
    InMemory,
    /// The URL has an unknown option.
    #[error("`{option}` is no option; there is only `checksums=on` or `checksums=off`")]
    UnknownOption {
        /// The option that was given.
        option: String,
    },
    /// The folder the file would be in does not exist.
    #[error("there is no folder `{}` for `{}`; create it first", .folder.display(), .path.display())]
    NoSuchFolder {
        /// The folder.
        folder: PathBuf,
        /// The file in it.
        path: PathBuf,
    },
    /// The path is that of a folder.
    #[error("`{}` is a folder; name a file in it", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// The file is not a SQLite database. It was not changed.
    #[error("`{}` is not an SQLite database; name another file, or move this one away", .path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The database is damaged, for example cut off.
    #[error("`{}` is damaged; restore it from a backup: {source}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The error of the driver.
        source: rusqlite::Error,
    },
    /// The file may be read but not written.
    #[error("`{}` may not be written to; give this program the right to write it and its folder", .path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// There is no space left.
    #[error("there is no space left for `{}`; free some and try again", .path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// The tables do not fit this program.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The file system cannot hold a write-ahead log, which several processes need.
    #[error("the file system of `{}` allows no write-ahead log; put the file on a local disk", .path.display())]
    NoWriteAheadLog {
        /// The file.
        path: PathBuf,
    },
    /// Any other error; trying again may help.
    #[error("`{}` could not be opened; check the rights on its folder and who else uses it: {source}", .path.display())]
    Unavailable {
        /// The file.
        path: PathBuf,
        /// The error of the driver.
        source: rusqlite::Error,
    },
    /// The operating system gives the store no thread.
    #[error(
        "no thread could be started for the store; free some memory or raise the limit: {source}"
    )]
    NoThread {
        /// The error of the operating system.
        source: std::io::Error,
    },
}

impl OpenError {
    /// Returns whether the same may work later without a change here.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Full { .. } | Self::Unavailable { .. } | Self::NoThread { .. } => true,
            Self::NoPath { .. }
            | Self::InMemory
            | Self::UnknownOption { .. }
            | Self::NoSuchFolder { .. }
            | Self::Folder { .. }
            | Self::NotADatabase { .. }
            | Self::Damaged { .. }
            | Self::ReadOnly { .. }
            | Self::Schema(_)
            | Self::NoWriteAheadLog { .. } => false,
        }
    }
}
