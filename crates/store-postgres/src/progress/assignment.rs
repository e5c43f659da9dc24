//! The owners of the work, and the processes that have asked for it: the statements, for one schema, and their results.

use std::sync::Arc;
use std::time::Duration;

use seriatim_core::{Assignment, Component, Owner, Work};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Error, Postgres, Row};
use uuid::Uuid;

use crate::progress::checkpoint_sql::{NOW, WORK, about, micros, of_component, runs, table};
use crate::row;

pub(crate) struct Texts {
    list: Arc<str>,
    ask: Arc<str>,
    end_lease: Arc<str>,
}

impl Texts {
    pub(crate) fn of(schema: &str) -> Self {
        let table = table(schema);
        let (is_leased, is_asked_for) = (runs("leased_until"), runs("asked_until"));
        let list = format!(
            "SELECT component, partition, share_count, share_index,
                 CASE WHEN {is_leased} THEN owner END, owner_id,
                 CASE WHEN {is_asked_for} THEN asked_by END, paused IS NOT NULL, owner_process
             FROM {table} WHERE component = $1 ORDER BY partition, share_count, share_index"
        );
        let ask = format!(
            "UPDATE {table} SET asked_by = $5, asked_until = {NOW} + $6
             WHERE {WORK} AND owner IS NOT NULL AND {is_leased} AND owner_id IS DISTINCT FROM $5
             AND (asked_by IS NULL OR asked_by = $5 OR NOT {is_asked_for}) AND paused IS NULL
             RETURNING position"
        );
        let end_lease = format!(
            "UPDATE {table} SET leased_until = {NOW}
             WHERE {WORK} AND owner IS NOT NULL AND owner_id = $5 AND leased_until > {NOW}
             RETURNING position"
        );
        Self {
            list: list.into(),
            ask: ask.into(),
            end_lease: end_lease.into(),
        }
    }

    pub(crate) fn list(&self, component: &Component) -> Query<'static, Postgres, PgArguments> {
        of_component(&self.list, component)
    }

    /// Returns a row if the owner had the work. If it is run twice, the second run may return none.
    pub(crate) fn end_lease(
        &self,
        work: &Work,
        owner: Uuid,
    ) -> Query<'static, Postgres, PgArguments> {
        about(&self.end_lease, work).bind(owner)
    }

    /// Returns a row if the request was noted. May be run twice.
    pub(crate) fn ask(
        &self,
        work: &Work,
        asker: Uuid,
        lasts: Duration,
    ) -> Query<'static, Postgres, PgArguments> {
        about(&self.ask, work).bind(asker).bind(micros(lasts))
    }
}

pub(crate) fn assignment(row: &PgRow) -> Result<Assignment, Error> {
    let owner = match row.try_get::<Option<&str>, _>(4)? {
        Some(name) => Some(Owner {
            // Owners from before processes had ids.
            id: row.try_get::<Option<Uuid>, _>(5)?.unwrap_or_default(),
            name: name.into(),
            process: row.try_get::<Option<&str>, _>(8)?.map(Into::into),
        }),
        None => None,
    };
    Ok(Assignment {
        work: row::work(row)?,
        owner,
        asked_by: row.try_get(6)?,
        is_paused: row.try_get(7)?,
    })
}
