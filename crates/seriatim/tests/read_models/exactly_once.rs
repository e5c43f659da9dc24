//! Checks what is promised as long as nothing goes wrong, and when two do the same work.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use seriatim::core::{
    Advance, Bookmark, Hold, LogPartition, Owner, Position, Reaction, ReactionError, RecordedEvent,
    Share, Step, Taking, Tenure, Work,
};
use seriatim::prelude::*;
use seriatim::sqlx::PgConnection;
use seriatim::{ExactlyOnce, ReadModel, ReadModelStore, ReadModelTables};
use seriatim_testkit::soon;
use tokio::sync::Notify;

use crate::account::deposit;
use crate::databases::{Database, Postgres, Sqlite, assert_is_the_fold, caught_up, status, tally};
use crate::tally::Tally;

pub(crate) const LEASE: Duration = Duration::from_secs(60);

async fn goes_on_after_a_restart<D: Database>()
where
    Tally<1>: ReadModel<<D::Store as ReadModelStore>::Connection>,
{
    let database = D::new();
    let store = database.store().await;
    for start in 0..3 {
        let app = database.app().await.read_model(&store, Tally::<1>::new());
        let app = app.start().await.unwrap();
        deposit(&app, 7, start * 50..(start + 1) * 50).await;
        caught_up(&app, &store, 1).await;
        assert_is_the_fold(&database, &app, 1).await;
        app.shutdown().await.unwrap();
    }
    // Queries go to the view.
    let view = format!(
        "SELECT '', sum(cents)::bigint FROM {}balances",
        database.prefix()
    );
    let view = view.replace(
        "::bigint",
        if database.prefix().is_empty() {
            ""
        } else {
            "::bigint"
        },
    );
    assert_eq!(database.rows(&view).await, [(String::new(), 150 * 151 / 2)]);
}

#[tokio::test]
async fn a_read_model_on_postgres_goes_on_after_a_restart() {
    goes_on_after_a_restart::<Postgres>().await;
}

#[tokio::test]
async fn a_read_model_on_sqlite_goes_on_after_a_restart() {
    goes_on_after_a_restart::<Sqlite>().await;
}

/// The first events of the log.
async fn events(app: &App) -> Vec<RecordedEvent> {
    let log = app.coordinator().store();
    log.read_log(LogPartition::FIRST, Position::START, 100)
        .await
        .unwrap()
        .events
}

async fn take<S: ReadModelStore>(store: &S, owner: &str, lease: Duration) -> Tenure {
    take_version(store, 1, owner, lease).await
}

pub(crate) async fn take_version<S: ReadModelStore>(
    store: &S,
    version: u32,
    owner: &str,
    lease: Duration,
) -> Tenure {
    let work = Work {
        component: tally(version).component(),
        partition: LogPartition::FIRST,
        share: Share::WHOLE,
    };
    let taken = async {
        loop {
            match store.take(&work, &Owner::new(owner), lease).await.unwrap() {
                Taking::Taken(tenure) => return tenure,
                Taking::Busy { .. } => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        }
    };
    soon(taken).await
}

async fn project<S: ReadModelStore, M: ReadModel<S::Connection>>(
    store: &S,
    model: M,
    tenure: &Tenure,
    events: &[RecordedEvent],
) -> Result<Hold, ReactionError> {
    let reaction = ExactlyOnce::register(store.clone(), model).await.unwrap();
    let events: Vec<_> = events.iter().collect();
    let step = Step {
        tenure,
        events: &events,
        advance: &Advance::Checkpoint(Bookmark::at(events.last().unwrap().position)),
        lease: LEASE,
        deepest: u32::MAX,
    };
    reaction.handle(step).await
}

async fn the_commit_of_a_stale_owner_fails<D: Database>()
where
    Tally<1>: ReadModel<<D::Store as ReadModelStore>::Connection>,
{
    let database = D::new();
    let (store, other) = (database.store().await, database.store().await);
    let app = database.app().await.start().await.unwrap();
    deposit(&app, 3, 0..10).await;
    let (events, model) = (events(&app).await, Tally::<1>::new());
    store.register(&model).await.unwrap();

    let stale = take(&store, "stale", Duration::ZERO).await;
    let next = take(&other, "next", LEASE).await;
    let answer = project(&store, model.clone(), &stale, &events).await;
    assert_eq!(answer.unwrap(), Hold::Lost);
    let table = format!("SELECT root, cents FROM {}balances_v1", database.prefix());
    assert_eq!(database.rows(&table).await, []);

    let answer = project(&other, model.clone(), &next, &events).await;
    assert_eq!(answer.unwrap(), Hold::Held);
    assert_is_the_fold(&database, &app, 1).await;
    // As if the answer to the commit had been lost: what was done is no failure of the events.
    let answer = project(&other, model.clone(), &next, &events).await;
    assert_eq!(answer.unwrap(), Hold::Lost);
    assert_is_the_fold(&database, &app, 1).await;
}

#[tokio::test]
async fn the_commit_of_a_stale_owner_fails_on_postgres() {
    the_commit_of_a_stale_owner_fails::<Postgres>().await;
}

#[tokio::test]
async fn the_commit_of_a_stale_owner_fails_on_sqlite() {
    the_commit_of_a_stale_owner_fails::<Sqlite>().await;
}

/// A tally that waits after it has written, in its transaction.
#[derive(Default)]
struct Slow {
    written: Arc<Notify>,
    go_on: Arc<Notify>,
}

impl ReadModel<PgConnection> for Slow {
    const NAME: &'static str = "tally";
    const TABLES: &'static [&'static str] = &["balances", "deposits"];

    async fn create(
        &self,
        connection: &mut PgConnection,
        tables: &ReadModelTables,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        Tally::<1>::new().create(connection, tables).await
    }

    async fn project(
        &self,
        connection: &mut PgConnection,
        tables: &ReadModelTables,
        events: &[&RecordedEvent],
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let tally = Tally::<1>::new();
        tally.project(connection, tables, events).await?;
        self.written.notify_one();
        self.go_on.notified().await;
        Ok(())
    }
}

/// On PostgreSQL the work can be taken over while its owner is in the middle of a transaction.
#[tokio::test]
async fn who_is_overtaken_in_its_transaction_commits_nothing() {
    let database = Postgres::new();
    let (store, other) = (database.store().await, database.store().await);
    let app = database.app().await.start().await.unwrap();
    deposit(&app, 3, 0..10).await;
    let events = events(&app).await;
    store.register(&Tally::<1>::new()).await.unwrap();
    let stale = take(&store, "stale", Duration::ZERO).await;

    let slow = Slow::default();
    let (written, go_on) = (Arc::clone(&slow.written), Arc::clone(&slow.go_on));
    let batch = events.clone();
    let stale = tokio::spawn(async move { project(&store, slow, &stale, &batch).await });
    written.notified().await;
    let next = take(&other, "next", LEASE).await;
    // Waits for the rows that the stale one has written, and gets them when that is undone.
    let batch = events.clone();
    let next = tokio::spawn(async move { project(&other, Tally::<1>::new(), &next, &batch).await });
    go_on.notify_one();
    assert_eq!(stale.await.unwrap().unwrap(), Hold::Lost);
    assert_eq!(next.await.unwrap().unwrap(), Hold::Held);
    assert_is_the_fold(&database, &app, 1).await;
}

async fn one_works_and_one_stands_by<D: Database>()
where
    Tally<1>: ReadModel<<D::Store as ReadModelStore>::Connection>,
{
    let database = D::new();
    let store = database.store().await;
    let mut apps = Vec::new();
    for _ in 0..2 {
        let app = database.app().await.read_model(&store, Tally::<1>::new());
        apps.push(app.start().await.unwrap());
    }
    for turn in 0..4 {
        deposit(&apps[1], 5, turn * 20..(turn + 1) * 20).await;
        caught_up(&apps[1], &store, 1).await;
        // Whoever has it ends; the other takes over.
        let next = database.app().await.read_model(&store, Tally::<1>::new());
        apps[0].shutdown().await.unwrap();
        apps[0] = next.start().await.unwrap();
        apps.swap(0, 1);
    }
    deposit(&apps[0], 5, 80..90).await;
    caught_up(&apps[0], &store, 1).await;
    assert_is_the_fold(&database, &apps[0], 1).await;
    assert!(status(&store, 1).await.checkpoints[0].epoch > 1);
    for app in apps {
        app.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn of_two_on_postgres_one_works_and_one_stands_by() {
    one_works_and_one_stands_by::<Postgres>().await;
}

#[tokio::test]
async fn of_two_on_sqlite_one_works_and_one_stands_by() {
    one_works_and_one_stands_by::<Sqlite>().await;
}
