//! The seam of the kept states.

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::{Connection, Error, OptionalExtension};
use seriatim_core::{
    Codec, Fingerprint, Sequence, Shape, Snapshot, SnapshotStore, StoreError, StreamId,
};

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

fn save(
    transaction: &mut Transaction<'_, '_>,
    stream: &StreamId,
    snapshot: &Snapshot,
) -> Result<(), Error> {
    // A stream without events, and so without a domain, has no state worth keeping.
    let Some(domain) = transaction.find_domain(&stream.domain)? else {
        return Ok(());
    };
    let root = stream.root.as_bytes();
    let fingerprint = fingerprint_column(snapshot.fingerprint);
    let mut insert = transaction.connection.prepare_cached(
        // If the stream does not have this event, another event may get its sequence.
        "INSERT OR REPLACE INTO seriatim_snapshots
             (domain, root, fingerprint, sequence, shape, event, state)
         SELECT domain, root, ?3, sequence, ?5, id, ?7 FROM seriatim_events
         WHERE domain = ?1 AND root = ?2 AND sequence = ?4 AND id = ?6",
    )?;
    insert.execute((
        domain,
        root,
        fingerprint,
        snapshot.sequence.0,
        snapshot.shape.0.cast_signed(),
        snapshot.event.as_bytes(),
        row::data_column(&snapshot.state, Codec::Json),
    ))?;
    let mut delete = transaction.connection.prepare_cached(
        "WITH own AS (
             SELECT sequence FROM seriatim_snapshots
             WHERE domain = ?1 AND root = ?2 AND fingerprint = ?3
         )
         DELETE FROM seriatim_snapshots WHERE domain = ?1 AND root = ?2 AND CASE fingerprint
             WHEN ?3 THEN sequence NOT IN (
                 SELECT * FROM (SELECT sequence FROM own ORDER BY sequence DESC LIMIT 2)
                 UNION
                 SELECT * FROM (SELECT max(sequence) FROM own GROUP BY sequence / ?4
                                ORDER BY 1 DESC LIMIT ?5))
             ELSE sequence < (SELECT sequence FROM own ORDER BY sequence DESC LIMIT 1 OFFSET 1)
         END",
    )?;
    let spans = (Snapshot::SPAN, Snapshot::SPANS);
    delete
        .execute((domain, root, fingerprint, spans.0, spans.1))
        .map(drop)
}

/// The newest of a type that is not past `through`, if the stream really has its event.
pub(crate) fn newest(
    connection: &Connection,
    stream: &StreamId,
    fingerprint: Fingerprint,
    through: Sequence,
) -> Result<Option<Snapshot>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT sequence, shape, event, state FROM seriatim_snapshots AS s
         WHERE domain = (SELECT id FROM seriatim_domains WHERE name = ?) AND root = ?
         AND fingerprint = ? AND sequence <= ?
         AND EXISTS (SELECT 1 FROM seriatim_events AS e WHERE e.domain = s.domain
                     AND e.root = s.root AND e.sequence = s.sequence AND e.id = s.event)
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
            shape: Shape(row.get::<_, i64>(1)?.cast_unsigned()),
            sequence: row::sequence(row, 0)?,
            event: row::uuid(row, 2)?,
            state: Bytes::copy_from_slice(row::bytes(row, 3)?),
        })
    });
    found.optional()
}

/// The same 64 bits as the signed number that SQLite has.
fn fingerprint_column(fingerprint: Fingerprint) -> i64 {
    fingerprint.0.cast_signed()
}
