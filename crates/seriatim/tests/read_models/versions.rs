//! Versions of a read model beside one another: built, compared, switched, dropped.

use seriatim::core::{
    Advance, Bookmark, CheckpointStore, Domain, Hold, Position, Reaction, Step, StreamId, Tenure,
    Timestamp, Update,
};
use seriatim::prelude::*;
use seriatim::{
    Begin, Comparison, ExactlyOnce, OperatorError, PieceState, ReadModel, ReadModelStore,
    ReadModelTables, StartAppError, VersionError, VersionStanding, VersionStore,
};
use seriatim::{LetterFilter, LetterStatus, ReactionLetter};

use crate::account::{Account, Do, deposit, root};
use crate::databases::{
    Database, Postgres, Sqlite, assert_is_the_fold, caught_up, status, tally, until,
};
use crate::exactly_once::{LEASE, take_version};
use crate::tally::Tally;

const ACCOUNTS: usize = 5;

fn balances(tables: &ReadModelTables) -> String {
    format!("SELECT root, cents FROM {}", tables.name("balances"))
}

/// Returns the rows that the view shows.
async fn shown<D: Database>(database: &D) -> Vec<(String, i64)> {
    let view = format!(
        "SELECT root, cents FROM {}balances ORDER BY root",
        database.prefix()
    );
    database.rows(&view).await
}

async fn both<D: Database>(database: &D, store: &D::Store) -> App
where
    Tally<1>: ReadModel<<D::Store as ReadModelStore>::Connection>,
    Tally<2>: ReadModel<<D::Store as ReadModelStore>::Connection>,
{
    let app = database.app().await.read_model(store, Tally::<1>::new());
    let app = app.read_model(store, Tally::<2>::new());
    app.start().await.unwrap()
}

async fn a_new_version_is_built_beside_the_live_one_and_switched_to<D: Database>()
where
    Tally<1>: ReadModel<<D::Store as ReadModelStore>::Connection>,
    Tally<2>: ReadModel<<D::Store as ReadModelStore>::Connection>,
{
    let database = D::new();
    let store = database.store().await;
    let app = database.app().await.read_model(&store, Tally::<1>::new());
    let app = app.start().await.unwrap();
    deposit(&app, ACCOUNTS, 0..60).await;
    caught_up(&app, &store, 1).await;
    app.shutdown().await.unwrap();
    assert_eq!(status(&store, 1).await.standing, VersionStanding::Live);

    // Nobody feeds the second one yet.
    store.register(&Tally::<2>::new()).await.unwrap();
    let new = status(&store, 2).await;
    assert_eq!(new.standing, VersionStanding::Building);
    let progress = app.progress(&store, &tally(2)).await.unwrap();
    assert_eq!((progress.handled, progress.of), (0, 60));
    assert_eq!(progress.left_at(progress.rate()), None);
    let comparison = store.compare(&tally(2), &balances).await.unwrap();
    let nothing_yet = Comparison {
        at_same_position: false,
        live_rows: ACCOUNTS as u64,
        rows: 0,
        only_live: ACCOUNTS as u64,
        only_other: 0,
    };
    assert_eq!(comparison, nothing_yet);
    match store.switch(&tally(2)).await.unwrap_err() {
        VersionError::Behind { position, live, .. } => assert_eq!((position.0, live.0), (0, 60)),
        other => panic!("{other}"),
    }

    let app = both(&database, &store).await;
    deposit(&app, ACCOUNTS, 60..80).await;
    caught_up(&app, &store, 1).await;
    caught_up(&app, &store, 2).await;
    let progress = app.progress(&store, &tally(2)).await.unwrap();
    assert!(progress.rate() > 0.0);
    assert!(progress.left_at(progress.rate()).unwrap().is_zero());
    assert_is_the_fold(&database, &app, 2).await;
    let comparison = store.compare(&tally(2), &balances).await.unwrap();
    assert!(
        comparison.at_same_position && comparison.is_equal(),
        "{comparison:?}"
    );

    store.switch(&tally(2)).await.unwrap();
    store.switch(&tally(2)).await.unwrap();
    assert_eq!(status(&store, 2).await.standing, VersionStanding::Live);
    assert_eq!(status(&store, 1).await.standing, VersionStanding::Kept);
    // The view shows the second, and not the first.
    let prefix = database.prefix();
    database
        .run(&format!("DELETE FROM {prefix}balances_v1"))
        .await;
    let before = shown(&database).await;
    assert_eq!(before.len(), ACCOUNTS);
    let comparison = store.compare(&tally(1), &balances).await.unwrap();
    assert_eq!(
        (comparison.rows, comparison.only_live),
        (0, ACCOUNTS as u64)
    );

    let live = store.drop_version(&tally(2)).await.unwrap_err();
    assert!(matches!(live, VersionError::Live { .. }), "{live}");
    store.drop_version(&tally(1)).await.unwrap();
    let gone = store.drop_version(&tally(1)).await.unwrap_err();
    assert!(
        matches!(&gone, VersionError::Unknown { known, .. } if *known == [2]),
        "{gone}"
    );
    assert_eq!(shown(&database).await, before);
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_new_version_on_postgres_is_built_beside_the_live_one_and_switched_to() {
    a_new_version_is_built_beside_the_live_one_and_switched_to::<Postgres>().await;
}

#[tokio::test]
async fn a_new_version_on_sqlite_is_built_beside_the_live_one_and_switched_to() {
    a_new_version_is_built_beside_the_live_one_and_switched_to::<Sqlite>().await;
}

async fn a_rebuild_that_is_ended_leaves_nothing_behind<D: Database>()
where
    Tally<1>: ReadModel<<D::Store as ReadModelStore>::Connection>,
    Tally<2>: ReadModel<<D::Store as ReadModelStore>::Connection>,
{
    let database = D::new();
    let store = database.store().await;
    let app = both(&database, &store).await;
    deposit(&app, ACCOUNTS, 0..30).await;
    caught_up(&app, &store, 2).await;
    // In the middle of the work of both.
    let more = deposit(&app, ACCOUNTS, 30..90);
    let second = tally(2);
    let (dropped, ()) = tokio::join!(store.drop_version(&second), more);
    dropped.unwrap();
    // Who feeds it still has found that out, says so, and does not begin anew.
    until("it has found out", async || {
        app.reactions().status().iter().any(|piece| {
            piece.work.component == tally(2).component()
                && matches!(&piece.state, PieceState::CannotBegin { error } if error.contains("`tally` version 2 was dropped; leave it out"))
        })
    })
    .await;
    let versions = store.versions(None).await.unwrap();
    assert_eq!(versions.len(), 1);
    // Who still tries to take its work notes that for a moment.
    until("its progress is gone", async || {
        let component = tally(2).component();
        let progress = store.checkpoints(Some(&component)).await.unwrap();
        progress.is_empty()
    })
    .await;
    assert_eq!(database.tables("_v2").await, 0);
    caught_up(&app, &store, 1).await;
    assert_is_the_fold(&database, &app, 1).await;
    app.shutdown().await.unwrap();

    // After a restart it begins anew, from the first event on.
    let app = both(&database, &store).await;
    caught_up(&app, &store, 2).await;
    assert_is_the_fold(&database, &app, 2).await;
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_rebuild_on_postgres_that_is_ended_leaves_nothing_behind() {
    a_rebuild_that_is_ended_leaves_nothing_behind::<Postgres>().await;
}

#[tokio::test]
async fn a_rebuild_on_sqlite_that_is_ended_leaves_nothing_behind() {
    a_rebuild_that_is_ended_leaves_nothing_behind::<Sqlite>().await;
}

async fn what_a_version_has_parked_and_skipped_goes_with_it<D: Database>()
where
    Tally<1>: ReadModel<<D::Store as ReadModelStore>::Connection>,
    Tally<2>: ReadModel<<D::Store as ReadModelStore>::Connection>,
{
    let database = D::new();
    let store = database.store().await;
    store.register(&Tally::<1>::new()).await.unwrap();
    store.register(&Tally::<2>::new()).await.unwrap();
    let of_both = [1, 2].map(|version| tally(version).component());
    for version in [1, 2] {
        let mut tenure = take_version(&store, version, "one", LEASE).await;
        let stream = StreamId::new(Domain::of::<Account>(), root(1));
        let parked = ReactionLetter {
            work: tenure.work.clone(),
            stream: stream.clone(),
            sequence: Sequence(0),
            id: Some(Uuid::now_v7()),
            failure: "it failed".into(),
            tries: 1,
            parked_at: Timestamp::now(),
            attempts: Vec::new(),
            decision: None,
            status: LetterStatus::Parked,
            closed_at: None,
        };
        let held = store
            .write(
                &tenure,
                &Update::Park(Box::new(parked.clone()), Bookmark::at(Position(1))),
                LEASE,
            )
            .await;
        assert_eq!(held.unwrap(), Hold::Held);
        tenure.at.position = Position(1);
        let skipped = ReactionLetter {
            stream: StreamId::new(Domain::of::<Account>(), root(2)),
            id: Some(Uuid::now_v7()),
            ..parked.clone()
        };
        let skipped = ReactionLetter {
            status: LetterStatus::Discarded,
            closed_at: Some(Timestamp::now()),
            ..skipped.clone()
        };
        let to = Advance::Checkpoint(Bookmark::at(Position(2)));
        let held = store
            .write(
                &tenure,
                &Update::Skip(Box::new(skipped.clone()), to.clone()),
                LEASE,
            )
            .await;
        assert_eq!(held.unwrap(), Hold::Held);
    }
    store.drop_version(&tally(2)).await.unwrap();
    for (component, left) in of_both.iter().zip([1, 0]) {
        let checkpoints = store.checkpoints(Some(component)).await.unwrap();
        assert_eq!(checkpoints.len(), left);
        assert_eq!(store.parked(Some(component)).await.unwrap().len(), left);
        let of_it = LetterFilter {
            component: Some(component.clone()),
            ..LetterFilter::default()
        };
        let letters = store.reaction_letters(&of_it, 10).await.unwrap();
        assert_eq!(letters.len(), 2 * left);
    }
    assert_eq!(database.tables("_v2").await, 0);
    // The views still show the first.
    assert_eq!(shown(&database).await, []);
}

#[tokio::test]
async fn what_a_version_on_postgres_has_parked_and_skipped_goes_with_it() {
    what_a_version_has_parked_and_skipped_goes_with_it::<Postgres>().await;
}

#[tokio::test]
async fn what_a_version_on_sqlite_has_parked_and_skipped_goes_with_it() {
    what_a_version_has_parked_and_skipped_goes_with_it::<Sqlite>().await;
}

/// Somebody who fed a version takes its work once more, while it is dropped and made anew by others.
async fn late_progress_of_a_dropped_version_is_forgotten_and_that_of_its_successor_is_not<
    D: Database,
>()
where
    Tally<1>: ReadModel<<D::Store as ReadModelStore>::Connection>,
    Tally<2>: ReadModel<<D::Store as ReadModelStore>::Connection>,
{
    let database = D::new();
    let store = database.store().await;
    store.register(&Tally::<1>::new()).await.unwrap();
    store.register(&Tally::<2>::new()).await.unwrap();
    store.drop_version(&tally(2)).await.unwrap();
    let component = tally(2).component();
    take_version(&store, 2, "late", LEASE).await;
    assert!(!store.confirm(&tally(2)).await.unwrap());
    assert_eq!(store.checkpoints(Some(&component)).await.unwrap(), []);

    store.register(&Tally::<2>::new()).await.unwrap();
    take_version(&store, 2, "next", LEASE).await;
    assert!(store.confirm(&tally(2)).await.unwrap());
    let checkpoints = store.checkpoints(Some(&component)).await.unwrap();
    assert_eq!(checkpoints[0].owner.as_deref(), Some("next"));
}

#[tokio::test]
async fn late_progress_of_a_dropped_version_on_postgres_is_forgotten() {
    late_progress_of_a_dropped_version_is_forgotten_and_that_of_its_successor_is_not::<Postgres>()
        .await;
}

#[tokio::test]
async fn late_progress_of_a_dropped_version_on_sqlite_is_forgotten() {
    late_progress_of_a_dropped_version_is_forgotten_and_that_of_its_successor_is_not::<Sqlite>()
        .await;
}

async fn a_switch_under_load_never_goes_back_in_time<D: Database>()
where
    Tally<1>: ReadModel<<D::Store as ReadModelStore>::Connection>,
    Tally<2>: ReadModel<<D::Store as ReadModelStore>::Connection>,
{
    let database = D::new();
    let store = database.store().await;
    let app = both(&database, &store).await;
    deposit(&app, 1, 0..10).await;
    caught_up(&app, &store, 1).await;
    caught_up(&app, &store, 2).await;
    let switching = async {
        for turn in 0..20 {
            let next = tally(2 - turn % 2);
            until("it is not behind", async || {
                match store.switch(&next).await {
                    Ok(()) => true,
                    Err(VersionError::Behind { .. }) => false,
                    Err(error) => panic!("{error}"),
                }
            })
            .await;
        }
    };
    let watching = async {
        let mut seen = 0;
        loop {
            let now = shown(&database).await[0].1;
            assert!(now >= seen, "{now} after {seen}");
            seen = now;
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        ((), ()) = async { tokio::join!(switching, deposit(&app, 1, 10..150)) } => {}
        () = watching => {}
    }
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_switch_on_postgres_never_goes_back_in_time() {
    a_switch_under_load_never_goes_back_in_time::<Postgres>().await;
}

#[tokio::test]
async fn a_switch_on_sqlite_never_goes_back_in_time() {
    a_switch_under_load_never_goes_back_in_time::<Sqlite>().await;
}

async fn a_version_with_a_parked_stream_is_not_switched_to<D: Database>()
where
    Tally<1>: ReadModel<<D::Store as ReadModelStore>::Connection>,
    Tally<2>: ReadModel<<D::Store as ReadModelStore>::Connection>,
{
    let database = D::new();
    let store = database.store().await;
    let app = both(&database, &store).await;
    deposit(&app, ACCOUNTS, 0..20).await;
    caught_up(&app, &store, 1).await;
    caught_up(&app, &store, 2).await;
    app.reactions().shutdown().await;
    // Stands for an event that failed, while others went on.
    let late = app.of::<Account>(root(9)).send(Do::Deposit { cents: 9 });
    late.await.unwrap();

    let tenure = take_version(&store, 2, "one", LEASE).await;
    let stream = app
        .of::<Account>(root(9))
        .events(Sequence(0), 1)
        .await
        .unwrap()[0]
        .stream
        .clone();
    let parked = ReactionLetter {
        work: tenure.work.clone(),
        stream: stream.clone(),
        sequence: Sequence(0),
        id: Some(Uuid::now_v7()),
        failure: "it failed".into(),
        tries: 1,
        parked_at: Timestamp::now(),
        attempts: Vec::new(),
        decision: None,
        status: LetterStatus::Parked,
        closed_at: None,
    };
    let held = store
        .write(
            &tenure,
            &Update::Park(Box::new(parked.clone()), Bookmark::at(Position(21))),
            LEASE,
        )
        .await
        .unwrap();
    assert_eq!(held, Hold::Held);
    match store.switch(&tally(2)).await.unwrap_err() {
        VersionError::Parked { streams, .. } => assert_eq!(streams, 1),
        other => panic!("{other}"),
    }

    // A stream that comes along behind the checkpoint moves in the transaction of its tables too.
    let tenure = Tenure {
        at: Bookmark::at(Position(21)),
        ..tenure
    };
    let reaction = ExactlyOnce::register(store.clone(), Tally::<2>::new())
        .await
        .unwrap();
    let other = app
        .of::<Account>(root(9))
        .events(Sequence(0), 1)
        .await
        .unwrap();
    let step = Step {
        tenure: &tenure,
        events: &[&other[0]],
        advance: &Advance::Parked {
            stream,
            from: Sequence(0),
            to: None,
        },
        lease: LEASE,
        deepest: u32::MAX,
    };
    assert_eq!(reaction.handle(step).await.unwrap(), Hold::Held);
    // Once more, as after a lost answer: its rows are there already.
    assert_eq!(reaction.handle(step).await.unwrap(), Hold::Lost);
    assert_is_the_fold(&database, &app, 2).await;
    store.switch(&tally(2)).await.unwrap();
}

#[tokio::test]
async fn a_version_on_postgres_with_a_parked_stream_is_not_switched_to() {
    a_version_with_a_parked_stream_is_not_switched_to::<Postgres>().await;
}

#[tokio::test]
async fn a_version_on_sqlite_with_a_parked_stream_is_not_switched_to() {
    a_version_with_a_parked_stream_is_not_switched_to::<Sqlite>().await;
}

#[tokio::test]
async fn a_read_model_begins_at_the_first_event() {
    let database = Sqlite::new();
    let store = database.store().await;
    let app = both(&database, &store).await;
    deposit(&app, ACCOUNTS, 0..5).await;
    caught_up(&app, &store, 1).await;
    let component = tally(1).component();
    let refused = app.reactions().begin(&component, &Begin::Now).await;
    assert!(
        matches!(&refused, Err(OperatorError::ReadModel { version }) if *version == tally(1)),
        "{refused:?}"
    );
    assert_is_the_fold(&database, &app, 1).await;
    app.shutdown().await.unwrap();

    let app = database.app().await.read_model(&store, Tally::<1>::new());
    let refused = app.begin("tally.v1", Begin::Now).start().await;
    assert!(
        matches!(&refused, Err(StartAppError::BeginOfReadModel { name }) if name == "tally.v1"),
        "{refused:?}"
    );
}
