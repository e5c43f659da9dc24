//! Reading the log; appends are handed to the writer.

use std::num::NonZero;
use std::sync::Arc;

use async_trait::async_trait;
use seriatim_core::{
    Append, AppendError, AppendOutcome, ClaimRecord, Domain, EventStore, KeyedClaim, Load, Loaded,
    LogId, LogPage, LogPartition, Position, RecordedEvent, Sequence, StoreError, StreamId,
    StreamSummary,
};
use sqlx::Error;
use sqlx::postgres::PgRow;

use crate::opening::driver_error;
use crate::reading::claims;
use crate::reading::decoder::{self, PageReader};
use crate::reading::load;
use crate::reading::streams;
use crate::{PostgresStore, positions, row};

/// The columns are those that [`decoder`] reads, by their index.
const READ_STREAM: &str = "
    SELECT position, recorded_at, sequence, domain, codec, root, id, type, metadata, checksum, data
    FROM seriatim_events
    WHERE domain = (SELECT id FROM seriatim_domains WHERE name = $1) AND root = $2 AND sequence >= $3
    ORDER BY sequence LIMIT $4";

/// The same columns. The content of the event at `$1` is not needed, and may be large.
const READ_LOG: &str = "
    SELECT position, recorded_at, sequence, domain, codec, root, id, type, metadata, checksum,
        CASE WHEN position > $1 THEN data ELSE '' END
    FROM seriatim_events
    WHERE position >= $1 AND position <= $2
    ORDER BY position LIMIT $3";

const HEAD: &str = "SELECT position FROM seriatim_log_head WHERE partition = $1";

#[async_trait]
impl EventStore for PostgresStore {
    async fn append(&self, call: Vec<Append>) -> Result<Vec<AppendOutcome>, AppendError> {
        self.writers().append(call).await
    }

    async fn load(&self, wanted: Load) -> Result<Loaded, StoreError> {
        load::load(self.load_batcher(), wanted).await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        from: Sequence,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        if from.0 > i32::MAX.cast_unsigned() {
            return Ok(Vec::new());
        }
        let read = || {
            self.statement(READ_STREAM)
                .bind(stream.domain.as_str())
                .bind(stream.root)
                .bind(row::sequence_column(from))
                .bind(row::limit_column(limit))
        };
        let action = "read a stream";
        let rows = self.connections().fetch(action, read).await?;
        let events = decoder::events(&rows, &stream.domain);
        events.map_err(|error| driver_error::store_error(action, error))
    }

    fn partitions(&self) -> NonZero<u16> {
        self.writers().count()
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
        let last = Position(u64::MAX);
        let limit_and_one = limit.saturating_add(usize::from(after > Position::START));
        let read = || {
            self.statement(READ_LOG)
                .bind(positions::column(partition, after))
                .bind(positions::column(partition, last))
                .bind(row::limit_column(limit_and_one))
        };
        let action = "read the log";
        let (connections, known) = (self.connections(), self.domains().known());
        let page_of = |domains| {
            let empty = move || PageReader::new(after, limit, Arc::clone(&domains));
            connections.fetch_into(action, read, empty)
        };
        let mut page = page_of(known).await?;
        if page.lacks_a_domain() {
            page = page_of(self.domains().read(connections).await?).await?;
        }
        let page = page.finish();
        page.map_err(|error| driver_error::store_error(action, error))
    }

    async fn head(&self, partition: LogPartition) -> Result<Position, StoreError> {
        partition.check(self.partitions());
        let action = "read the head of the log";
        let read = || self.statement(HEAD).bind(partition.0.cast_signed());
        let position = |row: &PgRow| positions::position(row, "position");
        let head = self.connections().fetch_as(action, read, position);
        let head = head.await?.pop().ok_or(Error::RowNotFound);
        head.map_err(|error| driver_error::store_error(action, error))
    }

    async fn wait_past(&self, partition: LogPartition, position: Position) {
        partition.check(self.partitions());
        self.waiting().past(partition, position).await;
    }

    async fn streams(
        &self,
        domain: Option<&Domain>,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<StreamSummary>, StoreError> {
        streams::list(self, domain, after, limit).await
    }

    async fn find_claim(
        &self,
        stream: &StreamId,
        external_id: &str,
    ) -> Result<Option<ClaimRecord>, StoreError> {
        claims::find(self, stream, external_id).await
    }

    async fn claims(
        &self,
        after: Option<(&StreamId, &str)>,
        limit: usize,
    ) -> Result<Vec<KeyedClaim>, StoreError> {
        claims::list(self, after, limit).await
    }

    async fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn check_storage(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
