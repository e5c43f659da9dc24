//! Parked streams and closed letters as rows.

use seriatim_core::{Parked, ReactionLetter, Sequence, StreamId, Timestamp, Verb, Wish};
use sqlx::postgres::PgRow;
use sqlx::{Error, Row};

use crate::checkpoint::work;
use crate::row;

pub(crate) fn parked(row: &PgRow) -> Result<Parked, Error> {
    let tries: i32 = row.try_get(7)?;
    let (stream, sequence) = place(row)?;
    Ok(Parked {
        work: work(row)?,
        stream,
        sequence,
        tries: tries.try_into().map_err(row::unreadable)?,
        since: Timestamp::from_micros(row.try_get(8)?),
        failure: row.try_get(9)?,
        attempts: serde_json::from_str(row.try_get(10)?).map_err(row::unreadable)?,
        wish: wish(row)?,
        letter: row.try_get(15)?,
    })
}

pub(crate) fn closed(row: &PgRow) -> Result<ReactionLetter, Error> {
    let status: &str = row.try_get(16)?;
    let parked = parked(row)?;
    Ok(ReactionLetter {
        id: row.try_get(15)?,
        work: parked.work,
        stream: parked.stream,
        sequence: parked.sequence,
        failure: parked.failure,
        tries: parked.tries,
        parked_at: parked.since,
        attempts: parked.attempts,
        decision: parked.wish,
        status: status.parse().map_err(row::unreadable)?,
        closed_at: Some(Timestamp::from_micros(row.try_get(17)?)),
    })
}

fn wish(row: &PgRow) -> Result<Option<Wish>, Error> {
    let Some(name) = row.try_get::<Option<&str>, _>(11)? else {
        return Ok(None);
    };
    let verb = Verb::named(name);
    Ok(Some(Wish {
        verb: verb.ok_or_else(|| row::unreadable(UnknownWish(name.into())))?,
        actor: row.try_get(12)?,
        reason: row.try_get(13)?,
        at: Timestamp::from_micros(row.try_get(14)?),
    }))
}

#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no wish that this program knows; use a newer program")]
struct UnknownWish(String);

fn place(row: &PgRow) -> Result<(StreamId, Sequence), Error> {
    let domain: &str = row.try_get(4)?;
    let domain = domain.parse().map_err(row::unreadable)?;
    Ok((
        StreamId::new(domain, row.try_get(5)?),
        row::sequence(row, 6)?,
    ))
}
