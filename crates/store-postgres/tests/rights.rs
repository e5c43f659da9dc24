//! Checks that what an account may not do is found out when the store is opened, and never taken for an outage.

mod support;

use std::sync::Arc;

use seriatim_core::{
    AppendError, ClearedTimer, EventStore, LogPartition, Position, Sequence, StoreErrorKind,
    TimerStore, Write,
};
use seriatim_store_postgres::PostgresStore;
use seriatim_testkit::conformance::new_stream;
use support::account::{Account, DOCUMENTED, grants};
use support::samples::{append, is_written};
use support::{Schema, execute, server};

/// The error names the rights that the account lacks. They are all that it needs: the rules of every store run with no
/// others.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_may_only_read_is_told_what_to_grant() {
    let account = Account::new(Schema::new()).await;
    PostgresStore::migrate(&account.schema.url()).await.unwrap();
    account.may("SELECT").await;
    let refused = PostgresStore::open(&account.url()).await;
    let grants = grants(&refused.expect_err("it cannot write"));
    assert!(!grants.contains("SELECT"), "that it has: {grants}");
    // An audit needs no more.
    let audit = PostgresStore::open_to_read(&account.url()).await.unwrap();
    let head = audit.head(LogPartition::FIRST).await.unwrap();
    assert_eq!(head, Position::START);
    let written = audit.append(vec![append(&new_stream(), None, 1)]).await;
    let Err(AppendError::NotWritten(error)) = written else {
        panic!("it may not write");
    };
    assert_eq!(error.kind, StoreErrorKind::Denied, "{error}");

    execute(&server(), &grants).await.unwrap();
    let store = PostgresStore::open(&account.url()).await.unwrap();
    let written = store.append(vec![append(&new_stream(), None, 1)]).await;
    assert!(is_written(&written.unwrap()[0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_right_that_is_missing_is_named() {
    let account = Account::new(Schema::new()).await;
    let (schema, user) = (account.schema.name().to_owned(), account.name.clone());
    PostgresStore::migrate(&account.schema.url()).await.unwrap();
    account.may(DOCUMENTED).await;
    for (right, table) in [
        ("UPDATE", "seriatim_log_head"),
        ("INSERT", "seriatim_events"),
        ("DELETE", "seriatim_timers"),
        ("INSERT", "seriatim_read_models"),
    ] {
        let revoke = format!("REVOKE {right} ON {schema}.{table} FROM {user}");
        execute(&server(), &revoke).await.unwrap();
        let refused = PostgresStore::open(&account.url()).await;
        let grants = grants(&refused.expect_err("a right is missing"));
        assert_eq!(
            grants,
            format!("GRANT {right} ON {schema}.{table} TO {user}")
        );
        execute(&server(), &grants).await.unwrap();
    }
    PostgresStore::open(&account.url()).await.unwrap();
}

/// Nobody is told to come again for what only a person can change.
#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_was_taken_away_is_not_an_outage() {
    let account = Account::new(Schema::new()).await;
    let (schema, user) = (account.schema.name().to_owned(), account.name.clone());
    PostgresStore::migrate(&account.schema.url()).await.unwrap();
    account.may(DOCUMENTED).await;
    let store = Arc::new(PostgresStore::open(&account.url()).await.unwrap());
    let write = |store: Arc<PostgresStore>| async move {
        store.append(vec![append(&new_stream(), None, 1)]).await
    };
    assert!(is_written(&write(store.clone()).await.unwrap()[0]));
    let revoke = format!("REVOKE INSERT ON {schema}.seriatim_events FROM {user}");
    execute(&server(), &revoke).await.unwrap();
    let Err(AppendError::NotWritten(error)) = write(store.clone()).await else {
        panic!("it may not write");
    };
    assert_eq!(error.kind, StoreErrorKind::Denied, "{error}");
    account.may(DOCUMENTED).await;
    assert!(is_written(&write(store.clone()).await.unwrap()[0]));
}

/// Waiting for it would be in vain: the same data will never be accepted.
#[tokio::test(flavor = "multi_thread")]
async fn data_that_the_database_does_not_take_is_refused_and_not_unavailable() {
    let schema = Schema::new();
    let store = PostgresStore::open(&schema.url()).await.unwrap();
    let cleared = ClearedTimer {
        stream: new_stream(),
        name: "a\0b".into(),
        through: Sequence(0),
    };
    let error = store.clear_timers(&[cleared]).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Refused, "{error}");
    let rule = format!(
        "ALTER TABLE {}.seriatim_events ADD CHECK (type <> 'Forbidden')",
        schema.name()
    );
    execute(&server(), &rule).await.unwrap();
    let mut forbidden = append(&new_stream(), None, 1);
    let Write::Events { events, .. } = &mut forbidden.write else {
        unreachable!("it is made of events");
    };
    Arc::get_mut(events).unwrap()[0].payload.type_name = "Forbidden".into();
    let Err(AppendError::NotWritten(error)) = store.append(vec![forbidden]).await else {
        panic!("the table has a rule against it");
    };
    assert_eq!(error.kind, StoreErrorKind::Refused, "{error}");
}

/// Neither is an account that is not let in any more.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_was_locked_is_not_an_outage() {
    let account = Account::with_what_it_needs().await;
    let store = PostgresStore::open(&account.url()).await.unwrap();
    let write = async || store.append(vec![append(&new_stream(), None, 1)]).await;
    assert!(is_written(&write().await.unwrap()[0]));
    let name = &account.name;
    let lock = format!(
        "ALTER ROLE {name} NOLOGIN;
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{name}'"
    );
    execute(&server(), &lock).await.unwrap();
    // What became of the first is open: its connection was lost.
    let lost = write().await;
    assert!(matches!(lost, Err(AppendError::Unknown(_))), "{lost:?}");
    let Err(AppendError::NotWritten(error)) = write().await else {
        panic!("it is not let in");
    };
    assert_eq!(error.kind, StoreErrorKind::Denied, "{error}");
    let unlock = format!("ALTER ROLE {name} LOGIN");
    execute(&server(), &unlock).await.unwrap();
    assert!(is_written(&write().await.unwrap()[0]));
}
