//! Letters about events as rows.

use seriatim_core::{LetterDecision, ReactionLetter, Sequence, StreamId, Timestamp, Verb};
use sqlx::postgres::PgRow;
use sqlx::{Error, Row};

use crate::row;
use crate::row::work;

pub(crate) fn letter(row: &PgRow) -> Result<ReactionLetter, Error> {
    let tries: i32 = row.try_get(7)?;
    let status: &str = row.try_get(17)?;
    let closed_at: Option<i64> = row.try_get(18)?;
    let (stream, sequence) = place(row)?;
    Ok(ReactionLetter {
        work: work(row)?,
        stream,
        sequence,
        tries: tries.try_into().map_err(row::unreadable)?,
        parked_at: Timestamp::from_micros(row.try_get(8)?),
        failure: row.try_get(9)?,
        attempts: serde_json::from_str(row.try_get(10)?).map_err(row::unreadable)?,
        decision: decision(row)?,
        id: row.try_get(15)?,
        status: status.parse().map_err(row::unreadable)?,
        closed_at: closed_at.map(Timestamp::from_micros),
    })
}

fn decision(row: &PgRow) -> Result<Option<LetterDecision>, Error> {
    let Some(name) = row.try_get::<Option<&str>, _>(11)? else {
        return Ok(None);
    };
    let verb = Verb::named(name);
    Ok(Some(LetterDecision {
        verb: verb.ok_or_else(|| row::unreadable(UnknownDecision(name.into())))?,
        actor: row.try_get(12)?,
        reason: row.try_get(13)?,
        at: Timestamp::from_micros(row.try_get(14)?),
    }))
}

#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no decision that this program knows; use a newer program")]
struct UnknownDecision(String);

fn place(row: &PgRow) -> Result<(StreamId, Sequence), Error> {
    let domain: &str = row.try_get(4)?;
    let domain = domain.parse().map_err(row::unreadable)?;
    Ok((
        StreamId::new(domain, row.try_get(5)?),
        row::sequence(row, 6)?,
    ))
}
