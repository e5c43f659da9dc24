//! The seam of the progress of reactions.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use seriatim_core::{
    Advance, Assignment, Checkpoint, CheckpointStore, Component, Cursor, FaultGroup, Hold,
    LetterDecision, LetterFilter, LetterKind, Owner, ReactionLetter, Scope, Sequence, StoreError,
    StoreErrorKind, StreamId, Taking, Tenure, Timestamp, Update, Work,
};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Error, Postgres, Row};
use uuid::Uuid;

use crate::letters::{fault, parked};
use crate::opening::driver_error;
use crate::progress::assignment;
use crate::progress::beginning_sql;
use crate::{PostgresStore, positions, row};

#[async_trait]
impl CheckpointStore for PostgresStore {
    async fn take(
        &self,
        work: &Work,
        owner: &Owner,
        lease: Duration,
    ) -> Result<Taking, StoreError> {
        let action = "take a piece of work";
        let id = Uuid::now_v7();
        let query = || (self.texts().checkpoints).take(work, id, owner, lease);
        loop {
            let rows = self.connections().fetch(action, query).await?;
            // If there is no row, another process has just taken the work or has just released it.
            if let Some(row) = rows.first() {
                let answer = taking(row, work, id);
                return answer.map_err(|error| driver_error::store_error(action, error));
            }
        }
    }

    async fn begin(&self, component: &Component, at: &Cursor) -> Result<Cursor, StoreError> {
        let action = "decide where a component begins";
        let query = || (self.texts().beginnings).begin(component, at);
        self.connections().fetch(action, query).await?;
        // There is none if it was forgotten at the same moment.
        Ok(self.begun(component).await?.unwrap_or_else(|| at.clone()))
    }

    async fn begun(&self, component: &Component) -> Result<Option<Cursor>, StoreError> {
        let action = "look where a component begins";
        let query = || (self.texts().beginnings).begun(component);
        let rows = self.connections().fetch(action, query).await?;
        let begun = beginning_sql::beginning(&rows);
        begun.map_err(|error| driver_error::store_error(action, error))
    }

    async fn begin_anew(&self, component: &Component, at: &Cursor) -> Result<(), StoreError> {
        let action = "let a component begin anew";
        let texts = &self.texts().beginnings;
        let begin = || texts.begin_anew(component, at);
        self.connections().fetch(action, begin).await?;
        let forget = || texts.forget_progress(component);
        self.connections().fetch(action, forget).await.map(drop)
    }

    async fn scopes(&self, component: &Component) -> Result<Vec<(Work, Scope)>, StoreError> {
        let action = "look what the checkpoints speak of";
        let query = || (self.texts().checkpoints).scopes(component);
        let rows = self.connections().fetch(action, query).await?;
        let found: Result<_, _> = rows.iter().map(scope).collect();
        found.map_err(|error| driver_error::store_error(action, error))
    }

    async fn write(
        &self,
        tenure: &Tenure,
        update: &Update,
        lease: Duration,
    ) -> Result<Hold, StoreError> {
        let action = update.action();
        let requests = AtomicUsize::new(0);
        let query = || {
            let again = requests.fetch_add(1, Ordering::Relaxed) > 0;
            self.update_query(tenure, update, lease, again)
        };
        let rows = self.connections().fetch(action, query).await?;
        match (rows.is_empty(), requests.load(Ordering::Relaxed)) {
            (false, _) => Ok(Hold::Held),
            (true, 1) => Ok(Hold::Lost),
            // The first one may have been done before another process took over.
            (true, _) => Err(StoreError::new(
                action,
                StoreErrorKind::Unavailable,
                "its answer was lost, and so is the work by now; take it again to find out",
            )),
        }
    }

    async fn end_lease(&self, work: &Work, owner: Uuid) -> Result<bool, StoreError> {
        let query = || (self.texts().assignments).end_lease(work, owner);
        let rows = self.connections().fetch("end a lease", query).await?;
        Ok(!rows.is_empty())
    }

    async fn release(&self, tenure: &Tenure) -> Result<(), StoreError> {
        let query = || (self.texts().checkpoints).release(tenure);
        let released = self.connections().fetch("release a piece of work", query);
        released.await.map(drop)
    }

    async fn assignments(&self, component: &Component) -> Result<Vec<Assignment>, StoreError> {
        let action = "list who does the work";
        let query = || (self.texts().assignments).list(component);
        let rows = self.connections().fetch(action, query).await?;
        let found: Result<_, _> = rows.iter().map(assignment::assignment).collect();
        found.map_err(|error| driver_error::store_error(action, error))
    }

    async fn ask(&self, work: &Work, asker: Uuid, lasts: Duration) -> Result<bool, StoreError> {
        let query = || (self.texts().assignments).ask(work, asker, lasts);
        let rows = self
            .connections()
            .fetch("ask for a piece of work", query)
            .await?;
        Ok(!rows.is_empty())
    }

    async fn checkpoints(
        &self,
        component: Option<&Component>,
    ) -> Result<Vec<Checkpoint>, StoreError> {
        let action = "list the checkpoints";
        let query = || (self.texts().checkpoints).list(component);
        let rows = self.connections().fetch(action, query).await?;
        let found: Result<_, _> = rows.iter().map(checkpoint).collect();
        found.map_err(|error| driver_error::store_error(action, error))
    }

    async fn set_pause(
        &self,
        component: &Component,
        why: Option<&str>,
    ) -> Result<bool, StoreError> {
        let query = || (self.texts().pauses).set(component, why);
        let rows = self.connections().fetch("note a pause", query).await?;
        Ok(!rows.is_empty())
    }

    async fn pause_of(&self, component: &Component) -> Result<Option<String>, StoreError> {
        let action = "look for a pause";
        let query = || (self.texts().pauses).find(component);
        let rows = self.connections().fetch(action, query).await?;
        let why = rows.first().map(|row| row.try_get(0)).transpose();
        why.map_err(|error| driver_error::store_error(action, error))
    }

    async fn resume(&self, work: &Work) -> Result<bool, StoreError> {
        let query = || (self.texts().checkpoints).resume(work);
        let rows = self
            .connections()
            .fetch("resume a piece of work", query)
            .await?;
        Ok(!rows.is_empty())
    }

    async fn parked(
        &self,
        component: Option<&Component>,
    ) -> Result<Vec<ReactionLetter>, StoreError> {
        let action = "list the parked streams";
        let query = || (self.texts().parked).parked(component);
        let rows = self.connections().fetch(action, query).await?;
        let found: Result<_, _> = rows.iter().map(parked::letter).collect();
        found.map_err(|error| driver_error::store_error(action, error))
    }

    async fn decide(
        &self,
        work: &Work,
        stream: &StreamId,
        sequence: Sequence,
        decision: &LetterDecision,
    ) -> Result<bool, StoreError> {
        let query = || (self.texts().parked).decide(work, stream, sequence, decision);
        let rows = self
            .connections()
            .fetch("decide about a parked stream", query);
        Ok(!rows.await?.is_empty())
    }

    async fn reaction_letters(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<ReactionLetter>, StoreError> {
        let action = "list the letters about events";
        if !filter.wants(LetterKind::Reaction) {
            return Ok(Vec::new());
        }
        let query = || (self.texts().parked).letters(filter, limit);
        let rows = self.connections().fetch(action, query).await?;
        let found: Result<_, _> = rows.iter().map(parked::letter).collect();
        found.map_err(|error| driver_error::store_error(action, error))
    }

    async fn reaction_fault_groups(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<FaultGroup>, StoreError> {
        let action = "count the faults of events";
        if !filter.wants(LetterKind::Reaction) {
            return Ok(Vec::new());
        }
        let query = || (self.texts().parked).groups(filter, limit);
        let rows = self.connections().fetch(action, query).await?;
        let found: Result<_, _> = rows.iter().map(fault::group).collect();
        found.map_err(|error| driver_error::store_error(action, error))
    }

    async fn reaction_letter(&self, id: Uuid) -> Result<Option<ReactionLetter>, StoreError> {
        let action = "read a letter about an event";
        let query = || (self.texts().parked).letter(id);
        let rows = self.connections().fetch(action, query).await?;
        let found = rows.first().map(parked::letter).transpose();
        found.map_err(|error| driver_error::store_error(action, error))
    }

    async fn forget(&self, component: &Component) -> Result<(), StoreError> {
        let query = || (self.texts().checkpoints).forget(component);
        let forgotten = self.connections().fetch("forget the checkpoints", query);
        forgotten.await.map(drop)
    }
}

impl PostgresStore {
    /// Returns a row if the tenure was in force and everything was at its expected place. `again`: the query was sent
    /// before, and its answer was lost.
    pub(crate) fn update_query(
        &self,
        tenure: &Tenure,
        update: &Update,
        lease: Duration,
        again: bool,
    ) -> Query<'static, Postgres, PgArguments> {
        let (checkpoints, parked) = (&self.texts().checkpoints, &self.texts().parked);
        match update {
            Update::Renew => checkpoints.renew(tenure, lease),
            Update::Scope(scope) => checkpoints.scope(tenure, scope, lease),
            Update::Pause(why) => checkpoints.pause(tenure, why, lease),
            Update::Advance(Advance::Checkpoint(to)) => {
                checkpoints.advance(tenure, to, lease, again)
            }
            Update::Advance(Advance::Parked { stream, from, to }) => {
                parked.advance(tenure, stream, (*from, *to), lease, again)
            }
            Update::Park(stream, to) => parked.park(tenure, stream, to, lease, again),
            Update::ParkAgain(stream) => parked.park_again(tenure, stream, lease, again),
            Update::Skip(letter, advance) => parked.skip(tenure, letter, advance, lease, again),
        }
    }
}

/// If the row has an owner, the work is busy; otherwise it was taken.
fn taking(row: &PgRow, work: &Work, id: Uuid) -> Result<Taking, Error> {
    Ok(match row.try_get(3)? {
        Some(owner) => Taking::Busy {
            owner,
            until: Timestamp::from_micros(row.try_get(4)?),
        },
        None => Taking::Taken(Tenure {
            work: work.clone(),
            id,
            at: positions::bookmark(row, 0)?,
        }),
    })
}

pub(crate) fn checkpoint(row: &PgRow) -> Result<Checkpoint, Error> {
    let epoch: i64 = row.try_get(7)?;
    Ok(Checkpoint {
        work: row::work(row)?,
        at: positions::bookmark(row, 4)?,
        epoch: epoch.try_into().map_err(row::unreadable)?,
        owner: row.try_get(8)?,
        leased_until: Timestamp::from_micros(row.try_get(9)?),
        moved_at: Timestamp::from_micros(row.try_get(10)?),
        paused: row.try_get(11)?,
    })
}

/// Reads the first columns and the text after them.
fn scope(row: &PgRow) -> Result<(Work, Scope), Error> {
    let scope = serde_json::from_str(row.try_get(4)?);
    Ok((row::work(row)?, scope.map_err(row::unreadable)?))
}
