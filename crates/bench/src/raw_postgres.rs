//! Events in PostgreSQL by the shortest way: held connections, prepared statements, one table, one unique index.

use std::sync::Arc;

use sqlx::postgres::PgRow;
use sqlx::{Error, PgConnection, Row};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::Outcome;
use crate::domain::{METADATA, PAYLOAD};
use crate::postgres::Schema;

/// One connection to the table.
#[derive(Debug)]
pub struct RawLog {
    connection: PgConnection,
}

impl RawLog {
    /// Makes the table.
    pub async fn create(schema: &Schema) -> Outcome<()> {
        schema
            .execute(
                "CREATE TABLE events (
                    position bigint GENERATED ALWAYS AS IDENTITY,
                    root     uuid    NOT NULL,
                    sequence integer NOT NULL,
                    payload  bytea   NOT NULL,
                    metadata bytea   NOT NULL
                );
                CREATE UNIQUE INDEX events_stream_sequence ON events (root, sequence)",
            )
            .await
    }

    /// Connects to the table.
    pub async fn open(schema: &Schema) -> Outcome<Self> {
        Ok(Self {
            connection: schema.connect().await?,
        })
    }

    /// So many connections, each for one caller.
    pub async fn open_many(schema: &Schema, count: usize) -> Outcome<Arc<[Mutex<Self>]>> {
        let mut logs = Vec::new();
        for _ in 0..count {
            logs.push(Mutex::new(Self::open(schema).await?));
        }
        Ok(logs.into())
    }

    /// Writes one event: one statement, one durable commit.
    pub async fn insert(&mut self, root: Uuid, sequence: i32) -> Outcome<()> {
        Ok(self.try_insert(root, sequence).await?)
    }

    async fn try_insert(&mut self, root: Uuid, sequence: i32) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO events (root, sequence, payload, metadata) VALUES ($1, $2, $3, $4)",
        )
        .bind(root)
        .bind(sequence)
        .bind(PAYLOAD.as_slice())
        .bind(METADATA.as_slice())
        .execute(&mut self.connection)
        .await
        .map(drop)
    }

    /// Writes one event a place, all of them in one statement and one durable commit.
    pub async fn insert_batch(&mut self, places: &[(Uuid, i32)]) -> Outcome<()> {
        let (roots, sequences): (Vec<_>, Vec<_>) = places.iter().copied().unzip();
        sqlx::query(
            "INSERT INTO events (root, sequence, payload, metadata)
             SELECT * FROM unnest($1::uuid[], $2::integer[], $3::bytea[], $4::bytea[])",
        )
        .bind(roots)
        .bind(sequences)
        .bind(vec![PAYLOAD.as_slice(); places.len()])
        .bind(vec![METADATA.as_slice(); places.len()])
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    /// One turn of the loop that one writes without a framework: load, decide, insert; and again if the unique index
    /// says that another writer was faster.
    ///
    /// It is given the best case: two round trips, no transaction around them, and only the last event is read, as
    /// if that held the whole state.
    pub async fn load_decide_insert(&mut self, root: Uuid) -> Outcome<()> {
        loop {
            let last = sqlx::query(
                "SELECT sequence, payload FROM events WHERE root = $1 ORDER BY sequence DESC LIMIT 1",
            )
            .bind(root)
            .fetch_optional(&mut self.connection)
            .await?;
            match self.try_insert(root, next(last.as_ref())?).await {
                Ok(()) => return Ok(()),
                Err(Error::Database(error)) if error.is_unique_violation() => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The same loop for many streams at once: all their events in one query, one more of each in one statement.
    pub async fn load_decide_insert_batch(&mut self, roots: &[Uuid]) -> Outcome<()> {
        let rows = sqlx::query(
            "SELECT root, sequence, payload FROM events WHERE root = ANY($1) ORDER BY root, sequence",
        )
        .bind(roots)
        .fetch_all(&mut self.connection)
        .await?;
        let mut places: Vec<(Uuid, i32)> = Vec::with_capacity(roots.len());
        for row in &rows {
            let (root, sequence): (Uuid, i32) = (row.try_get(0)?, row.try_get(1)?);
            std::hint::black_box(row.try_get::<&[u8], _>(2)?);
            match places.last_mut() {
                Some(place) if place.0 == root => place.1 = sequence + 1,
                _ => places.push((root, sequence + 1)),
            }
        }
        self.insert_batch(&places).await
    }

    /// Reads all events by their positions, a page of a thousand after the other, and returns how many there are. Needs
    /// an index over the positions.
    pub async fn scan(&mut self) -> Outcome<usize> {
        let (mut after, mut events) = (0_i64, 0);
        loop {
            let rows = sqlx::query(
                "SELECT position, root, sequence, payload, metadata FROM events
                 WHERE position > $1 ORDER BY position LIMIT 1000",
            )
            .bind(after)
            .fetch_all(&mut self.connection)
            .await?;
            let Some(last) = rows.last() else {
                return Ok(events);
            };
            after = last.try_get(0)?;
            events += rows.len();
        }
    }

    /// Reads all payloads of a stream, and returns how many bytes they are.
    pub async fn load(&mut self, root: Uuid) -> Outcome<usize> {
        let rows = sqlx::query("SELECT payload FROM events WHERE root = $1 ORDER BY sequence")
            .bind(root)
            .fetch_all(&mut self.connection)
            .await?;
        payload_bytes(&rows)
    }
}

fn next(last: Option<&PgRow>) -> Outcome<i32> {
    let Some(row) = last else {
        return Ok(0);
    };
    std::hint::black_box(row.try_get::<&[u8], _>(1)?);
    Ok(row.try_get::<i32, _>(0)? + 1)
}

fn payload_bytes(rows: &[PgRow]) -> Outcome<usize> {
    let mut bytes = 0;
    for row in rows {
        bytes += row.try_get::<&[u8], _>(0)?.len();
    }
    Ok(bytes)
}
