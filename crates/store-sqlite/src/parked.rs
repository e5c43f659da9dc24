//! What was parked and skipped. Whether a tenure is in force was looked at before, in the same transaction.

use rusqlite::types::Type;
use rusqlite::{Connection, Error, Row, ToSql, params};
use seriatim_core::{
    Attempt, Component, Hold, Parked, Sequence, Skipped, StreamId, Tenure, Timestamp, Will, Wish,
    Work,
};

use crate::checkpoint::{key, work};
use crate::row;

/// The first four parameters are the work, the next two the stream.
const KEY: &str = "component = ?1 AND partition = ?2 AND share_count = ?3 AND share_index = ?4
    AND domain = ?5 AND root = ?6";

/// Leaves alone what is parked already: that begins further in front.
pub(crate) fn park(connection: &Connection, tenure: &Tenure, parked: &Parked) -> Result<(), Error> {
    let insert =
        "INSERT INTO seriatim_parked (component, partition, share_count, share_index, domain,
             root, sequence, tries, since, failure, attempts)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
    let values: [&dyn ToSql; 5] = [
        &parked.sequence.0,
        &parked.tries,
        &parked.since.as_micros(),
        &parked.failure,
        &attempts_column(&parked.attempts)?,
    ];
    execute(connection, insert, &tenure.work, &parked.stream, &values).map(drop)
}

pub(crate) fn advance(
    connection: &Connection,
    tenure: &Tenure,
    stream: &StreamId,
    from: Sequence,
    to: Option<Sequence>,
) -> Result<Hold, Error> {
    let work = &tenure.work;
    held(match to {
        Some(to) => {
            let values: [&dyn ToSql; 3] = [&from.0, &to.0, &Will::Retry.as_str()];
            execute(connection, &advance_text(), work, stream, &values)
        }
        None => execute(connection, &unpark_text(), work, stream, &[&from.0]),
    })
}

/// The seventh parameter is where it is parked.
pub(crate) fn unpark_text() -> String {
    format!("DELETE FROM seriatim_parked WHERE {KEY} AND sequence = ?7")
}

/// The seventh parameter is where it is parked, the eighth where it is to be; the ninth is the wish to retry, for what
/// was to be skipped is behind it.
pub(crate) fn advance_text() -> String {
    format!(
        "UPDATE seriatim_parked
         SET sequence = ?8, tries = 0, wish = CASE WHEN wish IS NOT NULL THEN ?9 END
         WHERE {KEY} AND sequence = ?7"
    )
}

pub(crate) fn park_again(
    connection: &Connection,
    tenure: &Tenure,
    parked: &Parked,
) -> Result<Hold, Error> {
    let update = format!(
        "UPDATE seriatim_parked SET tries = ?8, failure = ?9, attempts = ?10,
             wish = NULL, wish_actor = NULL, wish_reason = NULL, wish_at = NULL
         WHERE {KEY} AND sequence = ?7 AND tries < ?8"
    );
    let values: [&dyn ToSql; 4] = [
        &parked.sequence.0,
        &parked.tries,
        &parked.failure,
        &attempts_column(&parked.attempts)?,
    ];
    held(execute(
        connection,
        &update,
        &tenure.work,
        &parked.stream,
        &values,
    ))
}

pub(crate) fn decide(
    connection: &Connection,
    work: &Work,
    stream: &StreamId,
    sequence: Sequence,
    wish: &Wish,
) -> Result<bool, Error> {
    let update = format!(
        "UPDATE seriatim_parked
         SET wish = ?8, wish_actor = ?9, wish_reason = ?10, wish_at = ?11
         WHERE {KEY} AND sequence = ?7 AND wish IS NULL"
    );
    let values: [&dyn ToSql; 5] = [
        &sequence.0,
        &wish.will.as_str(),
        &wish.actor,
        &wish.reason,
        &wish.at.as_micros(),
    ];
    Ok(execute(connection, &update, work, stream, &values)? > 0)
}

pub(crate) fn note_skipped(
    connection: &Connection,
    tenure: &Tenure,
    skipped: &Skipped,
) -> Result<(), Error> {
    let insert =
        "INSERT INTO seriatim_skipped (component, partition, share_count, share_index, domain,
             root, sequence, skipped_at, failure, actor, reason)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let values: [&dyn ToSql; 5] = [
        &skipped.sequence.0,
        &skipped.at.as_micros(),
        &skipped.failure,
        &skipped.actor,
        &skipped.reason,
    ];
    execute(connection, insert, &tenure.work, &skipped.stream, &values).map(drop)
}

/// Runs a statement about a stream of a piece of work, which are its first parameters, as in [`KEY`]; the values are
/// those from the seventh on.
fn execute(
    connection: &Connection,
    text: &str,
    work: &Work,
    stream: &StreamId,
    values: &[&dyn ToSql],
) -> Result<usize, Error> {
    let mut statement = connection.prepare_cached(text)?;
    let (component, partition, count, index) = key(work);
    let (domain, root) = (stream.domain.as_str(), stream.root.as_bytes());
    let mut parameters: Vec<&dyn ToSql> =
        vec![&component, &partition, &count, &index, &domain, &root];
    parameters.extend(values);
    statement.execute(parameters.as_slice())
}

pub(crate) fn list(
    connection: &Connection,
    component: Option<&Component>,
) -> Result<Vec<Parked>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT component, partition, share_count, share_index, domain, root, sequence, tries,
             since, failure, attempts, wish, wish_actor, wish_reason, wish_at
         FROM seriatim_parked WHERE ?1 IS NULL OR component = ?1
         ORDER BY component, partition, share_count, share_index, domain, root",
    )?;
    let rows = select.query_map([component.map(Component::as_str)], parked)?;
    rows.collect()
}

pub(crate) fn list_skipped(
    connection: &Connection,
    component: Option<&Component>,
    limit: usize,
) -> Result<Vec<Skipped>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT component, partition, share_count, share_index, domain, root, sequence, skipped_at,
             failure, actor, reason
         FROM seriatim_skipped WHERE ?1 IS NULL OR component = ?1
         ORDER BY skipped_at DESC LIMIT ?2",
    )?;
    let parameters = params![component.map(Component::as_str), row::limit_column(limit)];
    let rows = select.query_map(parameters, skipped)?;
    rows.collect()
}

fn parked(row: &Row<'_>) -> Result<Parked, Error> {
    let attempts: Result<Vec<Attempt>, _> = serde_json::from_str(row::text(row, 10)?);
    Ok(Parked {
        work: work(row)?,
        stream: stream(row)?,
        sequence: row::sequence(row, 6)?,
        tries: row.get(7)?,
        since: Timestamp::from_micros(row.get(8)?),
        failure: row.get(9)?,
        attempts: attempts.map_err(|error| row::unreadable(10, Type::Text, error))?,
        wish: wish(row)?,
    })
}

fn wish(row: &Row<'_>) -> Result<Option<Wish>, Error> {
    let Some(name) = row::optional_text(row, 11)? else {
        return Ok(None);
    };
    let will = Will::named(name);
    Ok(Some(Wish {
        will: will.ok_or_else(|| row::unreadable(11, Type::Text, UnknownWish(name.into())))?,
        actor: row.get(12)?,
        reason: row.get(13)?,
        at: Timestamp::from_micros(row.get(14)?),
    }))
}

#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no wish that this program knows; use a newer program")]
struct UnknownWish(String);

fn skipped(row: &Row<'_>) -> Result<Skipped, Error> {
    Ok(Skipped {
        work: work(row)?,
        stream: stream(row)?,
        sequence: row::sequence(row, 6)?,
        at: Timestamp::from_micros(row.get(7)?),
        failure: row.get(8)?,
        actor: row.get(9)?,
        reason: row.get(10)?,
    })
}

fn stream(row: &Row<'_>) -> Result<StreamId, Error> {
    Ok(StreamId::new(row::domain(row, 4)?, row::uuid(row, 5)?))
}

fn attempts_column(attempts: &[Attempt]) -> Result<String, Error> {
    serde_json::to_string(attempts).map_err(row::unwritable)
}

fn held(rows: Result<usize, Error>) -> Result<Hold, Error> {
    rows.map(|rows| match rows {
        0 => Hold::Lost,
        _ => Hold::Held,
    })
}
