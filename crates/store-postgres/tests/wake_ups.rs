//! Checks how those who wait come to know of what another process commits: by its message, and without it by looking.

mod support;

use std::time::Duration;

use seriatim_core::{EventStore, LogPartition, Position};
use seriatim_store_postgres::PostgresStore;
use seriatim_testkit::conformance::new_stream;
use support::samples::{append, is_written};
use support::{Schema, execute, server};

/// Longer than any test may take: who is woken sooner was not woken by the next look.
const NO_LOOK: &str = "poll=86400000";
const SOON: Duration = Duration::from_secs(60);

async fn write_one(store: &PostgresStore) {
    let outcomes = store.append(vec![append(&new_stream(), None, 1)]).await;
    assert!(is_written(&outcomes.unwrap()[0]));
}

async fn wait_past(store: &PostgresStore, position: u64) {
    let waiting = store.wait_past(LogPartition::FIRST, Position(position));
    let woken = tokio::time::timeout(SOON, waiting).await;
    woken.expect("nobody was woken");
}

/// Waits until the store listens: from then on only a message can wake who waits.
async fn start_to_listen(schema: &Schema, store: &PostgresStore) {
    let waiting = store.wait_past(LogPartition::FIRST, Position(u64::MAX));
    let mut waiting = std::pin::pin!(waiting);
    while count_listeners(schema).await == 0 {
        tokio::select! {
            () = &mut waiting => unreachable!("no log is so long"),
            () = tokio::time::sleep(Duration::from_millis(10)) => {}
        }
    }
    // It has looked once more after that, and goes on listening for a while.
    tokio::select! {
        () = waiting => unreachable!("no log is so long"),
        () = tokio::time::sleep(Duration::from_millis(50)) => {}
    }
}

/// Those that look at the heads: their last statement names the schema, and no other begins like it.
fn listeners(schema: &Schema) -> String {
    format!(
        "FROM pg_stat_activity WHERE query = 'SELECT partition, position FROM {}.seriatim_log_head'",
        schema.name()
    )
}

async fn count_listeners(schema: &Schema) -> usize {
    let sql = format!("SELECT 1 {}", listeners(schema));
    rows(&sql).await
}

/// Returns how many rows a query gives.
async fn rows(sql: &str) -> usize {
    use sqlx::{AssertSqlSafe, ConnectOptions};
    let options: sqlx::postgres::PgConnectOptions = server().parse().unwrap();
    let mut connection = options.connect().await.unwrap();
    let query = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
    query.fetch_all(&mut connection).await.unwrap().len()
}

async fn open(schema: &Schema, options: &str) -> PostgresStore {
    let url = format!("{}&{options}", schema.url());
    PostgresStore::open(&url).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_wakes_who_waits_long_before_the_next_look() {
    let schema = Schema::new();
    let (a, b) = (open(&schema, NO_LOOK).await, open(&schema, NO_LOOK).await);
    start_to_listen(&schema, &b).await;
    for position in 0..20 {
        let (waited, ()) = tokio::join!(wait_past(&b, position), write_one(&a));
        assert_eq!(waited, ());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_number_who_wait_share_one_connection() {
    let schema = Schema::new();
    let (a, b) = (open(&schema, NO_LOOK).await, open(&schema, NO_LOOK).await);
    start_to_listen(&schema, &b).await;
    let waiting: Vec<_> = (0..50)
        .map(|_| {
            let b = b.clone();
            tokio::spawn(async move { wait_past(&b, 0).await })
        })
        .collect();
    tokio::task::yield_now().await;
    assert_eq!(count_listeners(&schema).await, 1);
    write_one(&a).await;
    for waiter in waiting {
        waiter.await.unwrap();
    }
}

/// A pooler that hands out connections by the transaction leaves nobody to send a message to.
#[tokio::test(flavor = "multi_thread")]
async fn who_gets_no_messages_finds_events_by_looking() {
    let schema = Schema::new();
    let a = open(&schema, NO_LOOK).await;
    let b = open(&schema, "pooler=transaction&poll=50").await;
    for position in 0..5 {
        tokio::join!(wait_past(&b, position), write_one(&a));
    }
}

/// The server ends the connection that listens, and what is committed before there is another sends its message to
/// nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_loses_no_event() {
    let schema = Schema::new();
    let (a, b) = (open(&schema, NO_LOOK).await, open(&schema, NO_LOOK).await);
    start_to_listen(&schema, &b).await;
    for position in 0..5 {
        let waiting = {
            let b = b.clone();
            tokio::spawn(async move { wait_past(&b, position).await })
        };
        let end = format!("SELECT pg_terminate_backend(pid) {}", listeners(&schema));
        execute(&server(), &end).await.unwrap();
        write_one(&a).await;
        waiting.await.unwrap();
    }
}

/// Anybody may send messages; what they say must neither stop those who wait nor wake them for ever.
#[tokio::test(flavor = "multi_thread")]
async fn foreign_messages_do_no_harm() {
    let schema = Schema::new();
    let (a, b) = (open(&schema, NO_LOOK).await, open(&schema, NO_LOOK).await);
    start_to_listen(&schema, &b).await;
    for text in ["", "hello", "0:", "7:1", "0:-1", "65536:1"] {
        let send = format!("SELECT pg_notify('{}', '{text}')", schema.name());
        execute(&server(), &send).await.unwrap();
    }
    tokio::join!(wait_past(&b, 0), write_one(&a));
}
