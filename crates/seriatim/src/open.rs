//! The one place where a store is chosen, by the scheme of a URL.

use std::sync::Arc;

use seriatim_core::{SchemaChange, Store};
#[cfg(feature = "postgres")]
use seriatim_store_postgres::PostgresStore;
#[cfg(feature = "sqlite")]
use seriatim_store_sqlite::SqliteStore;

use crate::memory;

/// Opens the store that `url` names.
///
/// - `memory:`: in memory, for tests; it is gone with the process. `memory:?partitions=4` has a log with four
///   partitions.
/// - `sqlite://path`: a SQLite file, made if it is missing (feature `sqlite`).
/// - `postgres://user:password@host/database`: PostgreSQL (feature `postgres`). Its options, for example
///   `?schema=orders&sslmode=require`, are those of `PostgresStore::open`.
pub async fn open_store(url: &str) -> Result<Arc<dyn Store>, OpenStoreError> {
    let store: Arc<dyn Store> = match Chosen::by(url)? {
        Chosen::Memory => Arc::new(memory::open(url)?),
        #[cfg(feature = "sqlite")]
        Chosen::Sqlite => Arc::new(SqliteStore::open(url).await?),
        #[cfg(feature = "postgres")]
        Chosen::Postgres => Arc::new(PostgresStore::open(url).await?),
    };
    tracing::info!(?store, "the store is open");
    Ok(store)
}

/// Opens the store that `url` names only for reading, for example for an audit. On PostgreSQL it changes nothing and
/// needs no right to write; other stores are opened as by [`open_store`].
pub async fn open_store_to_read(url: &str) -> Result<Arc<dyn Store>, OpenStoreError> {
    #[cfg(feature = "postgres")]
    if let Chosen::Postgres = Chosen::by(url)? {
        return Ok(Arc::new(PostgresStore::open_to_read(url).await?));
    }
    open_store(url).await
}

/// Brings the tables of the store that `url` names to this program's schema, as opening it does. Returns which
/// migrations were missing.
pub async fn migrate(url: &str) -> Result<SchemaChange, OpenStoreError> {
    Ok(match Chosen::by(url)? {
        Chosen::Memory => SchemaChange::default(),
        #[cfg(feature = "sqlite")]
        Chosen::Sqlite => SqliteStore::migrate(url).await?,
        #[cfg(feature = "postgres")]
        Chosen::Postgres => PostgresStore::migrate(url).await?,
    })
}

/// Returns what [`migrate`] would do; changes nothing.
pub async fn pending_migrations(url: &str) -> Result<SchemaChange, OpenStoreError> {
    Ok(match Chosen::by(url)? {
        Chosen::Memory => SchemaChange::default(),
        #[cfg(feature = "sqlite")]
        Chosen::Sqlite => SqliteStore::pending(url).await?,
        #[cfg(feature = "postgres")]
        Chosen::Postgres => PostgresStore::pending(url).await?,
    })
}

enum Chosen {
    Memory,
    #[cfg(feature = "sqlite")]
    Sqlite,
    #[cfg(feature = "postgres")]
    Postgres,
}

impl Chosen {
    fn by(url: &str) -> Result<Self, OpenStoreError> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("memory") => Ok(Self::Memory),
            #[cfg(feature = "sqlite")]
            Some("sqlite") => Ok(Self::Sqlite),
            #[cfg(not(feature = "sqlite"))]
            Some("sqlite") => Err(OpenStoreError::NotCompiled {
                url: url.into(),
                feature: "sqlite",
            }),
            #[cfg(feature = "postgres")]
            Some("postgres" | "postgresql") => Ok(Self::Postgres),
            #[cfg(not(feature = "postgres"))]
            Some("postgres" | "postgresql") => Err(OpenStoreError::NotCompiled {
                url: without_password(url),
                feature: "postgres",
            }),
            Some(_) | None => Err(OpenStoreError::UnknownScheme {
                url: without_password(url),
            }),
        }
    }
}

/// The reason why a store does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenStoreError {
    /// The URL does not name a supported store.
    #[error(
        "`{url}` names no store; give `sqlite://path/to/file.db`, `postgres://user@host/database` or `memory:`"
    )]
    UnknownScheme {
        /// The value that was given.
        url: String,
    },
    /// The URL of a store in memory has an option other than the number of partitions.
    #[error(
        "`{url}` does not name a store in memory; write `memory:`, or `memory:?partitions=4` for a log with several partitions"
    )]
    InvalidMemoryUrl {
        /// The value that was given.
        url: String,
    },
    /// This build does not contain the store.
    #[error(
        "`{url}` needs the feature `{feature}` of the crate `seriatim`; add it and build again"
    )]
    NotCompiled {
        /// The value that was given.
        url: String,
        /// The feature that contains it.
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

impl OpenStoreError {
    /// Returns whether the same may work later, with nothing changed here.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::UnknownScheme { .. }
            | Self::InvalidMemoryUrl { .. }
            | Self::NotCompiled { .. } => false,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(error) => error.is_transient(),
            #[cfg(feature = "postgres")]
            Self::Postgres(error) => error.is_transient(),
        }
    }

    /// Returns whether the stored data is damaged.
    pub fn is_damage(&self) -> bool {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(error) => {
                matches!(error, seriatim_store_sqlite::OpenError::Damaged { .. })
            }
            _ => false,
        }
    }
}

/// Removes the password, because a message may end up in a log.
fn without_password(url: &str) -> String {
    match url.split_once("://").zip(url.rsplit_once('@')) {
        Some(((scheme, _), (_, place))) => format!("{scheme}://{place}"),
        None => url.into(),
    }
}
