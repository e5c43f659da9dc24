//! A store on PostgreSQL: one database for any number of processes.
//!
//! Each store writes to a partition of the log on one connection, which it keeps as long as it lives. All waiting
//! appends go into one transaction. As long as no other process writes, a transaction is one statement and one round
//! trip. Each writer first locks the row of the log's head, so the writers of any number of processes take turns and
//! never deadlock.

mod progress;
mod reading;
mod append;
mod opening;
mod letters;
mod following;
mod positions;
mod read_model;
mod row;
mod sql;
mod statement;

use std::fmt;
use std::sync::Arc;

pub use opening::open_error::OpenError;
pub use seriatim_store_sql::SchemaError;
/// The driver, in the version whose connections a read model gets.
pub use sqlx;

use seriatim_core::{LogId, SchemaChange};
use sqlx::PgConnection;

use append::commits::Commits;
use append::writers::Writers;
use following::notifier;
use following::waiting::Waiting;
use opening::connections::Connections;
use opening::location::Location;
use opening::{connection, migrations, partitions, rights};
use read_model::UserConnections;
use reading::decoder::Domains;
use reading::load_batcher::LoadBatcher;
use sql::Texts;
use statement::Statement;

/// A store on PostgreSQL. Clones are handles to the same connections. The connections end with the last clone, after
/// everything that was queued.
#[derive(Clone)]
pub struct PostgresStore {
    shared: Arc<Shared>,
}

struct Shared {
    log_id: LogId,
    database: String,
    schema: String,
    writers: Writers,
    waiting: Waiting,
    connections: Arc<Connections>,
    user_connections: UserConnections,
    load_batcher: LoadBatcher,
    texts: Texts,
    domains: Domains,
}

impl PostgresStore {
    /// Opens a database and migrates its tables to this program's schema. Must be called on a Tokio runtime, because
    /// the store's task runs on it.
    ///
    /// `url` is `postgres://user:password@host:port/database`. It may name several servers, `host:port,host:port`; the
    /// one that takes writes is used. Options follow after a `?`:
    ///
    /// | option | meaning | default |
    /// | --- | --- | --- |
    /// | `partitions` | how many partitions the log is created with, from 1 to 256; an existing log must have this number | 1, or that of the existing log |
    /// | `schema` | the PostgreSQL schema of the tables; made if it is missing | `seriatim` |
    /// | `connections` | the most connections for everything but appends: reads, checkpoints, timers, snapshots and letters. A statement that finds none free waits. Besides these there are one for each partition that is written to, two for messages, and those of read models | 4 |
    /// | `poll` | milliseconds between two checks for events of other processes, while a reader waits for them; normally the other processes send a message sooner | 1000 |
    /// | `wait` | seconds that opening waits for a server that is not up yet, or takes no writes yet | 5 |
    /// | `migrate` | `never`: refuse tables that are not up to date, for a user who may not make tables | `open` |
    /// | `statement_timeout` | seconds that the server works on a statement; 5 seconds later the connection is given up | 30 |
    /// | `lock_timeout` | seconds that the server waits for another writer, and seconds after which it cuts off a writer that sends nothing more in its transaction | 10 |
    /// | `pooler` | `transaction`: between the store and the server is a pooler that assigns connections for each transaction, such as PgBouncer of any version. Each statement then costs four round trips instead of one, and events of other processes are found by `poll` | `none` |
    /// | `checksums` | `off`: new events get no checksum, which costs about 0.1 µs and 8 bytes; existing checksums are checked whenever whole events are read | `on` |
    /// | `sslmode`, `sslrootcert`, `sslcert`, `sslkey`, `application_name`, ... | as in libpq | |
    ///
    /// Refuses a user who lacks a right that the store needs; the error has the statement that grants it.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let location: Location = url.parse()?;
        let mut connection = connection::open(&location).await?;
        if location.migrate {
            migrations::run(&mut connection, &location).await?;
        } else {
            migrations::require_none(&mut connection, &location).await?;
        }
        rights::require(&mut connection, &location).await?;
        Self::on(location, connection).await
    }

    /// Opens a database only to read, for example for an audit. It changes nothing, refuses tables that are not up to
    /// date, and does not need the right to write. A write fails if the user has no right to write. `url` is as for
    /// [`PostgresStore::open`].
    pub async fn open_to_read(url: &str) -> Result<Self, OpenError> {
        let location: Location = url.parse()?;
        let mut connection = connection::open(&location).await?;
        migrations::require_none(&mut connection, &location).await?;
        Self::on(location, connection).await
    }

    async fn on(location: Location, mut connection: PgConnection) -> Result<Self, OpenError> {
        let log_id = partitions::log_id(&mut connection, &location).await?;
        let partitions = partitions::count(&mut connection, &location).await?;
        let commits = Commits::new(partitions);
        let shared_location = Arc::new(location.clone());
        tokio::spawn(notifier::run(commits.own(), shared_location.clone()));
        let connections = Arc::new(Connections::new(location.clone()));
        let shared = Shared {
            log_id,
            database: location.to_string(),
            schema: location.schema.clone(),
            texts: Texts::of(&location.schema),
            domains: Domains::default(),
            load_batcher: LoadBatcher::new(Arc::clone(&connections)),
            connections,
            user_connections: UserConnections::new(location),
            writers: Writers::start(partitions, connection, &shared_location, &commits),
            waiting: Waiting::new(commits, shared_location),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Migrates the tables of a database to this program's schema, and returns what was missing. `url` is as for
    /// [`PostgresStore::open`], but without `migrate=never`.
    pub async fn migrate(url: &str) -> Result<SchemaChange, OpenError> {
        let location: Location = url.parse()?;
        let mut connection = connection::open(&location).await?;
        let made = migrations::run(&mut connection, &location).await?;
        partitions::count(&mut connection, &location).await?;
        Ok(made)
    }

    /// Returns what [`PostgresStore::migrate`] would do, and changes nothing.
    pub async fn pending(url: &str) -> Result<SchemaChange, OpenError> {
        let location: Location = url.parse()?;
        let mut connection = connection::open(&location).await?;
        migrations::missing(&mut connection, &location).await
    }

    fn writers(&self) -> &Writers {
        &self.shared.writers
    }

    fn waiting(&self) -> &Waiting {
        &self.shared.waiting
    }

    fn connections(&self) -> &Connections {
        &self.shared.connections
    }

    fn statement(&self, sql: &str) -> Statement {
        self.connections().schema().statement(sql)
    }

    fn user_connections(&self) -> &UserConnections {
        &self.shared.user_connections
    }

    fn load_batcher(&self) -> &LoadBatcher {
        &self.shared.load_batcher
    }

    fn texts(&self) -> &Texts {
        &self.shared.texts
    }

    fn domains(&self) -> &Domains {
        &self.shared.domains
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("database", &self.shared.database)
            .field("schema", &self.shared.schema)
            .finish_non_exhaustive()
    }
}
