//! The names of tables are those of the whole schema: no read model touches what another has, or what belongs to nobody.

use seriatim::{
    ReadModel, ReadModelStore, ReadModelVersion, RegisterError, VersionError, VersionStore,
};

use crate::bags::{Bag, Named};
use crate::databases::{Database, Postgres, Sqlite};

macro_rules! named {
    ($bag:ident: $name:literal, version $version:literal, $tables:expr) => {
        struct $bag;

        impl Named for $bag {
            const NAME: &'static str = $name;
            const VERSION: u32 = $version;
            const TABLES: &'static [&'static str] = &$tables;
        }
    };
}

named!(One: "one", version 1, ["totals"]);
named!(OneAgain: "one", version 2, ["totals"]);
named!(Two: "two", version 1, ["totals"]);
named!(TwoAside: "two", version 1, ["others"]);
named!(TwoAgain: "two", version 2, ["totals"]);
named!(Becomes: "becomes", version 1, ["totals_v2"]);
named!(Itself: "itself", version 1, ["totals", "totals_v2"]);
named!(Reserved: "reserved", version 1, ["seriatim_events"]);

type Connection<D> = <<D as Database>::Store as ReadModelStore>::Connection;

fn version(name: &str, version: u32) -> ReadModelVersion {
    ReadModelVersion::new(name, version).unwrap()
}

async fn is_refused<D: Database, N: Named>(store: &D::Store, bag: N, table: &str, by: &str)
where
    Bag<N>: ReadModel<Connection<D>>,
{
    let before = store.versions(None).await.unwrap();
    let refused = store.register(&Bag(bag)).await.unwrap_err();
    let RegisterError::TableTaken(taken) = &refused else {
        panic!("{refused}");
    };
    assert_eq!((taken.table.as_str(), taken.by.name()), (table, by));
    assert!(
        refused.to_string().contains("give it another name"),
        "{refused}"
    );
    assert_eq!(
        store.versions(None).await.unwrap(),
        before,
        "nothing was made"
    );
}

async fn what_another_read_model_has_is_refused<D: Database>()
where
    Bag<One>: ReadModel<Connection<D>>,
    Bag<OneAgain>: ReadModel<Connection<D>>,
    Bag<Two>: ReadModel<Connection<D>>,
    Bag<TwoAgain>: ReadModel<Connection<D>>,
    Bag<Becomes>: ReadModel<Connection<D>>,
    Bag<Itself>: ReadModel<Connection<D>>,
    Bag<Reserved>: ReadModel<Connection<D>>,
{
    let database = D::new();
    let store = database.store().await;
    store.register(&Bag(One)).await.unwrap();
    is_refused::<D, _>(&store, Two, "totals", "one").await;
    is_refused::<D, _>(&store, TwoAgain, "totals", "one").await;
    is_refused::<D, _>(&store, Becomes, "totals_v2", "one").await;
    is_refused::<D, _>(&store, Itself, "totals", "itself").await;
    let reserved = store.register(&Bag(Reserved)).await.unwrap_err();
    assert!(matches!(reserved, RegisterError::Name(_)), "{reserved}");
    // Its own versions have their names in common.
    store.register(&Bag(OneAgain)).await.unwrap();
    store.register(&Bag(One)).await.unwrap();

    let database = D::new();
    let store = database.store().await;
    store.register(&Bag(Becomes)).await.unwrap();
    is_refused::<D, _>(&store, One, "totals", "becomes").await;
}

async fn of_two_that_register_at_once_one_is_refused<D: Database>()
where
    Bag<One>: ReadModel<Connection<D>>,
    Bag<Two>: ReadModel<Connection<D>>,
{
    for _ in 0..5 {
        let database = D::new();
        let (a, b) = (database.store().await, database.store().await);
        let (one, two) = (Bag(One), Bag(Two));
        let (one, two) = tokio::join!(a.register(&one), b.register(&two));
        let refused = match (one, two) {
            (Ok(_), Err(refused)) | (Err(refused), Ok(_)) => refused,
            both => panic!("{both:?}"),
        };
        assert!(matches!(refused, RegisterError::TableTaken(_)), "{refused}");
        assert_eq!(a.versions(None).await.unwrap().len(), 1);
    }
}

/// `CREATE TABLE IF NOT EXISTS` would take it for its own, with all that is in it.
async fn what_belongs_to_nobody_is_refused<D: Database>()
where
    Bag<One>: ReadModel<Connection<D>>,
{
    for name in ["totals_v1", "totals"] {
        let database = D::new();
        let store = database.store().await;
        let name = format!("{}{name}", database.prefix());
        database
            .run(&format!("CREATE TABLE {name} (a bigint, b text)"))
            .await;
        database
            .run(&format!("INSERT INTO {name} VALUES (7, 'theirs')"))
            .await;
        let refused = store.register(&Bag(One)).await.unwrap_err();
        let RegisterError::TableExists { name: found, .. } = &refused else {
            panic!("{refused}");
        };
        assert_eq!(*found, name);
        assert_eq!(store.versions(None).await.unwrap(), []);
        let rows = database.rows(&format!("SELECT b, a FROM {name}")).await;
        assert_eq!(rows, [("theirs".to_owned(), 7)]);
    }
}

/// As a program has left it that looked at the names of one read model only.
async fn a_log_with_two_of_one_name_keeps_them_apart<D: Database>()
where
    Bag<One>: ReadModel<Connection<D>>,
    Bag<OneAgain>: ReadModel<Connection<D>>,
    Bag<TwoAside>: ReadModel<Connection<D>>,
    Bag<TwoAgain>: ReadModel<Connection<D>>,
{
    let database = D::new();
    let store = database.store().await;
    let prefix = database.prefix();
    store.register(&Bag(One)).await.unwrap();
    store.register(&Bag(TwoAside)).await.unwrap();
    store.register(&Bag(OneAgain)).await.unwrap();
    let one = format!("INSERT INTO {prefix}totals_v1 VALUES (1, 'one')");
    database.run(&one).await;
    let later = 9_000_000_000_000_000_i64;
    database
        .run(&format!(
            "INSERT INTO {prefix}seriatim_read_models VALUES ('two', 2, 'building', 'totals', {later})"
        ))
        .await;

    let refused = store.switch(&version("two", 2)).await.unwrap_err();
    let VersionError::TableTaken(taken) = &refused else {
        panic!("{refused}");
    };
    assert_eq!((taken.table.as_str(), taken.by.name()), ("totals", "one"));
    let shown = format!("SELECT b, a FROM {prefix}totals");
    assert_eq!(database.rows(&shown).await, [("one".to_owned(), 1)]);
    is_refused::<D, _>(&store, TwoAgain, "totals", "one").await;
    // Who was first goes on.
    store.register(&Bag(One)).await.unwrap();
    store.register(&Bag(OneAgain)).await.unwrap();
    store.switch(&version("one", 2)).await.unwrap();
    assert_eq!(database.rows(&shown).await, []);
    store.switch(&version("one", 1)).await.unwrap();
    assert_eq!(database.rows(&shown).await, [("one".to_owned(), 1)]);

    store.drop_version(&version("two", 2)).await.unwrap();
    assert_eq!(database.tables("totals_v2").await, 1, "it is of `one` too");
    store.drop_version(&version("one", 2)).await.unwrap();
    assert_eq!(database.tables("totals_v2").await, 0);
    assert_eq!(database.rows(&shown).await, [("one".to_owned(), 1)]);
}

macro_rules! on_both {
    ($($test:ident)*) => {
        mod on_postgres {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test::<super::Postgres>().await;
                }
            )*
        }

        mod on_sqlite {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test::<super::Sqlite>().await;
                }
            )*
        }
    };
}

on_both! {
    what_another_read_model_has_is_refused
    of_two_that_register_at_once_one_is_refused
    what_belongs_to_nobody_is_refused
    a_log_with_two_of_one_name_keeps_them_apart
}
