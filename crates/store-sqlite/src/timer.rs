//! The seam of the timers.

use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, Error, OptionalExtension, Row};
use seriatim_core::{
    ClearedTimer, Domain, NewTimer, Overdue, StoreError, StreamId, Timer, TimerStore, Timestamp,
};

use crate::transaction::Transaction;
use crate::{SqliteStore, row};

#[async_trait]
impl TimerStore for SqliteStore {
    async fn set_timers(&self, timers: &[NewTimer]) -> Result<(), StoreError> {
        let timers = timers.to_vec();
        let set = move |transaction: &mut Transaction<'_, '_>| set(transaction.connection, &timers);
        self.writer().change("set timers", set).await
    }

    async fn clear_timers(&self, cleared: &[ClearedTimer]) -> Result<(), StoreError> {
        let cleared = cleared.to_vec();
        let clear =
            move |transaction: &mut Transaction<'_, '_>| clear(transaction.connection, &cleared);
        self.writer().change("clear timers", clear).await
    }

    async fn ring_timers(
        &self,
        domain: &Domain,
        limit: usize,
        silence: Duration,
    ) -> Result<Vec<Timer>, StoreError> {
        let domain = domain.clone();
        let ring = move |transaction: &mut Transaction<'_, '_>| {
            ring(transaction.connection, &domain, limit, silence)
        };
        self.writer().change("ring timers", ring).await
    }

    async fn next_timer(&self, domain: &Domain) -> Result<Option<Duration>, StoreError> {
        let action = "look for the next timer";
        let domain = domain.clone();
        let look = {
            let domain = domain.clone();
            move |connection: &Connection| next(connection, &domain)
        };
        let found = self.lists().read(action, look.clone()).await?;
        if !found.is_some_and(|next| next.of_the_future) {
            return Ok(found.map(|next| next.wait));
        }
        let count_anew = move |transaction: &mut Transaction<'_, '_>| {
            count_anew(transaction.connection, &domain)?;
            look(transaction.connection)
        };
        let found = self.writer().change(action, count_anew).await?;
        Ok(found.map(|next| next.wait))
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
    let mut insert = connection.prepare_cached(
        "INSERT INTO seriatim_timers
             (domain, root, name, set_at, ordinal, due, rings_at, counts_from, touched_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?7)
         ON CONFLICT DO UPDATE SET set_at = excluded.set_at, ordinal = excluded.ordinal,
             due = excluded.due, rings_at = excluded.rings_at, counts_from = excluded.counts_from,
             touched_at = excluded.touched_at
         WHERE set_at < excluded.set_at",
    )?;
    let now = Timestamp::now();
    for timer in timers {
        let counts_from = timer.counts_from(now);
        insert.execute((
            timer.stream.domain.as_str(),
            timer.stream.root.as_bytes(),
            &timer.name,
            timer.set_at.0,
            timer.ordinal,
            counts_from.later_by(timer.after).as_micros(),
            counts_from.as_micros(),
        ))?;
    }
    Ok(())
}

fn clear(connection: &Connection, cleared: &[ClearedTimer]) -> Result<(), Error> {
    let mut delete = connection.prepare_cached(
        "DELETE FROM seriatim_timers WHERE domain = ? AND root = ? AND name = ? AND set_at <= ?",
    )?;
    for timer in cleared {
        let StreamId { domain, root } = &timer.stream;
        delete.execute((
            domain.as_str(),
            root.as_bytes(),
            &timer.name,
            timer.through.0,
        ))?;
    }
    Ok(())
}

/// The next timer to ring, and whether there are timers that were touched while the clock was ahead.
#[derive(Clone, Copy)]
struct Next {
    wait: Duration,
    of_the_future: bool,
}

fn next(connection: &Connection, domain: &Domain) -> Result<Option<Next>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT rings_at, EXISTS (SELECT 1 FROM seriatim_timers WHERE domain = ?1 AND touched_at > ?2)
         FROM seriatim_timers WHERE domain = ?1 ORDER BY rings_at LIMIT 1",
    )?;
    let now = Timestamp::now();
    let next = select.query_row((domain.as_str(), now.as_micros()), |row| {
        Ok(Next {
            wait: Timestamp::from_micros(row.get(0)?).since(now),
            of_the_future: row.get(1)?,
        })
    });
    next.optional()
}

/// Called if the clock has gone back since these timers were touched.
fn count_anew(connection: &Connection, domain: &Domain) -> Result<(), Error> {
    let mut update = connection.prepare_cached(
        "UPDATE seriatim_timers SET counts_from = min(counts_from, ?2),
             touched_at = min(counts_from, ?2), due = due - max(counts_from - ?2, 0),
             rings_at = due - max(counts_from - ?2, 0)
         WHERE domain = ?1 AND touched_at > ?2",
    )?;
    let now = Timestamp::now().as_micros();
    update.execute((domain.as_str(), now)).map(drop)
}

/// Nobody else writes between the check and the pause.
fn ring(
    connection: &Connection,
    domain: &Domain,
    limit: usize,
    silence: Duration,
) -> Result<Vec<Timer>, Error> {
    let now = Timestamp::now();
    let mut select = connection.prepare_cached(
        "SELECT root, name, set_at, ordinal, due FROM seriatim_timers
         WHERE domain = ? AND rings_at <= ? ORDER BY rings_at LIMIT ?",
    )?;
    let wanted = (domain.as_str(), now.as_micros(), row::limit_column(limit));
    let ringing = select.query_map(wanted, |row| timer(row, domain))?;
    let mut ringing: Vec<_> = ringing.collect::<Result<_, _>>()?;
    let mut silence_it = connection.prepare_cached(
        "UPDATE seriatim_timers SET rings_at = ?, touched_at = ?
         WHERE domain = ? AND root = ? AND name = ?",
    )?;
    let times = (now.later_by(silence).as_micros(), now.as_micros());
    for timer in &ringing {
        let StreamId { domain, root } = &timer.stream;
        let key = (domain.as_str(), root.as_bytes(), &timer.name);
        silence_it.execute((times.0, times.1, key.0, key.1, key.2))?;
    }
    ringing.sort_by_key(|timer| timer.due);
    Ok(ringing)
}

fn list(
    connection: &Connection,
    after: Option<&(StreamId, String)>,
    limit: usize,
) -> Result<Vec<Timer>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT root, name, set_at, ordinal, due, domain FROM seriatim_timers
         WHERE (domain, root, name) > (?, ?, ?) ORDER BY domain, root, name LIMIT ?",
    )?;
    // What is empty is less than every domain.
    let (domain, root, name) = after.map_or(("", &[][..], ""), |(stream, name)| {
        let StreamId { domain, root } = stream;
        (domain.as_str(), &root.as_bytes()[..], name.as_str())
    });
    let mut rows = select.query((domain, root, name, row::limit_column(limit)))?;
    let mut timers = Vec::new();
    while let Some(row) = rows.next()? {
        timers.push(timer(row, &row::domain(row, 5)?)?);
    }
    Ok(timers)
}

/// Uses the index of what rings next; an index by due time alone would make it read all timers.
fn overdue(connection: &Connection, domain: &Domain, silence: Duration) -> Result<Overdue, Error> {
    let now = Timestamp::now();
    let mut select = connection.prepare_cached(
        "SELECT count(*), coalesce(min(due), ?2) FROM seriatim_timers
         WHERE domain = ?1 AND rings_at <= ?3 AND due <= ?2",
    )?;
    let until = now.later_by(silence).as_micros();
    select.query_row((domain.as_str(), now.as_micros(), until), |row| {
        Ok(Overdue {
            count: row.get::<_, i64>(0)?.cast_unsigned(),
            longest: now.since(Timestamp::from_micros(row.get(1)?)),
        })
    })
}

fn timer(row: &Row<'_>, domain: &Domain) -> Result<Timer, Error> {
    Ok(Timer {
        stream: StreamId::new(domain.clone(), row::uuid(row, 0)?),
        name: row.get(1)?,
        set_at: row::sequence(row, 2)?,
        ordinal: row.get(3)?,
        due: Timestamp::from_micros(row.get(4)?),
    })
}
