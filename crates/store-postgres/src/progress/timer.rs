//! The seam of the timers. Each statement is a transaction of its own, and may be run twice.
//!
//! Statements that wait for rows of others take them in the order of their keys, and the statement that rings timers
//! waits for none. So they never deadlock.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use seriatim_core::{
    ClearedTimer, Domain, NewTimer, Overdue, StoreError, StreamId, Timer, TimerStore, Timestamp,
};
use sqlx::postgres::PgRow;
use sqlx::{Error, Row};
use uuid::Uuid;

use crate::statement::Statement;
use crate::{PostgresStore, row};

/// Stands for `$now` in the statements: the server's clock at the beginning of the statement, in microseconds. Unlike
/// the clock for checkpoints it does not move during a statement; otherwise no index could be used to find due timers.
const NOW: &str = "(extract(epoch FROM statement_timestamp()) * 1000000)::bigint";

/// The last time there is, in microseconds.
const LAST: i64 = Timestamp::MAX.as_micros();

const SET: &str = "
    INSERT INTO seriatim_timers AS kept
        (domain, root, name, set_at, ordinal, due, rings_at, counts_from, touched_at)
    SELECT domain, root, name, set_at, ordinal, due, due, counts_from, counts_from
    FROM unnest($1::text[], $2::uuid[], $3::text[], $4::integer[], $5::integer[], $6::bigint[], $7::bigint[])
            AS given (domain, root, name, set_at, ordinal, recorded_at, wait),
        LATERAL (SELECT least(recorded_at, $now) AS counts_from) AS counts,
        LATERAL (SELECT least(counts_from + wait, $8) AS due) AS rings
    ON CONFLICT (domain, root, name) DO UPDATE
    SET set_at = excluded.set_at, ordinal = excluded.ordinal, due = excluded.due, rings_at = excluded.rings_at,
        counts_from = excluded.counts_from, touched_at = excluded.touched_at
    WHERE kept.set_at < excluded.set_at";

const CLEAR: &str = "
    WITH found AS (
        SELECT kept.domain, kept.root, kept.name, given.through
        FROM seriatim_timers AS kept
        JOIN unnest($1::text[], $2::uuid[], $3::text[], $4::integer[]) AS given (domain, root, name, through)
            ON kept.domain = given.domain AND kept.root = given.root AND kept.name = given.name
            AND kept.set_at <= given.through
        ORDER BY kept.domain, kept.root, kept.name
        FOR UPDATE OF kept
    )
    DELETE FROM seriatim_timers AS kept USING found
    WHERE kept.domain = found.domain AND kept.root = found.root AND kept.name = found.name
        AND kept.set_at <= found.through";

const RING: &str = "
    WITH ringing AS (
        SELECT root, name FROM seriatim_timers
        WHERE domain = $1 AND rings_at <= $now
        ORDER BY rings_at LIMIT $2
        FOR UPDATE SKIP LOCKED
    )
    UPDATE seriatim_timers AS kept
    SET rings_at = $now + $3, touched_at = $now
    FROM ringing
    WHERE kept.domain = $1 AND kept.root = ringing.root AND kept.name = ringing.name
    RETURNING kept.domain, kept.root, kept.name, kept.set_at, kept.ordinal, kept.due";

/// `wait` is negative if the timer is due. `of_the_future`: some timers were touched while the clock was ahead.
const NEXT: &str = "
    SELECT rings_at - $now AS wait,
        EXISTS (SELECT FROM seriatim_timers WHERE domain = $1 AND touched_at > $now) AS of_the_future
    FROM seriatim_timers
    WHERE domain = $1
    ORDER BY rings_at LIMIT 1";

/// Lets timers that were touched while the clock was ahead count from now.
const COUNT_ANEW: &str = "
    WITH found AS (
        SELECT domain, root, name, greatest(counts_from - $now, 0) AS ahead FROM seriatim_timers
        WHERE domain = $1 AND touched_at > $now
        ORDER BY domain, root, name
        FOR UPDATE
    )
    UPDATE seriatim_timers AS kept
    SET counts_from = counts_from - ahead, touched_at = counts_from - ahead, due = due - ahead, rings_at = due - ahead
    FROM found
    WHERE kept.domain = found.domain AND kept.root = found.root AND kept.name = found.name AND touched_at > $now";

const LIST: &str = "
    SELECT domain, root, name, set_at, ordinal, due FROM seriatim_timers
    WHERE (domain, root, name) > ($1, $2, $3)
    ORDER BY domain, root, name LIMIT $4";

/// Uses the index of what rings next; an index by due time alone would make it read all timers.
const OVERDUE: &str = "
    SELECT count(*) AS count, coalesce($now - min(due), 0) AS longest FROM seriatim_timers
    WHERE domain = $1 AND rings_at <= $now + $2 AND due <= $now";

#[async_trait]
impl TimerStore for PostgresStore {
    async fn set_timers(&self, timers: &[NewTimer]) -> Result<(), StoreError> {
        // In the order of the keys, and no key twice: one statement cannot replace what it has just made.
        let mut latest = BTreeMap::<_, &NewTimer>::new();
        for timer in timers {
            let kept = latest.entry((&timer.stream, &timer.name)).or_insert(timer);
            if kept.set_at < timer.set_at {
                *kept = timer;
            }
        }
        let set = || {
            let timers = || latest.values();
            self.timers_statement(SET)
                .bind(Vec::from_iter(
                    timers().map(|timer| timer.stream.domain.as_str()),
                ))
                .bind(Vec::from_iter(timers().map(|timer| timer.stream.root)))
                .bind(Vec::from_iter(timers().map(|timer| timer.name.as_str())))
                .bind(Vec::from_iter(
                    timers().map(|timer| row::sequence_column(timer.set_at)),
                ))
                .bind(Vec::from_iter(
                    timers().map(|timer| timer.ordinal.cast_signed()),
                ))
                .bind(Vec::from_iter(
                    timers().map(|timer| timer.recorded_at.as_micros()),
                ))
                .bind(Vec::from_iter(timers().map(|timer| micros(timer.after))))
                .bind(LAST)
        };
        self.connections().fetch("set timers", set).await.map(drop)
    }

    async fn clear_timers(&self, cleared: &[ClearedTimer]) -> Result<(), StoreError> {
        let clear = || {
            let timers = || cleared.iter();
            self.timers_statement(CLEAR)
                .bind(Vec::from_iter(
                    timers().map(|timer| timer.stream.domain.as_str()),
                ))
                .bind(Vec::from_iter(timers().map(|timer| timer.stream.root)))
                .bind(Vec::from_iter(timers().map(|timer| timer.name.as_str())))
                .bind(Vec::from_iter(
                    timers().map(|timer| row::sequence_column(timer.through)),
                ))
        };
        let cleared = self.connections().fetch("clear timers", clear).await;
        cleared.map(drop)
    }

    async fn ring_timers(
        &self,
        domain: &Domain,
        limit: usize,
        silence: Duration,
    ) -> Result<Vec<Timer>, StoreError> {
        let ring = || {
            self.timers_statement(RING)
                .bind(domain.as_str())
                .bind(row::limit_column(limit))
                .bind(micros(silence))
        };
        let ringing = self.connections().fetch_as("ring timers", ring, timer);
        let mut ringing = ringing.await?;
        ringing.sort_by_key(|timer| timer.due);
        Ok(ringing)
    }

    async fn next_timer(&self, domain: &Domain) -> Result<Option<Duration>, StoreError> {
        let action = "look for the next timer";
        let of_domain = |sql| self.timers_statement(sql).bind(domain.as_str());
        let look = || {
            self.connections()
                .fetch_as(action, || of_domain(NEXT), next)
        };
        let mut found = look().await?.pop();
        if found.is_some_and(|(_, of_the_future)| of_the_future) {
            let count_anew = || of_domain(COUNT_ANEW);
            self.connections().fetch(action, count_anew).await?;
            found = look().await?.pop();
        }
        Ok(found.map(|(wait, _)| wait))
    }

    async fn timers(
        &self,
        after: Option<(&StreamId, &str)>,
        limit: usize,
    ) -> Result<Vec<Timer>, StoreError> {
        // An empty text is less than every domain.
        let (domain, root, name) = after.map_or(("", Uuid::nil(), ""), |(stream, name)| {
            (stream.domain.as_str(), stream.root, name)
        });
        let list = || {
            self.timers_statement(LIST)
                .bind(domain)
                .bind(root)
                .bind(name)
                .bind(row::limit_column(limit))
        };
        let timers = self.connections().fetch_as("list the timers", list, timer);
        timers.await
    }

    async fn overdue(&self, domain: &Domain, silence: Duration) -> Result<Overdue, StoreError> {
        let count = || {
            let count = self.timers_statement(OVERDUE).bind(domain.as_str());
            count.bind(micros(silence))
        };
        let action = "count overdue timers";
        let counted = self.connections().fetch_as(action, count, overdue).await;
        Ok(counted?.pop().unwrap_or_default())
    }
}

impl PostgresStore {
    fn timers_statement(&self, sql: &str) -> Statement {
        self.statement(&sql.replace("$now", NOW))
    }
}

/// Returns the time until the next one rings, and whether there are timers that were touched while the clock was ahead.
fn next(row: &PgRow) -> Result<(Duration, bool), Error> {
    let micros: i64 = row.try_get("wait")?;
    let wait = Duration::from_micros(micros.try_into().unwrap_or(0));
    Ok((wait, row.try_get("of_the_future")?))
}

fn overdue(row: &PgRow) -> Result<Overdue, Error> {
    let (count, longest): (i64, i64) = (row.try_get("count")?, row.try_get("longest")?);
    Ok(Overdue {
        count: count.cast_unsigned(),
        longest: Duration::from_micros(longest.cast_unsigned()),
    })
}

fn timer(row: &PgRow) -> Result<Timer, Error> {
    let domain = Domain::new(row.try_get("domain")?).map_err(row::unreadable)?;
    Ok(Timer {
        stream: StreamId::new(domain, row.try_get("root")?),
        name: row.try_get("name")?,
        set_at: row::sequence(row, "set_at")?,
        ordinal: row.try_get::<i32, _>("ordinal")?.cast_unsigned(),
        due: Timestamp::from_micros(row.try_get("due")?),
    })
}

/// As much as can be added to a time.
fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).map_or(LAST, |micros| micros.min(LAST))
}
