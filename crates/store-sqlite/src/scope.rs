//! The scopes of checkpoints, as JSON text.

use std::time::Duration;

use rusqlite::types::Type;
use rusqlite::{Connection, Error};
use seriatim_core::{Component, Hold, Scope, Tenure, Timestamp, Work, lease_end};

use crate::checkpoint::{update, update_text, work};
use crate::row;

pub(crate) fn list(
    connection: &Connection,
    component: &Component,
) -> Result<Vec<(Work, Scope)>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT component, partition, share_count, share_index, scope FROM seriatim_checkpoints
         WHERE component = ? AND scope IS NOT NULL ORDER BY partition, share_count, share_index",
    )?;
    let rows = select.query_map([component.as_str()], |found| {
        let scope = serde_json::from_str(row::text(found, 4)?);
        let scope = scope.map_err(|error| row::unreadable(4, Type::Text, error))?;
        Ok((work(found)?, scope))
    })?;
    rows.collect()
}

pub(crate) fn speak_of(
    connection: &Connection,
    tenure: &Tenure,
    scope: &Scope,
    lease: Duration,
) -> Result<Hold, Error> {
    let scope = serde_json::to_string(scope)
        .map_err(|error| Error::ToSqlConversionFailure(Box::new(error)))?;
    let until = lease_end(Timestamp::now(), lease).as_micros();
    let text = update_text("SET leased_until = ?6, scope = ?7", "");
    update(connection, tenure, &text, &[&until, &scope])
}
