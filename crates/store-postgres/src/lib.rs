//! The seams of a store on PostgreSQL: one database, any number of processes.
//!
//! Each store writes to a partition of the log on one connection, held for as long as it lives; all that waits goes
//! into one transaction. As
//! long as nobody else writes, a transaction is one statement and one round trip. Whoever writes takes the row of
//! the log's head first, so writers of any number of processes take turns, and never deadlock.

mod assignment;
mod beginning_sql;
mod checkpoint;
mod checkpoint_sql;
mod claims;
mod commits;
mod connection;
mod dead_letter;
mod decoder;
mod gathering;
mod hosts;
mod known;
mod load;
mod load_sql;
mod location;
mod lookup;
mod manner;
mod migrations;
mod notifier;
mod open_error;
mod parked;
mod parked_sql;
mod pause_sql;
mod partitions;
mod place;
mod plan;
mod read;
mod read_model;
mod readers;
mod refused;
mod rights;
mod row;
mod rows;
mod session;
mod settle;
mod snapshot;
mod sql;
mod streams;
mod timer;
mod timer_sql;
mod waiting;
mod watcher;
mod writer;
mod writers;

use std::fmt;
use std::sync::Arc;

pub use open_error::OpenError;
/// The driver, in the version whose connections a read model is given.
pub use sqlx;

use seriatim_core::{LogId, SchemaChange};
use sqlx::PgConnection;

use commits::Commits;
use decoder::Domains;
use gathering::Gathering;
use location::Location;
use readers::Readers;
use sql::Texts;
use waiting::Waiting;
use writers::Writers;

/// A store on PostgreSQL. Clones are handles on the same connections; they end with the last one, after what was
/// queued.
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
    readers: Arc<Readers>,
    read_models: read_model::Connections,
    gathering: Gathering,
    texts: Texts,
    domains: Domains,
}

impl PostgresStore {
    /// Opens a database and brings its tables to this program's schema. Must be called on a Tokio runtime, which
    /// the store's task runs on.
    ///
    /// `url` is `postgres://user:password@host:port/database`. It may name several servers, `host:port,host:port`, of
    /// which the one that takes writes is used. Options come after a `?`:
    ///
    /// | option | meaning | default |
    /// | --- | --- | --- |
    /// | `partitions` | how many partitions the log is made with, from 1 to 256; a log that is there must have so many | 1, or what it has |
    /// | `schema` | the PostgreSQL schema of the tables; made if it is missing | `seriatim` |
    /// | `readers` | how many connections read, beside the one that writes | 4 |
    /// | `poll` | milliseconds between two looks for what other processes have written, while somebody waits for it; they are told of it sooner if nothing is lost | 1000 |
    /// | `wait` | seconds to wait here for a server that is not up yet, or that takes no writes yet | 5 |
    /// | `migrate` | `never`: refuse tables that are not up to date, for a user who may not make any | `open` |
    /// | `statement_timeout` | seconds the server works on a statement; 5 later the connection is given up | 30 |
    /// | `lock_timeout` | seconds the server waits for another writer, and seconds that a writer which has gone silent in its transaction is put up with | 10 |
    /// | `pooler` | `transaction`: a pooler is in between that hands out connections by the transaction, such as PgBouncer of any version; each statement then costs four round trips instead of one, and other processes' events are found by looking | `none` |
    /// | `checksums` | `off`: events get no checksum, which costs about 0.1 µs and 8 bytes; those that are there are checked in any case | `on` |
    /// | `sslmode`, `sslrootcert`, `sslcert`, `sslkey`, `application_name`, ... | as libpq has them | |
    ///
    /// Refuses a user who lacks a right that the store needs, and names the statement that grants it.
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

    /// Opens a database for those who only read, such as an audit: changes nothing, refuses tables that are not up to
    /// date, and asks for no right to write. What writes all the same fails if the user may not. `url` is as for
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
        let readers = Arc::new(Readers::new(location.clone()));
        let read_models = read_model::Connections::new(location.clone());
        let shared = Shared {
            log_id,
            database: location.to_string(),
            schema: location.schema.clone(),
            texts: Texts::of(&location.schema),
            domains: Domains::default(),
            gathering: Gathering::new(Arc::clone(&readers), &location.schema),
            readers,
            read_models,
            writers: Writers::start(partitions, connection, &shared_location, &commits),
            waiting: Waiting::new(commits, shared_location),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Brings the tables of a database to this program's schema, and says what was missing. `url` is as for
    /// [`PostgresStore::open`]; `migrate=never` in it is not meant for this.
    pub async fn migrate(url: &str) -> Result<SchemaChange, OpenError> {
        let location: Location = url.parse()?;
        let mut connection = connection::open(&location).await?;
        let made = migrations::run(&mut connection, &location).await?;
        partitions::count(&mut connection, &location).await?;
        Ok(made)
    }

    /// What [`PostgresStore::migrate`] would do; nothing is changed.
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

    fn readers(&self) -> &Readers {
        &self.shared.readers
    }

    fn read_models(&self) -> &read_model::Connections {
        &self.shared.read_models
    }

    fn gathering(&self) -> &Gathering {
        &self.shared.gathering
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
