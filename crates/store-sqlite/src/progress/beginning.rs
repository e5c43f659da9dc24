//! Reads and writes where components begin.

use rusqlite::{Connection, Error};
use seriatim_core::{Component, Cursor, LogPartition};

use crate::progress::checkpoint::{FORGET_PROGRESS, forget};
use crate::row;

/// Nobody else writes between the check and the decision.
pub(crate) fn begin(
    connection: &Connection,
    component: &Component,
    at: &Cursor,
) -> Result<Cursor, Error> {
    if let Some(begun) = begun(connection, component)? {
        return Ok(begun);
    }
    decide(connection, component, at)?;
    Ok(at.clone())
}

pub(crate) fn begun(
    connection: &Connection,
    component: &Component,
) -> Result<Option<Cursor>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT partition, position, log, event FROM seriatim_beginnings WHERE component = ?",
    )?;
    let rows = select.query_map([component.as_str()], |row| {
        Ok((LogPartition(row.get(0)?), row::bookmark(row, 1)?))
    })?;
    let begun: Cursor = rows.collect::<Result<_, _>>()?;
    Ok((begun.partitions() > 0).then_some(begun))
}

pub(crate) fn begin_anew(
    connection: &Connection,
    component: &Component,
    at: &Cursor,
) -> Result<(), Error> {
    forget(connection, component, FORGET_PROGRESS)?;
    decide(connection, component, at)
}

fn decide(connection: &Connection, component: &Component, at: &Cursor) -> Result<(), Error> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO seriatim_beginnings (component, partition, position, log, event)
         VALUES (?, ?, ?, ?, ?)",
    )?;
    for (partition, place) in at.iter() {
        insert.execute((
            component.as_str(),
            partition.0,
            row::position_column(place.position),
            row::log_column(&place),
            row::event_column(&place),
        ))?;
    }
    Ok(())
}
