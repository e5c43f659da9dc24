//! The statements about checkpoints, for one schema. Each is a transaction of its own, or part of a caller's.
//!
//! They are correct at READ COMMITTED, without locks that outlive a transaction. A statement that has waited for
//! another transaction checks its conditions again, on the row as that transaction left it.

use std::sync::Arc;
use std::time::Duration;

use seriatim_core::{Bookmark, Component, LONGEST_LEASE, Owner, Scope, Tenure, Work};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Postgres};
use uuid::Uuid;

use crate::{positions, row};

/// The current time of the server's clock in microseconds, not the time when the transaction began.
pub(crate) const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

/// [`LONGEST_LEASE`] in microseconds.
const LONGEST: u128 = LONGEST_LEASE.as_micros();

/// The first four parameters are the work.
pub(crate) const WORK: &str =
    "component = $1 AND partition = $2 AND share_count = $3 AND share_index = $4";

/// The fifth is the tenure. A lease that ran out does not matter as long as no other process has taken the work.
pub(crate) const IN_FORCE: &str = "tenure = $5 AND owner IS NOT NULL";

pub(crate) struct Texts {
    take: Arc<str>,
    scopes: Arc<str>,
    scope: Arc<str>,
    renew: Arc<str>,
    advance: Arc<str>,
    pause: Arc<str>,
    resume: Arc<str>,
    release: Arc<str>,
    list: Arc<str>,
    list_of_one: Arc<str>,
    forget: Arc<str>,
}

impl Texts {
    pub(crate) fn of(schema: &str) -> Self {
        let table = table(schema);
        let update = |changes: &str, conditions: &str| {
            format!("UPDATE {table} SET {changes} WHERE {WORK} AND {conditions} RETURNING position")
        };
        let list = |condition: &str| {
            format!(
                "SELECT component, partition, share_count, share_index, position, log, event, epoch,
                     CASE WHEN {} THEN owner END, leased_until, moved_at, paused
                 FROM {table} {condition}
                 ORDER BY component, partition, share_count, share_index",
                runs("leased_until")
            )
        };
        Self {
            take: take(schema).into(),
            scopes: format!(
                "SELECT component, partition, share_count, share_index, scope FROM {table}
                 WHERE component = $1 AND scope IS NOT NULL ORDER BY partition, share_count, share_index"
            )
            .into(),
            scope: update(&format!("scope = $7, leased_until = {NOW} + $6"), IN_FORCE).into(),
            renew: update(&format!("leased_until = {NOW} + $6"), IN_FORCE).into(),
            advance: advance(schema).into(),
            pause: update(&format!("paused = $7, leased_until = {NOW} + $6"), IN_FORCE).into(),
            resume: update("paused = NULL", "paused IS NOT NULL").into(),
            release: update("owner = NULL", IN_FORCE).into(),
            list: list("").into(),
            list_of_one: list("WHERE component = $1").into(),
            forget: format!(
                "WITH parked AS (DELETE FROM {schema}.seriatim_parked WHERE component = $1 RETURNING letter),
                     closed AS (DELETE FROM {schema}.seriatim_closed_letters WHERE component = $1 RETURNING letter),
                     annotated AS (
                         DELETE FROM {schema}.seriatim_letter_annotations
                         WHERE letter IN (SELECT letter FROM parked UNION ALL SELECT letter FROM closed)
                     ),
                     begun AS (DELETE FROM {schema}.seriatim_beginnings WHERE component = $1),
                     paused AS (DELETE FROM {schema}.seriatim_pauses WHERE component = $1)
                 DELETE FROM {table} WHERE component = $1"
            )
            .into(),
        }
    }

    /// Returns one row: only the place if the work was taken, and also the owner and the end of the lease if the work
    /// is busy. If it returns no row, another process has taken or forgotten the work at the same moment, and the
    /// caller must ask again.
    ///
    /// May be run twice: it finds its own tenure.
    pub(crate) fn take(
        &self,
        work: &Work,
        tenure: Uuid,
        owner: &Owner,
        lease: Duration,
    ) -> Query<'static, Postgres, PgArguments> {
        about(&self.take, work)
            .bind(tenure)
            .bind(micros(lease))
            .bind(row::people_column(&owner.name))
            .bind(owner.id)
            .bind(owner.process.as_deref().map(str::to_owned))
    }

    pub(crate) fn scopes(&self, component: &Component) -> Query<'static, Postgres, PgArguments> {
        of_component(&self.scopes, component)
    }

    /// Returns a row if the tenure was in force. May be run twice.
    pub(crate) fn scope(
        &self,
        tenure: &Tenure,
        scope: &Scope,
        lease: Duration,
    ) -> Query<'static, Postgres, PgArguments> {
        under(&self.scope, tenure, lease).bind(row::json_column(scope))
    }

    /// Returns a row if the tenure was in force. May be run twice.
    pub(crate) fn renew(
        &self,
        tenure: &Tenure,
        lease: Duration,
    ) -> Query<'static, Postgres, PgArguments> {
        under(&self.renew, tenure, lease)
    }

    /// Returns a row if the tenure was in force, and the position was where the tenure has it or, with `again`, at `to`.
    pub(crate) fn advance(
        &self,
        tenure: &Tenure,
        to: &Bookmark,
        lease: Duration,
        again: bool,
    ) -> Query<'static, Postgres, PgArguments> {
        to_place(&self.advance, tenure, to, lease, again)
    }

    /// Returns a row if the tenure was in force. May be run twice.
    pub(crate) fn pause(
        &self,
        tenure: &Tenure,
        why: &str,
        lease: Duration,
    ) -> Query<'static, Postgres, PgArguments> {
        under(&self.pause, tenure, lease).bind(row::people_column(why))
    }

    /// Returns a row if the work was paused. If it is run twice, the second run returns none.
    pub(crate) fn resume(&self, work: &Work) -> Query<'static, Postgres, PgArguments> {
        about(&self.resume, work)
    }

    /// May be run twice.
    pub(crate) fn release(&self, tenure: &Tenure) -> Query<'static, Postgres, PgArguments> {
        about(&self.release, &tenure.work).bind(tenure.id)
    }

    pub(crate) fn list(
        &self,
        component: Option<&Component>,
    ) -> Query<'static, Postgres, PgArguments> {
        match component {
            Some(component) => of_component(&self.list_of_one, component),
            None => sqlx::query(AssertSqlSafe(self.list.clone())),
        }
    }

    /// May be run twice. If a process has begun anew in between, it begins anew once more.
    pub(crate) fn forget(&self, component: &Component) -> Query<'static, Postgres, PgArguments> {
        of_component(&self.forget, component)
    }
}

/// Looks, takes free work and begins work that is not there yet, in one statement.
///
/// It looks before it takes, so that a process that stands by only reads: an `ON CONFLICT DO UPDATE` would lock the
/// owner's row each time. All parts see the table as it was when the statement began. So no part returns a row if the
/// work was free then and the update finds it taken, or if it was not there and the insert finds that another process
/// has begun it.
///
/// Work that begins at the place of its component keeps others from changing that place until the new row is visible. A
/// lease that has more time left than the longest one counts as run out. This is judged by the clock after a wait for
/// the row, because a faster process may have taken the work for the longest time allowed.
///
/// Work that begins has nothing parked. The old rows must go, because an owner may have parked something at the moment
/// when it was forgotten.
fn take(schema: &str) -> String {
    let table = table(schema);
    format!(
        "WITH seen AS (
    SELECT position, log, event, owner, leased_until, tenure, {NOW} AS now FROM {table} WHERE {WORK}
), taken AS (
    UPDATE {table} AS c SET tenure = $5, owner = $7, owner_id = $8, owner_process = $9, epoch = c.epoch + 1, leased_until = {NOW} + $6,
        paused = NULL, asked_by = NULL, asked_until = NULL
    FROM seen
    WHERE {WORK} AND (c.owner IS NULL OR c.leased_until <= seen.now OR c.leased_until > {NOW} + {LONGEST})
    RETURNING c.position, c.log, c.event
), place AS (
    SELECT position, log, event FROM {schema}.seriatim_beginnings
    WHERE component = $1 AND partition = $2 AND NOT EXISTS (SELECT FROM seen)
    FOR SHARE
), begun AS (
    INSERT INTO {table} (component, partition, share_count, share_index, tenure, owner, owner_id, owner_process,
        epoch, leased_until, moved_at, position, log, event)
    SELECT $1, $2, $3, $4, $5, $7, $8, $9, 1, {NOW} + $6, {NOW},
        coalesce((SELECT position FROM place), 0), (SELECT log FROM place), (SELECT event FROM place)
    WHERE NOT EXISTS (SELECT FROM seen)
    ON CONFLICT DO NOTHING
    RETURNING position, log, event
), cleared AS (
    DELETE FROM {schema}.seriatim_parked USING begun WHERE {WORK}
)
SELECT position, log, event, NULL::text, NULL::bigint FROM taken
UNION ALL SELECT position, log, event, NULL, NULL FROM begun
UNION ALL SELECT position, log, event, CASE WHEN tenure <> $5 THEN owner END, leased_until FROM seen
WHERE owner IS NOT NULL AND leased_until > now AND leased_until <= now + {LONGEST}"
    )
}

/// Moves the checkpoint from the position in the seventh or the ninth parameter to the position in the eighth, which is
/// in the log in the tenth and has the event in the eleventh. The sixth parameter is the lease.
pub(crate) fn advance(schema: &str) -> String {
    format!(
        "UPDATE {} SET position = $8, log = $10, event = $11, leased_until = {NOW} + $6, moved_at = {NOW}
         WHERE {WORK} AND {IN_FORCE} AND position IN ($7, $9) RETURNING position",
        table(schema)
    )
}

/// Locks the checkpoint if the tenure is in force.
pub(crate) fn hold(schema: &str) -> String {
    let table = table(schema);
    format!("SELECT position FROM {table} WHERE {WORK} AND {IN_FORCE} FOR UPDATE")
}

/// Extends the lease by the sixth parameter if `moved` has a row. The statement has locked the checkpoint before.
pub(crate) fn extend(schema: &str) -> String {
    let table = table(schema);
    format!("UPDATE {table} SET leased_until = {NOW} + $6 FROM moved WHERE {WORK} AND {IN_FORCE}")
}

pub(crate) fn table(schema: &str) -> String {
    format!("{schema}.seriatim_checkpoints")
}

pub(crate) fn about(text: &Arc<str>, work: &Work) -> Query<'static, Postgres, PgArguments> {
    of_component(text, &work.component)
        .bind(i32::from(work.partition.0))
        .bind(i32::from(work.share.count().get()))
        .bind(i32::from(work.share.index()))
}

/// Binds the work, the tenure and the lease.
pub(crate) fn under(
    text: &Arc<str>,
    tenure: &Tenure,
    lease: Duration,
) -> Query<'static, Postgres, PgArguments> {
    about(text, &tenure.work)
        .bind(tenure.id)
        .bind(micros(lease))
}

/// Binds the parameters of [`advance`]. If the query was sent before, it may find its work already done. If the first
/// request arrives even later, it does not find the position that it expects.
pub(crate) fn to_place(
    text: &Arc<str>,
    tenure: &Tenure,
    to: &Bookmark,
    lease: Duration,
    again: bool,
) -> Query<'static, Postgres, PgArguments> {
    let or_from = if again { to } else { &tenure.at };
    under(text, tenure, lease)
        .bind(positions::position_column(tenure.at.position))
        .bind(positions::position_column(to.position))
        .bind(positions::position_column(or_from.position))
        .bind(positions::log_column(to))
        .bind(to.event)
}

pub(crate) fn of_component(
    text: &Arc<str>,
    component: &Component,
) -> Query<'static, Postgres, PgArguments> {
    sqlx::query(AssertSqlSafe(text.clone())).bind(component.as_str().to_owned())
}

/// Returns the condition that a lease with this end is running.
pub(crate) fn runs(end: &str) -> String {
    format!("({end} > {NOW} AND {end} <= {NOW} + {LONGEST})")
}

/// Returns the lease in microseconds, limited to the longest one.
pub(crate) fn micros(lease: Duration) -> i64 {
    let lease = lease.min(LONGEST_LEASE).as_micros();
    i64::try_from(lease).expect("five minutes are less than that")
}
