//! Reading the log; appends are handed to the writer.

use std::num::NonZero;
use std::path::Path;

use async_trait::async_trait;
use rusqlite::types::Type;
use rusqlite::{Connection, Error, OptionalExtension};
use seriatim_core::{
    Append, AppendError, AppendOutcome, ClaimRecord, Domain, EventStore, KeyedClaim, Load, Loaded,
    LogId, LogPage, LogPartition, Payload, Position, ReadModelTables, RecordedEvent, Sequence,
    StoreError, StoreErrorKind, StreamId, StreamSummary,
};
use seriatim_store_sql::Payloads;
use uuid::Uuid;

use crate::opening::connection;
use crate::reading::claims;
use crate::reading::decoder::{COLUMNS, Decoder, ID};
use crate::reading::snapshot;
use crate::reading::streams;
use crate::reading::waiting;
use crate::{Shared, SqliteStore, row};

#[async_trait]
impl EventStore for SqliteStore {
    async fn append(&self, call: Vec<Append>) -> Result<Vec<AppendOutcome>, AppendError> {
        // There is one partition, so this only looks for mistakes.
        Append::partition(&call, self.partitions());
        self.writer().append(call).await
    }

    async fn load(&self, wanted: Load) -> Result<Loaded, StoreError> {
        let query = move |connection: &Connection| load(connection, &wanted);
        self.loads().read("load a stream", query).await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        from: Sequence,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let stream = stream.clone();
        let query = move |connection: &Connection| read_stream(connection, &stream, from, limit);
        self.lists().read("read a stream", query).await
    }

    fn partitions(&self) -> NonZero<u16> {
        NonZero::<u16>::MIN
    }

    fn log_id(&self) -> LogId {
        self.shared.log_id
    }

    async fn read_log(
        &self,
        partition: LogPartition,
        after: Position,
        limit: usize,
    ) -> Result<LogPage, StoreError> {
        partition.check(self.partitions());
        let query = move |connection: &Connection| read_log(connection, after, limit);
        self.lists().read("read the log", query).await
    }

    async fn head(&self, partition: LogPartition) -> Result<Position, StoreError> {
        partition.check(self.partitions());
        let query = |connection: &Connection| {
            let mut select = connection.prepare_cached("SELECT position FROM seriatim_log_head")?;
            select.query_row([], |row| row::position(row, 0))
        };
        self.loads().read("read the head of the log", query).await
    }

    async fn wait_past(&self, partition: LogPartition, position: Position) {
        partition.check(self.partitions());
        waiting::wait_past(self, position).await;
    }

    async fn streams(
        &self,
        domain: Option<&Domain>,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<StreamSummary>, StoreError> {
        let (domain, after) = (domain.cloned(), after.cloned());
        let query = move |connection: &Connection| {
            streams::list(connection, domain.as_ref(), after.as_ref(), limit)
        };
        self.lists().read("list the streams", query).await
    }

    async fn find_claim(
        &self,
        stream: &StreamId,
        external_id: &str,
    ) -> Result<Option<ClaimRecord>, StoreError> {
        let (stream, external_id) = (stream.clone(), external_id.to_owned());
        let query = move |connection: &Connection| claims::find(connection, &stream, &external_id);
        self.loads().read("look up an external id", query).await
    }

    async fn claims(
        &self,
        after: Option<(&StreamId, &str)>,
        limit: usize,
    ) -> Result<Vec<KeyedClaim>, StoreError> {
        let after = after.map(|(stream, key)| (stream.clone(), key.to_owned()));
        let query = move |connection: &Connection| claims::list(connection, after.as_ref(), limit);
        self.lists().read("list the claims", query).await
    }

    async fn flush(&self) -> Result<(), StoreError> {
        self.writer().flush().await
    }

    async fn check_storage(&self) -> Result<(), StoreError> {
        let action = "check the file";
        let Shared { path, damage, .. } = &*self.shared;
        let file = path.clone();
        // On a thread and a connection of its own, so that no read waits for it.
        let checked = tokio::task::spawn_blocking(move || check_tables(&file));
        let checked = checked
            .await
            .map_err(|error| StoreError::new(action, StoreErrorKind::Refused, error.to_string()))?;
        match checked {
            Ok(None) => Ok(()),
            Ok(Some(wrong)) => Err(damage.stop(action, &wrong)),
            Err(error) => Err(damage.store_error(action, error)),
        }
    }
}

/// Returns what is wrong with the first table of the store or of a read model that is not whole. It does not check the
/// other tables of an application, which are the application's own business.
fn check_tables(file: &Path) -> Result<Option<String>, Error> {
    let connection = connection::open_reader(file)?;
    for tables in [own_tables, read_model_tables] {
        for table in tables(&connection)? {
            let check = format!("PRAGMA integrity_check('{table}')");
            let said: String = connection.query_row(&check, [], |row| row.get(0))?;
            if said != "ok" {
                return Ok(Some(said));
            }
        }
    }
    Ok(None)
}

fn own_tables(connection: &Connection) -> Result<Vec<String>, Error> {
    let select = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB 'seriatim_*'";
    let mut select = connection.prepare(select)?;
    select.query_map([], |row| row.get(0))?.collect()
}

/// Returns the tables of all versions of the read models in the file, without those that somebody has dropped.
fn read_model_tables(connection: &Connection) -> Result<Vec<String>, Error> {
    let mut select = connection.prepare("SELECT tables, version FROM seriatim_read_models")?;
    let names = select.query_map([], |row| {
        let plain = row::text(row, 0)?.split(',');
        let plain = plain.filter(|table| !table.is_empty());
        let tables = ReadModelTables::new("", plain, row.get(1)?);
        Ok(tables.names().collect::<Vec<_>>())
    })?;
    let names: Vec<_> = names.collect::<Result<_, _>>()?;
    let find = "SELECT name FROM sqlite_schema WHERE type = 'table' AND lower(name) = ?";
    let mut find = connection.prepare(find)?;
    let mut found = Vec::new();
    for name in names.into_iter().flatten() {
        found.extend(find.query_row([name], |row| row.get(0)).optional()?);
    }
    Ok(found)
}

fn load(connection: &Connection, wanted: &Load) -> Result<Loaded, Error> {
    let through = wanted.through.unwrap_or(Sequence::MAX);
    let snapshot = match wanted.snapshots {
        Some(fingerprint) => snapshot::newest(connection, &wanted.stream, fingerprint, through)?,
        None => None,
    };
    let from = Sequence::count(snapshot.as_ref().map(|snapshot| snapshot.sequence));
    let (payloads, last) = payloads(connection, &wanted.stream, from, through)?;
    let last = last.or(snapshot.as_ref().map(|snapshot| snapshot.event));
    Ok(Loaded {
        snapshot,
        payloads,
        last,
    })
}

/// Returns the payloads and the id of the last event.
fn payloads(
    connection: &Connection,
    stream: &StreamId,
    from: u64,
    through: Sequence,
) -> Result<(Vec<Payload>, Option<Uuid>), Error> {
    let mut select = connection.prepare_cached(
        "SELECT sequence, type, codec, data, id FROM seriatim_events
         WHERE domain = (SELECT id FROM seriatim_domains WHERE name = ?) AND root = ?
             AND sequence BETWEEN ? AND ?
         ORDER BY sequence",
    )?;
    let key = (stream.domain.as_str(), stream.root.as_bytes());
    let mut rows = select.query((key.0, key.1, from.cast_signed(), through.0))?;
    let (mut payloads, mut last) = (Payloads::default(), None);
    payloads.skip_to(from);
    while let Some(row) = rows.next()? {
        let (sequence, type_name) = (row::sequence(row, 0)?, row::text(row, 1)?);
        let added = payloads.push(sequence, type_name, row.get(2)?, row::bytes(row, 3)?);
        added.map_err(|error| row::unreadable(0, Type::Integer, error))?;
        last = Some(row::uuid(row, 4)?);
    }
    Ok((payloads.finish(), last))
}

fn read_stream(
    connection: &Connection,
    stream: &StreamId,
    from: Sequence,
    limit: usize,
) -> Result<Vec<RecordedEvent>, Error> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM seriatim_events
         WHERE domain = (SELECT id FROM seriatim_domains WHERE name = ?) AND root = ?
         AND sequence >= ? ORDER BY sequence LIMIT ?"
    ))?;
    let (domain, root) = (stream.domain.as_str(), stream.root.as_bytes());
    let mut rows = select.query((domain, root, from.0, row::limit_column(limit)))?;
    let (mut events, mut decoder) = (Vec::new(), Decoder::new(connection));
    while let Some(row) = rows.next()? {
        events.push(decoder.event(row)?);
    }
    Ok(events)
}

/// The event at `after` is a row too, of which only the id is read.
fn read_log(connection: &Connection, after: Position, limit: usize) -> Result<LogPage, Error> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM seriatim_events WHERE position >= ? ORDER BY position LIMIT ?"
    ))?;
    let rows = limit.saturating_add(usize::from(after > Position::START));
    let mut rows = select.query((row::position_column(after), row::limit_column(rows)))?;
    let (mut page, mut decoder) = (LogPage::default(), Decoder::new(connection));
    while page.events.len() < limit || page.follows.is_none() {
        let Some(row) = rows.next()? else { break };
        match row::position(row, 0)? == after {
            true => page.follows = Some(row::uuid(row, ID)?),
            false => match decoder.event(row) {
                Ok(event) => page.events.push(event),
                // The events before one that cannot be read are returned; a reader that goes on from there meets that
                // one first.
                Err(_) if !page.events.is_empty() => break,
                Err(error) => return Err(error),
            },
        }
    }
    page.events.truncate(limit);
    Ok(page)
}
