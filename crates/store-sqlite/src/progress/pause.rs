//! Components that a person has paused.

use rusqlite::{Connection, Error, OptionalExtension};
use seriatim_core::Component;

/// Returns whether it was paused before.
pub(crate) fn set(
    connection: &Connection,
    component: &Component,
    why: Option<&str>,
) -> Result<bool, Error> {
    let before = find(connection, component)?;
    let mut change = match why {
        Some(_) => connection.prepare_cached(
            "INSERT OR REPLACE INTO seriatim_pauses (component, why) VALUES (?, ?)",
        ),
        None => connection.prepare_cached("DELETE FROM seriatim_pauses WHERE component = ?"),
    }?;
    match why {
        Some(why) => change.execute((component.as_str(), why)),
        None => change.execute([component.as_str()]),
    }?;
    Ok(before.is_some())
}

/// Returns the reason why a component is paused, or `None` if it is not.
pub(crate) fn find(
    connection: &Connection,
    component: &Component,
) -> Result<Option<String>, Error> {
    let mut select =
        connection.prepare_cached("SELECT why FROM seriatim_pauses WHERE component = ?")?;
    let found = select.query_row([component.as_str()], |row| row.get(0));
    found.optional()
}
