//! Storages that a test has for itself, named by URLs: a file, or a schema on the PostgreSQL that the tests are given.

#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "each test program uses a part of this"
)]

use std::any::Any;

/// A storage that is removed when it is dropped.
pub(crate) struct Storage {
    url: String,
    /// The owner of the storage: dropping it removes the storage.
    kept: Box<dyn Any + Send + Sync>,
}

impl Storage {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            url: format!("sqlite://{}", folder.path().join("test.db").display()),
            kept: Box::new(folder),
        }
    }

    /// Names it, also to another process.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

#[cfg(feature = "postgres")]
impl Storage {
    pub(crate) fn postgresql() -> Self {
        let server = server();
        let schema = format!("exam_{}", seriatim::prelude::Uuid::now_v7().simple());
        let sign = if server.contains('?') { '&' } else { '?' };
        Self {
            url: format!("{server}{sign}schema={schema}"),
            kept: Box::new(Schema { server, schema }),
        }
    }

    /// Changes tables behind the back of those who use them.
    pub(crate) async fn execute(&self, sql: &str) {
        let schema = self.kept.downcast_ref::<Schema>();
        let schema = schema.expect("it is on PostgreSQL");
        let sql = format!("SET search_path TO {}; {sql}", schema.schema);
        execute(&schema.server, sql).await;
    }
}

/// Changes the tables of the storage that a URL names behind the back of those who use it.
pub(crate) async fn execute_at(url: &str, sql: &str) {
    if let Some(path) = url.strip_prefix("sqlite://") {
        let connection = rusqlite::Connection::open(path).unwrap();
        connection.execute_batch(sql).unwrap();
        return;
    }
    #[cfg(feature = "postgres")]
    {
        let (server, schema) = url.rsplit_once("schema=").unwrap();
        let server = server.trim_end_matches(['?', '&']);
        execute(server, format!("SET search_path TO {schema}; {sql}")).await;
    }
}

#[cfg(feature = "postgres")]
async fn execute(server: &str, sql: String) {
    use seriatim::sqlx::postgres::PgConnectOptions;
    use seriatim::sqlx::{self, AssertSqlSafe, ConnectOptions};

    let options: PgConnectOptions = server.parse().unwrap();
    let mut connection = options.connect().await.unwrap();
    let statements = sqlx::raw_sql(AssertSqlSafe(sql));
    statements.execute(&mut connection).await.unwrap();
}

#[cfg(feature = "postgres")]
struct Schema {
    server: String,
    schema: String,
}

#[cfg(feature = "postgres")]
impl Drop for Schema {
    fn drop(&mut self) {
        let sql = format!("DROP SCHEMA IF EXISTS {} CASCADE", self.schema);
        let server = self.server.clone();
        // A runtime of its own: the test's may be in the middle of something, or ending.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(execute(&server, sql));
        });
        if !std::thread::panicking() {
            dropped.join().unwrap();
        }
    }
}

/// The URL of the server: named by a variable, or the one that `cargo xtask services up` has started.
#[cfg(feature = "postgres")]
fn server() -> String {
    if let Ok(url) = std::env::var("SERIATIM_TEST_POSTGRES") {
        return url;
    }
    let program = std::env::current_exe().unwrap();
    let target = program.ancestors().nth(3).unwrap();
    let url = std::fs::read_to_string(target.join("services/postgres/url"));
    let url = url.expect("these tests need a PostgreSQL: run `cargo xtask services up` once");
    url.trim().to_owned()
}

/// Makes one test of each function on each kind of storage.
macro_rules! on_every_storage {
    ($($test:ident)*) => {
        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    let storage = crate::storage::Storage::sqlite();
                    super::$test(storage.url()).await;
                }
            )*
        }

        #[cfg(feature = "postgres")]
        mod on_postgresql {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    let storage = crate::storage::Storage::postgresql();
                    super::$test(storage.url()).await;
                }
            )*
        }
    };
}
pub(crate) use on_every_storage;
