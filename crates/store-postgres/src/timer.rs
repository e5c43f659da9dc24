//! The seam of the timers.

use std::time::Duration;

use async_trait::async_trait;
use seriatim_core::{
    ClearedTimer, Domain, NewTimer, Overdue, StoreError, StreamId, Timer, TimerStore, Timestamp,
};
use sqlx::postgres::PgRow;
use sqlx::{Error, Row};

use crate::{PostgresStore, driver_error, row};

#[async_trait]
impl TimerStore for PostgresStore {
    async fn set_timers(&self, timers: &[NewTimer]) -> Result<(), StoreError> {
        let query = || self.texts().timers.set(timers);
        let set = self.readers().read("set timers", query).await;
        set.map(drop)
    }

    async fn clear_timers(&self, cleared: &[ClearedTimer]) -> Result<(), StoreError> {
        let query = || self.texts().timers.clear(cleared);
        let cleared = self.readers().read("clear timers", query).await;
        cleared.map(drop)
    }

    async fn ring_timers(
        &self,
        domain: &Domain,
        limit: usize,
        silence: Duration,
    ) -> Result<Vec<Timer>, StoreError> {
        let action = "ring timers";
        let query = || self.texts().timers.ring(domain, limit, silence);
        let rows = self.readers().read(action, query).await?;
        let ringing: Result<Vec<_>, _> = rows.iter().map(|row| timer(row, domain)).collect();
        let mut ringing = ringing.map_err(|error| driver_error::store_error(action, error))?;
        ringing.sort_by_key(|timer| timer.due);
        Ok(ringing)
    }

    async fn next_timer(&self, domain: &Domain) -> Result<Option<Duration>, StoreError> {
        let action = "look for the next timer";
        let look = || self.texts().timers.next(domain);
        let mut rows = self.readers().read(action, look).await?;
        let next =
            |row: &PgRow| next(row).map_err(|error| driver_error::store_error(action, error));
        let mut found = rows.first().map(next).transpose()?;
        if found.is_some_and(|(_, of_the_future)| of_the_future) {
            let count_anew = || self.texts().timers.count_anew(domain);
            self.readers().read(action, count_anew).await?;
            rows = self.readers().read(action, look).await?;
            found = rows.first().map(next).transpose()?;
        }
        Ok(found.map(|(wait, _)| wait))
    }

    async fn timers(
        &self,
        after: Option<(&StreamId, &str)>,
        limit: usize,
    ) -> Result<Vec<Timer>, StoreError> {
        let action = "list the timers";
        let query = || self.texts().timers.list(after, limit);
        let rows = self.readers().read(action, query).await?;
        let timers = rows.iter().map(|row| {
            let domain = Domain::new(row.try_get(5)?).map_err(row::unreadable)?;
            timer(row, &domain)
        });
        let timers: Result<Vec<_>, Error> = timers.collect();
        timers.map_err(|error| driver_error::store_error(action, error))
    }

    async fn overdue(&self, domain: &Domain, silence: Duration) -> Result<Overdue, StoreError> {
        let action = "count overdue timers";
        let query = || self.texts().timers.overdue(domain, silence);
        let rows = self.readers().read(action, query).await?;
        let Some(row) = rows.first() else {
            return Ok(Overdue::default());
        };
        overdue(row).map_err(|error| driver_error::store_error(action, error))
    }
}

/// Returns the time until the next one rings, and whether there are timers that were touched while the clock was ahead.
fn next(row: &PgRow) -> Result<(Duration, bool), Error> {
    let micros: i64 = row.try_get(0)?;
    let wait = Duration::from_micros(micros.try_into().unwrap_or(0));
    Ok((wait, row.try_get(1)?))
}

fn overdue(row: &PgRow) -> Result<Overdue, Error> {
    let (count, micros): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    Ok(Overdue {
        count: count.cast_unsigned(),
        longest: Duration::from_micros(micros.cast_unsigned()),
    })
}

fn timer(row: &PgRow, domain: &Domain) -> Result<Timer, Error> {
    let ordinal: i32 = row.try_get(3)?;
    Ok(Timer {
        stream: StreamId::new(domain.clone(), row.try_get(0)?),
        name: row.try_get(1)?,
        set_at: row::sequence(row, 2)?,
        ordinal: ordinal.cast_unsigned(),
        due: Timestamp::from_micros(row.try_get(4)?),
    })
}
