//! Reading the log; appends are handed to the writer.

use std::collections::HashMap;
use std::num::NonZero;

use async_trait::async_trait;
use seriatim_core::{
    Append, AppendError, AppendOutcome, ClaimRecord, Domain, EventStore, KeyedClaim, Load, Loaded,
    LogId, LogPage, LogPartition, Position, RecordedEvent, Sequence, StoreError, StreamId,
    StreamSummary,
};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Error, Row};

use crate::{PostgresStore, claims, decoder, driver_error, load, lookup, positions, row, streams};

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
        let query = || {
            sqlx::query(AssertSqlSafe(self.texts().read_stream.clone()))
                .bind(stream.domain.as_str().to_owned())
                .bind(stream.root)
                .bind(row::sequence_column(from))
                .bind(row::limit_column(limit))
        };
        let action = "read a stream";
        let rows = self.readers().read(action, query).await?;
        let domains = HashMap::from_iter(match rows.first() {
            Some(row) => Some((domain_of(row, action)?, stream.domain.clone())),
            None => None,
        });
        decoder::events(&rows, &domains).map_err(|error| driver_error::store_error(action, error))
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
        let query = || {
            sqlx::query(AssertSqlSafe(self.texts().read_log.clone()))
                .bind(positions::column(partition, after))
                .bind(positions::column(partition, last))
                .bind(row::limit_column(limit_and_one))
        };
        let action = "read the log";
        let rows = self.readers().read(action, query).await?;
        let domains = self.domains().of(&rows, self.readers(), self.texts());
        let domains = domains.await?;
        let page = decoder::page(&rows, after, limit, &domains);
        page.map_err(|error| driver_error::store_error(action, error))
    }

    async fn head(&self, partition: LogPartition) -> Result<Position, StoreError> {
        partition.check(self.partitions());
        let action = "read the head of the log";
        let query = || {
            let head = sqlx::query(AssertSqlSafe(self.texts().head.clone()));
            head.bind(partition.0.cast_signed())
        };
        let rows = self.readers().read(action, query).await?;
        let head = rows.first().ok_or(Error::RowNotFound);
        head.and_then(|row| positions::position(row, 0))
            .map_err(|error| driver_error::store_error(action, error))
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
        let query = || {
            sqlx::query(AssertSqlSafe(self.texts().find_claim.clone()))
                .bind(stream.domain.as_str().to_owned())
                .bind(stream.root)
                .bind(external_id.as_bytes().to_vec())
        };
        let action = "look up an external id";
        let rows = self.readers().read(action, query).await?;
        let record = |row: &PgRow| lookup::claim_record(row.try_get(0)?, row.try_get(1)?);
        let record = rows.first().map(record).transpose();
        record.map_err(|error| driver_error::store_error(action, error))
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

fn domain_of(row: &PgRow, action: &'static str) -> Result<i16, StoreError> {
    let domain = row.try_get(3);
    domain.map_err(|error| driver_error::store_error(action, error))
}
