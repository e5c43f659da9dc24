//! Parked streams, and closed letters. The callers have checked in the same transaction that the tenure is in force.

use rusqlite::types::{Type, Value, ValueRef};
use rusqlite::{Connection, Error, OptionalExtension, Row, ToSql, params_from_iter};
use seriatim_core::{
    Attempt, Component, Hold, LetterFilter, LetterStatus, Parked, ReactionLetter, Sequence,
    StreamId, Timestamp, Verb, Wish, Work,
};
use uuid::Uuid;

use crate::checkpoint::{key, work};
use crate::update::held;
use crate::{dead_letter, row};

/// The first four parameters are the work, the next two the stream.
const KEY: &str = "component = ?1 AND partition = ?2 AND share_count = ?3 AND share_index = ?4
    AND domain = ?5 AND root = ?6";

/// The columns of a letter, parked or closed, in this order.
const COLUMNS: &str = "component, partition, share_count, share_index, domain, root, sequence,
    tries, since, failure, attempts, wish, wish_actor, wish_reason, wish_at, letter";

/// Does not change a stream that is parked already, because it begins at an earlier event.
pub(crate) fn park(connection: &Connection, parked: &Parked) -> Result<(), Error> {
    let places = ["?"; 16].join(", ");
    let insert =
        format!("INSERT INTO seriatim_parked ({COLUMNS}) VALUES ({places}) ON CONFLICT DO NOTHING");
    let wish = parked.wish.as_ref();
    let values: [&dyn ToSql; 10] = [
        &parked.sequence.0,
        &parked.tries,
        &parked.since.as_micros(),
        &parked.failure,
        &attempts_column(&parked.attempts)?,
        &wish.map(|wish| wish.verb.as_str()),
        &wish.and_then(|wish| wish.actor.as_deref()),
        &wish.and_then(|wish| wish.reason.as_deref()),
        &wish.map(|wish| wish.at.as_micros()),
        &letter_column(parked.letter),
    ];
    execute(connection, &insert, &parked.work, &parked.stream, &values).map(drop)
}

pub(crate) fn advance(
    connection: &Connection,
    work: &Work,
    stream: &StreamId,
    from: Sequence,
    to: Option<Sequence>,
) -> Result<Hold, Error> {
    let now = Timestamp::now().as_micros();
    execute(connection, &close_text(), work, stream, &[&from.0, &now])?;
    let moved = match to {
        Some(to) => {
            let values: [&dyn ToSql; 3] = [&from.0, &to.0, &Verb::Resubmit.as_str()];
            execute(connection, &advance_text(), work, stream, &values)
        }
        None => execute(connection, &unpark_text(), work, stream, &[&from.0]),
    };
    moved.map(held)
}

/// Keeps the letter of the event that the stream is parked at, if there is one. The seventh parameter is the sequence
/// where it is parked, the eighth is the current time.
pub(crate) fn close_text() -> String {
    format!(
        "INSERT INTO seriatim_closed_letters ({COLUMNS}, status, closed_at)
         SELECT {COLUMNS}, CASE WHEN wish = '{}' THEN '{}' ELSE '{}' END, ?8
         FROM seriatim_parked WHERE {KEY} AND sequence = ?7 AND letter IS NOT NULL",
        Verb::Discard.as_str(),
        LetterStatus::Discarded.as_str(),
        LetterStatus::Resolved.as_str(),
    )
}

/// The seventh parameter is the sequence where it is parked.
pub(crate) fn unpark_text() -> String {
    format!("DELETE FROM seriatim_parked WHERE {KEY} AND sequence = ?7")
}

/// The seventh parameter is the sequence where it is parked, the eighth the one to move to. The ninth is the decision
/// to resubmit, because the event to skip was passed.
pub(crate) fn advance_text() -> String {
    format!(
        "UPDATE seriatim_parked
         SET sequence = ?8, letter = NULL, tries = 0, attempts = '[]', wish = CASE WHEN wish IS NOT NULL THEN ?9 END
         WHERE {KEY} AND sequence = ?7"
    )
}

pub(crate) fn park_again(connection: &Connection, parked: &Parked) -> Result<Hold, Error> {
    let update = format!(
        "UPDATE seriatim_parked SET tries = ?8, failure = ?9, attempts = ?10, letter = ?11,
             since = ?12, wish = NULL, wish_actor = NULL, wish_reason = NULL, wish_at = NULL
         WHERE {KEY} AND sequence = ?7 AND tries < ?8"
    );
    let values: [&dyn ToSql; 6] = [
        &parked.sequence.0,
        &parked.tries,
        &parked.failure,
        &attempts_column(&parked.attempts)?,
        &letter_column(parked.letter),
        &parked.since.as_micros(),
    ];
    execute(connection, &update, &parked.work, &parked.stream, &values).map(held)
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
        &wish.verb.as_str(),
        &wish.actor,
        &wish.reason,
        &wish.at.as_micros(),
    ];
    Ok(execute(connection, &update, work, stream, &values)? > 0)
}

/// Replaces what was kept of it in the same transaction, if it was parked.
pub(crate) fn keep_closed(connection: &Connection, letter: &ReactionLetter) -> Result<(), Error> {
    let places = ["?"; 18].join(", ");
    let insert = format!(
        "INSERT OR REPLACE INTO seriatim_closed_letters ({COLUMNS}, status, closed_at)
         VALUES ({places})"
    );
    let decision = letter.decision.as_ref();
    let values: [&dyn ToSql; 12] = [
        &letter.sequence.0,
        &letter.tries,
        &letter.parked_at.as_micros(),
        &letter.failure,
        &attempts_column(&letter.attempts)?,
        &decision.map(|decision| decision.verb.as_str()),
        &decision.and_then(|decision| decision.actor.as_deref()),
        &decision.and_then(|decision| decision.reason.as_deref()),
        &decision.map(|decision| decision.at.as_micros()),
        &letter.id.as_bytes(),
        &letter.status.as_str(),
        &letter.closed_at.map(Timestamp::as_micros),
    ];
    execute(connection, &insert, &letter.work, &letter.stream, &values).map(drop)
}

/// Runs a statement about a stream of a piece of work, which are its first parameters, as in [`KEY`]; the values are
/// the parameters from the seventh on.
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
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM seriatim_parked WHERE ?1 IS NULL OR component = ?1
         ORDER BY component, partition, share_count, share_index, domain, root"
    ))?;
    let rows = select.query_map([component.map(Component::as_str)], parked)?;
    rows.collect()
}

pub(crate) fn list_closed(
    connection: &Connection,
    component: &Component,
    filter: &LetterFilter,
    limit: usize,
) -> Result<Vec<ReactionLetter>, Error> {
    let (condition, more) = dead_letter::conditions(filter, "letter");
    let sql = format!("{} {condition} LIMIT ?", select_closed());
    let mut parameters = vec![Value::Text(component.as_str().into())];
    parameters.extend(more);
    parameters.push(Value::Integer(row::limit_column(limit)));
    let mut select = connection.prepare_cached(&sql)?;
    let rows = select.query_map(params_from_iter(parameters), closed)?;
    rows.collect()
}

pub(crate) fn find_closed(
    connection: &Connection,
    component: &Component,
    id: Uuid,
) -> Result<Option<ReactionLetter>, Error> {
    let sql = format!("{} AND letter = ?", select_closed());
    let mut select = connection.prepare_cached(&sql)?;
    let found = select.query_row((component.as_str(), id.as_bytes()), closed);
    found.optional()
}

fn select_closed() -> String {
    format!("SELECT {COLUMNS}, status, closed_at FROM seriatim_closed_letters WHERE component = ?")
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
        letter: match row.get_ref(15)? {
            ValueRef::Null => None,
            _ => Some(row::uuid(row, 15)?),
        },
    })
}

fn closed(row: &Row<'_>) -> Result<ReactionLetter, Error> {
    let status = row::text(row, 16)?.parse();
    let parked = parked(row)?;
    Ok(ReactionLetter {
        id: row::uuid(row, 15)?,
        work: parked.work,
        stream: parked.stream,
        sequence: parked.sequence,
        failure: parked.failure,
        tries: parked.tries,
        parked_at: parked.since,
        attempts: parked.attempts,
        decision: parked.wish,
        status: status.map_err(|error| row::unreadable(16, Type::Text, error))?,
        closed_at: Some(Timestamp::from_micros(row.get(17)?)),
    })
}

fn wish(row: &Row<'_>) -> Result<Option<Wish>, Error> {
    let Some(name) = row::optional_text(row, 11)? else {
        return Ok(None);
    };
    let verb = Verb::named(name);
    Ok(Some(Wish {
        verb: verb.ok_or_else(|| row::unreadable(11, Type::Text, UnknownWish(name.into())))?,
        actor: row.get(12)?,
        reason: row.get(13)?,
        at: Timestamp::from_micros(row.get(14)?),
    }))
}

#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no wish that this program knows; use a newer program")]
struct UnknownWish(String);

fn stream(row: &Row<'_>) -> Result<StreamId, Error> {
    Ok(StreamId::new(row::domain(row, 4)?, row::uuid(row, 5)?))
}

fn letter_column(letter: Option<Uuid>) -> Option<[u8; 16]> {
    letter.map(Uuid::into_bytes)
}

fn attempts_column(attempts: &[Attempt]) -> Result<String, Error> {
    serde_json::to_string(attempts).map_err(row::unwritable)
}
