//! Appending and reading with faults: all but the planned faults goes to the wrapped store.

use std::num::NonZero;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use seriatim_core::{
    Annotation, AnnotationStore, Append, AppendError, AppendOutcome, ClaimRecord, CommandLetter,
    DeadLetterStore, Domain, EventStore, FaultGroup, KeyedClaim, LetterFilter, Load, Loaded, LogId,
    LogPage, LogPartition, Position, RecordedEvent, Sequence, Snapshot, SnapshotStore, StoreError,
    StoreErrorKind, StreamId, StreamSummary,
};
use uuid::Uuid;

use super::{Fault, FaultyStore, planned};
use crate::interruption::Interruption;

#[async_trait]
impl EventStore for FaultyStore {
    async fn append(&self, batch: Vec<Append>) -> Result<Vec<AppendOutcome>, AppendError> {
        const ACTION: &str = "append events";
        let fault = self.next_fault();
        let interruption = self.state().calls.count(ACTION);
        self.check_up(ACTION).map_err(AppendError::NotWritten)?;
        let unknown = || AppendError::Unknown(planned(ACTION, StoreErrorKind::Unavailable));
        let fault = match interruption {
            None => fault,
            Some(Interruption::Refused) => Some(Fault::NotWritten(StoreErrorKind::Unavailable)),
            Some(Interruption::AnswerLost) => Some(Fault::UnknownButWritten),
            Some(Interruption::DiesBefore) => return std::future::pending().await,
            Some(Interruption::DiesAfter) => {
                let _written = self.inner().append(batch).await;
                return std::future::pending().await;
            }
        };
        match fault {
            Some(Fault::NotWritten(kind)) => {
                return Err(AppendError::NotWritten(planned(ACTION, kind)));
            }
            Some(Fault::UnknownNotWritten) => return Err(unknown()),
            Some(Fault::UnknownButWritten) => {
                self.inner().append(batch).await?;
                return Err(unknown());
            }
            Some(Fault::Delay(time)) => tokio::time::sleep(time).await,
            Some(Fault::Crowded(crowd)) => crowd().await,
            Some(Fault::Held(crowd)) => {
                let _commit = self.commit.lock().await;
                crowd().await;
            }
            None => {}
        }
        // Behind a call that is held.
        drop(self.commit.lock().await);
        self.inner().append(batch).await
    }

    async fn load(&self, load: Load) -> Result<Loaded, StoreError> {
        let inner = self.inner();
        self.call("load a stream", inner.load(load)).await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        from: Sequence,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let inner = self.inner();
        self.call("read a stream", inner.read_stream(stream, from, limit))
            .await
    }

    fn partitions(&self) -> NonZero<u16> {
        self.inner().partitions()
    }

    fn log_id(&self) -> LogId {
        self.inner().log_id()
    }

    async fn read_log(
        &self,
        partition: LogPartition,
        after: Position,
        limit: usize,
    ) -> Result<LogPage, StoreError> {
        self.state().log_reads += 1;
        let inner = self.inner();
        self.call("read the log", inner.read_log(partition, after, limit))
            .await
    }

    async fn head(&self, partition: LogPartition) -> Result<Position, StoreError> {
        let inner = self.inner();
        self.call("read the head of the log", inner.head(partition))
            .await
    }

    /// If it is interrupted or woken without a reason, it returns too early, which is permitted.
    async fn wait_past(&self, partition: LogPartition, position: Position) {
        if self.state().wakes_in_vain {
            return tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let inner = self.inner();
        let waited = inner.wait_past(partition, position).map(Ok);
        let _ = self.call("wait for the log", waited).await;
    }

    async fn streams(
        &self,
        domain: Option<&Domain>,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<StreamSummary>, StoreError> {
        let inner = self.inner();
        self.call("list the streams", inner.streams(domain, after, limit))
            .await
    }

    async fn find_claim(
        &self,
        stream: &StreamId,
        external_id: &str,
    ) -> Result<Option<ClaimRecord>, StoreError> {
        let inner = self.inner();
        self.call(
            "look up an external id",
            inner.find_claim(stream, external_id),
        )
        .await
    }

    async fn claims(
        &self,
        after: Option<(&StreamId, &str)>,
        limit: usize,
    ) -> Result<Vec<KeyedClaim>, StoreError> {
        let inner = self.inner();
        self.call("list the claims", inner.claims(after, limit))
            .await
    }

    async fn flush(&self) -> Result<(), StoreError> {
        let inner = self.inner();
        self.call("flush", inner.flush()).await
    }

    async fn check_storage(&self) -> Result<(), StoreError> {
        let inner = self.inner();
        self.call("check the storage", inner.check_storage()).await
    }
}

#[async_trait]
impl SnapshotStore for FaultyStore {
    async fn save_snapshot(&self, stream: &StreamId, snapshot: Snapshot) -> Result<(), StoreError> {
        let inner = self.inner();
        self.call("save a snapshot", inner.save_snapshot(stream, snapshot))
            .await
    }
}

#[async_trait]
impl AnnotationStore for FaultyStore {
    async fn annotate(
        &self,
        letter: Uuid,
        after: usize,
        annotation: &Annotation,
    ) -> Result<bool, StoreError> {
        let inner = self.inner();
        let annotate = inner.annotate(letter, after, annotation);
        self.call("annotate a letter", annotate).await
    }

    async fn annotations(&self, letter: Uuid) -> Result<Vec<Annotation>, StoreError> {
        let inner = self.inner();
        let annotations = inner.annotations(letter);
        self.call("read the annotations of a letter", annotations)
            .await
    }

    async fn assignees(&self, letters: &[Uuid]) -> Result<Vec<(Uuid, String)>, StoreError> {
        let inner = self.inner();
        self.call("look who looks after letters", inner.assignees(letters))
            .await
    }
}

#[async_trait]
impl DeadLetterStore for FaultyStore {
    async fn letter(&self, id: Uuid) -> Result<Option<CommandLetter>, StoreError> {
        let inner = self.inner();
        self.call("read a dead letter", inner.letter(id)).await
    }

    async fn letters(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<CommandLetter>, StoreError> {
        let inner = self.inner();
        self.call("list the dead letters", inner.letters(filter, limit))
            .await
    }

    async fn fault_groups(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<FaultGroup>, StoreError> {
        let inner = self.inner();
        let groups = inner.fault_groups(filter, limit);
        self.call("count the faults of dead letters", groups).await
    }

    async fn revise(&self, letter: &CommandLetter) -> Result<bool, StoreError> {
        let inner = self.inner();
        self.call("revise a dead letter", inner.revise(letter))
            .await
    }
}
