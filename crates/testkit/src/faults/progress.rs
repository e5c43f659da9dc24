//! Progress and timers with faults: all but the planned faults goes to the wrapped store.

use std::time::Duration;

use async_trait::async_trait;
use seriatim_core::{
    Assignment, Checkpoint, CheckpointStore, ClearedTimer, Component, Cursor, Domain, FaultGroup,
    Hold, LetterDecision, LetterFilter, NewTimer, Overdue, Owner, ReactionLetter, Scope, Sequence,
    StoreError, StreamId, Taking, Tenure, Timer, TimerStore, Update, Work,
};
use uuid::Uuid;

use super::FaultyStore;

#[async_trait]
impl CheckpointStore for FaultyStore {
    async fn take(
        &self,
        work: &Work,
        owner: &Owner,
        lease: Duration,
    ) -> Result<Taking, StoreError> {
        let inner = self.inner();
        self.call("take a piece of work", inner.take(work, owner, lease))
            .await
    }

    async fn begin(&self, component: &Component, at: &Cursor) -> Result<Cursor, StoreError> {
        let inner = self.inner();
        let action = "decide where a component begins";
        self.call(action, inner.begin(component, at)).await
    }

    async fn begun(&self, component: &Component) -> Result<Option<Cursor>, StoreError> {
        let inner = self.inner();
        let action = "look where a component begins";
        self.call(action, inner.begun(component)).await
    }

    async fn begin_anew(&self, component: &Component, at: &Cursor) -> Result<(), StoreError> {
        let inner = self.inner();
        let action = "let a component begin anew";
        self.call(action, inner.begin_anew(component, at)).await
    }

    async fn scopes(&self, component: &Component) -> Result<Vec<(Work, Scope)>, StoreError> {
        let inner = self.inner();
        let action = "look what the checkpoints speak of";
        self.call(action, inner.scopes(component)).await
    }

    async fn write(
        &self,
        tenure: &Tenure,
        update: &Update,
        lease: Duration,
    ) -> Result<Hold, StoreError> {
        let inner = self.inner();
        self.call(update.action(), inner.write(tenure, update, lease))
            .await
    }

    async fn end_lease(&self, work: &Work, owner: Uuid) -> Result<bool, StoreError> {
        let inner = self.inner();
        self.call("end a lease", inner.end_lease(work, owner)).await
    }

    async fn release(&self, tenure: &Tenure) -> Result<(), StoreError> {
        let inner = self.inner();
        self.call("release a piece of work", inner.release(tenure))
            .await
    }

    async fn assignments(&self, component: &Component) -> Result<Vec<Assignment>, StoreError> {
        let inner = self.inner();
        self.call("list who does the work", inner.assignments(component))
            .await
    }

    async fn ask(&self, work: &Work, asker: Uuid, lasts: Duration) -> Result<bool, StoreError> {
        let inner = self.inner();
        self.call("ask for a piece of work", inner.ask(work, asker, lasts))
            .await
    }

    async fn checkpoints(
        &self,
        component: Option<&Component>,
    ) -> Result<Vec<Checkpoint>, StoreError> {
        let inner = self.inner();
        self.call("list the checkpoints", inner.checkpoints(component))
            .await
    }

    async fn set_pause(
        &self,
        component: &Component,
        why: Option<&str>,
    ) -> Result<bool, StoreError> {
        let inner = self.inner();
        self.call("note a pause", inner.set_pause(component, why))
            .await
    }

    async fn pause_of(&self, component: &Component) -> Result<Option<String>, StoreError> {
        let inner = self.inner();
        self.call("look for a pause", inner.pause_of(component))
            .await
    }

    async fn resume(&self, work: &Work) -> Result<bool, StoreError> {
        let inner = self.inner();
        self.call("resume a piece of work", inner.resume(work))
            .await
    }

    async fn parked(
        &self,
        component: Option<&Component>,
    ) -> Result<Vec<ReactionLetter>, StoreError> {
        let inner = self.inner();
        self.call("list the parked streams", inner.parked(component))
            .await
    }

    async fn decide(
        &self,
        work: &Work,
        stream: &StreamId,
        sequence: Sequence,
        decision: &LetterDecision,
    ) -> Result<bool, StoreError> {
        let inner = self.inner();
        self.call(
            "decide about a parked stream",
            inner.decide(work, stream, sequence, decision),
        )
        .await
    }

    async fn reaction_letters(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<ReactionLetter>, StoreError> {
        let inner = self.inner();
        let letters = inner.reaction_letters(filter, limit);
        self.call("list the letters about events", letters).await
    }

    async fn reaction_fault_groups(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<FaultGroup>, StoreError> {
        let inner = self.inner();
        let groups = inner.reaction_fault_groups(filter, limit);
        self.call("count the faults of events", groups).await
    }

    async fn reaction_letter(&self, id: Uuid) -> Result<Option<ReactionLetter>, StoreError> {
        let inner = self.inner();
        let letter = inner.reaction_letter(id);
        self.call("read a letter about an event", letter).await
    }

    async fn forget(&self, component: &Component) -> Result<(), StoreError> {
        let inner = self.inner();
        self.call("forget the checkpoints", inner.forget(component))
            .await
    }
}

#[async_trait]
impl TimerStore for FaultyStore {
    async fn set_timers(&self, timers: &[NewTimer]) -> Result<(), StoreError> {
        let inner = self.inner();
        self.call("set timers", inner.set_timers(timers)).await
    }

    async fn clear_timers(&self, cleared: &[ClearedTimer]) -> Result<(), StoreError> {
        let inner = self.inner();
        self.call("clear timers", inner.clear_timers(cleared)).await
    }

    async fn ring_timers(
        &self,
        domain: &Domain,
        limit: usize,
        silence: Duration,
    ) -> Result<Vec<Timer>, StoreError> {
        let inner = self.inner();
        let ring = async {
            if self.state().timers_held {
                return Ok(Vec::new());
            }
            let rung = inner.ring_timers(domain, limit, silence).await?;
            let mut state = self.state();
            state.silence = Some(silence);
            state.most_timers_rung = state.most_timers_rung.max(rung.len());
            Ok(rung)
        };
        self.call("ring timers", ring).await
    }

    async fn next_timer(&self, domain: &Domain) -> Result<Option<Duration>, StoreError> {
        let inner = self.inner();
        let look = async {
            if self.state().timers_held {
                return Ok(None);
            }
            inner.next_timer(domain).await
        };
        self.call("look for the next timer", look).await
    }

    async fn timers(
        &self,
        after: Option<(&StreamId, &str)>,
        limit: usize,
    ) -> Result<Vec<Timer>, StoreError> {
        let inner = self.inner();
        self.call("list the timers", inner.timers(after, limit))
            .await
    }

    async fn overdue(&self, domain: &Domain, silence: Duration) -> Result<Overdue, StoreError> {
        let inner = self.inner();
        self.call("count overdue timers", inner.overdue(domain, silence))
            .await
    }
}
