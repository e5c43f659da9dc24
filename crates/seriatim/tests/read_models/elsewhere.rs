//! The log in one kind of database, the read model in another.

use seriatim::core::{EventFilter, WhyNotHandled};
use seriatim::prelude::*;
use seriatim::{
    Begin, Finding, PieceState, PieceStatus, ReadModel, ReadModelStore, SubscribeError, WaitError,
};

use crate::account::{deposit, deposit_and_wait};
use crate::databases::{Database, Postgres, Sqlite, assert_is_the_fold, caught_up, tally, until};
use crate::tally::Tally;

async fn the_log_is_in_another_database<L: Database, D: Database>()
where
    Tally<1>: ReadModel<<D::Store as ReadModelStore>::Connection>,
{
    let (log, database) = (L::new(), D::new());
    let store = database.store().await;
    for start in 0..3 {
        let app = log.app().await.read_model(&store, Tally::<1>::new());
        let app = app.start().await.unwrap();
        if start == 0 {
            let nothing = app.progress(&store, &tally(1)).await.unwrap();
            assert_eq!((nothing.handled, nothing.of), (0, 0));
            assert!(nothing.is_done() && nothing.left_at(nothing.rate()).unwrap().is_zero());
        }
        deposit(&app, 5, start * 20..(start + 1) * 20).await;
        caught_up(&app, &store, 1).await;
        let progress = app.progress(&store, &tally(1)).await.unwrap();
        assert_eq!(progress.of, 20 * (start as u64 + 1));
        assert_is_the_fold(&database, &app, 1).await;
        app.shutdown().await.unwrap();
    }
}

/// There is another log in the place of the one that the read model was made of, of any length.
async fn a_read_model_of_another_log_is_paused_and_replaced<D: Database>()
where
    Tally<1>: ReadModel<<D::Store as ReadModelStore>::Connection>,
    Tally<2>: ReadModel<<D::Store as ReadModelStore>::Connection>,
{
    for length in [10, 20, 40] {
        let (log, other, database) = (Sqlite::new(), Sqlite::new(), D::new());
        let store = database.store().await;
        let app = log.app().await.read_model(&store, Tally::<1>::new());
        let app = app.start().await.unwrap();
        deposit(&app, 5, 0..20).await;
        caught_up(&app, &store, 1).await;
        app.shutdown().await.unwrap();
        let shown = database.rows(&balances(&database, "_v1")).await;

        for from in [0, length] {
            let app = other.app().await.read_model(&store, Tally::<1>::new());
            let app = app.start().await.unwrap();
            deposit(&app, 5, from..length).await;
            assert_is_paused(&app, &store).await;
            app.shutdown().await.unwrap();
        }
        assert_eq!(database.rows(&balances(&database, "_v1")).await, shown);

        let app = other.app().await.read_model(&store, Tally::<1>::new());
        let app = app.read_model(&store, Tally::<2>::new());
        let app = app.start().await.unwrap();
        caught_up(&app, &store, 2).await;
        app.reactions().switch_read_model(&tally(2)).await.unwrap();
        assert_is_the_fold(&database, &app, 2).await;
        let view = database.rows(&balances(&database, "")).await;
        assert_eq!(view, database.rows(&balances(&database, "_v2")).await);
        app.shutdown().await.unwrap();
    }
}

fn balances<D: Database>(database: &D, version: &str) -> String {
    let prefix = database.prefix();
    format!("SELECT root, cents FROM {prefix}balances{version} ORDER BY root")
}

/// Everybody who looks is told that the first version does not belong to the log.
async fn assert_is_paused<S: ReadModelStore>(app: &App, store: &S) {
    let is_paused = |status: &PieceStatus| matches!(status.state, PieceState::Paused { .. });
    until("it is paused", async || {
        app.reactions().status().iter().all(is_paused)
    })
    .await;
    let says_so = |why: &str| {
        assert!(why.starts_with("the log was replaced"), "{why}");
        assert!(why.contains("as another version"), "{why}");
    };
    for progress in app.reactions().progress().await.unwrap() {
        says_so(&progress.checkpoint.paused.unwrap());
    }
    for overview in app.reactions().read_models(None).await.unwrap() {
        says_so(&overview.paused.unwrap());
        assert_eq!(overview.progress.handled, 0);
    }
    let progress = app.progress(store, &tally(1)).await.unwrap();
    assert_eq!(progress.handled, 0);
    match deposit_and_wait(app, "tally.v1").await.unwrap_err() {
        WaitError::NotHandled { not_handled, .. } => {
            let why = not_handled.why;
            assert!(matches!(why, WhyNotHandled::Paused { .. }), "{why}");
        }
        refused @ WaitError::Refused(_) => panic!("{refused}"),
    }
    let found = app.audit().await.unwrap().findings;
    assert!(
        matches!(found[..], [Finding::LogReplaced { .. }]),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_read_model_on_postgres_of_another_log_is_paused_and_replaced() {
    a_read_model_of_another_log_is_paused_and_replaced::<Postgres>().await;
}

#[tokio::test]
async fn a_read_model_on_sqlite_of_another_log_is_paused_and_replaced() {
    a_read_model_of_another_log_is_paused_and_replaced::<Sqlite>().await;
}

/// While the application runs the log goes back to an earlier state, and grows past where it was.
async fn a_log_that_goes_back_under_a_running_read_model_pauses_it<L: Database>(
    go_back: impl AsyncFn(&L),
) where
    Tally<1>: ReadModel<<L::Store as ReadModelStore>::Connection>,
{
    let (log, models) = (L::new(), Sqlite::new());
    let store = models.store().await;
    let app = log.app().await.read_model(&store, Tally::<1>::new());
    let app = app.start().await.unwrap();
    deposit(&app, 5, 0..20).await;
    caught_up(&app, &store, 1).await;
    let mut events = app
        .subscribe(Begin::Now, EventFilter::default())
        .await
        .unwrap();
    let shown = models.rows(&balances(&models, "_v1")).await;
    go_back(&log).await;
    deposit(&app, 5, 100..130).await;
    assert_is_paused(&app, &store).await;
    assert_eq!(models.rows(&balances(&models, "_v1")).await, shown);
    let told = loop {
        match events.next().await {
            Ok(batch) => assert_eq!(batch.events().count(), 0),
            Err(told) => break told,
        }
    };
    assert!(matches!(told, SubscribeError::Replaced(_)), "{told}");
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_log_on_postgres_that_goes_back_under_a_running_read_model_pauses_it() {
    a_log_that_goes_back_under_a_running_read_model_pauses_it(async |log: &Postgres| {
        let prefix = log.prefix();
        log.run(&format!(
            "BEGIN; DELETE FROM {prefix}seriatim_events WHERE position > 7;
             UPDATE {prefix}seriatim_log_head SET position = 7, revision = revision + 1; COMMIT"
        ))
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_log_on_sqlite_that_goes_back_under_a_running_read_model_pauses_it() {
    a_log_that_goes_back_under_a_running_read_model_pauses_it(async |log: &Sqlite| {
        let file = Sqlite::log_url(&log.url()).replace("sqlite://", "");
        rusqlite::Connection::open(file)
            .unwrap()
            .execute_batch(
                "BEGIN; DELETE FROM seriatim_events WHERE position > 7;
                 UPDATE seriatim_log_head SET position = 7; COMMIT",
            )
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_read_model_on_sqlite_shows_a_log_on_postgres() {
    the_log_is_in_another_database::<Postgres, Sqlite>().await;
}

#[tokio::test]
async fn a_read_model_on_postgres_shows_a_log_on_sqlite() {
    the_log_is_in_another_database::<Sqlite, Postgres>().await;
}
