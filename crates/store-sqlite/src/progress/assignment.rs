//! The owners of the work, and the processes that have asked for it.

use std::time::Duration;

use rusqlite::{Connection, Error, Row};
use seriatim_core::{
    Assignment, Component, LONGEST_LEASE, Owner, Timestamp, Work, lease_end, lease_runs,
};
use uuid::Uuid;

use crate::progress::checkpoint;
use crate::row;

pub(crate) fn list(
    connection: &Connection,
    component: &Component,
) -> Result<Vec<Assignment>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT component, partition, share_count, share_index,
             owner, owner_id, leased_until, asked_by, asked_until, paused IS NOT NULL, owner_process
         FROM seriatim_checkpoints WHERE component = ?1
         ORDER BY partition, share_count, share_index",
    )?;
    let rows = select.query_map([component.as_str()], assignment)?;
    rows.collect()
}

fn assignment(row: &Row<'_>) -> Result<Assignment, Error> {
    let now = Timestamp::now();
    let runs = |end| lease_runs(now, Timestamp::from_micros(end));
    let has_owner = runs(row.get(6)?);
    let owner = match row::optional_text(row, 4)?.filter(|_| has_owner) {
        Some(name) => Some(Owner {
            // Owners from before processes had ids.
            id: row::optional_uuid(row, 5)?.unwrap_or_default(),
            name: name.into(),
            process: row::optional_text(row, 10)?.map(Into::into),
        }),
        None => None,
    };
    let is_asked_for = row.get::<_, Option<i64>>(8)?.is_some_and(runs);
    Ok(Assignment {
        work: row::work(row)?,
        owner,
        asked_by: row::optional_uuid(row, 7)?.filter(|_| is_asked_for),
        is_paused: row.get(9)?,
    })
}

/// Returns `false` if the owner does not have the work any more.
pub(crate) fn end_lease(connection: &Connection, work: &Work, owner: Uuid) -> Result<bool, Error> {
    let mut update = connection.prepare_cached(
        "UPDATE seriatim_checkpoints SET leased_until = ?6
         WHERE component = ?1 AND partition = ?2 AND share_count = ?3 AND share_index = ?4
         AND owner IS NOT NULL AND owner_id = ?5 AND leased_until > ?6",
    )?;
    let (component, partition, count, index) = checkpoint::key(work);
    let now = Timestamp::now().as_micros();
    let values = (component, partition, count, index, owner.as_bytes(), now);
    Ok(update.execute(values)? > 0)
}

/// Returns whether the request was noted.
pub(crate) fn ask(
    connection: &Connection,
    work: &Work,
    asker: Uuid,
    lasts: Duration,
) -> Result<bool, Error> {
    let mut update = connection.prepare_cached(
        "UPDATE seriatim_checkpoints SET asked_by = ?5, asked_until = ?6
         WHERE component = ?1 AND partition = ?2 AND share_count = ?3 AND share_index = ?4
         AND owner IS NOT NULL AND leased_until > ?7 AND leased_until <= ?8 AND owner_id IS NOT ?5
         AND (asked_by IS NULL OR asked_by = ?5 OR asked_until <= ?7 OR asked_until > ?8)
         AND paused IS NULL",
    )?;
    let (component, partition, count, index) = checkpoint::key(work);
    let now = Timestamp::now();
    let until = lease_end(now, lasts).as_micros();
    let longest = lease_end(now, LONGEST_LEASE).as_micros();
    let asker = asker.as_bytes();
    let values = (
        component,
        partition,
        count,
        index,
        asker,
        until,
        now.as_micros(),
        longest,
    );
    Ok(update.execute(values)? > 0)
}
