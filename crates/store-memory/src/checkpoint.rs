//! The seam of the progress of reactions.

use std::time::Duration;

use async_trait::async_trait;
use seriatim_core::{
    Checkpoint, CheckpointStore, Component, Hold, Position, StoreError, Taking, Tenure, Timestamp,
    Work,
};

use uuid::Uuid;

use crate::{Log, MemoryStore};

#[async_trait]
impl CheckpointStore for MemoryStore {
    async fn take(
        &self,
        work: &Work,
        owner: &str,
        lease: Duration,
        begin: Position,
    ) -> Result<Taking, StoreError> {
        let mut log = self.log();
        // Under the lock: a time from before it could be earlier than the end of a lease that has just run out.
        let now = Timestamp::now();
        let kept = log.checkpoints.entry(work.clone()).or_insert_with(|| {
            let checkpoint = Checkpoint {
                work: work.clone(),
                position: begin,
                epoch: 0,
                owner: None,
                leased_until: now,
                moved_at: now,
            };
            (Uuid::nil(), checkpoint)
        });
        let (tenure, checkpoint) = kept;
        if let Some(owner) = &checkpoint.owner
            && now < checkpoint.leased_until
        {
            return Ok(Taking::Busy {
                owner: owner.clone(),
                until: checkpoint.leased_until,
            });
        }
        *tenure = Uuid::now_v7();
        checkpoint.epoch += 1;
        checkpoint.owner = Some(owner.into());
        checkpoint.leased_until = now.later_by(lease);
        Ok(Taking::Taken(Tenure {
            work: work.clone(),
            id: *tenure,
            position: checkpoint.position,
        }))
    }

    async fn prolong(&self, tenure: &Tenure, lease: Duration) -> Result<Hold, StoreError> {
        match self.log().checkpoint_of(tenure) {
            Some(checkpoint) => {
                checkpoint.leased_until = Timestamp::now().later_by(lease);
                Ok(Hold::Held)
            }
            None => Ok(Hold::Lost),
        }
    }

    async fn advance(
        &self,
        tenure: &Tenure,
        to: Position,
        lease: Duration,
    ) -> Result<Hold, StoreError> {
        let mut log = self.log();
        let now = Timestamp::now();
        let Some(checkpoint) = log.checkpoint_of(tenure) else {
            return Ok(Hold::Lost);
        };
        if checkpoint.position != tenure.position {
            return Ok(Hold::Lost);
        }
        checkpoint.leased_until = now.later_by(lease);
        checkpoint.position = to;
        checkpoint.moved_at = now;
        Ok(Hold::Held)
    }

    async fn release(&self, tenure: &Tenure) -> Result<(), StoreError> {
        if let Some(checkpoint) = self.log().checkpoint_of(tenure) {
            checkpoint.owner = None;
        }
        Ok(())
    }

    async fn checkpoints(
        &self,
        component: Option<&Component>,
    ) -> Result<Vec<Checkpoint>, StoreError> {
        let log = self.log();
        let all = log.checkpoints.values().map(|(_, checkpoint)| checkpoint);
        let wanted = |checkpoint: &&Checkpoint| {
            component.is_none_or(|component| *component == checkpoint.work.component)
        };
        Ok(all.filter(wanted).cloned().collect())
    }

    async fn forget(&self, component: &Component) -> Result<(), StoreError> {
        let mut log = self.log();
        log.checkpoints
            .retain(|work, _| work.component != *component);
        Ok(())
    }
}

impl Log {
    /// If the tenure is in force. A lease that ran out does not matter as long as nobody else has taken the work.
    fn checkpoint_of(&mut self, tenure: &Tenure) -> Option<&mut Checkpoint> {
        let (current, checkpoint) = self.checkpoints.get_mut(&tenure.work)?;
        (*current == tenure.id && checkpoint.owner.is_some()).then_some(checkpoint)
    }
}
