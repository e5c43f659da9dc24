//! Comparisons count each row as often as it is there, whatever is in it.

use std::collections::BTreeMap;

use seriatim::{Comparison, ReadModel, ReadModelStore, ReadModelTables, ReadModelVersion};
use seriatim::{VersionError, VersionStore};
use seriatim_testkit::proptest;
use seriatim_testkit::proptest::prelude::*;
use seriatim_testkit::proptest::strategy::ValueTree;
use seriatim_testkit::proptest::test_runner::TestRunner;

use crate::bags::{Bag, Named};
use crate::databases::{Database, Postgres, Sqlite};

struct Of<const VERSION: u32>;

impl<const VERSION: u32> Named for Of<VERSION> {
    const NAME: &'static str = "bag";
    const VERSION: u32 = VERSION;
    const TABLES: &'static [&'static str] = &["bag"];
}

type Row = (Option<i64>, Option<String>);

/// Few different ones, so that many are equal.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    let number = proptest::option::of(0..3_i64);
    let text = proptest::option::of(prop_oneof!["a", "b", "", "0"]);
    proptest::collection::vec((number, text), 0..9)
}

async fn fill<D: Database>(database: &D, version: u32, rows: &[Row]) {
    let table = format!("{}bag_v{version}", database.prefix());
    database.run(&format!("DELETE FROM {table}")).await;
    let values = rows.iter().map(|(a, b)| {
        let a = a.map_or("NULL".into(), |a| a.to_string());
        let b = b.as_ref().map_or("NULL".into(), |b| format!("'{b}'"));
        format!("({a}, {b})")
    });
    let values = Vec::from_iter(values).join(", ");
    if !values.is_empty() {
        let insert = format!("INSERT INTO {table} VALUES {values}");
        database.run(&insert).await;
    }
}

/// Counted in memory.
fn counted<T: Ord>(live: &[Row], other: &[Row], of: impl Fn(&Row) -> T) -> [u64; 4] {
    let mut counts = BTreeMap::<T, (u64, u64)>::new();
    live.iter()
        .for_each(|row| counts.entry(of(row)).or_default().0 += 1);
    other
        .iter()
        .for_each(|row| counts.entry(of(row)).or_default().1 += 1);
    let beyond = |these: u64, those: u64| these.saturating_sub(those);
    [
        live.len() as u64,
        other.len() as u64,
        counts
            .values()
            .map(|(live, other)| beyond(*live, *other))
            .sum(),
        counts
            .values()
            .map(|(live, other)| beyond(*other, *live))
            .sum(),
    ]
}

fn counts(comparison: &Comparison) -> [u64; 4] {
    let Comparison {
        live_rows,
        rows,
        only_live,
        only_other,
        ..
    } = comparison;
    [*live_rows, *rows, *only_live, *only_other]
}

async fn with_two_versions<D: Database>(database: &D) -> D::Store
where
    Bag<Of<1>>: ReadModel<<D::Store as ReadModelStore>::Connection>,
    Bag<Of<2>>: ReadModel<<D::Store as ReadModelStore>::Connection>,
{
    let store = database.store().await;
    store.register(&Bag(Of::<1>)).await.unwrap();
    store.register(&Bag(Of::<2>)).await.unwrap();
    store
}

async fn each_row_counts_as_often_as_it_is_there<D: Database>()
where
    Bag<Of<1>>: ReadModel<<D::Store as ReadModelStore>::Connection>,
    Bag<Of<2>>: ReadModel<<D::Store as ReadModelStore>::Connection>,
{
    let database = D::new();
    let store = with_two_versions(&database).await;
    let version = ReadModelVersion::new("bag", 2).unwrap();
    let compare = async |columns: &'static str| {
        let query =
            move |tables: &ReadModelTables| format!("SELECT {columns} FROM {}", tables.name("bag"));
        store.compare(&version, &query).await
    };
    let paid = |b: &str| (None, Some(b.to_owned()));
    let mut pairs = vec![
        (
            vec![paid("paid"), paid("paid"), paid("open")],
            vec![paid("paid"), paid("open"), paid("open")],
        ),
        (vec![], vec![]),
    ];
    let mut runner = TestRunner::deterministic();
    pairs.extend((0..60).map(|_| (rows(), rows()).new_tree(&mut runner).unwrap().current()));
    for (live, other) in pairs {
        fill(&database, 1, &live).await;
        fill(&database, 2, &other).await;
        for (columns, expected) in [
            ("*", counted(&live, &other, Row::clone)),
            ("b", counted(&live, &other, |row| row.1.clone())),
            ("a, a", counted(&live, &other, |row| row.0)),
        ] {
            let found = compare(columns).await.unwrap();
            assert_eq!(
                counts(&found),
                expected,
                "{columns} of {live:?} and {other:?}"
            );
            assert_eq!(found.is_equal(), expected[2..] == [0, 0]);
        }
    }
    let wrong = compare("oops").await.unwrap_err();
    assert!(matches!(wrong, VersionError::Query { .. }), "{wrong}");
}

/// A store that has compared the tables before sees the columns that they have now.
async fn columns_are_those_of_now<D: Database>()
where
    Bag<Of<1>>: ReadModel<<D::Store as ReadModelStore>::Connection>,
    Bag<Of<2>>: ReadModel<<D::Store as ReadModelStore>::Connection>,
{
    let database = D::new();
    let store = with_two_versions(&database).await;
    let rows = [(Some(1), Some("a".to_owned())), (Some(2), None)];
    for version in [1, 2] {
        fill(&database, version, &rows[..version as usize]).await;
    }
    let version = ReadModelVersion::new("bag", 2).unwrap();
    let query = |tables: &ReadModelTables| format!("SELECT * FROM {}", tables.name("bag"));
    let compared = async || counts(&store.compare(&version, &query).await.unwrap());
    assert_eq!(compared().await, [1, 2, 0, 1]);
    for version in [1, 2] {
        let table = format!("{}bag_v{version}", database.prefix());
        let widen = format!("ALTER TABLE {table} ADD COLUMN c bigint DEFAULT 7");
        database.run(&widen).await;
    }
    assert_eq!(compared().await, [1, 2, 0, 1]);
}

#[tokio::test]
async fn columns_are_those_of_now_on_postgres() {
    columns_are_those_of_now::<Postgres>().await;
}

#[tokio::test]
async fn columns_are_those_of_now_on_sqlite() {
    columns_are_those_of_now::<Sqlite>().await;
}

#[tokio::test]
async fn each_row_counts_as_often_as_it_is_there_on_postgres() {
    each_row_counts_as_often_as_it_is_there::<Postgres>().await;
}

#[tokio::test]
async fn each_row_counts_as_often_as_it_is_there_on_sqlite() {
    each_row_counts_as_often_as_it_is_there::<Sqlite>().await;
}
