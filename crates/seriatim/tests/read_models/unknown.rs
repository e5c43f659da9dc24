//! Events of a type that a read model does not know: skipped where that is declared, and a failure where it is not.

use std::error::Error;

use serde::{Deserialize, Serialize};
use seriatim::core::{Component, EventFilter, RecordedEvent};
use seriatim::prelude::*;
use seriatim::{BackOff, FailurePolicy, ReadModel, ReadModelStore, ReadModelTables};
use seriatim::{DeadLetter, LetterFilter, LetterStatus, ReactionLetter};

use crate::account::root;
use crate::databases::{Database, Postgres, Sqlite, caught_up};
use crate::tally::Tally;

/// The events that a newer program records of accounts.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
enum Newer {
    Deposited { cents: i64 },
    Frozen { why: String },
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
enum NewerDo {
    Deposit { cents: i64 },
    Freeze { why: String },
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct NewerAccount;

impl Aggregate for NewerAccount {
    const DOMAIN: &'static str = "account";
    type Command = NewerDo;
    type Event = Newer;
    type Rejection = Never;

    fn decide(&self, command: &NewerDo) -> Result<Vec<Newer>, Never> {
        Ok(vec![match command.clone() {
            NewerDo::Deposit { cents } => Newer::Deposited { cents },
            NewerDo::Freeze { why } => Newer::Frozen { why },
        }])
    }

    fn evolve(&mut self, _: &Newer) {}
}

/// A tally that names the types it knows.
struct Choosy;

impl<C: Send + 'static> ReadModel<C> for Choosy
where
    Tally<1>: ReadModel<C>,
{
    const NAME: &'static str = Tally::<1>::NAME;
    const TABLES: &'static [&'static str] = Tally::<1>::TABLES;

    fn filter(&self) -> EventFilter {
        EventFilter {
            types: vec!["Deposited".into()],
            ..EventFilter::default()
        }
    }

    async fn create(
        &self,
        connection: &mut C,
        tables: &ReadModelTables,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        Tally::<1>::new().create(connection, tables).await
    }

    async fn project(
        &self,
        connection: &mut C,
        tables: &ReadModelTables,
        events: &[&RecordedEvent],
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        Tally::<1>::new().project(connection, tables, events).await
    }
}

/// Two accounts: one is frozen between two deposits, the other is not.
async fn record<D: Database>(database: &D) {
    let app = App::open(&D::log_url(&database.url())).await.unwrap();
    let app = app.aggregate::<NewerAccount>().start().await.unwrap();
    let freeze = NewerDo::Freeze {
        why: "a court says so".into(),
    };
    for (account, command) in [
        (1, NewerDo::Deposit { cents: 1 }),
        (2, NewerDo::Deposit { cents: 20 }),
        (1, freeze),
        (1, NewerDo::Deposit { cents: 4 }),
        (2, NewerDo::Deposit { cents: 30 }),
    ] {
        let sent = app.of::<NewerAccount>(root(account)).send(command);
        sent.await.unwrap();
    }
    app.shutdown().await.unwrap();
}

/// Counts the events under a policy. Returns the application, and what the accounts have then.
async fn counted<D: Database, M: ReadModel<<D::Store as ReadModelStore>::Connection>>(
    database: &D,
    model: M,
    policy: FailurePolicy,
) -> (App, [i64; 2]) {
    record(database).await;
    let store = database.store().await;
    let at_once = FailurePolicy {
        back_off: BackOff {
            retries: 0,
            ..BackOff::default()
        },
        ..policy
    };
    let app = database.app().await.read_model(&store, model);
    let app = app.failure_policy("tally.v1", at_once);
    let app = app.start().await.unwrap();
    caught_up(&app, &store, 1).await;
    let prefix = database.prefix();
    let balances = format!("SELECT root, cents FROM {prefix}balances_v1 ORDER BY root");
    let balances = database.rows(&balances).await;
    (app, [balances[0].1, balances[1].1])
}

fn tally() -> Component {
    Component::new("tally.v1").unwrap()
}

async fn letters(app: &App, status: LetterStatus) -> Vec<ReactionLetter> {
    let filter = LetterFilter {
        component: Some(tally()),
        status: Some(status),
        ..LetterFilter::default()
    };
    let found = app.desk().letters(&filter, 10).await.unwrap();
    let letters = found.into_iter().map(|letter| match letter {
        DeadLetter::Reaction(letter) => *letter,
        DeadLetter::Command(letter) => panic!("{letter:?}"),
    });
    letters.collect()
}

async fn what_is_not_declared_parks_its_stream<D: Database>()
where
    Tally<1>: ReadModel<<D::Store as ReadModelStore>::Connection>,
{
    let database = D::new();
    let policy = FailurePolicy::park();
    let (app, balances) = counted(&database, Tally::<1>::new(), policy).await;
    assert_eq!(balances, [1, 50]);
    let parked = letters(&app, LetterStatus::Parked).await;
    assert_eq!(parked.len(), 1);
    assert_eq!(
        (parked[0].stream.root, parked[0].sequence),
        (root(1), Sequence(1))
    );
    assert!(
        parked[0].failure.contains("Frozen"),
        "{}",
        parked[0].failure
    );
    assert_eq!(letters(&app, LetterStatus::Discarded).await, []);
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn what_is_not_declared_parks_its_stream_on_postgres() {
    what_is_not_declared_parks_its_stream::<Postgres>().await;
}

#[tokio::test]
async fn what_is_not_declared_parks_its_stream_on_sqlite() {
    what_is_not_declared_parks_its_stream::<Sqlite>().await;
}

async fn what_the_filter_leaves_out_is_passed_over<D: Database>()
where
    Tally<1>: ReadModel<<D::Store as ReadModelStore>::Connection>,
    <D::Store as ReadModelStore>::Connection: 'static,
{
    let database = D::new();
    let policy = FailurePolicy::park();
    let (app, balances) = counted(&database, Choosy, policy).await;
    assert_eq!(balances, [5, 50]);
    assert_eq!(letters(&app, LetterStatus::Parked).await, []);
    assert_eq!(letters(&app, LetterStatus::Discarded).await, []);
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn what_the_filter_leaves_out_is_passed_over_on_postgres() {
    what_the_filter_leaves_out_is_passed_over::<Postgres>().await;
}

#[tokio::test]
async fn what_the_filter_leaves_out_is_passed_over_on_sqlite() {
    what_the_filter_leaves_out_is_passed_over::<Sqlite>().await;
}

async fn what_the_policy_skips_by_name_is_noted<D: Database>()
where
    Tally<1>: ReadModel<<D::Store as ReadModelStore>::Connection>,
{
    let database = D::new();
    let policy = FailurePolicy {
        skip: vec!["Frozen".into()],
        ..FailurePolicy::park()
    };
    let (app, balances) = counted(&database, Tally::<1>::new(), policy).await;
    assert_eq!(balances, [5, 50]);
    assert_eq!(letters(&app, LetterStatus::Parked).await, []);
    let skipped = letters(&app, LetterStatus::Discarded).await;
    assert_eq!(skipped.len(), 1);
    assert_eq!(
        (
            skipped[0].sequence,
            &skipped[0].decision.as_ref().unwrap().actor
        ),
        (Sequence(1), &None)
    );
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn what_the_policy_skips_by_name_is_noted_on_postgres() {
    what_the_policy_skips_by_name_is_noted::<Postgres>().await;
}

#[tokio::test]
async fn what_the_policy_skips_by_name_is_noted_on_sqlite() {
    what_the_policy_skips_by_name_is_noted::<Sqlite>().await;
}
