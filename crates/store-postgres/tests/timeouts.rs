//! A server that does not get on: somebody holds a lock that everybody needs. Nobody waits for ever, nothing is guessed,
//! and all goes on when the lock is gone.

mod support;

use seriatim_core::{AppendError, EventStore, LogPartition, Position, StoreErrorKind};
use seriatim_store_postgres::PostgresStore;
use seriatim_testkit::conformance::new_stream;
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection};
use support::Schema;
use support::samples::{append, is_written};

/// A session that holds what `statement` locks until it is dropped.
async fn hold(statement: &str) -> PgConnection {
    let options: sqlx::postgres::PgConnectOptions = support::server().parse().unwrap();
    let mut connection = options.connect().await.unwrap();
    let begun = format!("BEGIN; {statement}");
    let held = sqlx::raw_sql(AssertSqlSafe(begun)).execute(&mut connection);
    held.await.unwrap();
    connection
}

async fn let_go(mut connection: PgConnection) {
    let ended = sqlx::raw_sql("ROLLBACK").execute(&mut connection);
    ended.await.unwrap();
}

async fn open(schema: &Schema, limits: &str) -> PostgresStore {
    let url = format!("{}&{limits}", schema.url());
    PostgresStore::open(&url).await.unwrap()
}

/// Returns the SQLSTATE with which the server answers a statement that it has given up.
fn code(error: &seriatim_core::StoreError) -> String {
    let source = error.source.downcast_ref::<sqlx::Error>();
    let database = source.and_then(sqlx::Error::as_database_error);
    let code = database.and_then(sqlx::error::DatabaseError::code);
    code.map(std::borrow::Cow::into_owned).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_gives_up_a_lock_after_its_time_limit_and_has_written_nothing() {
    let schema = Schema::new();
    let store = open(&schema, "lock_timeout=1").await;
    let head = format!(
        "SELECT 1 FROM {}.seriatim_log_head FOR UPDATE",
        schema.name()
    );
    let held = hold(&head).await;

    let append = append(&new_stream(), None, 2);
    let error = store.append(vec![append.clone()]).await.unwrap_err();
    let AppendError::NotWritten(error) = error else {
        panic!("the server said that it gave up, so nothing is open: {error}");
    };
    assert_eq!(
        (error.kind, code(&error).as_str()),
        (StoreErrorKind::Unavailable, "55P03")
    );

    let_go(held).await;
    assert_eq!(
        store.head(LogPartition::FIRST).await.unwrap(),
        Position::START
    );
    assert!(is_written(&store.append(vec![append]).await.unwrap()[0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_gives_up_after_its_time_limit_and_works_again_later() {
    let schema = Schema::new();
    let store = open(&schema, "statement_timeout=1&lock_timeout=60").await;
    let written = store.append(vec![append(&new_stream(), None, 1)]).await;
    assert!(is_written(&written.unwrap()[0]));
    let table = format!(
        "LOCK TABLE {}.seriatim_events IN ACCESS EXCLUSIVE MODE",
        schema.name()
    );
    let held = hold(&table).await;

    let read = || store.read_log(LogPartition::FIRST, Position::START, 10);
    let error = read().await.unwrap_err();
    assert_eq!(
        (error.kind, code(&error).as_str()),
        (StoreErrorKind::Unavailable, "57014")
    );

    let_go(held).await;
    assert_eq!(read().await.unwrap().events.len(), 1);
}
