//! The seam of the log: what is written is handed to the writer, and here is how it is read.

use std::cmp::Ordering;

use async_trait::async_trait;
use rusqlite::types::Type;
use rusqlite::{Connection, Error, OptionalExtension, Row};
use seriatim_core::{
    Append, AppendError, AppendOutcome, ClaimRecord, ContentHash, Domain, EventStore, Load, Loaded,
    Payload, Position, RecordedEvent, Sequence, StoreError, StreamId, StreamSummary, Timestamp,
};
use uuid::Uuid;

use crate::metadata_text::Decoder;
use crate::{SqliteStore, row, snapshot};

#[async_trait]
impl EventStore for SqliteStore {
    async fn append(&self, batch: Vec<Append>) -> Result<Vec<AppendOutcome>, AppendError> {
        self.writer().append(batch).await
    }

    async fn load(&self, wanted: Load) -> Result<Loaded, StoreError> {
        let query = move |connection: &Connection| load(connection, &wanted);
        self.readers().read("load a stream", query).await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        from: Sequence,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let stream = stream.clone();
        let query = move |connection: &Connection| read_stream(connection, &stream, from, limit);
        self.readers().read("read a stream", query).await
    }

    async fn read_log(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let query = move |connection: &Connection| read_log(connection, after, limit);
        self.readers().read("read the log", query).await
    }

    async fn head(&self) -> Result<Position, StoreError> {
        let query = |connection: &Connection| {
            let mut select = connection.prepare_cached("SELECT position FROM seriatim_log_head")?;
            select.query_row([], |row| row::position(row, 0))
        };
        self.readers().read("read the head of the log", query).await
    }

    async fn streams(
        &self,
        domain: Option<&Domain>,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<StreamSummary>, StoreError> {
        let (domain, after) = (domain.cloned(), after.cloned());
        let query = move |connection: &Connection| match &domain {
            Some(domain) => streams_of(connection, domain, after.as_ref(), limit),
            None => streams(connection, after.as_ref(), limit),
        };
        self.readers().read("list the streams", query).await
    }

    async fn find_claim(
        &self,
        stream: &StreamId,
        external_id: &str,
    ) -> Result<Option<ClaimRecord>, StoreError> {
        let (stream, external_id) = (stream.clone(), external_id.to_owned());
        let query = move |connection: &Connection| match stream_row(connection, &stream)? {
            Some(id) => claim(connection, id, &external_id),
            None => Ok(None),
        };
        self.readers().read("look up an external id", query).await
    }
}

/// The number of a stream's row.
fn stream_row(connection: &Connection, stream: &StreamId) -> Result<Option<i64>, Error> {
    let mut select = connection
        .prepare_cached("SELECT id FROM seriatim_streams WHERE domain = ? AND root = ?")?;
    let key = (stream.domain.as_str(), stream.root.as_bytes());
    select.query_row(key, |row| row.get(0)).optional()
}

/// The statements of one load see different states of the database if somebody writes between them. That does no
/// harm: rows of streams and events never change, and what comes last is read last.
fn load(connection: &Connection, wanted: &Load) -> Result<Loaded, Error> {
    let Some(stream) = stream_row(connection, &wanted.stream)? else {
        return Ok(Loaded::default());
    };
    let through = wanted.through.unwrap_or(Sequence::MAX);
    let snapshot = match wanted.snapshots {
        Some(fingerprint) => snapshot::newest(connection, stream, fingerprint, through)?,
        None => None,
    };
    let from = Sequence::count(snapshot.as_ref().map(|snapshot| snapshot.sequence));
    let payloads = payloads(connection, stream, from, through)?;
    Ok(Loaded { snapshot, payloads })
}

fn payloads(
    connection: &Connection,
    stream: i64,
    from: u64,
    through: Sequence,
) -> Result<Vec<Payload>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT sequence, type, codec, data FROM seriatim_events
         WHERE stream = ? AND sequence BETWEEN ? AND ? ORDER BY sequence",
    )?;
    let from = i64::try_from(from).unwrap_or(i64::MAX);
    let mut rows = select.query((stream, from, through.0))?;
    let mut payloads = Vec::new();
    for expected in from.. {
        let Some(row) = rows.next()? else { break };
        // A state must not be built over a gap.
        if row.get::<_, i64>(0)? != expected {
            let gap = Gap { expected };
            return Err(row::unreadable(0, Type::Integer, gap));
        }
        payloads.push(row::payload(row, 1)?);
    }
    Ok(payloads)
}

/// An event of a stream is not there, though a later one is.
#[derive(Debug, thiserror::Error)]
#[error("the stream has no event {expected} but a later one; restore a backup")]
struct Gap {
    expected: i64,
}

fn read_stream(
    connection: &Connection,
    stream: &StreamId,
    from: Sequence,
    limit: usize,
) -> Result<Vec<RecordedEvent>, Error> {
    let Some(id) = stream_row(connection, stream)? else {
        return Ok(Vec::new());
    };
    let mut select = connection.prepare_cached(
        "SELECT position, sequence, recorded_at, id, type, codec, data, metadata FROM seriatim_events
         WHERE stream = ? AND sequence >= ? ORDER BY sequence LIMIT ?",
    )?;
    let mut rows = select.query((id, from.0, row::limit_column(limit)))?;
    let (mut events, mut metadata) = (Vec::new(), Decoder::default());
    while let Some(row) = rows.next()? {
        events.push(event(row, stream.clone(), &mut metadata)?);
    }
    Ok(events)
}

fn read_log(
    connection: &Connection,
    after: Position,
    limit: usize,
) -> Result<Vec<RecordedEvent>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT e.position, e.sequence, e.recorded_at, e.id, e.type, e.codec, e.data, e.metadata,
                s.domain, s.root
         FROM seriatim_events AS e CROSS JOIN seriatim_streams AS s ON s.id = e.stream
         WHERE e.position > ? ORDER BY e.position LIMIT ?",
    )?;
    let mut rows = select.query((row::position_column(after), row::limit_column(limit)))?;
    let (mut events, mut metadata) = (Vec::<RecordedEvent>::new(), Decoder::default());
    while let Some(row) = rows.next()? {
        let stream = row::stream_id(row, 8, events.last().map(|before| &before.stream))?;
        events.push(event(row, stream, &mut metadata)?);
    }
    Ok(events)
}

/// The columns position, sequence, recorded_at, id, type, codec, data, metadata.
fn event(row: &Row<'_>, stream: StreamId, metadata: &mut Decoder) -> Result<RecordedEvent, Error> {
    let text = row::optional_text(row, 7)?;
    Ok(RecordedEvent {
        id: row::uuid(row, 3)?,
        stream,
        sequence: row::sequence(row, 1)?,
        position: row::position(row, 0)?,
        recorded_at: Timestamp::from_micros(row.get(2)?),
        payload: row::payload(row, 4)?,
        metadata: metadata
            .decode(text)
            .map_err(|error| row::unreadable(7, Type::Text, error))?,
    })
}

/// Each stream's last event is found by its index: a list costs as much as it is long, not as the log is.
const SUMMARY: &str = "SELECT s.domain, s.root, e.sequence, e.recorded_at
    FROM seriatim_streams AS s CROSS JOIN seriatim_events AS e ON e.stream = s.id
    AND e.sequence = (SELECT max(sequence) FROM seriatim_events WHERE stream = s.id)";

fn streams(
    connection: &Connection,
    after: Option<&StreamId>,
    limit: usize,
) -> Result<Vec<StreamSummary>, Error> {
    let sql =
        format!("{SUMMARY} WHERE (s.domain, s.root) > (?, ?) ORDER BY s.domain, s.root LIMIT ?");
    let mut select = connection.prepare_cached(&sql)?;
    let domain = after.map_or("", |after| after.domain.as_str());
    let root = after.map_or(&[][..], |after| after.root.as_bytes());
    summaries(select.query((domain, root, row::limit_column(limit)))?)
}

fn streams_of(
    connection: &Connection,
    domain: &Domain,
    after: Option<&StreamId>,
    limit: usize,
) -> Result<Vec<StreamSummary>, Error> {
    let sql = format!("{SUMMARY} WHERE s.domain = ? AND s.root > ? ORDER BY s.root LIMIT ?");
    let mut select = connection.prepare_cached(&sql)?;
    let root: Option<&Uuid> = match after {
        None => None,
        Some(after) => match after.domain.cmp(domain) {
            Ordering::Less => None,
            Ordering::Equal => Some(&after.root),
            Ordering::Greater => return Ok(Vec::new()),
        },
    };
    let root = root.map_or(&[][..], |root| root.as_bytes());
    summaries(select.query((domain.as_str(), root, row::limit_column(limit)))?)
}

fn summaries(mut rows: rusqlite::Rows<'_>) -> Result<Vec<StreamSummary>, Error> {
    let mut summaries: Vec<StreamSummary> = Vec::new();
    while let Some(row) = rows.next()? {
        summaries.push(StreamSummary {
            stream: row::stream_id(row, 0, summaries.last().map(|before| &before.stream))?,
            current: row::sequence(row, 2)?,
            recorded_at: Timestamp::from_micros(row.get(3)?),
        });
    }
    Ok(summaries)
}

/// What an external id of the stream with this row stands for.
pub(crate) fn claim(
    connection: &Connection,
    stream: i64,
    external_id: &str,
) -> Result<Option<ClaimRecord>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT content, first_result FROM seriatim_claims WHERE stream = ? AND external_id = ?",
    )?;
    let found = select.query_row((stream, external_id), |row| {
        let first = serde_json::from_str(row::text(row, 1)?);
        Ok(ClaimRecord {
            content: ContentHash(row.get(0)?),
            first: first.map_err(|error| row::unreadable(1, Type::Text, error))?,
        })
    });
    found.optional()
}
