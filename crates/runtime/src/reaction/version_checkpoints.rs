//! The checkpoints of a version of a read model: none is made for one that was dropped.

use std::time::Duration;

use async_trait::async_trait;
use seriatim_core::{
    Advance, Checkpoint, CheckpointStore, Component, Hold, Parked, Position, ReadModelStore,
    ReadModelVersion, Sequence, Skipped, StoreError, StoreErrorKind, StreamId, Taking, Tenure,
    Wish, Work,
};

/// Whoever still feeds a version when it is dropped finds its work lost, and would take it anew.
#[derive(Debug)]
pub(super) struct VersionCheckpoints<S> {
    pub(super) store: S,
    pub(super) version: ReadModelVersion,
}

#[async_trait]
impl<S: ReadModelStore> CheckpointStore for VersionCheckpoints<S> {
    async fn take(
        &self,
        work: &Work,
        owner: &str,
        lease: Duration,
        begin: Position,
    ) -> Result<Taking, StoreError> {
        let taking = self.store.take(work, owner, lease, begin).await?;
        if let Taking::Taken(_) = taking
            && !self.is_there().await?
        {
            // Looked at after it was taken: whoever drops the version later forgets this too.
            self.store.forget(&work.component).await?;
            let gone = Gone(self.version.clone());
            let action = "take a piece of work";
            return Err(StoreError::new(action, StoreErrorKind::Unavailable, gone));
        }
        Ok(taking)
    }

    async fn prolong(&self, tenure: &Tenure, lease: Duration) -> Result<Hold, StoreError> {
        self.store.prolong(tenure, lease).await
    }

    async fn advance(
        &self,
        tenure: &Tenure,
        advance: &Advance,
        lease: Duration,
    ) -> Result<Hold, StoreError> {
        self.store.advance(tenure, advance, lease).await
    }

    async fn park(
        &self,
        tenure: &Tenure,
        parked: &Parked,
        to: Position,
        lease: Duration,
    ) -> Result<Hold, StoreError> {
        self.store.park(tenure, parked, to, lease).await
    }

    async fn park_again(
        &self,
        tenure: &Tenure,
        parked: &Parked,
        lease: Duration,
    ) -> Result<Hold, StoreError> {
        self.store.park_again(tenure, parked, lease).await
    }

    async fn skip(
        &self,
        tenure: &Tenure,
        skipped: &Skipped,
        advance: &Advance,
        lease: Duration,
    ) -> Result<Hold, StoreError> {
        self.store.skip(tenure, skipped, advance, lease).await
    }

    async fn pause(&self, tenure: &Tenure, why: &str, lease: Duration) -> Result<Hold, StoreError> {
        self.store.pause(tenure, why, lease).await
    }

    async fn release(&self, tenure: &Tenure) -> Result<(), StoreError> {
        self.store.release(tenure).await
    }

    async fn checkpoints(
        &self,
        component: Option<&Component>,
    ) -> Result<Vec<Checkpoint>, StoreError> {
        self.store.checkpoints(component).await
    }

    async fn resume(&self, work: &Work) -> Result<bool, StoreError> {
        self.store.resume(work).await
    }

    async fn parked(&self, component: Option<&Component>) -> Result<Vec<Parked>, StoreError> {
        self.store.parked(component).await
    }

    async fn decide(
        &self,
        work: &Work,
        stream: &StreamId,
        sequence: Sequence,
        wish: &Wish,
    ) -> Result<bool, StoreError> {
        self.store.decide(work, stream, sequence, wish).await
    }

    async fn skipped(
        &self,
        component: Option<&Component>,
        limit: usize,
    ) -> Result<Vec<Skipped>, StoreError> {
        self.store.skipped(component, limit).await
    }

    async fn forget(&self, component: &Component) -> Result<(), StoreError> {
        self.store.forget(component).await
    }
}

impl<S: ReadModelStore> VersionCheckpoints<S> {
    async fn is_there(&self) -> Result<bool, StoreError> {
        let versions = self.store.versions(Some(self.version.name())).await?;
        Ok(versions.iter().any(|status| status.version == self.version))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{0} was dropped; leave it out of the program, or restart this to build it anew")]
struct Gone(ReadModelVersion);
