//! The statements about parked streams and closed letters, for one schema. Each is a transaction of its own, or part of
//! a caller's.
//!
//! A statement that writes as the owner first changes the row of the checkpoint. This proves that the tenure is in
//! force, and keeps it in force until the transaction ends.

use std::sync::Arc;
use std::time::Duration;

use seriatim_core::{
    Advance, Bookmark, Component, LetterFilter, LetterStatus, Parked, ReactionLetter, Sequence,
    StreamId, Tenure, Timestamp, Verb, Wish, Work,
};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Postgres};
use uuid::Uuid;

use crate::checkpoint_sql::{self, NOW, WORK, about, hold, of_component, to_place, under};
use crate::{dead_letter, row};

type Statement = Query<'static, Postgres, PgArguments>;

/// The columns of the work, and the parameters for them.
const WORK_COLUMNS: &str = "component, partition, share_count, share_index";

/// The other columns of a parked stream.
const PARKED: &str = "domain, root, sequence, tries, since, failure, attempts, wish, wish_actor, wish_reason, wish_at, letter";

/// The first parameter after those of [`to_place`].
const AFTER_THE_LOG: usize = 12;

/// The columns that only closed letters have.
const CLOSED: &str = "status, closed_at";

pub(crate) struct Texts {
    advance: Arc<str>,
    unpark: Arc<str>,
    park: Arc<str>,
    park_again: Arc<str>,
    skip_in_the_log: Arc<str>,
    skip_and_advance: Arc<str>,
    skip_and_unpark: Arc<str>,
    decide: Arc<str>,
    parked: Arc<str>,
    parked_of_one: Arc<str>,
    closed: Arc<str>,
    closed_by_id: Arc<str>,
}

impl Texts {
    pub(crate) fn of(schema: &str) -> Self {
        let table = format!("{schema}.seriatim_parked");
        let resubmit = Verb::Resubmit.as_str();
        let (hold, in_the_log) = (hold(schema), checkpoint_sql::advance(schema));
        let advance = format!(
            "held AS ({hold}), moved AS (
    UPDATE {table} SET sequence = $10, letter = NULL, tries = 0, attempts = '[]', wish = CASE WHEN wish IS NOT NULL THEN '{resubmit}' END
    FROM held WHERE {WORK} AND domain = $7 AND root = $8 AND sequence IN ($9, $11) RETURNING 1
)"
        );
        let unpark = format!(
            "held AS ({hold}), gone AS (
    DELETE FROM {table} USING held WHERE {WORK} AND domain = $7 AND root = $8 AND sequence = $9 RETURNING 1
), moved AS (
    SELECT 1 FROM held WHERE EXISTS (SELECT FROM gone)
    OR ($10 AND NOT EXISTS (SELECT FROM {table} WHERE {WORK} AND domain = $7 AND root = $8))
)"
        );
        let closed = format!("{schema}.seriatim_closed_letters");
        let into_closed = format!("{closed} ({WORK_COLUMNS}, {PARKED}, {CLOSED})");
        let close = close(&table, &into_closed);
        let skip = |moved: &str, next: usize| {
            let insert = insert(&into_closed, next, 14);
            format!("WITH {moved}, noted AS ({insert}) SELECT 1 FROM moved").into()
        };
        let park = insert(
            &format!("{table} ({WORK_COLUMNS}, {PARKED})"),
            AFTER_THE_LOG,
            12,
        );
        let list = |condition: &str| {
            format!(
                "SELECT {WORK_COLUMNS}, {PARKED} FROM {table} {condition}
                 ORDER BY {WORK_COLUMNS}, domain, root"
            )
            .into()
        };
        let of_one = "WHERE component = $1";
        let closed = format!("SELECT {WORK_COLUMNS}, {PARKED}, {CLOSED} FROM {closed} {of_one}");
        Self {
            park: format!("WITH moved AS ({in_the_log}), parked AS ({park}) SELECT 1 FROM moved")
                .into(),
            park_again: format!(
                "WITH held AS ({hold})
UPDATE {table} SET tries = $10, failure = $11, attempts = $12, letter = $14, since = $15,
    wish = NULL, wish_actor = NULL, wish_reason = NULL, wish_at = NULL
FROM held WHERE {WORK} AND domain = $7 AND root = $8 AND sequence = $9
AND (tries < $10 OR (tries = $10 AND $13)) RETURNING 1"
            )
            .into(),
            skip_in_the_log: skip(&format!("moved AS ({in_the_log})"), AFTER_THE_LOG),
            skip_and_advance: skip(&advance, 12),
            skip_and_unpark: skip(&unpark, 11),
            advance: format!("WITH {advance}, {close} SELECT 1 FROM moved").into(),
            unpark: format!("WITH {unpark}, {close} SELECT 1 FROM moved").into(),
            decide: format!(
                "UPDATE {table} SET wish = $8, wish_actor = $9, wish_reason = $10, wish_at = $11
                 WHERE {WORK} AND domain = $5 AND root = $6 AND sequence = $7
                 AND (wish IS NULL OR (wish = $8 AND wish_at = $11)) RETURNING 1"
            )
            .into(),
            parked: list(""),
            parked_of_one: list(of_one),
            closed_by_id: format!("{closed} AND letter = $2").into(),
            closed: closed.into(),
        }
    }

    /// Returns a row if the tenure was in force and the stream was parked at `from`. With `again` it also returns a row
    /// if this was done before.
    pub(crate) fn advance(
        &self,
        tenure: &Tenure,
        stream: &StreamId,
        (from, to): (Sequence, Option<Sequence>),
        lease: Duration,
        again: bool,
    ) -> Statement {
        let text = match to {
            Some(_) => &self.advance,
            None => &self.unpark,
        };
        advance(text, tenure, stream, (from, to), lease, again)
    }

    /// Returns a row if the tenure was in force and the position was where the tenure has it or, with `again`, at `to`.
    pub(crate) fn park(
        &self,
        tenure: &Tenure,
        parked: &Parked,
        to: &Bookmark,
        lease: Duration,
        again: bool,
    ) -> Statement {
        let query = to_place(&self.park, tenure, to, lease, again);
        let query = of_stream(query, &parked.stream, parked.sequence)
            .bind(tries_column(parked.tries))
            .bind(parked.since.as_micros())
            .bind(row::people_column(&parked.failure))
            .bind(row::json_column(&parked.attempts));
        of_wish(query, parked.wish.as_ref()).bind(parked.letter)
    }

    /// Returns a row if the tenure was in force and the stream was parked at that event, with fewer tries or, with
    /// `again`, with as many.
    pub(crate) fn park_again(
        &self,
        tenure: &Tenure,
        parked: &Parked,
        lease: Duration,
        again: bool,
    ) -> Statement {
        let query = under(&self.park_again, tenure, lease);
        of_stream(query, &parked.stream, parked.sequence)
            .bind(tries_column(parked.tries))
            .bind(row::people_column(&parked.failure))
            .bind(row::json_column(&parked.attempts))
            .bind(again)
            .bind(parked.letter)
            .bind(parked.since.as_micros())
    }

    /// Returns a row in the same cases as the advance alone.
    pub(crate) fn skip(
        &self,
        tenure: &Tenure,
        letter: &ReactionLetter,
        past: &Advance,
        lease: Duration,
        again: bool,
    ) -> Statement {
        let query = match past {
            Advance::Checkpoint(to) => to_place(&self.skip_in_the_log, tenure, to, lease, again),
            Advance::Parked { stream, from, to } => {
                let text = match to {
                    Some(_) => &self.skip_and_advance,
                    None => &self.skip_and_unpark,
                };
                advance(text, tenure, stream, (*from, *to), lease, again)
            }
        };
        of_closed(query, letter)
    }

    /// Returns a row if the decision was noted. May be run twice: it finds its own entry.
    pub(crate) fn decide(
        &self,
        work: &Work,
        stream: &StreamId,
        sequence: Sequence,
        wish: &Wish,
    ) -> Statement {
        of_stream(about(&self.decide, work), stream, sequence)
            .bind(wish.verb.as_str())
            .bind(wish.actor.as_deref().map(row::people_column))
            .bind(wish.reason.as_deref().map(row::people_column))
            .bind(wish.at.as_micros())
    }

    pub(crate) fn parked(&self, component: Option<&Component>) -> Statement {
        match component {
            Some(component) => of_component(&self.parked_of_one, component),
            None => sqlx::query(AssertSqlSafe(self.parked.clone())),
        }
    }

    pub(crate) fn closed(
        &self,
        component: &Component,
        filter: &LetterFilter,
        limit: usize,
    ) -> Statement {
        let conditions = dead_letter::conditions(filter, "letter", 2);
        let text = format!("{}{conditions}", self.closed);
        dead_letter::bound(of_component(&text.into(), component), filter, limit)
    }

    pub(crate) fn closed_by_id(&self, component: &Component, id: Uuid) -> Statement {
        of_component(&self.closed_by_id, component).bind(id)
    }
}

/// Keeps the letter of the row that is moved on or deleted in the same statement; all parts of the statement see the
/// row as it was.
fn close(table: &str, into_closed: &str) -> String {
    format!(
        "closed AS (
    INSERT INTO {into_closed}
    SELECT {WORK_COLUMNS}, {PARKED}, CASE WHEN wish = '{}' THEN '{}' ELSE '{}' END, {NOW} FROM {table}, moved
    WHERE {WORK} AND domain = $7 AND root = $8 AND sequence = $9 AND letter IS NOT NULL
    ON CONFLICT DO NOTHING
)",
        Verb::Discard.as_str(),
        LetterStatus::Discarded.as_str(),
        LetterStatus::Resolved.as_str(),
    )
}

/// Inserts a row for each one in `moved`: the work, and `count` parameters from the one with this number on.
fn insert(into: &str, first: usize, count: usize) -> String {
    let values: Vec<_> = (first..first + count)
        .map(|place| format!("${place}"))
        .collect();
    let values = values.join(", ");
    format!("INSERT INTO {into} SELECT $1, $2, $3, $4, {values} FROM moved ON CONFLICT DO NOTHING")
}

fn advance(
    text: &Arc<str>,
    tenure: &Tenure,
    stream: &StreamId,
    (from, to): (Sequence, Option<Sequence>),
    lease: Duration,
    again: bool,
) -> Statement {
    let query = of_stream(under(text, tenure, lease), stream, from);
    match to {
        Some(to) => {
            let or_from = if again { to } else { from };
            query
                .bind(row::sequence_column(to))
                .bind(row::sequence_column(or_from))
        }
        None => query.bind(again),
    }
}

fn of_stream(query: Statement, stream: &StreamId, sequence: Sequence) -> Statement {
    query
        .bind(stream.domain.as_str().to_owned())
        .bind(stream.root)
        .bind(row::sequence_column(sequence))
}

fn of_closed(query: Statement, letter: &ReactionLetter) -> Statement {
    let query = of_stream(query, &letter.stream, letter.sequence)
        .bind(tries_column(letter.tries))
        .bind(letter.parked_at.as_micros())
        .bind(row::people_column(&letter.failure))
        .bind(row::json_column(&letter.attempts));
    of_wish(query, letter.decision.as_ref())
        .bind(letter.id)
        .bind(letter.status.as_str())
        .bind(letter.closed_at.map(Timestamp::as_micros))
}

fn of_wish(query: Statement, wish: Option<&Wish>) -> Statement {
    query
        .bind(wish.map(|wish| wish.verb.as_str()))
        .bind(wish.and_then(|wish| wish.actor.as_deref().map(row::people_column)))
        .bind(wish.and_then(|wish| wish.reason.as_deref().map(row::people_column)))
        .bind(wish.map(|wish| wish.at.as_micros()))
}

fn tries_column(tries: u32) -> i32 {
    i32::try_from(tries).unwrap_or(i32::MAX)
}
