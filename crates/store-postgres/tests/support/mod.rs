//! A schema of its own for each test, on the PostgreSQL that the tests are given.

// Each test program uses a part of this.
#![allow(dead_code, unreachable_pub, missing_debug_implementations)]

pub mod account;
pub mod clock;
pub mod load;
pub mod pgbouncer;
pub mod proxy;
pub mod samples;
pub mod schema_at;
pub mod services;

use std::path::{Path, PathBuf};

use sqlx::{AssertSqlSafe, ConnectOptions};
use uuid::Uuid;

const VARIABLE: &str = "SERIATIM_TEST_POSTGRES";

/// A schema that nobody else uses, gone at the end.
pub struct Schema {
    server: String,
    name: String,
}

impl Schema {
    pub fn new() -> Self {
        Self::on(&server())
    }

    pub fn on(server: &str) -> Self {
        Self {
            server: server.to_owned(),
            name: format!("exam_{}", Uuid::now_v7().simple()),
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// For [`seriatim_store_postgres::PostgresStore::open`].
    pub fn url(&self) -> String {
        let sign = if self.server.contains('?') { '&' } else { '?' };
        format!("{}{sign}schema={}", self.server, self.name)
    }
}

impl Schema {
    /// It goes with its server.
    pub fn forget(self) {
        std::mem::forget(self);
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let drop_it = format!("DROP SCHEMA IF EXISTS {} CASCADE", self.name);
        at_the_end(&self.server, drop_it);
    }
}

/// Runs statements where a test ends.
fn at_the_end(server: &str, sql: String) {
    let server = server.to_owned();
    // A runtime of its own: the test's may be in the middle of something, or ending.
    let done = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(execute(&server, &sql))
    });
    if !std::thread::panicking() {
        done.join().unwrap().unwrap();
    }
}

/// Runs one statement on a connection of its own.
pub async fn execute(server: &str, sql: &str) -> Result<(), sqlx::Error> {
    let options: sqlx::postgres::PgConnectOptions = server.parse()?;
    let mut connection = options.connect().await?;
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(&mut connection)
        .await
        .map(drop)
}

/// The URL of the server: named by a variable, or the one that `cargo xtask services up` has started.
pub fn server() -> String {
    if let Ok(url) = std::env::var(VARIABLE) {
        return url;
    }
    let url = std::fs::read_to_string(target().join("services/postgres/url"));
    let url = url.unwrap_or_else(|_| {
        panic!(
            "these tests need a PostgreSQL: run `cargo xtask services up` once, or name one in {VARIABLE}"
        )
    });
    url.trim().to_owned()
}

/// The folder that cargo builds into: the programs of tests are two folders down.
pub fn target() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let target = program.ancestors().nth(3).map(Path::to_owned);
    target.expect("cargo puts it into target/debug/deps")
}
