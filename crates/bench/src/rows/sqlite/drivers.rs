//! Outside the budget table: rusqlite against sqlx on the same SQLite, which is why the store uses the former.

use std::str::FromStr;
use std::time::Instant;

use seriatim_bench::Outcome;
use seriatim_bench::domain::{METADATA, PAYLOAD, new_roots};
use seriatim_bench::load::per_second;
use seriatim_bench::measure::in_turn;
use seriatim_bench::row::Row;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row as _};
use uuid::Uuid;

use crate::context::{Context, On};
use crate::limits::raw_sqlite::RawLog;

const BATCH: usize = 100;
const LONG: u32 = 1_000;

pub(crate) fn measure(context: &Context, _: On) -> Outcome<Vec<Row>> {
    let [sqlx_inserts, rusqlite_inserts] = in_turn(
        context.rounds,
        [&mut || context.block_on(sqlx_inserts(context)), &mut || {
            rusqlite_inserts(context)
        }],
    )?;
    let [sqlx_reads, rusqlite_reads] = in_turn(
        context.rounds,
        [&mut || context.block_on(sqlx_reads(context)), &mut || {
            rusqlite_reads(context)
        }],
    )?;
    let row = |workload, ours, sqlx| {
        Row::compared(
            "DRIVERS",
            workload,
            "events/s",
            ours,
            "the same through sqlx",
            sqlx,
        )
    };
    Ok(vec![
        row(
            "rusqlite, inserting batches of 100",
            &rusqlite_inserts,
            &sqlx_inserts,
        ),
        row("rusqlite, reading 1000 rows", &rusqlite_reads, &sqlx_reads),
    ])
}

fn events(context: &Context) -> usize {
    context.scaled(50_000)
}

fn reads(context: &Context) -> usize {
    context.scaled(500)
}

fn rusqlite_inserts(context: &Context) -> Outcome<f64> {
    let folder = context.fresh_folder()?;
    let mut log = RawLog::open(&folder.path().join("raw.db"))?;
    let places: Vec<_> = new_roots(events(context))
        .iter()
        .map(|root| (*root, 0))
        .collect();
    let start = Instant::now();
    for batch in places.chunks(BATCH) {
        log.insert(batch)?;
    }
    Ok(per_second(places.len(), start.elapsed()))
}

async fn sqlx_inserts(context: &Context) -> Outcome<f64> {
    let folder = context.fresh_folder()?;
    let path = folder.path().join("raw.db");
    RawLog::open(&path)?;
    let mut connection = connect(&path.to_string_lossy()).await?;
    let roots = new_roots(events(context));
    let start = Instant::now();
    for batch in roots.chunks(BATCH) {
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        for root in batch {
            sqlx::query(
                "INSERT INTO events (root, sequence, payload, metadata) VALUES (?1, ?2, ?3, ?4)",
            )
            .bind(root.as_bytes().as_slice())
            .bind(0)
            .bind(PAYLOAD.as_slice())
            .bind(METADATA.as_slice())
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
    }
    Ok(per_second(roots.len(), start.elapsed()))
}

fn rusqlite_reads(context: &Context) -> Outcome<f64> {
    let folder = context.fresh_folder()?;
    let path = folder.path().join("raw.db");
    let root = long_stream(&path)?;
    let mut log = RawLog::open(&path)?;
    let start = Instant::now();
    for _ in 0..reads(context) {
        std::hint::black_box(log.load(root)?);
    }
    Ok(per_second(reads(context) * LONG as usize, start.elapsed()))
}

async fn sqlx_reads(context: &Context) -> Outcome<f64> {
    let folder = context.fresh_folder()?;
    let path = folder.path().join("raw.db");
    let root = long_stream(&path)?;
    let mut connection = connect(&path.to_string_lossy()).await?;
    let start = Instant::now();
    for _ in 0..reads(context) {
        let rows = sqlx::query("SELECT payload FROM events WHERE root = ?1 ORDER BY sequence")
            .bind(root.as_bytes().as_slice())
            .fetch_all(&mut connection)
            .await?;
        let bytes: usize = rows.iter().map(|row| row.get::<Vec<u8>, _>(0).len()).sum();
        std::hint::black_box(bytes);
    }
    Ok(per_second(reads(context) * LONG as usize, start.elapsed()))
}

fn long_stream(path: &std::path::Path) -> Outcome<Uuid> {
    let root = Uuid::now_v7();
    let places: Vec<_> = (0..LONG).map(|sequence| (root, sequence)).collect();
    RawLog::open(path)?.insert(&places)?;
    Ok(root)
}

async fn connect(path: &str) -> Outcome<SqliteConnection> {
    let options = SqliteConnectOptions::from_str(&format!("sqlite://{path}"))?
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    Ok(options.connect().await?)
}
