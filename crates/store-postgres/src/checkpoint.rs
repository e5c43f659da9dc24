//! The seam of the progress of reactions.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use seriatim_core::{
    Checkpoint, CheckpointStore, Component, Hold, LogPartition, Position, Share, StoreError,
    StoreErrorKind, Taking, Tenure, Timestamp, Work,
};
use sqlx::postgres::PgRow;
use sqlx::{Error, Row};
use uuid::Uuid;

use crate::{PostgresStore, place, refused, row};

#[async_trait]
impl CheckpointStore for PostgresStore {
    async fn take(
        &self,
        work: &Work,
        owner: &str,
        lease: Duration,
        begin: Position,
    ) -> Result<Taking, StoreError> {
        let action = "take a piece of work";
        let id = Uuid::now_v7();
        let query = || (self.texts().checkpoints).take(work, id, owner, lease, begin);
        loop {
            let rows = self.readers().read(action, query).await?;
            // Each time there is none, somebody else has got the work or has made it free.
            if let Some(row) = rows.first() {
                let answer = taking(row, work, id);
                return answer.map_err(|error| refused::store_error(action, error));
            }
        }
    }

    async fn prolong(&self, tenure: &Tenure, lease: Duration) -> Result<Hold, StoreError> {
        let query = || (self.texts().checkpoints).prolong(tenure, lease);
        let rows = self.readers().read("prolong a lease", query).await?;
        Ok(match rows.is_empty() {
            false => Hold::Held,
            true => Hold::Lost,
        })
    }

    async fn advance(
        &self,
        tenure: &Tenure,
        to: Position,
        lease: Duration,
    ) -> Result<Hold, StoreError> {
        let action = "advance a checkpoint";
        let requests = AtomicUsize::new(0);
        let query = || {
            // After a lost answer it may find done what it asks for. Should the first request arrive later still, it
            // does not find the position where it has to be.
            let or_from = match requests.fetch_add(1, Ordering::Relaxed) {
                0 => tenure.position,
                _ => to,
            };
            (self.texts().checkpoints).advance(tenure, to, or_from, lease)
        };
        let rows = self.readers().read(action, query).await?;
        match (rows.is_empty(), requests.into_inner()) {
            (false, _) => Ok(Hold::Held),
            (true, 1) => Ok(Hold::Lost),
            // The first may have been done before somebody else took over.
            (true, _) => Err(StoreError::new(
                action,
                StoreErrorKind::Unavailable,
                "its answer was lost, and so is the work by now; take it again to find out",
            )),
        }
    }

    async fn release(&self, tenure: &Tenure) -> Result<(), StoreError> {
        let query = || (self.texts().checkpoints).release(tenure);
        let released = self.readers().read("release a piece of work", query);
        released.await.map(drop)
    }

    async fn checkpoints(
        &self,
        component: Option<&Component>,
    ) -> Result<Vec<Checkpoint>, StoreError> {
        let action = "list the checkpoints";
        let query = || (self.texts().checkpoints).list(component);
        let rows = self.readers().read(action, query).await?;
        let found: Result<_, _> = rows.iter().map(checkpoint).collect();
        found.map_err(|error| refused::store_error(action, error))
    }

    async fn forget(&self, component: &Component) -> Result<(), StoreError> {
        let query = || (self.texts().checkpoints).forget(component);
        let forgotten = self.readers().read("forget the checkpoints", query);
        forgotten.await.map(drop)
    }
}

/// With an owner it is busy; else it was taken.
fn taking(row: &PgRow, work: &Work, id: Uuid) -> Result<Taking, Error> {
    Ok(match row.try_get(1)? {
        Some(owner) => Taking::Busy {
            owner,
            until: Timestamp::from_micros(row.try_get(2)?),
        },
        None => Taking::Taken(Tenure {
            work: work.clone(),
            id,
            position: place::position(row, 0)?,
        }),
    })
}

fn checkpoint(row: &PgRow) -> Result<Checkpoint, Error> {
    let component: &str = row.try_get(0)?;
    let work = Work {
        component: component.parse().map_err(row::unreadable)?,
        partition: LogPartition(small(row, 1)?),
        share: share(row)?,
    };
    let epoch: i64 = row.try_get(5)?;
    Ok(Checkpoint {
        work,
        position: place::position(row, 4)?,
        epoch: epoch.try_into().map_err(row::unreadable)?,
        owner: row.try_get(6)?,
        leased_until: Timestamp::from_micros(row.try_get(7)?),
        moved_at: Timestamp::from_micros(row.try_get(8)?),
    })
}

fn share(row: &PgRow) -> Result<Share, Error> {
    let (count, index) = (small(row, 2)?, small(row, 3)?);
    let share = NonZero::new(count).and_then(|count| Share::all(count).nth(index.into()));
    share.ok_or_else(|| row::unreadable(NoShare { count, index }))
}

fn small(row: &PgRow, column: usize) -> Result<u16, Error> {
    let number: i32 = row.try_get(column)?;
    number.try_into().map_err(row::unreadable)
}

#[derive(Debug, thiserror::Error)]
#[error("there is no share {index} of {count}; restore a backup")]
struct NoShare {
    count: u16,
    index: u16,
}
