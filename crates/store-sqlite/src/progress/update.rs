//! What owners write about their work. A tenure that is in force stays so until the transaction ends.

use std::time::Duration;

use rusqlite::{Connection, Error, ToSql};
use seriatim_core::{Advance, Bookmark, Hold, Tenure, Timestamp, Update, lease_end};

use crate::letters::parked;
use crate::progress::checkpoint::key;
use crate::row;

/// Finds the checkpoint of a tenure that is in force. A lease that ran out does not matter as long as no other process
/// has taken the work. The first four parameters are the work, the fifth is the tenure.
const IN_FORCE: &str = "component = ?1 AND partition = ?2 AND share_count = ?3 AND share_index = ?4
    AND tenure = ?5 AND owner IS NOT NULL";

pub(crate) fn write(
    connection: &Connection,
    tenure: &Tenure,
    update: &Update,
    lease: Duration,
) -> Result<Hold, Error> {
    let until = lease_end(Timestamp::now(), lease).as_micros();
    match update {
        Update::Renew => change(connection, tenure, &renew_text(), &[&until]),
        Update::Scope(scope) => {
            let scope = serde_json::to_string(scope).map_err(row::unwritable)?;
            let text = update_text("SET leased_until = ?6, scope = ?7", "");
            change(connection, tenure, &text, &[&until, &scope])
        }
        Update::Pause(why) => {
            let text = update_text("SET leased_until = ?6, paused = ?7", "");
            change(connection, tenure, &text, &[&until, why])
        }
        Update::Advance(to) => advance(connection, tenure, to, until),
        Update::Park(parked, to) => {
            let moved = advance_checkpoint(connection, tenure, to, until)?;
            if moved == Hold::Held {
                parked::park(connection, parked)?;
            }
            Ok(moved)
        }
        Update::ParkAgain(parked) => {
            let park = || parked::park_again(connection, parked);
            then_renew(connection, tenure, until, park)
        }
        Update::Skip(letter, to) => {
            let moved = advance(connection, tenure, to, until)?;
            if moved == Hold::Held {
                parked::keep_closed(connection, letter)?;
            }
            Ok(moved)
        }
    }
}

pub(crate) fn release(connection: &Connection, tenure: &Tenure) -> Result<Hold, Error> {
    let text = update_text("SET owner = NULL", "");
    change(connection, tenure, &text, &[])
}

fn advance(
    connection: &Connection,
    tenure: &Tenure,
    advance: &Advance,
    until: i64,
) -> Result<Hold, Error> {
    match advance {
        Advance::Checkpoint(to) => advance_checkpoint(connection, tenure, to, until),
        Advance::Parked { stream, from, to } => {
            let advance = || parked::advance(connection, &tenure.work, stream, *from, *to);
            then_renew(connection, tenure, until, advance)
        }
    }
}

/// Makes a change beside the checkpoint if the tenure is in force, and extends the lease if the change was made. The
/// transaction may also have writes of others, so what is lost must change nothing.
fn then_renew(
    connection: &Connection,
    tenure: &Tenure,
    until: i64,
    change_it: impl FnOnce() -> Result<Hold, Error>,
) -> Result<Hold, Error> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT 1 FROM seriatim_checkpoints WHERE {IN_FORCE}"
    ))?;
    let (component, partition, count, index) = key(&tenure.work);
    let id = tenure.id.as_bytes();
    if !select.exists((component, partition, count, index, id))? || change_it()? == Hold::Lost {
        return Ok(Hold::Lost);
    }
    change(connection, tenure, &renew_text(), &[&until])
}

fn advance_checkpoint(
    connection: &Connection,
    tenure: &Tenure,
    to: &Bookmark,
    until: i64,
) -> Result<Hold, Error> {
    let values: [&dyn ToSql; 6] = [
        &until,
        &row::position_column(to.position),
        &Timestamp::now().as_micros(),
        &row::position_column(tenure.at.position),
        &row::log_column(to),
        &row::event_column(to),
    ];
    change(connection, tenure, &advance_text(), &values)
}

/// Extends the lease to the sixth parameter.
pub(crate) fn renew_text() -> String {
    update_text("SET leased_until = ?6", "")
}

/// Extends the lease to the sixth parameter and moves the checkpoint from the position in the ninth to the position in
/// the seventh, which is in the log in the tenth and has the event in the eleventh. The eighth is the current time.
pub(crate) fn advance_text() -> String {
    update_text(
        "SET leased_until = ?6, position = ?7, moved_at = ?8, log = ?10, event = ?11",
        "AND position = ?9",
    )
}

/// Changes the checkpoint of a tenure if the tenure is in force.
fn update_text(change: &str, condition: &str) -> String {
    format!("UPDATE seriatim_checkpoints {change} WHERE {IN_FORCE} {condition}")
}

/// The values are the parameters from the sixth on.
fn change(
    connection: &Connection,
    tenure: &Tenure,
    text: &str,
    values: &[&dyn ToSql],
) -> Result<Hold, Error> {
    let mut update = connection.prepare_cached(text)?;
    let (component, partition, count, index) = key(&tenure.work);
    let id = tenure.id.as_bytes();
    let mut parameters: Vec<&dyn ToSql> = vec![&component, &partition, &count, &index, &id];
    parameters.extend(values);
    Ok(held(update.execute(parameters.as_slice())?))
}

/// Returns whether a statement has changed a row.
pub(crate) fn held(rows: usize) -> Hold {
    match rows {
        0 => Hold::Lost,
        _ => Hold::Held,
    }
}
