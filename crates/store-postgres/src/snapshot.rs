//! The seam of the kept states.

use async_trait::async_trait;
use seriatim_core::{Snapshot, SnapshotStore, StoreError, StreamId};
use sqlx::AssertSqlSafe;

use crate::{PostgresStore, row};

#[async_trait]
impl SnapshotStore for PostgresStore {
    async fn save_snapshot(&self, stream: &StreamId, snapshot: Snapshot) -> Result<(), StoreError> {
        let action = "save a snapshot";
        let fingerprint = snapshot.fingerprint.0.cast_signed();
        let save = || {
            sqlx::query(AssertSqlSafe(self.texts().save_snapshot.clone()))
                .bind(stream.domain.as_str().to_owned())
                .bind(stream.root)
                .bind(row::sequence_column(snapshot.sequence))
                .bind(fingerprint)
                .bind(snapshot.shape.0.cast_signed())
                .bind(snapshot.event)
                .bind(snapshot.state.to_vec())
        };
        self.readers().read(action, save).await?;
        let clean_up = || {
            sqlx::query(AssertSqlSafe(self.texts().drop_snapshots.clone()))
                .bind(stream.domain.as_str().to_owned())
                .bind(stream.root)
                .bind(fingerprint)
        };
        self.readers().read(action, clean_up).await.map(drop)
    }
}
