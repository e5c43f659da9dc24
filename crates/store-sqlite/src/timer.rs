//! The seam of the timers.

use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, Error, OptionalExtension, Row};
use seriatim_core::{
    ClearedTimer, Domain, Overdue, StoreError, StreamId, Timer, TimerStore, Timestamp,
};

use crate::transaction::Transaction;
use crate::{SqliteStore, row};

#[async_trait]
impl TimerStore for SqliteStore {
    async fn set_timers(&self, timers: &[Timer]) -> Result<(), StoreError> {
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
        let domain = domain.clone();
        let query = move |connection: &Connection| {
            let mut select = connection.prepare_cached(
                "SELECT rings_at FROM seriatim_timers WHERE domain = ?
                 ORDER BY rings_at LIMIT 1",
            )?;
            let rings_at = select.query_row([domain.as_str()], |row| row.get(0));
            Ok(rings_at
                .optional()?
                .map(|micros| Timestamp::from_micros(micros).since(Timestamp::now())))
        };
        self.lists().read("look for the next timer", query).await
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

fn set(connection: &Connection, timers: &[Timer]) -> Result<(), Error> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO seriatim_timers (domain, root, name, set_at, ordinal, due, rings_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
         ON CONFLICT DO UPDATE SET set_at = excluded.set_at, ordinal = excluded.ordinal,
             due = excluded.due, rings_at = excluded.rings_at
         WHERE set_at < excluded.set_at",
    )?;
    for timer in timers {
        insert.execute((
            timer.stream.domain.as_str(),
            timer.stream.root.as_bytes(),
            &timer.name,
            timer.set_at.0,
            timer.ordinal,
            timer.due.as_micros(),
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

/// Nobody else writes between the look and the silence.
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
        "UPDATE seriatim_timers SET rings_at = ? WHERE domain = ? AND root = ? AND name = ?",
    )?;
    let until = now.later_by(silence).as_micros();
    for timer in &ringing {
        let StreamId { domain, root } = &timer.stream;
        silence_it.execute((until, domain.as_str(), root.as_bytes(), &timer.name))?;
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

/// By the index of what rings next: by due alone it would go through all that there are.
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
