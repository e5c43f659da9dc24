//! Letters about events, parked and closed. A caller that writes as an owner has checked in the same transaction that the
//! tenure is in force.

use rusqlite::types::Type;
use rusqlite::{Connection, Error, OptionalExtension, Row, ToSql};
use seriatim_core::{
    Attempt, Component, Hold, LetterDecision, LetterFilter, LetterKind, LetterStatus,
    ReactionLetter, Sequence, StreamId, Timestamp, Verb, Work,
};
use uuid::Uuid;

use crate::letters::dead_letter;
use crate::progress::checkpoint::key;
use crate::progress::update::held;
use crate::row;
use crate::row::work;

/// The first four parameters are the work, the next two the stream.
const KEY: &str = "component = ?1 AND partition = ?2 AND share_count = ?3 AND share_index = ?4
    AND domain = ?5 AND root = ?6";

/// The columns that both tables have, in this order.
const COLUMNS: &str = "component, partition, share_count, share_index, domain, root, sequence,
    tries, since, failure, attempts, wish, wish_actor, wish_reason, wish_at, letter, fault";

/// Parked streams as letters.
fn select_parked() -> String {
    format!("SELECT {COLUMNS}, 'parked' AS status, NULL AS closed_at FROM seriatim_parked")
}

/// Closed letters.
fn select_closed() -> String {
    format!("SELECT {COLUMNS}, status, closed_at FROM seriatim_closed_letters")
}

/// Does not change a stream that is parked already, because it begins at an earlier event.
pub(crate) fn park(connection: &Connection, letter: &ReactionLetter) -> Result<(), Error> {
    let places = ["?"; 17].join(", ");
    let insert =
        format!("INSERT INTO seriatim_parked ({COLUMNS}) VALUES ({places}) ON CONFLICT DO NOTHING");
    insert_letter(connection, &insert, letter, 11)
}

/// Replaces what was kept of it in the same transaction, if it was parked.
pub(crate) fn keep_closed(connection: &Connection, letter: &ReactionLetter) -> Result<(), Error> {
    let places = ["?"; 19].join(", ");
    let insert = format!(
        "INSERT OR REPLACE INTO seriatim_closed_letters ({COLUMNS}, status, closed_at)
         VALUES ({places})"
    );
    insert_letter(connection, &insert, letter, 13)
}

/// Inserts its work, its stream, and the first `count` of the other columns.
fn insert_letter(
    connection: &Connection,
    insert: &str,
    letter: &ReactionLetter,
    count: usize,
) -> Result<(), Error> {
    let decision = letter.decision.as_ref();
    let values: [&dyn ToSql; 13] = [
        &letter.sequence.0,
        &letter.tries,
        &letter.parked_at.as_micros(),
        &letter.failure,
        &attempts_column(&letter.attempts)?,
        &decision.map(|decision| decision.verb.as_str()),
        &decision.and_then(|decision| decision.actor.as_deref()),
        &decision.and_then(|decision| decision.reason.as_deref()),
        &decision.map(|decision| decision.at.as_micros()),
        &id_column(letter.id),
        &letter.fault(),
        &letter.status.as_str(),
        &letter.closed_at.map(Timestamp::as_micros),
    ];
    let values = &values[..count];
    execute(connection, insert, &letter.work, &letter.stream, values).map(drop)
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

pub(crate) fn park_again(connection: &Connection, parked: &ReactionLetter) -> Result<Hold, Error> {
    let update = format!(
        "UPDATE seriatim_parked SET tries = ?8, failure = ?9, attempts = ?10, letter = ?11,
             since = ?12, fault = ?13, wish = NULL, wish_actor = NULL, wish_reason = NULL, wish_at = NULL
         WHERE {KEY} AND sequence = ?7 AND tries < ?8"
    );
    let values: [&dyn ToSql; 7] = [
        &parked.sequence.0,
        &parked.tries,
        &parked.failure,
        &attempts_column(&parked.attempts)?,
        &id_column(parked.id),
        &parked.parked_at.as_micros(),
        &parked.fault(),
    ];
    execute(connection, &update, &parked.work, &parked.stream, &values).map(held)
}

pub(crate) fn decide(
    connection: &Connection,
    work: &Work,
    stream: &StreamId,
    sequence: Sequence,
    decision: &LetterDecision,
) -> Result<bool, Error> {
    let update = format!(
        "UPDATE seriatim_parked
         SET wish = ?8, wish_actor = ?9, wish_reason = ?10, wish_at = ?11
         WHERE {KEY} AND sequence = ?7 AND wish IS NULL"
    );
    let values: [&dyn ToSql; 5] = [
        &sequence.0,
        &decision.verb.as_str(),
        &decision.actor,
        &decision.reason,
        &decision.at.as_micros(),
    ];
    Ok(execute(connection, &update, work, stream, &values)? > 0)
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
) -> Result<Vec<ReactionLetter>, Error> {
    let mut select = connection.prepare_cached(&format!(
        "{} WHERE ?1 IS NULL OR component = ?1
         ORDER BY component, partition, share_count, share_index, domain, root",
        select_parked()
    ))?;
    let rows = select.query_map([component.map(Component::as_str)], letter)?;
    rows.collect()
}

pub(crate) fn letters(
    connection: &Connection,
    filter: &LetterFilter,
    limit: usize,
) -> Result<Vec<ReactionLetter>, Error> {
    if !filter.wants(LetterKind::Reaction) {
        return Ok(Vec::new());
    }
    dead_letter::list(
        connection,
        &selections(filter),
        "letter",
        filter,
        limit,
        letter,
    )
}

/// Selects the letters of the table that the status of the filter asks for, or of both.
pub(super) fn selections(filter: &LetterFilter) -> Vec<String> {
    let mut parked = select_parked();
    // Without statistics SQLite takes an index with fewer of the columns.
    if filter.fault.is_some() && filter.component.is_some() && filter.domain.is_some() {
        parked += " INDEXED BY seriatim_parked_fault";
    }
    match filter.status {
        None => vec![parked, select_closed()],
        Some(LetterStatus::Parked) => vec![parked],
        Some(LetterStatus::Resolved | LetterStatus::Discarded) => vec![select_closed()],
    }
}

pub(crate) fn find(connection: &Connection, id: Uuid) -> Result<Option<ReactionLetter>, Error> {
    let (parked, closed) = (select_parked(), select_closed());
    let sql = format!("SELECT * FROM ({parked} UNION ALL {closed}) WHERE letter = ?");
    let mut select = connection.prepare_cached(&sql)?;
    select.query_row([id.as_bytes()], letter).optional()
}

fn letter(row: &Row<'_>) -> Result<ReactionLetter, Error> {
    let attempts: Result<Vec<Attempt>, _> = serde_json::from_str(row::text(row, 10)?);
    let status = row::text(row, 17)?.parse();
    let closed_at: Option<i64> = row.get(18)?;
    Ok(ReactionLetter {
        work: work(row)?,
        stream: stream(row)?,
        sequence: row::sequence(row, 6)?,
        tries: row.get(7)?,
        parked_at: Timestamp::from_micros(row.get(8)?),
        failure: row.get(9)?,
        attempts: attempts.map_err(|error| row::unreadable(10, Type::Text, error))?,
        decision: decision(row)?,
        id: row::optional_uuid(row, 15)?,
        status: status.map_err(|error| row::unreadable(17, Type::Text, error))?,
        closed_at: closed_at.map(Timestamp::from_micros),
    })
}

fn decision(row: &Row<'_>) -> Result<Option<LetterDecision>, Error> {
    let Some(name) = row::optional_text(row, 11)? else {
        return Ok(None);
    };
    let verb = Verb::named(name);
    Ok(Some(LetterDecision {
        verb: verb.ok_or_else(|| row::unreadable(11, Type::Text, UnknownDecision(name.into())))?,
        actor: row.get(12)?,
        reason: row.get(13)?,
        at: Timestamp::from_micros(row.get(14)?),
    }))
}

#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no decision that this program knows; use a newer program")]
struct UnknownDecision(String);

fn stream(row: &Row<'_>) -> Result<StreamId, Error> {
    Ok(StreamId::new(row::domain(row, 4)?, row::uuid(row, 5)?))
}

fn id_column(id: Option<Uuid>) -> Option<[u8; 16]> {
    id.map(Uuid::into_bytes)
}

fn attempts_column(attempts: &[Attempt]) -> Result<String, Error> {
    serde_json::to_string(attempts).map_err(row::unwritable)
}
