//! The numbers of domains: given once to each, never to nobody, and never used up by those who only come again.

mod support;

use std::collections::BTreeMap;

use futures::future::join_all;
use seriatim_core::{AppendError, EventStore, StoreErrorKind};
use seriatim_store_postgres::PostgresStore;
use sqlx::{AssertSqlSafe, ConnectOptions, Row};
use support::samples::{append, is_written, stream_of};
use support::schema_at::schema_at;
use support::{Schema, execute, server};

async fn numbers(schema: &Schema) -> BTreeMap<String, i16> {
    let options: sqlx::postgres::PgConnectOptions = server().parse().unwrap();
    let mut connection = options.connect().await.unwrap();
    let select = format!("SELECT name, id FROM {}.seriatim_domains", schema.name());
    let rows = sqlx::raw_sql(AssertSqlSafe(select)).fetch_all(&mut connection);
    let rows = rows.await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

async fn write(store: &PostgresStore, domains: &[&str]) {
    let call = domains.iter().map(|name| append(&stream_of(name), None, 1));
    let outcomes = store.append(call.collect()).await.unwrap();
    assert!(outcomes.iter().all(is_written), "{outcomes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_and_coming_again_spend_no_number() {
    let schema = Schema::new();
    for _ in 0..8 {
        let store = PostgresStore::open(&schema.url()).await.unwrap();
        write(&store, &["order", "account", "stock"]).await;
    }
    let store = PostgresStore::open(&schema.url()).await.unwrap();
    write(&store, &["order", "invoice", "stock"]).await;
    let expected = [("account", 1), ("invoice", 4), ("order", 2), ("stock", 3)];
    let expected = expected.map(|(name, id)| (name.to_owned(), id));
    assert_eq!(numbers(&schema).await, BTreeMap::from(expected));
}

/// As the program before has left it, with a sequence that every start has brought nearer to its end.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_whose_numbers_ran_out_takes_old_and_new_domains() {
    for (rows, spent) in [
        // Some are left; there are gaps; nearly all was spent on domains that were there already.
        ("(1, 'order'), (2, 'account')", 32_760),
        ("(1, 'order'), (3, 'account'), (32766, 'late')", 32_766),
        ("(1, 'order'), (32767, 'account')", 32_767),
    ] {
        let schema = schema_at(10).await;
        let name = schema.name();
        let before = format!(
            "INSERT INTO {name}.seriatim_domains (id, name) VALUES {rows};
             SELECT setval(pg_get_serial_sequence('{name}.seriatim_domains', 'id'), {spent})"
        );
        execute(&server(), &before).await.unwrap();
        for round in 0..10 {
            let store = PostgresStore::open(&schema.url()).await.unwrap();
            write(&store, &["order", "account"]).await;
            write(&store, &[&format!("new{round}"), "account", "newer"]).await;
        }
        let found = numbers(&schema).await;
        let kept = rows.matches('(').count();
        assert_eq!(found.len(), kept + 11, "{found:?}");
        assert_eq!(found["order"], 1, "who had a number keeps it");
    }
}

/// Writers of several partitions, and of several processes, that all make the same domains and some of their own.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_makes_domains_at_once_gets_one_number_for_each() {
    const WRITERS: usize = 6;
    const DOMAINS: usize = 40;
    let schema = Schema::new();
    let url = format!("{}&partitions=4", schema.url());
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let store = PostgresStore::open(&url).await.unwrap();
        writers.push(tokio::spawn(async move {
            for number in 0..DOMAINS {
                // Each goes through them in another order.
                let shared = format!("shared{}", (number * 7 + writer * 11) % DOMAINS);
                let own = format!("own{writer}x{number}");
                let names = [[&*own], [&*shared], [&*shared], [&*shared]];
                join_all(names.iter().map(|name| write(&store, name))).await;
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let found = numbers(&schema).await;
    let mut ids: Vec<_> = found.values().copied().collect();
    ids.sort_unstable();
    let all = i16::try_from(DOMAINS * (WRITERS + 1)).unwrap();
    assert_eq!(ids, Vec::from_iter(1..=all));
}

/// Nothing of it passes by itself, so it is not called unavailable; and the domains that are there go on.
#[tokio::test(flavor = "multi_thread")]
async fn more_domains_than_numbers_are_refused_for_good() {
    let schema = Schema::new();
    let store = PostgresStore::open(&schema.url()).await.unwrap();
    let fill = format!(
        "INSERT INTO {}.seriatim_domains (id, name)
         SELECT number, 'domain' || number FROM generate_series(1, 32766) AS number",
        schema.name()
    );
    execute(&server(), &fill).await.unwrap();
    write(&store, &["domain7", "last"]).await;
    let refused = store.append(vec![append(&stream_of("surplus"), None, 1)]);
    let Err(AppendError::NotWritten(error)) = refused.await else {
        panic!("there is no number for it");
    };
    assert_eq!(error.kind, StoreErrorKind::Refused);
    let said = error.to_string();
    assert!(said.contains("`surplus` gets no number"), "{said}");
    write(&store, &["domain7", "last", "domain32766"]).await;
    assert_eq!(numbers(&schema).await["last"], 32_767);
}
