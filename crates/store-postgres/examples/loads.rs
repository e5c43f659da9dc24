//! Measures loads of cold streams, 64 in flight, against the same loads by one statement each: `cargo run --release
//! -p seriatim-store-postgres --example loads`, with `SERIATIM_TEST_POSTGRES=postgres://...`. It makes a schema
//! `measure_…` with 100,000 streams of 10 events, and drops it.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use seriatim_core::{
    Append, Domain, EventStore, Fingerprint, Load, NewEvent, Payload, StreamId, Write,
};
use seriatim_store_postgres::PostgresStore;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection, Row};
use tokio::sync::Mutex;
use uuid::Uuid;

const STREAMS: usize = 100_000;
const EVENTS: usize = 10;
const ROUNDS: usize = 5;
const TIME: Duration = Duration::from_secs(3);
const IN_FLIGHT: usize = 64;
/// As many connections as the store reads with by default.
const CONNECTIONS: usize = 4;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let server = std::env::var("SERIATIM_TEST_POSTGRES")
        .map_err(|_| "name a database in SERIATIM_TEST_POSTGRES")?;
    let schema = format!("measure_{}", Uuid::now_v7().simple());
    let store = PostgresStore::open(&format!("{server}?schema={schema}")).await?;
    let streams = Arc::new(fill(&store).await?);
    let bare = Arc::new(Bare::connect(&server, &schema).await?);
    execute(&server, &format!("VACUUM ANALYZE {schema}.seriatim_events")).await?;
    println!(
        "events/s with {IN_FLIGHT} loads in flight: one by one, and by the store without and with snapshots"
    );
    let by_store = |snapshots| {
        let (streams, store) = (Arc::clone(&streams), store.clone());
        measure(streams, move |stream| {
            let (store, through) = (store.clone(), None);
            async move {
                let wanted = Load {
                    stream,
                    through,
                    snapshots,
                };
                Ok(store.load(wanted).await?.payloads.len())
            }
        })
    };
    for round in 1..=ROUNDS {
        let bare = Arc::clone(&bare);
        let one_by_one = measure(Arc::clone(&streams), move |stream| {
            let bare = Arc::clone(&bare);
            async move { bare.load(stream).await }
        });
        let one_by_one = one_by_one.await?;
        let rates = [by_store(None).await?, by_store(Some(Fingerprint(1))).await?];
        println!(
            "round {round}: {one_by_one:8.0}  {:8.0} ({:.2}x)  {:8.0} ({:.2}x)",
            rates[0],
            rates[0] / one_by_one,
            rates[1],
            rates[1] / one_by_one
        );
    }
    execute(&server, &format!("DROP SCHEMA {schema} CASCADE")).await
}

async fn fill(store: &PostgresStore) -> Result<Vec<StreamId>, Failure> {
    let domain = Domain::new("measured")?;
    let text = format!(r#"{{"text":"{}"}}"#, "x".repeat(188));
    let streams: Vec<_> = (0..STREAMS)
        .map(|_| StreamId::new(domain.clone(), Uuid::now_v7()))
        .collect();
    for chunk in streams.chunks(500) {
        let appends = chunk.iter().map(|stream| {
            let event = || NewEvent {
                id: Uuid::now_v7(),
                payload: Payload::json("Measured", text.clone()),
                metadata: Arc::default(),
            };
            Append {
                stream: stream.clone(),
                write: Write::Events {
                    after: None,
                    last: None,
                    events: (0..EVENTS).map(|_| event()).collect(),
                },
                claim: None,
                beside: Vec::new(),
            }
        });
        store.append(appends.collect()).await?;
    }
    Ok(streams)
}

/// Events a second, of streams chosen at random.
async fn measure<F>(
    streams: Arc<Vec<StreamId>>,
    load: impl Fn(StreamId) -> F + Clone + Send + 'static,
) -> Result<f64, Failure>
where
    F: Future<Output = Result<usize, Failure>> + Send + 'static,
{
    let (start, loaded) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
    let mut tasks = Vec::new();
    for task in 0..IN_FLIGHT {
        let (streams, load, loaded) = (Arc::clone(&streams), load.clone(), Arc::clone(&loaded));
        tasks.push(tokio::spawn(async move {
            let random = RandomState::new();
            for turn in 0usize.. {
                if start.elapsed() >= TIME {
                    break;
                }
                let number = random.hash_one((task, turn)) as usize % streams.len();
                let events = load(streams[number].clone()).await?;
                assert_eq!(events, EVENTS, "a stream is loaded whole");
                loaded.fetch_add(events, Ordering::Relaxed);
            }
            Ok::<(), Failure>(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    Ok(loaded.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64())
}

/// A prepared statement for each stream, on a few held connections.
struct Bare {
    text: Arc<str>,
    free: tokio::sync::Semaphore,
    connections: Mutex<Vec<PgConnection>>,
}

impl Bare {
    async fn connect(server: &str, schema: &str) -> Result<Self, Failure> {
        let options: PgConnectOptions = server.parse()?;
        let options = options.options([
            ("plan_cache_mode", "force_generic_plan"),
            ("enable_seqscan", "off"),
            ("enable_bitmapscan", "off"),
        ]);
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(options.connect().await?);
        }
        let text = format!(
            "SELECT sequence, type, codec, data FROM {schema}.seriatim_events
             WHERE domain = (SELECT id FROM {schema}.seriatim_domains WHERE name = $1)
             AND root = $2 ORDER BY sequence"
        );
        Ok(Self {
            text: text.into(),
            free: tokio::sync::Semaphore::new(CONNECTIONS),
            connections: Mutex::new(connections),
        })
    }

    async fn load(&self, stream: StreamId) -> Result<usize, Failure> {
        let _permit = self.free.acquire().await?;
        let connection = self.connections.lock().await.pop();
        let mut connection = connection.ok_or("there is one for each permit")?;
        let rows = sqlx::query(AssertSqlSafe(self.text.clone()))
            .bind(stream.domain.as_str().to_owned())
            .bind(stream.root)
            .fetch_all(&mut connection)
            .await?;
        self.connections.lock().await.push(connection);
        let mut payloads = Vec::with_capacity(rows.len());
        for row in &rows {
            let codec: i16 = row.try_get(2)?;
            let type_name: String = row.try_get(1)?;
            payloads.push((codec, type_name, row.try_get::<Vec<u8>, _>(3)?));
        }
        Ok(payloads.len())
    }
}

async fn execute(server: &str, sql: &str) -> Result<(), Failure> {
    let options: PgConnectOptions = server.parse()?;
    let mut connection = options.connect().await?;
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(&mut connection)
        .await?;
    Ok(())
}
