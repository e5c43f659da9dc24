//! The statements about parked streams and closed letters, for one schema. Each is a transaction of its own, or part of
//! a caller's.
//!
//! A statement that writes as the owner first changes or locks the row of the checkpoint. This proves that the tenure is
//! in force, and keeps it in force until the transaction ends. The lease is extended only if the rest was done.

use std::sync::Arc;
use std::time::Duration;

use seriatim_core::{
    Advance, Bookmark, Component, LetterDecision, LetterFilter, LetterStatus, ReactionLetter,
    Sequence, StreamId, Tenure, Timestamp, Verb, Work,
};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Postgres};
use uuid::Uuid;

use crate::letters::{dead_letter, fault};
use crate::progress::checkpoint_sql::{
    self, NOW, WORK, about, extend, hold, of_component, to_place, under,
};
use crate::row;

type Statement = Query<'static, Postgres, PgArguments>;

/// The columns of the work, and the parameters for them.
const WORK_COLUMNS: &str = "component, partition, share_count, share_index";

/// The other columns of a parked stream.
const PARKED: &str = "domain, root, sequence, tries, since, failure, attempts, wish, wish_actor, wish_reason, wish_at, letter, fault";

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
    letter: Arc<str>,
    /// The parked and the closed letters, to choose from.
    halves: [String; 2],
    schema: String,
}

impl Texts {
    pub(crate) fn of(schema: &str) -> Self {
        let table = format!("{schema}.seriatim_parked");
        let resubmit = Verb::Resubmit.as_str();
        let (hold, extend) = (hold(schema), extend(schema));
        let in_the_log = checkpoint_sql::advance(schema);
        let advance = format!(
            "held AS ({hold}), moved AS (
    UPDATE {table} SET sequence = $10, letter = NULL, tries = 0, attempts = '[]', wish = CASE WHEN wish IS NOT NULL THEN '{resubmit}' END
    FROM held WHERE {WORK} AND domain = $7 AND root = $8 AND sequence IN ($9, $11) RETURNING 1
), extended AS ({extend})"
        );
        let unpark = format!(
            "held AS ({hold}), gone AS (
    DELETE FROM {table} USING held WHERE {WORK} AND domain = $7 AND root = $8 AND sequence = $9 RETURNING 1
), moved AS (
    SELECT 1 FROM held WHERE EXISTS (SELECT FROM gone)
    OR ($10 AND NOT EXISTS (SELECT FROM {table} WHERE {WORK} AND domain = $7 AND root = $8))
), extended AS ({extend})"
        );
        let closed = format!("{schema}.seriatim_closed_letters");
        let into_closed = format!("{closed} ({WORK_COLUMNS}, {PARKED}, {CLOSED})");
        let close = close(&table, &into_closed);
        let skip = |moved: &str, next: usize| {
            let insert = insert(&into_closed, next, 15);
            format!("WITH {moved}, noted AS ({insert}) SELECT 1 FROM moved").into()
        };
        let park = insert(
            &format!("{table} ({WORK_COLUMNS}, {PARKED})"),
            AFTER_THE_LOG,
            13,
        );
        let parked = format!(
            "SELECT {WORK_COLUMNS}, {PARKED}, 'parked'::text AS status, NULL::bigint AS closed_at FROM {table}"
        );
        let list = |condition: &str| {
            format!("{parked} {condition} ORDER BY {WORK_COLUMNS}, domain, root").into()
        };
        let halves = [
            parked.clone(),
            format!("SELECT {WORK_COLUMNS}, {PARKED}, {CLOSED} FROM {closed}"),
        ];
        Self {
            park: format!("WITH moved AS ({in_the_log}), parked AS ({park}) SELECT 1 FROM moved")
                .into(),
            park_again: format!(
                "WITH held AS ({hold}), moved AS (
    UPDATE {table} SET tries = $10, failure = $11, attempts = $12, letter = $14, since = $15, fault = $16,
        wish = NULL, wish_actor = NULL, wish_reason = NULL, wish_at = NULL
    FROM held WHERE {WORK} AND domain = $7 AND root = $8 AND sequence = $9
    AND (tries < $10 OR (tries = $10 AND $13)) RETURNING 1
), extended AS ({extend}) SELECT 1 FROM moved"
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
            parked_of_one: list("WHERE component = $1"),
            letter: format!("{} WHERE letter = $1", letters(&halves)).into(),
            halves,
            schema: schema.into(),
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
        parked: &ReactionLetter,
        to: &Bookmark,
        lease: Duration,
        again: bool,
    ) -> Statement {
        of_letter(to_place(&self.park, tenure, to, lease, again), parked)
    }

    /// Returns a row if the tenure was in force and the stream was parked at that event, with fewer tries or, with
    /// `again`, with as many.
    pub(crate) fn park_again(
        &self,
        tenure: &Tenure,
        parked: &ReactionLetter,
        lease: Duration,
        again: bool,
    ) -> Statement {
        let query = under(&self.park_again, tenure, lease);
        of_stream(query, &parked.stream, parked.sequence)
            .bind(tries_column(parked.tries))
            .bind(row::people_column(&parked.failure))
            .bind(row::json_column(&parked.attempts))
            .bind(again)
            .bind(parked.id)
            .bind(parked.parked_at.as_micros())
            .bind(parked.fault())
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
        of_letter(query, letter)
            .bind(letter.status.as_str())
            .bind(letter.closed_at.map(Timestamp::as_micros))
    }

    /// Returns a row if the decision was noted. May be run twice: it finds its own entry.
    pub(crate) fn decide(
        &self,
        work: &Work,
        stream: &StreamId,
        sequence: Sequence,
        decision: &LetterDecision,
    ) -> Statement {
        of_stream(about(&self.decide, work), stream, sequence)
            .bind(decision.verb.as_str())
            .bind(decision.actor.as_deref().map(row::people_column))
            .bind(decision.reason.as_deref().map(row::people_column))
            .bind(decision.at.as_micros())
    }

    pub(crate) fn parked(&self, component: Option<&Component>) -> Statement {
        match component {
            Some(component) => of_component(&self.parked_of_one, component),
            None => sqlx::query(AssertSqlSafe(self.parked.clone())),
        }
    }

    pub(crate) fn letters(&self, filter: &LetterFilter, limit: usize) -> Statement {
        dead_letter::list(
            (&self.schema, &self.select(filter)),
            "letter",
            filter,
            limit,
        )
    }

    pub(crate) fn groups(&self, filter: &LetterFilter, limit: usize) -> Statement {
        let table = (self.schema.as_str(), "seriatim_parked");
        fault::groups(table, ("component", "letter"), "true", filter, limit)
    }

    /// Selects from the half that the status of the filter asks for, or from both.
    pub(crate) fn select(&self, filter: &LetterFilter) -> String {
        let halves = match filter.status {
            None => &self.halves[..],
            Some(LetterStatus::Parked) => &self.halves[..1],
            Some(LetterStatus::Resolved | LetterStatus::Discarded) => &self.halves[1..],
        };
        letters(halves)
    }

    pub(crate) fn letter(&self, id: Uuid) -> Statement {
        sqlx::query(AssertSqlSafe(self.letter.clone())).bind(id)
    }
}

/// Selects from halves of the letters. No half has a condition of its own: PostgreSQL reads a half in the order of an
/// index only if it has none.
fn letters(halves: &[String]) -> String {
    format!("SELECT * FROM ({}) AS letters", halves.join(" UNION ALL "))
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

/// Binds the columns that both tables have.
fn of_letter(query: Statement, letter: &ReactionLetter) -> Statement {
    let decision = letter.decision.as_ref();
    of_stream(query, &letter.stream, letter.sequence)
        .bind(tries_column(letter.tries))
        .bind(letter.parked_at.as_micros())
        .bind(row::people_column(&letter.failure))
        .bind(row::json_column(&letter.attempts))
        .bind(decision.map(|decision| decision.verb.as_str()))
        .bind(decision.and_then(|decision| decision.actor.as_deref().map(row::people_column)))
        .bind(decision.and_then(|decision| decision.reason.as_deref().map(row::people_column)))
        .bind(decision.map(|decision| decision.at.as_micros()))
        .bind(letter.id)
        .bind(letter.fault())
}

fn tries_column(tries: u32) -> i32 {
    i32::try_from(tries).unwrap_or(i32::MAX)
}
