//! Databases that come and go, each the private ground of one contender.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use sqlx08::postgres::{PgPool as PgPool08, PgPoolOptions as PgPoolOptions08};

use crate::Outcome;

/// The server, by a connection to its maintenance database.
pub(crate) struct Server {
    url: String,
    connection: PgConnection,
    /// 150018: 15.18.
    version: i32,
}

/// A database on it.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    name: String,
    url: String,
}

impl Server {
    pub(crate) async fn connect(url: &str) -> Outcome<Self> {
        let mut connection = PgConnection::connect(url).await?;
        let version = sqlx::query_scalar("SELECT current_setting('server_version_num')::int")
            .fetch_one(&mut connection)
            .await?;
        Ok(Self {
            url: url.to_owned(),
            connection,
            version,
        })
    }

    /// An empty database; one of this name is dropped first.
    pub(crate) async fn create(&mut self, name: &str) -> Outcome<Database> {
        let database = self.database(name)?;
        self.drop(&database).await?;
        self.run(format!("CREATE DATABASE {name}")).await?;
        Ok(database)
    }

    /// A copy of a database that nobody is connected to.
    pub(crate) async fn clone(&mut self, name: &str, of: &Database) -> Outcome<Database> {
        let database = self.database(name)?;
        self.drop(&database).await?;
        let template = &of.name;
        // As files: through the log, which newer servers do by default, a large copy takes several times as long.
        let strategy = match self.version >= 150_000 {
            true => " STRATEGY file_copy",
            false => "",
        };
        self.run(format!(
            "CREATE DATABASE {name} TEMPLATE {template}{strategy}"
        ))
        .await?;
        Ok(database)
    }

    pub(crate) async fn drop(&mut self, database: &Database) -> Outcome<()> {
        let name = &database.name;
        self.run(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
            .await
    }

    /// Drops what this program has made, also in runs that were interrupted.
    pub(crate) async fn sweep(&mut self) -> Outcome<()> {
        let ours = r"SELECT datname::text FROM pg_database WHERE datname LIKE 'peers\_%'";
        let names: Vec<String> = sqlx::query_scalar(ours)
            .fetch_all(&mut self.connection)
            .await?;
        for name in names {
            let database = self.database(&name)?;
            self.drop(&database).await?;
        }
        Ok(())
    }

    /// So that no contender pays for what another has written.
    pub(crate) async fn checkpoint(&mut self) -> Outcome<()> {
        self.run("CHECKPOINT".into()).await
    }

    /// The names of databases are made here and need no quotes.
    fn database(&self, name: &str) -> Outcome<Database> {
        let (server, _) = self
            .url
            .rsplit_once('/')
            .ok_or("the URL names no database")?;
        Ok(Database {
            name: name.to_owned(),
            url: format!("{server}/{name}"),
        })
    }

    async fn run(&mut self, statement: String) -> Outcome<()> {
        self.connection.execute(AssertSqlSafe(statement)).await?;
        Ok(())
    }
}

impl Database {
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A connection of its own.
    pub(crate) async fn connect(&self) -> Outcome<PgConnection> {
        let options: PgConnectOptions = self.url.parse()?;
        Ok(options.connect().await?)
    }

    /// Statements of ours, one after the other.
    pub(crate) async fn run(&self, statements: &[&str]) -> Outcome<()> {
        let mut connection = self.connect().await?;
        for statement in statements {
            connection
                .execute(AssertSqlSafe((*statement).to_owned()))
                .await?;
        }
        Ok(connection.close().await?)
    }

    /// Copies rows into a contender's tables. Their triggers rest: they would check, row by row, what is right by
    /// construction.
    pub(crate) async fn fill(&self, statements: &[&str]) -> Outcome<()> {
        let first = ["SET session_replication_role = replica"];
        let all: Vec<_> = first.iter().chain(statements).copied().collect();
        self.run(&all).await
    }

    /// As the server's own housekeeping leaves it sooner or later.
    pub(crate) async fn settle(&self) -> Outcome<()> {
        self.run(&["VACUUM (ANALYZE)"]).await
    }

    /// The pool of the peers: all connections open from the start and, other than by sqlx's default, not pinged each
    /// time one is handed out, which would cost them a round trip.
    pub(crate) async fn pool08(&self, connections: usize) -> Outcome<PgPool08> {
        let connections = u32::try_from(connections)?;
        let options = PgPoolOptions08::new()
            .max_connections(connections)
            .min_connections(connections)
            .acquire_timeout(PATIENCE)
            .test_before_acquire(false);
        Ok(options.connect(&self.url).await?)
    }

    /// The same, of the newer sqlx.
    pub(crate) async fn pool(&self, connections: usize) -> Outcome<sqlx::PgPool> {
        let connections = u32::try_from(connections)?;
        let options = sqlx::postgres::PgPoolOptions::new()
            .max_connections(connections)
            .min_connections(connections)
            .acquire_timeout(PATIENCE)
            .test_before_acquire(false);
        Ok(options.connect(&self.url).await?)
    }
}

/// The time that a caller may wait for a connection.
const PATIENCE: Duration = Duration::from_secs(60);
