//! The seam of the progress of reactions.

use std::time::Duration;

use async_trait::async_trait;
use seriatim_core::{
    Advance, Checkpoint, CheckpointStore, Component, Hold, Parked, Position, Sequence, Skipped,
    StoreError, StreamId, Taking, Tenure, Timestamp, Wish, Work,
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
                paused: None,
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
        checkpoint.paused = None;
        Ok(Taking::Taken(Tenure {
            work: work.clone(),
            id: *tenure,
            position: checkpoint.position,
        }))
    }

    async fn prolong(&self, tenure: &Tenure, lease: Duration) -> Result<Hold, StoreError> {
        Ok(self.log().hold(tenure, lease))
    }

    async fn advance(
        &self,
        tenure: &Tenure,
        advance: &Advance,
        lease: Duration,
    ) -> Result<Hold, StoreError> {
        Ok(self.log().advance(tenure, advance, lease))
    }

    async fn park(
        &self,
        tenure: &Tenure,
        parked: &Parked,
        to: Position,
        lease: Duration,
    ) -> Result<Hold, StoreError> {
        let mut log = self.log();
        let moved = log.advance(tenure, &Advance::Checkpoint(to), lease);
        if moved == Hold::Held {
            log.park(tenure, parked);
        }
        Ok(moved)
    }

    async fn park_again(
        &self,
        tenure: &Tenure,
        parked: &Parked,
        lease: Duration,
    ) -> Result<Hold, StoreError> {
        let mut log = self.log();
        Ok(match log.hold(tenure, lease) {
            Hold::Held => log.park_again(tenure, parked),
            Hold::Lost => Hold::Lost,
        })
    }

    async fn skip(
        &self,
        tenure: &Tenure,
        skipped: &Skipped,
        advance: &Advance,
        lease: Duration,
    ) -> Result<Hold, StoreError> {
        let mut log = self.log();
        let moved = log.advance(tenure, advance, lease);
        if moved == Hold::Held {
            log.skipped.push(skipped.clone());
        }
        Ok(moved)
    }

    async fn pause(&self, tenure: &Tenure, why: &str, lease: Duration) -> Result<Hold, StoreError> {
        let mut log = self.log();
        let hold = log.hold(tenure, lease);
        if let Some(checkpoint) = log.checkpoint_of(tenure) {
            checkpoint.paused = Some(why.into());
        }
        Ok(hold)
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

    async fn resume(&self, work: &Work) -> Result<bool, StoreError> {
        let mut log = self.log();
        let kept = log.checkpoints.get_mut(work);
        Ok(kept.is_some_and(|(_, checkpoint)| checkpoint.paused.take().is_some()))
    }

    async fn parked(&self, component: Option<&Component>) -> Result<Vec<Parked>, StoreError> {
        Ok(self.log().parked_of(component))
    }

    async fn decide(
        &self,
        work: &Work,
        stream: &StreamId,
        sequence: Sequence,
        wish: &Wish,
    ) -> Result<bool, StoreError> {
        Ok(self.log().decide(work, stream, sequence, wish))
    }

    async fn skipped(
        &self,
        component: Option<&Component>,
        limit: usize,
    ) -> Result<Vec<Skipped>, StoreError> {
        Ok(self.log().skipped_of(component, limit))
    }

    async fn forget(&self, component: &Component) -> Result<(), StoreError> {
        let mut log = self.log();
        log.checkpoints
            .retain(|work, _| work.component != *component);
        log.parked
            .retain(|(work, _), _| work.component != *component);
        log.skipped
            .retain(|skipped| skipped.work.component != *component);
        Ok(())
    }
}

impl Log {
    /// If the tenure is in force. A lease that ran out does not matter as long as nobody else has taken the work.
    fn checkpoint_of(&mut self, tenure: &Tenure) -> Option<&mut Checkpoint> {
        let (current, checkpoint) = self.checkpoints.get_mut(&tenure.work)?;
        (*current == tenure.id && checkpoint.owner.is_some()).then_some(checkpoint)
    }

    fn hold(&mut self, tenure: &Tenure, lease: Duration) -> Hold {
        match self.checkpoint_of(tenure) {
            Some(checkpoint) => {
                checkpoint.leased_until = Timestamp::now().later_by(lease);
                Hold::Held
            }
            None => Hold::Lost,
        }
    }

    fn advance(&mut self, tenure: &Tenure, advance: &Advance, lease: Duration) -> Hold {
        match advance {
            Advance::Checkpoint(to) => self.advance_checkpoint(tenure, *to, lease),
            Advance::Parked { stream, from, to } => match self.hold(tenure, lease) {
                Hold::Held => self.advance_parked(tenure, stream, *from, *to),
                Hold::Lost => Hold::Lost,
            },
        }
    }

    fn advance_checkpoint(&mut self, tenure: &Tenure, to: Position, lease: Duration) -> Hold {
        let now = Timestamp::now();
        let Some(checkpoint) = self.checkpoint_of(tenure) else {
            return Hold::Lost;
        };
        if checkpoint.position != tenure.position {
            return Hold::Lost;
        }
        checkpoint.leased_until = now.later_by(lease);
        checkpoint.position = to;
        checkpoint.moved_at = now;
        Hold::Held
    }
}
