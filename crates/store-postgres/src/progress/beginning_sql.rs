//! The statements about where components begin, for one schema.

use std::sync::Arc;

use seriatim_core::{Component, Cursor, LogPartition};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Error, Postgres, Row};

use crate::progress::checkpoint_sql::of_component;
use crate::{positions, row};

pub(crate) struct Texts {
    begin: Arc<str>,
    begun: Arc<str>,
    begin_anew: Arc<str>,
    forget_progress: Arc<str>,
}

impl Texts {
    pub(crate) fn of(schema: &str) -> Self {
        let table = format!("{schema}.seriatim_beginnings");
        // In a fixed order, so that two callers that decide at once do not wait for each other.
        let insert = |condition: &str| {
            format!(
                "INSERT INTO {table} (component, partition, position, log, event)
                 SELECT $1, place.* FROM unnest($2::integer[], $3::bigint[], $4::uuid[], $5::uuid[])
                     AS place (partition, position, log, event)
                 {condition} ORDER BY partition ON CONFLICT"
            )
        };
        let undecided = format!("WHERE NOT EXISTS (SELECT FROM {table} WHERE component = $1)");
        Self {
            begin: format!("{} DO NOTHING", insert(&undecided)).into(),
            begun: format!(
                "SELECT partition, position, log, event FROM {table} WHERE component = $1"
            )
            .into(),
            // A log that has fewer partitions leaves none behind.
            begin_anew: format!(
                "WITH gone AS (
                     DELETE FROM {table} WHERE component = $1 AND partition <> ALL($2::integer[])
                 )
                 {} (component, partition) DO UPDATE
                 SET position = excluded.position, log = excluded.log, event = excluded.event",
                insert("")
            )
            .into(),
            forget_progress: format!(
                "WITH parked AS (DELETE FROM {schema}.seriatim_parked WHERE component = $1 RETURNING letter),
                     annotated AS (
                         DELETE FROM {schema}.seriatim_letter_annotations WHERE letter IN (SELECT letter FROM parked)
                     )
                 DELETE FROM {schema}.seriatim_checkpoints WHERE component = $1"
            )
            .into(),
        }
    }

    /// Changes nothing if the place is already decided. May be run twice.
    pub(crate) fn begin(
        &self,
        component: &Component,
        at: &Cursor,
    ) -> Query<'static, Postgres, PgArguments> {
        places(&self.begin, component, at)
    }

    pub(crate) fn begun(&self, component: &Component) -> Query<'static, Postgres, PgArguments> {
        of_component(&self.begun, component)
    }

    /// Waits for processes that are about to begin work at a place that was decided, and keeps others from doing so; a
    /// process that begins after it begins at the new place. May be run twice.
    pub(crate) fn begin_anew(
        &self,
        component: &Component,
        at: &Cursor,
    ) -> Query<'static, Postgres, PgArguments> {
        places(&self.begin_anew, component, at)
    }

    /// Must be run after that, as a statement of its own, so that it finds all work that was begun at the old place.
    /// May be run twice.
    pub(crate) fn forget_progress(
        &self,
        component: &Component,
    ) -> Query<'static, Postgres, PgArguments> {
        of_component(&self.forget_progress, component)
    }
}

/// Returns `None` if nothing is decided.
pub(crate) fn beginning(rows: &[PgRow]) -> Result<Option<Cursor>, Error> {
    let place = |row: &PgRow| {
        let partition: i32 = row.try_get(0)?;
        let partition = LogPartition(partition.try_into().map_err(row::unreadable)?);
        Ok((partition, positions::bookmark(row, 1)?))
    };
    let begun: Cursor = rows.iter().map(place).collect::<Result<_, Error>>()?;
    Ok((begun.partitions() > 0).then_some(begun))
}

fn places(
    text: &Arc<str>,
    component: &Component,
    at: &Cursor,
) -> Query<'static, Postgres, PgArguments> {
    let partitions: Vec<_> = at.iter().map(|(at, _)| i32::from(at.0)).collect();
    let positions = at
        .iter()
        .map(|(_, at)| positions::position_column(at.position));
    let logs = at.iter().map(|(_, at)| positions::log_column(&at));
    let events = at.iter().map(|(_, at)| at.event);
    of_component(text, component)
        .bind(partitions)
        .bind(positions.collect::<Vec<_>>())
        .bind(logs.collect::<Vec<_>>())
        .bind(events.collect::<Vec<_>>())
}
