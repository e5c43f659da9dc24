//! Measures appends against bare inserts: `SERIATIM_TEST_POSTGRES=postgres://... cargo run --release -p
//! seriatim-store-postgres --example appends`. It makes a schema `measure_…` and drops it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use seriatim_core::{
    Append, AppendOutcome, Domain, EventStore, NewEvent, Payload, StreamId, Write,
};
use seriatim_store_postgres::PostgresStore;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection};
use uuid::Uuid;

const ROUNDS: usize = 5;
const TIME: Duration = Duration::from_secs(1);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = std::env::var("SERIATIM_TEST_POSTGRES")
        .map_err(|_| "name a database in SERIATIM_TEST_POSTGRES")?;
    let schema = format!("measure_{}", Uuid::now_v7().simple());
    let store = PostgresStore::open(&format!("{server}?schema={schema}")).await?;
    let options: PgConnectOptions = server.parse()?;
    let mut bare = options.connect().await?;
    let table = format!(
        "CREATE TABLE {schema}.bare (position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         root uuid NOT NULL, sequence integer NOT NULL, data bytea NOT NULL, UNIQUE (root, sequence))"
    );
    sqlx::raw_sql(AssertSqlSafe(table))
        .execute(&mut bare)
        .await?;
    for round in 1..=ROUNDS {
        for size in [1, 64, 1000] {
            let limit = bare_inserts(&mut bare, &schema, size).await?;
            let own = appends(&store, size).await?;
            println!(
                "round {round}, {size:4} new streams a batch: bare {limit:8.0}/s, store {own:8.0}/s, {:.2}",
                own / limit
            );
        }
    }
    let drop_schema = format!("DROP SCHEMA {schema} CASCADE");
    sqlx::raw_sql(AssertSqlSafe(drop_schema))
        .execute(&mut bare)
        .await?;
    Ok(())
}

/// Rows a second by one prepared `unnest` statement.
async fn bare_inserts(
    connection: &mut PgConnection,
    schema: &str,
    size: usize,
) -> Result<f64, sqlx::Error> {
    let insert: Arc<str> = format!(
        "INSERT INTO {schema}.bare (root, sequence, data)
         SELECT root, 0, data FROM unnest($1::uuid[], $2::bytea[]) AS r (root, data)"
    )
    .into();
    let data = vec![b'x'; 200];
    let (start, mut rows) = (Instant::now(), 0);
    while start.elapsed() < TIME {
        let roots: Vec<_> = (0..size).map(|_| Uuid::now_v7()).collect();
        sqlx::query(AssertSqlSafe(insert.clone()))
            .bind(roots)
            .bind(vec![data.as_slice(); size])
            .execute(&mut *connection)
            .await?;
        rows += size;
    }
    Ok(rows as f64 / start.elapsed().as_secs_f64())
}

/// Events a second, each on a new stream.
async fn appends(store: &PostgresStore, size: usize) -> Result<f64, Box<dyn std::error::Error>> {
    let domain = Domain::new("measured")?;
    let text = format!(r#"{{"text":"{}"}}"#, "x".repeat(188));
    let (start, mut written) = (Instant::now(), 0);
    while start.elapsed() < TIME {
        let batch = (0..size).map(|_| {
            let event = NewEvent {
                id: Uuid::now_v7(),
                payload: Payload::json("Measured", text.clone()),
                metadata: Arc::default(),
            };
            Append {
                stream: StreamId::new(domain.clone(), Uuid::now_v7()),
                write: Write::Events {
                    after: None,
                    last: None,
                    events: Arc::new([event]),
                },
                claim: None,
                beside: Vec::new(),
            }
        });
        let outcomes = store.append(batch.collect()).await?;
        let is_written =
            |outcome: &&AppendOutcome| matches!(outcome, AppendOutcome::Written { .. });
        written += outcomes.iter().filter(is_written).count();
    }
    Ok(written as f64 / start.elapsed().as_secs_f64())
}
