//! The log in one kind of database, the read model in another.

use seriatim::{ReadModel, ReadModelStore};

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

#[tokio::test]
async fn a_read_model_on_sqlite_shows_a_log_on_postgres() {
    the_log_is_in_another_database::<Postgres, Sqlite>().await;
}

#[tokio::test]
async fn a_read_model_on_postgres_shows_a_log_on_sqlite() {
    the_log_is_in_another_database::<Sqlite, Postgres>().await;
}
