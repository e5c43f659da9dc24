//! Read models that fail, panic, lose their tables, or are not as they were declared.

use std::error::Error;
use std::sync::atomic::{AtomicU32, Ordering};

use seriatim::core::{CheckpointStore, EventFilter, RecordedEvent};
use seriatim::sqlx::{self, AssertSqlSafe, PgConnection};
use seriatim::{
    FailurePolicy, PieceState, ReadModel, ReadModelStore, ReadModelTables, RegisterError,
    StartAppError, VersionStore,
};

use crate::account::{Account, Do, deposit, root};
use crate::databases::{Database, Postgres, Sqlite, assert_is_the_fold, caught_up, tally, until};
use crate::tally::{Does, Tally};

async fn who_fails_or_panics_leaves_nothing_of_that_try<D: Database>()
where
    Tally<1>: ReadModel<<D::Store as ReadModelStore>::Connection>,
{
    let database = D::new();
    let store = database.store().await;
    let calls = AtomicU32::new(0);
    // By now the events of the batch are written, in the transaction.
    let tally = Tally::<1>::that(move |_| match calls.fetch_add(1, Ordering::Relaxed) % 7 {
        3 => Does::Fails,
        5 => Does::Panics,
        _ => Does::GoesOn,
    });
    let app = database.app().await.start().await.unwrap();
    deposit(&app, 4, 0..25).await;
    app.shutdown().await.unwrap();
    let app = database.app().await.read_model(&store, tally);
    let app = app.start().await.unwrap();
    caught_up(&app, &store, 1).await;
    // What failed alone is tried again behind the checkpoint.
    until("nothing waits for another try", async || {
        store.parked(None).await.unwrap().is_empty()
    })
    .await;
    assert_is_the_fold(&database, &app, 1).await;
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn who_fails_or_panics_on_postgres_leaves_nothing_of_that_try() {
    who_fails_or_panics_leaves_nothing_of_that_try::<Postgres>().await;
}

#[tokio::test]
async fn who_fails_or_panics_on_sqlite_leaves_nothing_of_that_try() {
    who_fails_or_panics_leaves_nothing_of_that_try::<Sqlite>().await;
}

async fn a_dropped_table_pauses_its_read_model_until_it_is_restored<D: Database>()
where
    Tally<1>: ReadModel<<D::Store as ReadModelStore>::Connection>,
{
    let database = D::new();
    let store = database.store().await;
    let app = database.app().await.read_model(&store, Tally::<1>::new());
    let app = app.start().await.unwrap();
    deposit(&app, 4, 0..10).await;
    caught_up(&app, &store, 1).await;
    let table = format!("{}deposits_v1", database.prefix());
    // Kept aside, as a backup would have it.
    database
        .run(&format!("ALTER TABLE {table} RENAME TO aside"))
        .await;
    deposit(&app, 4, 10..20).await;
    until("it says so", async || {
        match &app.reactions().status()[0].state {
            PieceState::Paused { error, .. } => error.contains(&format!(
                "the table {table} of `tally.v1` is gone; restore it"
            )),
            _ => false,
        }
    })
    .await;
    until("it is shown", async || {
        let shown = app.reactions().progress().await.unwrap();
        shown[0].checkpoint.paused.is_some()
    })
    .await;
    let aside = format!("{}aside", database.prefix());
    database
        .run(&format!("ALTER TABLE {aside} RENAME TO deposits_v1"))
        .await;
    let name = tally(1).component();
    app.reactions().resume(&name).await.unwrap();
    caught_up(&app, &store, 1).await;
    assert_is_the_fold(&database, &app, 1).await;
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_dropped_table_on_postgres_pauses_its_read_model() {
    a_dropped_table_pauses_its_read_model_until_it_is_restored::<Postgres>().await;
}

#[tokio::test]
async fn a_dropped_table_on_sqlite_pauses_its_read_model() {
    a_dropped_table_pauses_its_read_model_until_it_is_restored::<Sqlite>().await;
}

async fn a_table_that_is_gone_for_good_is_replaced_by_those_of_the_next_version<D: Database>()
where
    Tally<1>: ReadModel<<D::Store as ReadModelStore>::Connection>,
    Tally<2>: ReadModel<<D::Store as ReadModelStore>::Connection>,
{
    let database = D::new();
    let store = database.store().await;
    let app = database.app().await.read_model(&store, Tally::<1>::new());
    let app = app.start().await.unwrap();
    deposit(&app, 4, 0..10).await;
    caught_up(&app, &store, 1).await;
    let prefix = database.prefix();
    // PostgreSQL does not leave a view without its table.
    let and_views = if prefix.is_empty() { "" } else { " CASCADE" };
    let drop = format!("DROP TABLE {prefix}balances_v1{and_views}");
    database.run(&drop).await;
    deposit(&app, 4, 10..20).await;
    until("it is paused", async || {
        matches!(app.reactions().status()[0].state, PieceState::Paused { .. })
    })
    .await;
    app.shutdown().await.unwrap();

    let app = database.app().await.read_model(&store, Tally::<1>::new());
    let app = app.read_model(&store, Tally::<2>::new());
    let app = app.start().await.unwrap();
    caught_up(&app, &store, 2).await;
    store.switch(&tally(2)).await.unwrap();
    store.drop_version(&tally(1)).await.unwrap();
    assert_is_the_fold(&database, &app, 2).await;
    let view = format!("SELECT root, cents FROM {prefix}balances ORDER BY root");
    assert_eq!(database.rows(&view).await.len(), 4);
    assert_eq!(database.tables("_v1").await, 0);
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_table_that_is_gone_for_good_on_postgres_is_replaced_by_the_next_version() {
    a_table_that_is_gone_for_good_is_replaced_by_those_of_the_next_version::<Postgres>().await;
}

#[tokio::test]
async fn a_table_that_is_gone_for_good_on_sqlite_is_replaced_by_the_next_version() {
    a_table_that_is_gone_for_good_is_replaced_by_those_of_the_next_version::<Sqlite>().await;
}

/// Has what a test gives it done to the database.
struct Statements {
    create: &'static str,
    project: &'static str,
    /// `true` if it ignores errors.
    careless: bool,
}

impl ReadModel<PgConnection> for Statements {
    const NAME: &'static str = "statements";

    fn filter(&self) -> EventFilter {
        EventFilter {
            types: vec!["Deposited".into()],
            ..EventFilter::default()
        }
    }

    async fn create(
        &self,
        connection: &mut PgConnection,
        tables: &ReadModelTables,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let create = self
            .create
            .replace("statements", &tables.name("statements"));
        sqlx::raw_sql(AssertSqlSafe(create))
            .execute(connection)
            .await?;
        Ok(())
    }

    async fn project(
        &self,
        connection: &mut PgConnection,
        tables: &ReadModelTables,
        _: &[&RecordedEvent],
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let project = self
            .project
            .replace("statements", &tables.name("statements"));
        let done = sqlx::raw_sql(AssertSqlSafe(project))
            .execute(connection)
            .await;
        if !self.careless {
            done?;
        }
        Ok(())
    }
}

/// Returns the error with which a piece of work fails on its only event.
async fn failure(statements: Statements) -> String {
    let database = Postgres::new();
    let store = database.store().await;
    let app = database.app().await.read_model(&store, statements);
    let app = app.failure_policy("statements.v1", FailurePolicy::pause());
    let app = app.start().await.unwrap();
    app.of::<Account>(root(1))
        .send(Do::Deposit { cents: 1 })
        .await
        .unwrap();
    let mut pieces = app.reactions().watch();
    let failed = pieces[0].wait_for(|piece| matches!(piece.state, PieceState::Retrying { .. }));
    let PieceState::Retrying { failure, .. } = failed.await.unwrap().state.clone() else {
        unreachable!("it was waited for");
    };
    app.shutdown().await.unwrap();
    failure.error
}

#[tokio::test]
async fn a_statement_that_fails_is_a_failure_of_its_event_even_if_nobody_looks() {
    let create = "CREATE TABLE statements (number bigint
        CONSTRAINT unique_in_the_end UNIQUE DEFERRABLE INITIALLY DEFERRED)";
    let project = "INSERT INTO statements VALUES (1 / 0)";
    let looks = Statements {
        create,
        project,
        careless: false,
    };
    let error = failure(looks).await;
    assert!(error.contains("division by zero"), "{error}");
    let careless = Statements {
        create,
        project,
        careless: true,
    };
    let error = failure(careless).await;
    assert!(error.contains("transaction is aborted"), "{error}");
    let late = Statements {
        create,
        project: "INSERT INTO statements VALUES (1), (1)",
        careless: false,
    };
    let error = failure(late).await;
    assert!(error.contains("unique_in_the_end"), "{error}");
}

#[tokio::test]
async fn a_model_that_makes_its_tables_wrongly_is_refused_at_the_start() {
    let database = Postgres::new();
    let store = database.store().await;
    let refused = async |create| {
        let statements = Statements {
            create,
            project: "",
            careless: false,
        };
        let app = database.app().await.read_model(&store, statements);
        match app.start().await.unwrap_err() {
            StartAppError::ReadModel(error) => error,
            other => panic!("{other}"),
        }
    };
    let error = refused("CREATE TABLE oops").await;
    assert!(matches!(error, RegisterError::Create { .. }), "{error}");
    let error = refused("SELECT 1").await;
    let RegisterError::NotMade { table, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(*table, format!("{}statements_v1", database.prefix()));
    assert_eq!(
        store.versions(None).await.unwrap(),
        [],
        "nothing of it is there"
    );
}

/// As [`Tally`] of the same version, with one table less.
struct Changed;

impl ReadModel<PgConnection> for Changed {
    const NAME: &'static str = "tally";
    const TABLES: &'static [&'static str] = &["balances"];

    async fn create(
        &self,
        _: &mut PgConnection,
        _: &ReadModelTables,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        Err("they are made".into())
    }

    async fn project(
        &self,
        _: &mut PgConnection,
        _: &ReadModelTables,
        _: &[&RecordedEvent],
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }
}

#[tokio::test]
async fn other_tables_need_another_version() {
    let database = Postgres::new();
    let store = database.store().await;
    store.register(&Tally::<1>::new()).await.unwrap();
    let error = store.register(&Changed).await.unwrap_err();
    let RegisterError::OtherTables { made, declared, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!((made.len(), declared.len()), (2, 1));
}
