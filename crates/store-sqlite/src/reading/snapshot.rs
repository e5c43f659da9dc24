//! The seam of the kept states.

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::{Connection, Error, OptionalExtension, named_params};
use seriatim_core::{
    Codec, Fingerprint, Sequence, Shape, Snapshot, SnapshotStore, StoreError, StreamId,
};

use crate::{SqliteStore, row};

#[async_trait]
impl SnapshotStore for SqliteStore {
    async fn save_snapshot(&self, stream: &StreamId, snapshot: Snapshot) -> Result<(), StoreError> {
        let stream = stream.clone();
        let save = move |connection: &Connection| save(connection, &stream, &snapshot);
        self.write("save a snapshot", save).await
    }
}

/// Saves nothing if the stream does not have the event that the state was made at: another event may get its sequence.
const SAVE: &str = "
    INSERT OR REPLACE INTO seriatim_snapshots (domain, root, fingerprint, sequence, shape, event, state)
    SELECT domain, root, :fingerprint, sequence, :shape, id, :state FROM seriatim_events
    WHERE domain = (SELECT id FROM seriatim_domains WHERE name = :domain) AND root = :root
        AND sequence = :sequence AND id = :event";

/// Keeps of this type the two newest, and the newest of each of the last `:spans` spans of `:span` events; and of each
/// other type what is not older than the second newest of this type.
const CLEAN_UP: &str = "
    WITH own AS (
        SELECT sequence FROM seriatim_snapshots
        WHERE domain = (SELECT id FROM seriatim_domains WHERE name = :domain) AND root = :root
            AND fingerprint = :fingerprint
    )
    DELETE FROM seriatim_snapshots
    WHERE domain = (SELECT id FROM seriatim_domains WHERE name = :domain) AND root = :root AND CASE fingerprint
        WHEN :fingerprint THEN sequence NOT IN (
            SELECT * FROM (SELECT sequence FROM own ORDER BY sequence DESC LIMIT 2)
            UNION
            SELECT * FROM (SELECT max(sequence) FROM own GROUP BY sequence / :span ORDER BY 1 DESC LIMIT :spans))
        ELSE sequence < (SELECT sequence FROM own ORDER BY sequence DESC LIMIT 1 OFFSET 1)
    END";

/// A restored backup may have lost the event that a snapshot was made at.
const NEWEST: &str = "
    SELECT sequence, shape, event, state FROM seriatim_snapshots AS s
    WHERE domain = (SELECT id FROM seriatim_domains WHERE name = :domain) AND root = :root
        AND fingerprint = :fingerprint AND sequence <= :through
        AND EXISTS (SELECT 1 FROM seriatim_events AS e
                    WHERE e.domain = s.domain AND e.root = s.root AND e.sequence = s.sequence AND e.id = s.event)
    ORDER BY sequence DESC LIMIT 1";

fn save(connection: &Connection, stream: &StreamId, snapshot: &Snapshot) -> Result<(), Error> {
    let (domain, root) = (stream.domain.as_str(), stream.root.as_bytes());
    let fingerprint = snapshot.fingerprint.0.cast_signed();
    let mut insert = connection.prepare_cached(SAVE)?;
    insert.execute(named_params! {
        ":domain": domain,
        ":root": root,
        ":fingerprint": fingerprint,
        ":sequence": snapshot.sequence.0,
        ":shape": snapshot.shape.0.cast_signed(),
        ":event": snapshot.event.as_bytes(),
        ":state": row::data_column(&snapshot.state, Codec::Json),
    })?;
    let mut delete = connection.prepare_cached(CLEAN_UP)?;
    let delete = delete.execute(named_params! {
        ":domain": domain,
        ":root": root,
        ":fingerprint": fingerprint,
        ":span": Snapshot::SPAN,
        ":spans": Snapshot::SPANS,
    });
    delete.map(drop)
}

/// The newest of a type that is not past `through`, if the stream really has its event.
pub(crate) fn newest(
    connection: &Connection,
    stream: &StreamId,
    fingerprint: Fingerprint,
    through: Sequence,
) -> Result<Option<Snapshot>, Error> {
    let mut select = connection.prepare_cached(NEWEST)?;
    let key = named_params! {
        ":domain": stream.domain.as_str(),
        ":root": stream.root.as_bytes(),
        ":fingerprint": fingerprint.0.cast_signed(),
        ":through": through.0,
    };
    let found = select.query_row(key, |row| {
        Ok(Snapshot {
            fingerprint,
            shape: Shape(row.get::<_, i64>("shape")?.cast_unsigned()),
            sequence: row::sequence(row, "sequence")?,
            event: row::uuid(row, "event")?,
            state: Bytes::copy_from_slice(row::bytes(row, 3)?),
        })
    });
    found.optional()
}
