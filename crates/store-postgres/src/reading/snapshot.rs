//! The seam of the kept states.

use async_trait::async_trait;
use seriatim_core::{Snapshot, SnapshotStore, StoreError, StreamId};

use crate::{PostgresStore, row};

/// Saves nothing if the stream does not have the event that the state was made at.
const SAVE: &str = "
    INSERT INTO seriatim_snapshots (domain, root, fingerprint, sequence, shape, event, state)
    SELECT domain, root, $3, sequence, $5, id, $7 FROM seriatim_events
    WHERE domain = (SELECT id FROM seriatim_domains WHERE name = $1) AND root = $2 AND sequence = $4 AND id = $6
    ON CONFLICT (domain, root, fingerprint, sequence) DO UPDATE
    SET shape = excluded.shape, event = excluded.event, state = excluded.state";

/// Keeps of this type the two newest, and the newest of each of the last `$5` spans of `$4` events; and of each other
/// type what is not older than the second newest of this type.
const CLEAN_UP: &str = "
    WITH own AS (
        SELECT sequence FROM seriatim_snapshots
        WHERE domain = (SELECT id FROM seriatim_domains WHERE name = $1) AND root = $2 AND fingerprint = $3
    )
    DELETE FROM seriatim_snapshots
    WHERE domain = (SELECT id FROM seriatim_domains WHERE name = $1) AND root = $2 AND CASE fingerprint
        WHEN $3 THEN sequence NOT IN (
            (SELECT sequence FROM own ORDER BY sequence DESC LIMIT 2)
            UNION
            (SELECT max(sequence) FROM own GROUP BY sequence / $4 ORDER BY 1 DESC LIMIT $5))
        ELSE sequence < (SELECT sequence FROM own ORDER BY sequence DESC OFFSET 1 LIMIT 1)
    END";

#[async_trait]
impl SnapshotStore for PostgresStore {
    async fn save_snapshot(&self, stream: &StreamId, snapshot: Snapshot) -> Result<(), StoreError> {
        let action = "save a snapshot";
        let of_type = |sql| {
            let statement = self.statement(sql).bind(stream.domain.as_str());
            let fingerprint = snapshot.fingerprint.0.cast_signed();
            statement.bind(stream.root).bind(fingerprint)
        };
        let save = || {
            of_type(SAVE)
                .bind(row::sequence_column(snapshot.sequence))
                .bind(snapshot.shape.0.cast_signed())
                .bind(snapshot.event)
                .bind(&snapshot.state[..])
        };
        self.connections().fetch(action, save).await?;
        let clean_up = || {
            let clean_up = of_type(CLEAN_UP).bind(Snapshot::SPAN.cast_signed());
            clean_up.bind(i64::from(Snapshot::SPANS))
        };
        self.connections().fetch(action, clean_up).await.map(drop)
    }
}
