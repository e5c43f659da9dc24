//! The seam of the kept states.

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::{Connection, Error, OptionalExtension};
use seriatim_core::{Codec, Fingerprint, Sequence, Snapshot, SnapshotStore, StoreError, StreamId};

use crate::transaction::Transaction;
use crate::{SqliteStore, row};

#[async_trait]
impl SnapshotStore for SqliteStore {
    async fn save_snapshot(&self, stream: &StreamId, snapshot: Snapshot) -> Result<(), StoreError> {
        let stream = stream.clone();
        let save =
            move |transaction: &mut Transaction<'_, '_>| save(transaction, &stream, &snapshot);
        self.writer().change("save a snapshot", save).await
    }
}

/// Keeps the newest two of a type. What is older goes, also that of other types: once a type has two that are
/// newer, the older form is out of use.
fn save(
    transaction: &mut Transaction<'_, '_>,
    stream: &StreamId,
    snapshot: &Snapshot,
) -> Result<(), Error> {
    // A snapshot of an event that the stream does not have is dropped: another event may get its sequence.
    if transaction.current(stream)? < Some(snapshot.sequence) {
        return Ok(());
    }
    let domain = transaction.domain(&stream.domain)?;
    let root = stream.root.as_bytes();
    let fingerprint = fingerprint_column(snapshot.fingerprint);
    let mut insert = transaction.connection.prepare_cached(
        "INSERT OR REPLACE INTO seriatim_snapshots (domain, root, fingerprint, sequence, state)
         VALUES (?, ?, ?, ?, ?)",
    )?;
    insert.execute((
        domain,
        root,
        fingerprint,
        snapshot.sequence.0,
        row::data_column(&snapshot.state, Codec::Json),
    ))?;
    let mut delete = transaction.connection.prepare_cached(
        "DELETE FROM seriatim_snapshots WHERE domain = ?1 AND root = ?2 AND sequence <
         (SELECT sequence FROM seriatim_snapshots
          WHERE domain = ?1 AND root = ?2 AND fingerprint = ?3
          ORDER BY sequence DESC LIMIT 1 OFFSET 1)",
    )?;
    delete.execute((domain, root, fingerprint)).map(drop)
}

/// The newest of a type that is not past `through`, and whose event the stream really has.
pub(crate) fn newest(
    connection: &Connection,
    stream: &StreamId,
    fingerprint: Fingerprint,
    through: Sequence,
) -> Result<Option<Snapshot>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT sequence, state FROM seriatim_snapshots AS s
         WHERE domain = (SELECT id FROM seriatim_domains WHERE name = ?) AND root = ?
         AND fingerprint = ? AND sequence <= ?
         AND EXISTS (SELECT 1 FROM seriatim_events AS e WHERE e.domain = s.domain
                     AND e.root = s.root AND e.sequence = s.sequence)
         ORDER BY sequence DESC LIMIT 1",
    )?;
    let key = (
        stream.domain.as_str(),
        stream.root.as_bytes(),
        fingerprint_column(fingerprint),
        through.0,
    );
    let found = select.query_row(key, |row| {
        Ok(Snapshot {
            fingerprint,
            sequence: row::sequence(row, 0)?,
            state: Bytes::copy_from_slice(row::bytes(row, 1)?),
        })
    });
    found.optional()
}

/// The same 64 bits as the signed number that SQLite has.
fn fingerprint_column(fingerprint: Fingerprint) -> i64 {
    fingerprint.0.cast_signed()
}
