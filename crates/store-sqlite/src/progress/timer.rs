//! The seam of the timers.

use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, Error, OptionalExtension, Row, named_params};
use seriatim_core::{
    ClearedTimer, Domain, NewTimer, Overdue, StoreError, StreamId, Timer, TimerStore, Timestamp,
};

use crate::{SqliteStore, row};

const SET: &str = "
    INSERT INTO seriatim_timers
        (domain, root, name, set_at, ordinal, due, rings_at, counts_from, touched_at)
    VALUES (:domain, :root, :name, :set_at, :ordinal, :due, :due, :counts_from, :counts_from)
    ON CONFLICT DO UPDATE
    SET set_at = excluded.set_at, ordinal = excluded.ordinal, due = excluded.due, rings_at = excluded.rings_at,
        counts_from = excluded.counts_from, touched_at = excluded.touched_at
    WHERE set_at < excluded.set_at";

const CLEAR: &str = "
    DELETE FROM seriatim_timers
    WHERE domain = :domain AND root = :root AND name = :name AND set_at <= :through";

/// `of_the_future`: some timers were touched while the clock was ahead.
const NEXT: &str = "
    SELECT rings_at,
        EXISTS (SELECT 1 FROM seriatim_timers WHERE domain = :domain AND touched_at > :now) AS of_the_future
    FROM seriatim_timers
    WHERE domain = :domain
    ORDER BY rings_at LIMIT 1";

/// Lets timers that were touched while the clock was ahead count from now.
const COUNT_ANEW: &str = "
    UPDATE seriatim_timers
    SET counts_from = min(counts_from, :now), touched_at = min(counts_from, :now),
        due = due - max(counts_from - :now, 0), rings_at = due - max(counts_from - :now, 0)
    WHERE domain = :domain AND touched_at > :now";

const RINGING: &str = "
    SELECT domain, root, name, set_at, ordinal, due FROM seriatim_timers
    WHERE domain = :domain AND rings_at <= :now
    ORDER BY rings_at LIMIT :limit";

const SILENCE: &str = "
    UPDATE seriatim_timers
    SET rings_at = :rings_at, touched_at = :now
    WHERE domain = :domain AND root = :root AND name = :name";

const LIST: &str = "
    SELECT domain, root, name, set_at, ordinal, due FROM seriatim_timers
    WHERE (domain, root, name) > (:domain, :root, :name)
    ORDER BY domain, root, name LIMIT :limit";

/// Uses the index of what rings next; an index by due time alone would make it read all timers.
const OVERDUE: &str = "
    SELECT count(*) AS count, coalesce(min(due), :now) AS first FROM seriatim_timers
    WHERE domain = :domain AND rings_at <= :until AND due <= :now";

#[async_trait]
impl TimerStore for SqliteStore {
    async fn set_timers(&self, timers: &[NewTimer]) -> Result<(), StoreError> {
        let timers = timers.to_vec();
        let set = self.write("set timers", move |connection| set(connection, &timers));
        set.await
    }

    async fn clear_timers(&self, cleared: &[ClearedTimer]) -> Result<(), StoreError> {
        let cleared = cleared.to_vec();
        let clear = self.write("clear timers", move |connection| {
            clear(connection, &cleared)
        });
        clear.await
    }

    async fn ring_timers(
        &self,
        domain: &Domain,
        limit: usize,
        silence: Duration,
    ) -> Result<Vec<Timer>, StoreError> {
        let domain = domain.clone();
        let ring = move |connection: &Connection| ring(connection, &domain, limit, silence);
        self.write("ring timers", ring).await
    }

    async fn next_timer(&self, domain: &Domain) -> Result<Option<Duration>, StoreError> {
        let action = "look for the next timer";
        let domain = domain.clone();
        let look = {
            let domain = domain.clone();
            move |connection: &Connection| next(connection, &domain)
        };
        let mut found = self.lists().read(action, look.clone()).await?;
        if found.is_some_and(|(_, of_the_future)| of_the_future) {
            let count_anew = move |connection: &Connection| {
                count_anew(connection, &domain)?;
                look(connection)
            };
            found = self.write(action, count_anew).await?;
        }
        Ok(found.map(|(wait, _)| wait))
    }

    async fn timers(
        &self,
        after: Option<(&StreamId, &str)>,
        limit: usize,
    ) -> Result<Vec<Timer>, StoreError> {
        let after = after.map(|(stream, name)| (stream.clone(), name.to_owned()));
        let query = move |connection: &Connection| list(connection, after.as_ref(), limit);
        self.lists().read("list the timers", query).await
    }

    async fn overdue(&self, domain: &Domain, silence: Duration) -> Result<Overdue, StoreError> {
        let domain = domain.clone();
        let query = move |connection: &Connection| overdue(connection, &domain, silence);
        self.lists().read("count overdue timers", query).await
    }
}

fn set(connection: &Connection, timers: &[NewTimer]) -> Result<(), Error> {
    let mut insert = connection.prepare_cached(SET)?;
    let now = Timestamp::now();
    for timer in timers {
        let counts_from = timer.counts_from(now);
        insert.execute(named_params! {
            ":domain": timer.stream.domain.as_str(),
            ":root": timer.stream.root.as_bytes(),
            ":name": timer.name,
            ":set_at": timer.set_at.0,
            ":ordinal": timer.ordinal,
            ":due": counts_from.later_by(timer.after).as_micros(),
            ":counts_from": counts_from.as_micros(),
        })?;
    }
    Ok(())
}

fn clear(connection: &Connection, cleared: &[ClearedTimer]) -> Result<(), Error> {
    let mut delete = connection.prepare_cached(CLEAR)?;
    for timer in cleared {
        delete.execute(named_params! {
            ":domain": timer.stream.domain.as_str(),
            ":root": timer.stream.root.as_bytes(),
            ":name": timer.name,
            ":through": timer.through.0,
        })?;
    }
    Ok(())
}

/// Returns the time until the next one rings, and whether there are timers that were touched while the clock was ahead.
fn next(connection: &Connection, domain: &Domain) -> Result<Option<(Duration, bool)>, Error> {
    let now = Timestamp::now();
    let mut select = connection.prepare_cached(NEXT)?;
    let parameters = named_params! { ":domain": domain.as_str(), ":now": now.as_micros() };
    let next = select.query_row(parameters, |row| {
        let rings_at = Timestamp::from_micros(row.get("rings_at")?);
        Ok((rings_at.since(now), row.get("of_the_future")?))
    });
    next.optional()
}

fn count_anew(connection: &Connection, domain: &Domain) -> Result<(), Error> {
    let mut update = connection.prepare_cached(COUNT_ANEW)?;
    let now = Timestamp::now().as_micros();
    let parameters = named_params! { ":domain": domain.as_str(), ":now": now };
    update.execute(parameters).map(drop)
}

/// Nobody else writes between the check and the pause.
fn ring(
    connection: &Connection,
    domain: &Domain,
    limit: usize,
    silence: Duration,
) -> Result<Vec<Timer>, Error> {
    let now = Timestamp::now();
    let mut select = connection.prepare_cached(RINGING)?;
    let parameters = named_params! {
        ":domain": domain.as_str(),
        ":now": now.as_micros(),
        ":limit": row::limit_column(limit),
    };
    let ringing = select.query_map(parameters, timer)?;
    let mut ringing: Vec<_> = ringing.collect::<Result<_, _>>()?;
    let mut update = connection.prepare_cached(SILENCE)?;
    for timer in &ringing {
        update.execute(named_params! {
            ":rings_at": now.later_by(silence).as_micros(),
            ":now": now.as_micros(),
            ":domain": domain.as_str(),
            ":root": timer.stream.root.as_bytes(),
            ":name": timer.name,
        })?;
    }
    ringing.sort_by_key(|timer| timer.due);
    Ok(ringing)
}

fn list(
    connection: &Connection,
    after: Option<&(StreamId, String)>,
    limit: usize,
) -> Result<Vec<Timer>, Error> {
    let mut select = connection.prepare_cached(LIST)?;
    // An empty text is less than every domain.
    let (domain, root, name) = after.map_or(("", &[][..], ""), |(stream, name)| {
        let StreamId { domain, root } = stream;
        (domain.as_str(), &root.as_bytes()[..], name.as_str())
    });
    let limit = row::limit_column(limit);
    let parameters =
        named_params! { ":domain": domain, ":root": root, ":name": name, ":limit": limit };
    select.query_map(parameters, timer)?.collect()
}

fn overdue(connection: &Connection, domain: &Domain, silence: Duration) -> Result<Overdue, Error> {
    let now = Timestamp::now();
    let mut select = connection.prepare_cached(OVERDUE)?;
    let parameters = named_params! {
        ":domain": domain.as_str(),
        ":now": now.as_micros(),
        ":until": now.later_by(silence).as_micros(),
    };
    select.query_row(parameters, |row| {
        Ok(Overdue {
            count: row.get::<_, i64>("count")?.cast_unsigned(),
            longest: now.since(Timestamp::from_micros(row.get("first")?)),
        })
    })
}

fn timer(row: &Row<'_>) -> Result<Timer, Error> {
    Ok(Timer {
        stream: StreamId::new(row::domain(row, "domain")?, row::uuid(row, "root")?),
        name: row.get("name")?,
        set_at: row::sequence(row, "set_at")?,
        ordinal: row.get("ordinal")?,
        due: Timestamp::from_micros(row.get("due")?),
    })
}
