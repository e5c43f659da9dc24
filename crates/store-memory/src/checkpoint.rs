//! The seam of the progress of reactions.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use seriatim_core::{
    Advance, Assignment, Bookmark, Checkpoint, CheckpointStore, Component, Cursor, FaultGroup,
    Hold, LetterDecision, LetterFilter, Owner, ReactionLetter, Scope, Sequence, StoreError,
    StreamId, Taking, Tenure, Timestamp, Update, Work, lease_end, lease_runs,
};
use uuid::Uuid;

use crate::{Log, MemoryStore};

/// A checkpoint, and the process that moves it.
#[derive(Debug)]
pub(crate) struct Kept {
    /// The tenure in force, or the last one that was.
    tenure: Uuid,
    /// The owner of that tenure, if the checkpoint has an owner.
    owner: Uuid,
    /// Other processes on the owner's host use it to see whether the owner still runs.
    process: Option<Arc<str>>,
    /// The process that asked for the work, and when its request expires.
    asked: Option<(Uuid, Timestamp)>,
    /// Names the owner until the work is released, even after its lease ran out.
    checkpoint: Checkpoint,
    scope: Option<Scope>,
}

#[async_trait]
impl CheckpointStore for MemoryStore {
    async fn take(
        &self,
        work: &Work,
        owner: &Owner,
        lease: Duration,
    ) -> Result<Taking, StoreError> {
        let mut log = self.log();
        let begin = log.beginnings.get(&work.component);
        let begin = begin.map_or(Bookmark::START, |begin| begin.get(work.partition));
        // Read under the lock: a time from before could be earlier than the end of a lease that has just run out.
        let now = log.clock.now();
        let kept = log.checkpoints.entry(work.clone()).or_insert_with(|| {
            let checkpoint = Checkpoint {
                work: work.clone(),
                at: begin,
                epoch: 0,
                owner: None,
                leased_until: now,
                moved_at: now,
                paused: None,
            };
            Kept {
                tenure: Uuid::nil(),
                owner: Uuid::nil(),
                process: None,
                asked: None,
                checkpoint,
                scope: None,
            }
        });
        let checkpoint = &mut kept.checkpoint;
        if let Some(owner) = &checkpoint.owner
            && lease_runs(now, checkpoint.leased_until)
        {
            return Ok(Taking::Busy {
                owner: owner.clone(),
                until: checkpoint.leased_until,
            });
        }
        kept.tenure = Uuid::now_v7();
        kept.owner = owner.id;
        kept.process.clone_from(&owner.process);
        kept.asked = None;
        checkpoint.epoch += 1;
        checkpoint.owner = Some(owner.name.to_string());
        checkpoint.leased_until = lease_end(now, lease);
        checkpoint.paused = None;
        Ok(Taking::Taken(Tenure {
            work: work.clone(),
            id: kept.tenure,
            at: checkpoint.at,
        }))
    }

    async fn begin(&self, component: &Component, at: &Cursor) -> Result<Cursor, StoreError> {
        let mut log = self.log();
        let begin = log.beginnings.entry(component.clone());
        Ok(begin.or_insert_with(|| at.clone()).clone())
    }

    async fn begun(&self, component: &Component) -> Result<Option<Cursor>, StoreError> {
        Ok(self.log().beginnings.get(component).cloned())
    }

    async fn begin_anew(&self, component: &Component, at: &Cursor) -> Result<(), StoreError> {
        let mut log = self.log();
        log.forget_progress(component);
        log.beginnings.insert(component.clone(), at.clone());
        Ok(())
    }

    async fn scopes(&self, component: &Component) -> Result<Vec<(Work, Scope)>, StoreError> {
        let log = self.log();
        let of_it = log.checkpoints.iter();
        let of_it = of_it.filter(|(work, _)| work.component == *component);
        Ok(of_it
            .filter_map(|(work, kept)| Some((work.clone(), kept.scope.clone()?)))
            .collect())
    }

    async fn write(
        &self,
        tenure: &Tenure,
        update: &Update,
        lease: Duration,
    ) -> Result<Hold, StoreError> {
        Ok(self.log().write(tenure, update, lease))
    }

    async fn end_lease(&self, work: &Work, owner: Uuid) -> Result<bool, StoreError> {
        let mut log = self.log();
        let now = log.clock.now();
        let kept = log.checkpoints.get_mut(work);
        let has_it = |kept: &&mut Kept| {
            let checkpoint = &kept.checkpoint;
            let is_owner = kept.owner == owner && checkpoint.owner.is_some();
            is_owner && now < checkpoint.leased_until
        };
        Ok(kept.filter(has_it).is_some_and(|kept| {
            kept.checkpoint.leased_until = now;
            true
        }))
    }

    async fn release(&self, tenure: &Tenure) -> Result<(), StoreError> {
        if let Some(kept) = self.log().kept_by(tenure) {
            kept.checkpoint.owner = None;
        }
        Ok(())
    }

    async fn assignments(&self, component: &Component) -> Result<Vec<Assignment>, StoreError> {
        let log = self.log();
        let now = log.clock.now();
        let all = log.checkpoints.values();
        let of_it = all.filter(|kept| kept.checkpoint.work.component == *component);
        Ok(of_it.map(|kept| kept.assignment(now)).collect())
    }

    async fn ask(&self, work: &Work, asker: Uuid, lasts: Duration) -> Result<bool, StoreError> {
        let mut log = self.log();
        let now = log.clock.now();
        let Some(kept) = log.checkpoints.get_mut(work) else {
            return Ok(false);
        };
        let is = kept.assignment(now);
        let may_ask = is.owner.is_some_and(|owner| owner.id != asker)
            && is.asked_by.is_none_or(|other| other == asker)
            && !is.is_paused;
        if may_ask {
            kept.asked = Some((asker, lease_end(now, lasts)));
        }
        Ok(may_ask)
    }

    async fn checkpoints(
        &self,
        component: Option<&Component>,
    ) -> Result<Vec<Checkpoint>, StoreError> {
        let log = self.log();
        let now = log.clock.now();
        let all = log.checkpoints.values().map(|kept| &kept.checkpoint);
        let wanted = |checkpoint: &&Checkpoint| {
            component.is_none_or(|component| *component == checkpoint.work.component)
        };
        let as_of_now = |checkpoint: &Checkpoint| Checkpoint {
            owner: (checkpoint.owner.clone()).filter(|_| lease_runs(now, checkpoint.leased_until)),
            ..checkpoint.clone()
        };
        Ok(all.filter(wanted).map(as_of_now).collect())
    }

    async fn set_pause(
        &self,
        component: &Component,
        why: Option<&str>,
    ) -> Result<bool, StoreError> {
        let pauses = &mut self.log().pauses;
        let before = match why {
            Some(why) => pauses.insert(component.clone(), why.into()),
            None => pauses.remove(component),
        };
        Ok(before.is_some())
    }

    async fn pause_of(&self, component: &Component) -> Result<Option<String>, StoreError> {
        Ok(self.log().pauses.get(component).cloned())
    }

    async fn resume(&self, work: &Work) -> Result<bool, StoreError> {
        let mut log = self.log();
        let kept = log.checkpoints.get_mut(work);
        Ok(kept.is_some_and(|kept| kept.checkpoint.paused.take().is_some()))
    }

    async fn parked(
        &self,
        component: Option<&Component>,
    ) -> Result<Vec<ReactionLetter>, StoreError> {
        Ok(self.log().parked_of(component))
    }

    async fn decide(
        &self,
        work: &Work,
        stream: &StreamId,
        sequence: Sequence,
        decision: &LetterDecision,
    ) -> Result<bool, StoreError> {
        Ok(self.log().decide(work, stream, sequence, decision))
    }

    async fn reaction_letters(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<ReactionLetter>, StoreError> {
        Ok(self.log().letters_of(filter, limit))
    }

    async fn reaction_fault_groups(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<FaultGroup>, StoreError> {
        Ok(self.log().groups_of(filter, limit))
    }

    async fn reaction_letter(&self, id: Uuid) -> Result<Option<ReactionLetter>, StoreError> {
        Ok(self.log().letter_of(id))
    }

    async fn forget(&self, component: &Component) -> Result<(), StoreError> {
        let mut log = self.log();
        log.forget_progress(component);
        log.beginnings.remove(component);
        log.pauses.remove(component);
        log.closed
            .retain(|_, letter| letter.work.component != *component);
        log.forget_annotations();
        Ok(())
    }
}

impl Kept {
    fn assignment(&self, now: Timestamp) -> Assignment {
        let name = self.checkpoint.owner.as_deref();
        let name = name.filter(|_| lease_runs(now, self.checkpoint.leased_until));
        let asked = self.asked.filter(|(_, until)| lease_runs(now, *until));
        Assignment {
            work: self.checkpoint.work.clone(),
            owner: name.map(|name| Owner {
                id: self.owner,
                name: name.into(),
                process: self.process.clone(),
            }),
            asked_by: asked.map(|(asker, _)| asker),
            is_paused: self.checkpoint.paused.is_some(),
        }
    }
}

impl Log {
    fn forget_progress(&mut self, component: &Component) {
        self.checkpoints
            .retain(|work, _| work.component != *component);
        self.parked
            .retain(|(work, _), _| work.component != *component);
        self.forget_annotations();
    }

    fn write(&mut self, tenure: &Tenure, update: &Update, lease: Duration) -> Hold {
        let until = lease_end(self.clock.now(), lease);
        let hold = self.make(tenure, update);
        if let (Hold::Held, Some(kept)) = (hold, self.kept_by(tenure)) {
            kept.checkpoint.leased_until = until;
        }
        hold
    }

    fn make(&mut self, tenure: &Tenure, update: &Update) -> Hold {
        let Some(kept) = self.kept_by(tenure) else {
            return Hold::Lost;
        };
        match update {
            Update::Renew => {}
            Update::Scope(scope) => kept.scope = Some(scope.clone()),
            Update::Pause(why) => kept.checkpoint.paused = Some(why.clone()),
            Update::Advance(advance) => return self.advance(tenure, advance),
            Update::ParkAgain(parked) => return self.park_again(tenure, parked),
            Update::Park(parked, to) => {
                let moved = self.advance_checkpoint(tenure, *to);
                if moved == Hold::Held {
                    self.park(tenure, parked);
                }
                return moved;
            }
            Update::Skip(letter, advance) => {
                let moved = self.advance(tenure, advance);
                if let (Hold::Held, Some(id)) = (moved, letter.id) {
                    self.closed.insert(id, (**letter).clone());
                }
                return moved;
            }
        }
        Hold::Held
    }

    /// Returns the checkpoint if the tenure is in force. A lease that ran out does not matter as long as no other
    /// process has taken the work.
    fn kept_by(&mut self, tenure: &Tenure) -> Option<&mut Kept> {
        let kept = self.checkpoints.get_mut(&tenure.work)?;
        (kept.tenure == tenure.id && kept.checkpoint.owner.is_some()).then_some(kept)
    }

    fn advance(&mut self, tenure: &Tenure, advance: &Advance) -> Hold {
        match advance {
            Advance::Checkpoint(to) => self.advance_checkpoint(tenure, *to),
            Advance::Parked { stream, from, to } => self.advance_parked(tenure, stream, *from, *to),
        }
    }

    fn advance_checkpoint(&mut self, tenure: &Tenure, to: Bookmark) -> Hold {
        let now = self.clock.now();
        let kept = self.kept_by(tenure);
        let stands = |kept: &&mut Kept| kept.checkpoint.at.position == tenure.at.position;
        let Some(kept) = kept.filter(stands) else {
            return Hold::Lost;
        };
        kept.checkpoint.at = to;
        kept.checkpoint.moved_at = now;
        Hold::Held
    }
}
