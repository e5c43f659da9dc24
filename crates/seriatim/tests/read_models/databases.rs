//! The databases that the tests run on: each gives every test one of its own.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use seriatim::core::{LogPartition, Position};
use seriatim::prelude::*;
use seriatim::sqlx::sqlite::SqliteConnectOptions;
use seriatim::sqlx::{self, AssertSqlSafe, ConnectOptions, Connection, Row};
use seriatim::{
    AppBuilder, PostgresStore, ReactionSettings, ReadModelStore, ReadModelVersion, SqliteStore,
    VersionStatus,
};

use tempfile::TempDir;

use crate::account::{Account, Happened};

pub(crate) use seriatim_testkit::until;

/// A database with a log and read models, gone at the end.
pub(crate) trait Database: Sized + Sync {
    type Store: ReadModelStore;

    /// A new one.
    fn new() -> Self;

    /// Names it, also to another process.
    fn url(&self) -> String;

    /// Returns the URL of the log.
    fn log_url(url: &str) -> String;

    async fn open(url: &str) -> Self::Store;

    /// Runs statements that return nothing.
    async fn run(&self, sql: &str);

    /// Rows of a text and a number.
    async fn rows(&self, sql: &str) -> Vec<(String, i64)>;

    /// Returns what comes before the name of a table.
    fn prefix(&self) -> String;

    /// Returns how many tables there are whose names end with `end`.
    async fn tables(&self, end: &str) -> i64;

    async fn store(&self) -> Self::Store {
        Self::open(&self.url()).await
    }

    async fn app(&self) -> AppBuilder {
        app(&Self::log_url(&self.url())).await
    }
}

/// An application on a log, that takes over quickly.
pub(crate) async fn app(log_url: &str) -> AppBuilder {
    let settings = ReactionSettings {
        lease: Duration::from_millis(300),
        ..ReactionSettings::default()
    };
    let app = App::open(log_url).await.unwrap();
    app.aggregate::<Account>().reaction_settings(settings)
}

pub(crate) fn tally(version: u32) -> ReadModelVersion {
    ReadModelVersion::new("tally", version).unwrap()
}

pub(crate) async fn status<S: ReadModelStore>(store: &S, version: u32) -> VersionStatus {
    let mut all = store.versions(Some("tally")).await.unwrap().into_iter();
    all.find(|status| status.version == tally(version)).unwrap()
}

/// Waits until a version has handled the whole log.
pub(crate) async fn caught_up<S: ReadModelStore>(app: &App, store: &S, version: u32) {
    let caught_up = async || {
        let progress = app.progress(store, &tally(version)).await.unwrap();
        progress.handled == progress.of
    };
    until("it has caught up", caught_up).await;
}

/// A version of the read model must be what the log folds to.
pub(crate) async fn assert_is_the_fold<D: Database>(database: &D, app: &App, version: u32) {
    let log = app.coordinator().store();
    let (mut balances, mut deposits) = (BTreeMap::new(), 0);
    let mut after = Position::START;
    loop {
        let page = log
            .read_log(LogPartition::FIRST, after, 1000)
            .await
            .unwrap()
            .events;
        let Some(last) = page.last() else { break };
        after = last.position;
        for event in &page {
            let Happened::Deposited { cents } = event.of::<Account>().unwrap().unwrap();
            *balances.entry(event.stream.root.to_string()).or_insert(0) += cents;
            deposits += 1;
        }
    }
    let prefix = database.prefix();
    let table = format!("SELECT root, cents FROM {prefix}balances_v{version} ORDER BY root");
    assert_eq!(database.rows(&table).await, Vec::from_iter(balances));
    let count = format!("SELECT '', count(*) FROM {prefix}deposits_v{version}");
    assert_eq!(database.rows(&count).await, [(String::new(), deposits)]);
}

/// A schema of its own on the PostgreSQL that the tests are given, with the log in it.
pub(crate) struct Postgres {
    server: String,
    schema: String,
}

impl Postgres {
    async fn connect(server: &str) -> sqlx::PgConnection {
        let options: sqlx::postgres::PgConnectOptions = server.parse().unwrap();
        options.connect().await.unwrap()
    }
}

impl Database for Postgres {
    type Store = PostgresStore;

    fn new() -> Self {
        Self {
            server: server(),
            schema: format!("exam_{}", Uuid::now_v7().simple()),
        }
    }

    fn url(&self) -> String {
        let sign = if self.server.contains('?') { '&' } else { '?' };
        format!("{}{sign}schema={}", self.server, self.schema)
    }

    fn log_url(url: &str) -> String {
        url.to_owned()
    }

    async fn open(url: &str) -> PostgresStore {
        PostgresStore::open(url).await.unwrap()
    }

    async fn run(&self, sql: &str) {
        let mut connection = Self::connect(&self.server).await;
        let statement = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        statement.execute(&mut connection).await.unwrap();
    }

    async fn rows(&self, sql: &str) -> Vec<(String, i64)> {
        let mut connection = Self::connect(&self.server).await;
        let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
        let rows = query.fetch_all(&mut connection).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    fn prefix(&self) -> String {
        format!("{}.", self.schema)
    }

    async fn tables(&self, end: &str) -> i64 {
        let count = format!(
            "SELECT '', count(*) FROM information_schema.tables
             WHERE table_schema = '{}' AND right(table_name, {}) = '{end}'",
            self.schema,
            end.len(),
        );
        self.rows(&count).await[0].1
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let sql = format!("DROP SCHEMA IF EXISTS {} CASCADE", self.schema);
        let server = self.server.clone();
        // A runtime of its own: the test's may be in the middle of something, or ending.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let mut connection = Self::connect(&server).await;
                let statement = sqlx::raw_sql(AssertSqlSafe(sql));
                statement.execute(&mut connection).await.unwrap();
            });
        });
        if !std::thread::panicking() {
            dropped.join().unwrap();
        }
    }
}

/// A file for the log, and one for read models.
pub(crate) struct Sqlite(TempDir);

impl Sqlite {
    async fn connect(&self) -> sqlx::SqliteConnection {
        let options = SqliteConnectOptions::new().filename(self.0.path().join("read.db"));
        options.connect().await.unwrap()
    }
}

impl Database for Sqlite {
    type Store = SqliteStore;

    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn url(&self) -> String {
        format!("sqlite://{}", self.0.path().join("read.db").display())
    }

    fn log_url(url: &str) -> String {
        url.replace("read.db", "log.db")
    }

    async fn open(url: &str) -> SqliteStore {
        SqliteStore::open(url).await.unwrap()
    }

    async fn run(&self, sql: &str) {
        let mut connection = self.connect().await;
        let statement = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        statement.execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    async fn rows(&self, sql: &str) -> Vec<(String, i64)> {
        let mut connection = self.connect().await;
        let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
        let rows = query.fetch_all(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    fn prefix(&self) -> String {
        String::new()
    }

    async fn tables(&self, end: &str) -> i64 {
        let count = format!(
            "SELECT '', count(*) FROM sqlite_schema
             WHERE type = 'table' AND substr(name, -{}) = '{end}'",
            end.len(),
        );
        self.rows(&count).await[0].1
    }
}

/// The URL of the server: named by a variable, or the one that `cargo xtask services up` has started.
fn server() -> String {
    if let Ok(url) = std::env::var("SERIATIM_TEST_POSTGRES") {
        return url;
    }
    let program = std::env::current_exe().unwrap();
    let target = program.ancestors().nth(3).map(Path::to_owned).unwrap();
    let url = std::fs::read_to_string(target.join("services/postgres/url"));
    let url = url.expect("these tests need a PostgreSQL: run `cargo xtask services up` once");
    url.trim().to_owned()
}
