//! The statements about what was parked and skipped, for one schema. Each is a transaction of its own, or part of a
//! caller's.
//!
//! Whoever writes as the owner changes the row of the checkpoint first, in the same statement, and with it proves that
//! the tenure is in force and keeps it so until the transaction ends.

use std::sync::Arc;
use std::time::Duration;

use seriatim_core::{Component, Parked, Position, Sequence, Skipped, StreamId, Tenure, Wish, Work};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Postgres};

use crate::checkpoint_sql::{self, WORK, about, hold, micros, of_component};
use crate::{place, row};

type Statement = Query<'static, Postgres, PgArguments>;

/// The columns of the work, and the parameters for them.
const WORK_COLUMNS: &str = "component, partition, share_count, share_index";

/// The columns that a parked stream is read from.
const PARKED: &str = "domain, root, sequence, tries, since, failure, attempts, wish, wish_actor, wish_reason, wish_at";

/// The columns that a skipped event is read from.
const SKIPPED: &str = "domain, root, sequence, skipped_at, failure, actor, reason";

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
    skipped: Arc<str>,
    skipped_of_one: Arc<str>,
}

impl Texts {
    pub(crate) fn of(schema: &str) -> Self {
        let table = format!("{schema}.seriatim_parked");
        let (hold, in_the_log) = (hold(schema), checkpoint_sql::advance(schema));
        let advance = format!(
            "held AS ({hold}), moved AS (
    UPDATE {table} SET sequence = $10, tries = 0, wish = CASE WHEN wish IS NOT NULL THEN 'retry' END
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
        let skip = |moved: &str, next: usize| {
            let skipped = format!("{schema}.seriatim_skipped ({WORK_COLUMNS}, {SKIPPED})");
            let insert = insert(&skipped, next, 7);
            format!("WITH {moved}, noted AS ({insert}) SELECT 1 FROM moved").into()
        };
        let park = insert(
            &format!(
                "{table} ({WORK_COLUMNS}, domain, root, sequence, tries, since, failure, attempts)"
            ),
            10,
            7,
        );
        let list = |table: &str, columns: &str, condition: &str, end: &str| {
            format!("SELECT {WORK_COLUMNS}, {columns} FROM {schema}.{table} {condition} {end}")
                .into()
        };
        let in_order = format!("ORDER BY {WORK_COLUMNS}, domain, root");
        let latest = |place: u8| format!("ORDER BY skipped_at DESC LIMIT ${place}");
        let of_one = "WHERE component = $1";
        Self {
            park: format!("WITH moved AS ({in_the_log}), parked AS ({park}) SELECT 1 FROM moved")
                .into(),
            park_again: format!(
                "WITH held AS ({hold})
UPDATE {table} SET tries = $10, failure = $11, attempts = $12,
    wish = NULL, wish_actor = NULL, wish_reason = NULL, wish_at = NULL
FROM held WHERE {WORK} AND domain = $7 AND root = $8 AND sequence = $9
AND (tries < $10 OR (tries = $10 AND $13)) RETURNING 1"
            )
            .into(),
            skip_in_the_log: skip(&format!("moved AS ({in_the_log})"), 10),
            skip_and_advance: skip(&advance, 12),
            skip_and_unpark: skip(&unpark, 11),
            advance: format!("WITH {advance} SELECT 1 FROM moved").into(),
            unpark: format!("WITH {unpark} SELECT 1 FROM moved").into(),
            decide: format!(
                "UPDATE {table} SET wish = $8, wish_actor = $9, wish_reason = $10, wish_at = $11
                 WHERE {WORK} AND domain = $5 AND root = $6 AND sequence = $7
                 AND (wish IS NULL OR (wish = $8 AND wish_at = $11)) RETURNING 1"
            )
            .into(),
            parked: list("seriatim_parked", PARKED, "", &in_order),
            parked_of_one: list("seriatim_parked", PARKED, of_one, &in_order),
            skipped: list("seriatim_skipped", SKIPPED, "", &latest(1)),
            skipped_of_one: list("seriatim_skipped", SKIPPED, of_one, &latest(2)),
        }
    }

    /// Returns a row if the tenure was in force and the stream parked at `from`. Asked `again`, also if that was done
    /// before.
    pub(crate) fn advance(
        &self,
        tenure: &Tenure,
        stream: &StreamId,
        from: Sequence,
        to: Option<Sequence>,
        lease: Duration,
        again: bool,
    ) -> Statement {
        let text = match to {
            Some(_) => &self.advance,
            None => &self.unpark,
        };
        advance(text, tenure, stream, from, to, lease, again)
    }

    /// Returns a row if the tenure was in force, and the position where the tenure has it or, asked `again`, at `to`.
    pub(crate) fn park(
        &self,
        tenure: &Tenure,
        parked: &Parked,
        attempts: &str,
        to: Position,
        lease: Duration,
        again: bool,
    ) -> Statement {
        let query = in_the_log(&self.park, tenure, to, lease, again);
        of_stream(query, &parked.stream, parked.sequence)
            .bind(tries_column(parked.tries))
            .bind(parked.since.as_micros())
            .bind(parked.failure.clone())
            .bind(attempts.to_owned())
    }

    /// Returns a row if the tenure was in force and the stream parked at that event, with fewer tries or, asked `again`,
    /// with as many.
    pub(crate) fn park_again(
        &self,
        tenure: &Tenure,
        parked: &Parked,
        attempts: &str,
        lease: Duration,
        again: bool,
    ) -> Statement {
        let query = under(&self.park_again, tenure, lease);
        of_stream(query, &parked.stream, parked.sequence)
            .bind(tries_column(parked.tries))
            .bind(parked.failure.clone())
            .bind(attempts.to_owned())
            .bind(again)
    }

    /// Returns a row as [`Texts::park`] does.
    pub(crate) fn skip_in_the_log(
        &self,
        tenure: &Tenure,
        skipped: &Skipped,
        to: Position,
        lease: Duration,
        again: bool,
    ) -> Statement {
        let query = in_the_log(&self.skip_in_the_log, tenure, to, lease, again);
        of_skipped(query, skipped)
    }

    /// Returns a row as [`Texts::advance`] does.
    pub(crate) fn skip(
        &self,
        tenure: &Tenure,
        skipped: &Skipped,
        from: Sequence,
        to: Option<Sequence>,
        lease: Duration,
        again: bool,
    ) -> Statement {
        let text = match to {
            Some(_) => &self.skip_and_advance,
            None => &self.skip_and_unpark,
        };
        let query = advance(text, tenure, &skipped.stream, from, to, lease, again);
        of_skipped(query, skipped)
    }

    /// Returns a row if it was noted. May be run twice: it finds its own wish.
    pub(crate) fn decide(
        &self,
        work: &Work,
        stream: &StreamId,
        sequence: Sequence,
        wish: &Wish,
    ) -> Statement {
        of_stream(about(&self.decide, work), stream, sequence)
            .bind(wish.will.as_str())
            .bind(wish.actor.clone())
            .bind(wish.reason.clone())
            .bind(wish.at.as_micros())
    }

    pub(crate) fn parked(&self, component: Option<&Component>) -> Statement {
        match component {
            Some(component) => of_component(&self.parked_of_one, component),
            None => sqlx::query(AssertSqlSafe(self.parked.clone())),
        }
    }

    pub(crate) fn skipped(&self, component: Option<&Component>, limit: usize) -> Statement {
        let query = match component {
            Some(component) => of_component(&self.skipped_of_one, component),
            None => sqlx::query(AssertSqlSafe(self.skipped.clone())),
        };
        query.bind(row::limit_column(limit))
    }
}

/// A row for each in `moved`: the work, and so many parameters from the one with this number on.
fn insert(into: &str, first: usize, count: usize) -> String {
    let values: Vec<_> = (first..first + count)
        .map(|place| format!("${place}"))
        .collect();
    let values = values.join(", ");
    format!("INSERT INTO {into} SELECT $1, $2, $3, $4, {values} FROM moved ON CONFLICT DO NOTHING")
}

fn under(text: &Arc<str>, tenure: &Tenure, lease: Duration) -> Statement {
    about(text, &tenure.work)
        .bind(tenure.id)
        .bind(micros(lease))
}

fn in_the_log(
    text: &Arc<str>,
    tenure: &Tenure,
    to: Position,
    lease: Duration,
    again: bool,
) -> Statement {
    let or_from = if again { to } else { tenure.position };
    under(text, tenure, lease)
        .bind(place::position_column(tenure.position))
        .bind(place::position_column(to))
        .bind(place::position_column(or_from))
}

fn advance(
    text: &Arc<str>,
    tenure: &Tenure,
    stream: &StreamId,
    from: Sequence,
    to: Option<Sequence>,
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

fn of_skipped(query: Statement, skipped: &Skipped) -> Statement {
    of_stream(query, &skipped.stream, skipped.sequence)
        .bind(skipped.at.as_micros())
        .bind(skipped.failure.clone())
        .bind(skipped.actor.clone())
        .bind(skipped.reason.clone())
}

fn tries_column(tries: u32) -> i32 {
    i32::try_from(tries).unwrap_or(i32::MAX)
}
