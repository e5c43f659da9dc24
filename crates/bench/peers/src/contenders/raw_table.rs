//! Holds what the bare statements work on: a table with one unique index, and held connections.

use std::sync::Arc;
use std::time::Instant;

use futures::TryStreamExt as _;
use seriatim_bench::postgres::{Schema, Server};
use seriatim_bench::raw_postgres::RawLog;
use sqlx::{Executor, Row};
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

use crate::Outcome;
use crate::database::Database;
use crate::streams::Streams;

/// The table, by as many connections as there may be; callers with the same one take turns.
pub(crate) struct RawTable {
    database: Database,
    logs: Arc<[Mutex<RawLog>]>,
}

impl RawTable {
    pub(crate) async fn open(database: &Database, connections: usize) -> Outcome<Self> {
        let schema = public(database);
        if !exists(database).await? {
            RawLog::create(&schema).await?;
        }
        Ok(Self {
            database: database.clone(),
            logs: RawLog::open_many(&schema, connections).await?,
        })
    }

    pub(crate) async fn fill(database: &Database, streams: Streams) -> Outcome<()> {
        let rows = streams.rows();
        let copy = format!(
            "INSERT INTO events (root, sequence, payload, metadata)
             SELECT root, n - 1, payload, metadata
             FROM (SELECT payload, metadata FROM events LIMIT 1) AS model, {rows}"
        );
        database.fill(&[&copy]).await
    }

    /// The connection of a caller.
    pub(crate) async fn log(&self, caller: usize) -> MutexGuard<'_, RawLog> {
        self.logs[caller % self.logs.len()].lock().await
    }

    /// One pass over the table as it lies on the disk.
    pub(crate) async fn scan(&self, until: Instant) -> Outcome<u64> {
        let mut connection = self.database.connect().await?;
        let mut rows = connection.fetch(sqlx::query("SELECT payload FROM events"));
        let (mut events, mut bytes) = (0, 0);
        while let Some(row) = rows.try_next().await? {
            bytes += row.try_get::<&[u8], _>(0)?.len();
            events += 1;
            if events % 1_000 == 0 && Instant::now() >= until {
                break;
            }
        }
        std::hint::black_box(bytes);
        Ok(events)
    }

    /// Reads a stream; how many events it has is known by their size.
    pub(crate) async fn load(&self, caller: usize, root: Uuid) -> Outcome<u64> {
        let bytes = self.log(caller).await.load(root).await?;
        Ok((bytes / seriatim_bench::domain::PAYLOAD.len()) as u64)
    }
}

fn public(database: &Database) -> Schema {
    Server::new(database.url()).public()
}

async fn exists(database: &Database) -> Outcome<bool> {
    let mut connection = database.connect().await?;
    let statement = sqlx::query("SELECT to_regclass('events') IS NOT NULL");
    Ok(connection.fetch_one(statement).await?.try_get(0)?)
}
