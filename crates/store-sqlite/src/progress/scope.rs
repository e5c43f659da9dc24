//! The scopes of checkpoints, as JSON text.

use rusqlite::types::Type;
use rusqlite::{Connection, Error};
use seriatim_core::{Component, Scope, Work};

use crate::row;
use crate::row::work;

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
