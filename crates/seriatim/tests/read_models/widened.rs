//! A read model whose filter was widened.

use seriatim::core::EventFilter;
use seriatim::{ReadModel, ReadModelStore, StartAppError};

use crate::account::deposit;
use crate::databases::{Database, Postgres, Sqlite, assert_is_the_fold, caught_up};
use crate::tally::Tally;

async fn a_read_model_does_not_start_over_what_it_has_passed_over<L: Database, D: Database>()
where
    Tally<1>: ReadModel<<D::Store as ReadModelStore>::Connection>,
    Tally<2>: ReadModel<<D::Store as ReadModelStore>::Connection>,
{
    let (log, database) = (L::new(), D::new());
    let store = database.store().await;
    let app = log.app().await;
    let app = app.read_model(&store, Tally::<1>::of(&["Withdrawn"]));
    let app = app.start().await.unwrap();
    deposit(&app, 5, 0..20).await;
    caught_up(&app, &store, 1).await;
    app.shutdown().await.unwrap();

    let app = log.app().await;
    let app = app.read_model(&store, Tally::<1>::of(&["Withdrawn", "Deposited"]));
    let refused = app.start().await.unwrap_err();
    let says = "build it anew as another version";
    assert!(refused.to_string().ends_with(says), "{refused}");
    let StartAppError::Widened(widened) = refused else {
        panic!("{refused}");
    };
    let found = (widened.component.as_str(), &*widened.type_name);
    assert_eq!(found, ("tally.v1", "Deposited"));

    let app = log.app().await.read_model(&store, Tally::<1>::new());
    let app = app.widened_from("tally.v1", EventFilter::default());
    let refused = app.start().await;
    assert!(
        matches!(&refused, Err(StartAppError::WidenedReadModel { name }) if name == "tally.v1"),
        "{refused:?}"
    );

    let app = log.app().await;
    let app = app.read_model(&store, Tally::<2>::of(&["Withdrawn", "Deposited"]));
    let app = app.start().await.unwrap();
    caught_up(&app, &store, 2).await;
    assert_is_the_fold(&database, &app, 2).await;
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn beside_the_log() {
    a_read_model_does_not_start_over_what_it_has_passed_over::<Sqlite, Sqlite>().await;
    a_read_model_does_not_start_over_what_it_has_passed_over::<Postgres, Postgres>().await;
}

#[tokio::test]
async fn in_another_database() {
    a_read_model_does_not_start_over_what_it_has_passed_over::<Sqlite, Postgres>().await;
    a_read_model_does_not_start_over_what_it_has_passed_over::<Postgres, Sqlite>().await;
}
