//! The seam of the progress of reactions.

use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, Error, OptionalExtension, Row};
use seriatim_core::{
    Assignment, Checkpoint, CheckpointStore, Component, Cursor, FaultGroup, Hold, LetterDecision,
    LetterFilter, Owner, ReactionLetter, Scope, Sequence, StoreError, StreamId, Taking, Tenure,
    Timestamp, Update, Work, lease_end, lease_runs,
};
use uuid::Uuid;

use crate::append::transaction::Transaction;
use crate::letters::{fault, parked};
use crate::progress::assignment;
use crate::progress::beginning;
use crate::progress::pause;
use crate::progress::scope;
use crate::progress::update;
use crate::{SqliteStore, row};

#[async_trait]
impl CheckpointStore for SqliteStore {
    async fn take(
        &self,
        work: &Work,
        owner: &Owner,
        lease: Duration,
    ) -> Result<Taking, StoreError> {
        let (work, owner) = (work.clone(), owner.clone());
        let take = move |transaction: &mut Transaction<'_, '_>| {
            take(transaction.connection, &work, &owner, lease)
        };
        self.writer().change("take a piece of work", take).await
    }

    async fn begin(&self, component: &Component, at: &Cursor) -> Result<Cursor, StoreError> {
        let (component, at) = (component.clone(), at.clone());
        let begin = move |transaction: &mut Transaction<'_, '_>| {
            beginning::begin(transaction.connection, &component, &at)
        };
        let action = "decide where a component begins";
        self.writer().change(action, begin).await
    }

    async fn begun(&self, component: &Component) -> Result<Option<Cursor>, StoreError> {
        let component = component.clone();
        let query = move |connection: &Connection| beginning::begun(connection, &component);
        self.lists()
            .read("look where a component begins", query)
            .await
    }

    async fn begin_anew(&self, component: &Component, at: &Cursor) -> Result<(), StoreError> {
        let (component, at) = (component.clone(), at.clone());
        let begin = move |transaction: &mut Transaction<'_, '_>| {
            beginning::begin_anew(transaction.connection, &component, &at)
        };
        self.writer()
            .change("let a component begin anew", begin)
            .await
    }

    async fn scopes(&self, component: &Component) -> Result<Vec<(Work, Scope)>, StoreError> {
        let component = component.clone();
        let query = move |connection: &Connection| scope::list(connection, &component);
        let action = "look what the checkpoints speak of";
        self.lists().read(action, query).await
    }

    async fn write(
        &self,
        tenure: &Tenure,
        update: &Update,
        lease: Duration,
    ) -> Result<Hold, StoreError> {
        let (action, tenure, update) = (update.action(), tenure.clone(), update.clone());
        let write = move |transaction: &mut Transaction<'_, '_>| {
            update::write(transaction.connection, &tenure, &update, lease)
        };
        self.writer().change(action, write).await
    }

    async fn end_lease(&self, work: &Work, owner: Uuid) -> Result<bool, StoreError> {
        let work = work.clone();
        let end = move |transaction: &mut Transaction<'_, '_>| {
            assignment::end_lease(transaction.connection, &work, owner)
        };
        self.writer().change("end a lease", end).await
    }

    async fn release(&self, tenure: &Tenure) -> Result<(), StoreError> {
        let tenure = tenure.clone();
        let release = move |transaction: &mut Transaction<'_, '_>| {
            update::release(transaction.connection, &tenure)
        };
        let released = self.writer().change("release a piece of work", release);
        released.await.map(drop)
    }

    async fn assignments(&self, component: &Component) -> Result<Vec<Assignment>, StoreError> {
        let component = component.clone();
        let query = move |connection: &Connection| assignment::list(connection, &component);
        self.lists().read("list who does the work", query).await
    }

    async fn ask(&self, work: &Work, asker: Uuid, lasts: Duration) -> Result<bool, StoreError> {
        let work = work.clone();
        let ask = move |transaction: &mut Transaction<'_, '_>| {
            assignment::ask(transaction.connection, &work, asker, lasts)
        };
        self.writer().change("ask for a piece of work", ask).await
    }

    async fn checkpoints(
        &self,
        component: Option<&Component>,
    ) -> Result<Vec<Checkpoint>, StoreError> {
        let component = component.cloned();
        let query = move |connection: &Connection| list(connection, component.as_ref());
        self.lists().read("list the checkpoints", query).await
    }

    async fn set_pause(
        &self,
        component: &Component,
        why: Option<&str>,
    ) -> Result<bool, StoreError> {
        let (component, why) = (component.clone(), why.map(str::to_owned));
        let set = move |transaction: &mut Transaction<'_, '_>| {
            pause::set(transaction.connection, &component, why.as_deref())
        };
        self.writer().change("note a pause", set).await
    }

    async fn pause_of(&self, component: &Component) -> Result<Option<String>, StoreError> {
        let component = component.clone();
        let query = move |connection: &Connection| pause::find(connection, &component);
        self.lists().read("look for a pause", query).await
    }

    async fn resume(&self, work: &Work) -> Result<bool, StoreError> {
        let work = work.clone();
        let resume = move |transaction: &mut Transaction<'_, '_>| {
            let mut update = transaction.connection.prepare_cached(
                "UPDATE seriatim_checkpoints SET paused = NULL
                 WHERE component = ? AND partition = ? AND share_count = ? AND share_index = ?
                 AND paused IS NOT NULL",
            )?;
            Ok(update.execute(key(&work))? > 0)
        };
        self.writer().change("resume a piece of work", resume).await
    }

    async fn parked(
        &self,
        component: Option<&Component>,
    ) -> Result<Vec<ReactionLetter>, StoreError> {
        let component = component.cloned();
        let query = move |connection: &Connection| parked::list(connection, component.as_ref());
        self.lists().read("list the parked streams", query).await
    }

    async fn decide(
        &self,
        work: &Work,
        stream: &StreamId,
        sequence: Sequence,
        decision: &LetterDecision,
    ) -> Result<bool, StoreError> {
        let (work, stream, decision) = (work.clone(), stream.clone(), decision.clone());
        let decide = move |transaction: &mut Transaction<'_, '_>| {
            parked::decide(transaction.connection, &work, &stream, sequence, &decision)
        };
        let noted = self.writer().change("decide about a parked stream", decide);
        noted.await
    }

    async fn reaction_letters(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<ReactionLetter>, StoreError> {
        let filter = filter.clone();
        let query = move |connection: &Connection| parked::letters(connection, &filter, limit);
        self.lists()
            .read("list the letters about events", query)
            .await
    }

    async fn reaction_fault_groups(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<FaultGroup>, StoreError> {
        let filter = filter.clone();
        let query = move |connection: &Connection| fault::of_events(connection, &filter, limit);
        self.lists().read("count the faults of events", query).await
    }

    async fn reaction_letter(&self, id: Uuid) -> Result<Option<ReactionLetter>, StoreError> {
        let query = move |connection: &Connection| parked::find(connection, id);
        self.lists()
            .read("read a letter about an event", query)
            .await
    }

    async fn forget(&self, component: &Component) -> Result<(), StoreError> {
        let component = component.clone();
        let forget = move |transaction: &mut Transaction<'_, '_>| {
            forget(transaction.connection, &component, &FORGET)
        };
        self.writer().change("forget the checkpoints", forget).await
    }
}

/// Each takes the component.
pub(crate) const FORGET: [&str; 7] = [
    "DELETE FROM seriatim_letter_annotations
     WHERE letter IN (SELECT letter FROM seriatim_parked WHERE component = ?)",
    "DELETE FROM seriatim_checkpoints WHERE component = ?",
    "DELETE FROM seriatim_parked WHERE component = ?",
    "DELETE FROM seriatim_beginnings WHERE component = ?",
    "DELETE FROM seriatim_letter_annotations
     WHERE letter IN (SELECT letter FROM seriatim_closed_letters WHERE component = ?)",
    "DELETE FROM seriatim_closed_letters WHERE component = ?",
    "DELETE FROM seriatim_pauses WHERE component = ?",
];

/// The statements for its progress, its parked streams, and the place where it begins.
pub(crate) const FORGET_PROGRESS: &[&str] = FORGET.split_at(4).0;

pub(crate) fn forget(
    connection: &Connection,
    component: &Component,
    deletes: &[&str],
) -> Result<(), Error> {
    for delete in deletes {
        let mut delete = connection.prepare_cached(delete)?;
        delete.execute([component.as_str()])?;
    }
    Ok(())
}

/// Nobody else writes between the check and the taking.
fn take(
    connection: &Connection,
    work: &Work,
    owner: &Owner,
    lease: Duration,
) -> Result<Taking, Error> {
    let now = Timestamp::now();
    let mut select = connection.prepare_cached(
        "SELECT owner, leased_until FROM seriatim_checkpoints
         WHERE component = ? AND partition = ? AND share_count = ? AND share_index = ?",
    )?;
    let found = select.query_row(key(work), |row| {
        Ok((row.get(0)?, Timestamp::from_micros(row.get(1)?)))
    });
    if let Some((Some(owner), until)) = found.optional()?
        && lease_runs(now, until)
    {
        return Ok(Taking::Busy { owner, until });
    }
    let mut take = connection.prepare_cached(
        "INSERT INTO seriatim_checkpoints (component, partition, share_count, share_index,
             tenure, owner, owner_id, owner_process, leased_until, moved_at, epoch, position, log, event)
         SELECT work.*, ifnull(begun.position, 0), begun.log, begun.event
         FROM (SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 1) AS work
         LEFT JOIN seriatim_beginnings AS begun ON begun.component = ?1 AND begun.partition = ?2
         WHERE true
         ON CONFLICT DO UPDATE SET tenure = excluded.tenure, owner = excluded.owner,
             owner_id = excluded.owner_id, owner_process = excluded.owner_process, leased_until = excluded.leased_until,
             epoch = epoch + 1, paused = NULL, asked_by = NULL, asked_until = NULL
         RETURNING position, log, event",
    )?;
    let id = Uuid::now_v7();
    let (component, partition, count, index) = key(work);
    let row = (
        component,
        partition,
        count,
        index,
        id.as_bytes(),
        &*owner.name,
        owner.id.as_bytes(),
        owner.process.as_deref(),
        lease_end(now, lease).as_micros(),
        now.as_micros(),
    );
    let at = take.query_row(row, |row| row::bookmark(row, 0))?;
    let work = work.clone();
    Ok(Taking::Taken(Tenure { work, id, at }))
}

pub(crate) fn list(
    connection: &Connection,
    component: Option<&Component>,
) -> Result<Vec<Checkpoint>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT component, partition, share_count, share_index, position, log, event, epoch,
             owner, leased_until, moved_at, paused
         FROM seriatim_checkpoints WHERE ?1 IS NULL OR component = ?1
         ORDER BY component, partition, share_count, share_index",
    )?;
    let rows = select.query_map([component.map(Component::as_str)], checkpoint)?;
    rows.collect()
}

/// Its columns.
pub(crate) fn key(work: &Work) -> (&str, u16, u16, u16) {
    let share = work.share;
    let component = work.component.as_str();
    (
        component,
        work.partition.0,
        share.count().get(),
        share.index(),
    )
}

fn checkpoint(row: &Row<'_>) -> Result<Checkpoint, Error> {
    let epoch: i64 = row.get(7)?;
    let leased_until = Timestamp::from_micros(row.get(9)?);
    let owner: Option<String> = row.get(8)?;
    Ok(Checkpoint {
        work: row::work(row)?,
        at: row::bookmark(row, 4)?,
        epoch: u64::try_from(epoch).map_err(|_| Error::IntegralValueOutOfRange(7, epoch))?,
        owner: owner.filter(|_| lease_runs(Timestamp::now(), leased_until)),
        leased_until,
        moved_at: Timestamp::from_micros(row.get(10)?),
        paused: row.get(11)?,
    })
}
