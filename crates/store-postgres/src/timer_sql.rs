//! The statements about timers, for one schema. Each is a transaction of its own, and may be run twice.
//!
//! Statements that wait for rows of others take them in the order of their keys, and the statement that rings timers
//! waits for none. So they never deadlock.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use seriatim_core::{ClearedTimer, Domain, NewTimer, StreamId, Timestamp};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Postgres};
use uuid::Uuid;

use crate::row;

/// The server's clock at the beginning of the statement, in microseconds. Unlike the clock for checkpoints it does not
/// move during a statement; otherwise no index could be used to find due timers.
const NOW: &str = "(extract(epoch FROM statement_timestamp()) * 1000000)::bigint";

/// The last time there is, in microseconds.
const LAST: i64 = Timestamp::MAX.as_micros();

pub(crate) struct Texts {
    set: Arc<str>,
    clear: Arc<str>,
    ring: Arc<str>,
    next: Arc<str>,
    count_anew: Arc<str>,
    list: Arc<str>,
    overdue: Arc<str>,
}

impl Texts {
    pub(crate) fn of(schema: &str) -> Self {
        let table = format!("{schema}.seriatim_timers");
        Self {
            set: format!(
                "INSERT INTO {table} AS kept
    (domain, root, name, set_at, ordinal, due, rings_at, counts_from, touched_at)
SELECT domain, root, name, set_at, ordinal, due, due, counts_from, counts_from
FROM unnest($1::text[], $2::uuid[], $3::text[], $4::integer[], $5::integer[], $6::bigint[], $7::bigint[])
    AS given (domain, root, name, set_at, ordinal, recorded_at, wait),
    LATERAL (SELECT least(recorded_at, {NOW}) AS counts_from) AS counts,
    LATERAL (SELECT least(counts_from + wait, {LAST}) AS due) AS rings
ON CONFLICT (domain, root, name) DO UPDATE SET set_at = excluded.set_at, ordinal = excluded.ordinal,
    due = excluded.due, rings_at = excluded.rings_at, counts_from = excluded.counts_from,
    touched_at = excluded.touched_at
WHERE kept.set_at < excluded.set_at"
            )
            .into(),
            clear: format!(
                "WITH found AS (
    SELECT kept.domain, kept.root, kept.name, given.through FROM {table} AS kept
    JOIN unnest($1::text[], $2::uuid[], $3::text[], $4::integer[]) AS given (domain, root, name, through)
    ON kept.domain = given.domain AND kept.root = given.root AND kept.name = given.name
        AND kept.set_at <= given.through
    ORDER BY kept.domain, kept.root, kept.name FOR UPDATE OF kept
)
DELETE FROM {table} AS kept USING found
WHERE kept.domain = found.domain AND kept.root = found.root AND kept.name = found.name
    AND kept.set_at <= found.through"
            )
            .into(),
            ring: format!(
                "WITH ringing AS (
    SELECT root, name FROM {table} WHERE domain = $1 AND rings_at <= {NOW}
    ORDER BY rings_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
UPDATE {table} AS kept SET rings_at = {NOW} + $3, touched_at = {NOW} FROM ringing
WHERE kept.domain = $1 AND kept.root = ringing.root AND kept.name = ringing.name
RETURNING kept.root, kept.name, kept.set_at, kept.ordinal, kept.due"
            )
            .into(),
            next: format!(
                "SELECT rings_at - {NOW}, EXISTS (SELECT FROM {table} WHERE domain = $1 AND touched_at > {NOW})
FROM {table} WHERE domain = $1 ORDER BY rings_at LIMIT 1"
            )
            .into(),
            // In the order of the keys, like the other statements.
            count_anew: format!(
                "WITH found AS (
    SELECT domain, root, name, greatest(counts_from - {NOW}, 0) AS ahead FROM {table}
    WHERE domain = $1 AND touched_at > {NOW} ORDER BY domain, root, name FOR UPDATE
)
UPDATE {table} AS kept SET counts_from = counts_from - ahead, touched_at = counts_from - ahead,
    due = due - ahead, rings_at = due - ahead
FROM found
WHERE kept.domain = found.domain AND kept.root = found.root AND kept.name = found.name AND touched_at > {NOW}"
            )
            .into(),
            list: format!(
                "SELECT root, name, set_at, ordinal, due, domain FROM {table}
WHERE (domain, root, name) > ($1, $2, $3) ORDER BY domain, root, name LIMIT $4"
            )
            .into(),
            // Uses the index of what rings next; an index by due time alone would make it read all timers.
            overdue: format!(
                "SELECT count(*), coalesce({NOW} - min(due), 0) FROM {table}
WHERE domain = $1 AND rings_at <= {NOW} + $2 AND due <= {NOW}"
            )
            .into(),
        }
    }

    pub(crate) fn set(&self, timers: &[NewTimer]) -> Query<'static, Postgres, PgArguments> {
        // In the order of the keys, and no key twice: one statement cannot replace what it has just made.
        let mut latest = BTreeMap::<_, &NewTimer>::new();
        for timer in timers {
            let kept = latest.entry((&timer.stream, &timer.name)).or_insert(timer);
            if kept.set_at < timer.set_at {
                *kept = timer;
            }
        }
        let timers: Vec<_> = latest.into_values().collect();
        let sequences = timers
            .iter()
            .map(|timer| row::sequence_column(timer.set_at));
        let ordinals = timers.iter().map(|timer| timer.ordinal.cast_signed());
        let recorded = timers.iter().map(|timer| timer.recorded_at.as_micros());
        let waits = timers.iter().map(|timer| micros(timer.after));
        sqlx::query(AssertSqlSafe(self.set.clone()))
            .bind(domains(timers.iter().map(|timer| &timer.stream.domain)))
            .bind(Vec::from_iter(timers.iter().map(|timer| timer.stream.root)))
            .bind(Vec::from_iter(
                timers.iter().map(|timer| timer.name.clone()),
            ))
            .bind(Vec::from_iter(sequences))
            .bind(Vec::from_iter(ordinals))
            .bind(Vec::from_iter(recorded))
            .bind(Vec::from_iter(waits))
    }

    pub(crate) fn clear(&self, cleared: &[ClearedTimer]) -> Query<'static, Postgres, PgArguments> {
        let roots: Vec<Uuid> = cleared.iter().map(|timer| timer.stream.root).collect();
        let names: Vec<String> = cleared.iter().map(|timer| timer.name.clone()).collect();
        let through = cleared
            .iter()
            .map(|timer| row::sequence_column(timer.through));
        sqlx::query(AssertSqlSafe(self.clear.clone()))
            .bind(domains(cleared.iter().map(|timer| &timer.stream.domain)))
            .bind(roots)
            .bind(names)
            .bind(Vec::from_iter(through))
    }

    /// Returns what [`crate::timer`] reads.
    pub(crate) fn ring(
        &self,
        domain: &Domain,
        limit: usize,
        silence: Duration,
    ) -> Query<'static, Postgres, PgArguments> {
        sqlx::query(AssertSqlSafe(self.ring.clone()))
            .bind(domain.as_str().to_owned())
            .bind(row::limit_column(limit))
            .bind(micros(silence))
    }

    /// Returns the microseconds until the next one rings, which are negative if it is due, and whether there are timers
    /// that were touched while the clock was ahead. Returns no row if there are no timers.
    pub(crate) fn next(&self, domain: &Domain) -> Query<'static, Postgres, PgArguments> {
        sqlx::query(AssertSqlSafe(self.next.clone())).bind(domain.as_str().to_owned())
    }

    /// Lets timers that were touched while the clock was ahead count from now.
    pub(crate) fn count_anew(&self, domain: &Domain) -> Query<'static, Postgres, PgArguments> {
        sqlx::query(AssertSqlSafe(self.count_anew.clone())).bind(domain.as_str().to_owned())
    }

    /// Returns what [`crate::timer`] reads, and the domain.
    pub(crate) fn list(
        &self,
        after: Option<(&StreamId, &str)>,
        limit: usize,
    ) -> Query<'static, Postgres, PgArguments> {
        // What is empty is less than every domain.
        let (domain, root, name) = after.map_or(("", Uuid::nil(), ""), |(stream, name)| {
            (stream.domain.as_str(), stream.root, name)
        });
        sqlx::query(AssertSqlSafe(self.list.clone()))
            .bind(domain.to_owned())
            .bind(root)
            .bind(name.to_owned())
            .bind(row::limit_column(limit))
    }

    /// Returns one row: how many there are, and the microseconds for which the first has been due.
    pub(crate) fn overdue(
        &self,
        domain: &Domain,
        silence: Duration,
    ) -> Query<'static, Postgres, PgArguments> {
        sqlx::query(AssertSqlSafe(self.overdue.clone()))
            .bind(domain.as_str().to_owned())
            .bind(micros(silence))
    }
}

/// As much as can be added to a time.
fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).map_or(LAST, |micros| micros.min(LAST))
}

fn domains<'a>(domains: impl Iterator<Item = &'a Domain>) -> Vec<String> {
    domains.map(|domain| domain.as_str().to_owned()).collect()
}
