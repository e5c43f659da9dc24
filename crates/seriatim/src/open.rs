//! The one place where a store is chosen: by the scheme of a URL.

use std::sync::Arc;

use seriatim_core::Store;

use crate::memory;

/// Opens the store that `url` names.
///
/// - `memory:`: in memory, for tests; gone with the process. `memory:?partitions=4` has a log with four partitions.
/// - `sqlite://path`: a SQLite file, made if it is missing (feature `sqlite`).
/// - `postgres://user:password@host/database`: PostgreSQL (feature `postgres`). Its options, for example
///   `?schema=orders&sslmode=require`, are those of `PostgresStore::open`.
pub async fn open_store(url: &str) -> Result<Arc<dyn Store>, OpenStoreError> {
    match url.split_once(':').map(|(scheme, _)| scheme) {
        Some("memory") => Ok(Arc::new(memory::open(url)?)),
        #[cfg(feature = "sqlite")]
        Some("sqlite") => Ok(Arc::new(
            seriatim_store_sqlite::SqliteStore::open(url).await?,
        )),
        #[cfg(not(feature = "sqlite"))]
        Some("sqlite") => Err(OpenStoreError::NotCompiled {
            url: url.into(),
            feature: "sqlite",
        }),
        #[cfg(feature = "postgres")]
        Some("postgres" | "postgresql") => Ok(Arc::new(
            seriatim_store_postgres::PostgresStore::open(url).await?,
        )),
        #[cfg(not(feature = "postgres"))]
        Some("postgres" | "postgresql") => Err(OpenStoreError::NotCompiled {
            url: without_password(url),
            feature: "postgres",
        }),
        Some(_) | None => Err(OpenStoreError::UnknownScheme { url: url.into() }),
    }
}

/// Why a store does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenStoreError {
    /// The URL names no store of ours.
    #[error(
        "`{url}` names no store; give `sqlite://path/to/file.db`, `postgres://user@host/database` or `memory:`"
    )]
    UnknownScheme {
        /// What was given.
        url: String,
    },
    /// The URL of a store in memory says something else than how many partitions its log has.
    #[error(
        "`{url}` is no store in memory; write `memory:`, or `memory:?partitions=4` for a log with several partitions"
    )]
    InvalidMemoryUrl {
        /// What was given.
        url: String,
    },
    /// The store was left out of this build.
    #[error(
        "`{url}` needs the feature `{feature}` of the crate `seriatim`; add it and build again"
    )]
    NotCompiled {
        /// What was given.
        url: String,
        /// The feature that has it.
        feature: &'static str,
    },
    /// The SQLite file does not open.
    #[cfg(feature = "sqlite")]
    #[error(transparent)]
    Sqlite(#[from] seriatim_store_sqlite::OpenError),
    /// The PostgreSQL database does not open.
    #[cfg(feature = "postgres")]
    #[error(transparent)]
    Postgres(#[from] seriatim_store_postgres::OpenError),
}

/// A message may end up in a log.
#[cfg(not(feature = "postgres"))]
fn without_password(url: &str) -> String {
    match url.split_once("://").zip(url.rsplit_once('@')) {
        Some(((scheme, _), (_, place))) => format!("{scheme}://{place}"),
        None => url.into(),
    }
}
