//! The log in one kind of database, the read model in another.

use seriatim::{ReadModel, ReadModelStore, VersionError, VersionStore};

use crate::account::deposit;
use crate::databases::{Database, Postgres, Sqlite, assert_is_the_fold, caught_up, tally};
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

/// The log is restored from a backup, the read model is not.
async fn a_live_version_ahead_of_the_log_is_replaced<D: Database>()
where
    Tally<1>: ReadModel<<D::Store as ReadModelStore>::Connection>,
    Tally<2>: ReadModel<<D::Store as ReadModelStore>::Connection>,
{
    let (log, restored, database) = (Sqlite::new(), Sqlite::new(), D::new());
    let store = database.store().await;
    let app = log.app().await.read_model(&store, Tally::<1>::new());
    let app = app.start().await.unwrap();
    deposit(&app, 5, 0..20).await;
    caught_up(&app, &store, 1).await;
    app.shutdown().await.unwrap();

    let app = restored.app().await.read_model(&store, Tally::<1>::new());
    let app = app.start().await.unwrap();
    deposit(&app, 5, 0..10).await;
    store.register(&Tally::<2>::new()).await.unwrap();
    // It is behind what there is, too.
    let behind = app.reactions().switch_read_model(&tally(2)).await;
    assert!(
        matches!(behind, Err(VersionError::Behind { .. })),
        "{behind:?}"
    );
    app.shutdown().await.unwrap();

    let app = restored.app().await.read_model(&store, Tally::<1>::new());
    let app = app.read_model(&store, Tally::<2>::new());
    let app = app.start().await.unwrap();
    caught_up(&app, &store, 2).await;
    let behind = store.switch(&tally(2)).await;
    assert!(
        matches!(behind, Err(VersionError::Behind { .. })),
        "{behind:?}"
    );
    app.reactions().switch_read_model(&tally(2)).await.unwrap();
    assert_is_the_fold(&database, &app, 2).await;
    let prefix = database.prefix();
    let view = format!("SELECT root, cents FROM {prefix}balances ORDER BY root");
    let table = format!("SELECT root, cents FROM {prefix}balances_v2 ORDER BY root");
    assert_eq!(database.rows(&view).await, database.rows(&table).await);
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_live_version_on_postgres_ahead_of_the_log_is_replaced() {
    a_live_version_ahead_of_the_log_is_replaced::<Postgres>().await;
}

#[tokio::test]
async fn a_live_version_on_sqlite_ahead_of_the_log_is_replaced() {
    a_live_version_ahead_of_the_log_is_replaced::<Sqlite>().await;
}

#[tokio::test]
async fn a_read_model_on_sqlite_shows_a_log_on_postgres() {
    the_log_is_in_another_database::<Postgres, Sqlite>().await;
}

#[tokio::test]
async fn a_read_model_on_postgres_shows_a_log_on_sqlite() {
    the_log_is_in_another_database::<Sqlite, Postgres>().await;
}
