//! The rows of the versions, and the changes to versions, in a transaction of a caller's.

use rusqlite::types::Type;
use rusqlite::{Connection, Error, Row};
use seriatim_core::{
    ReadModelTables, ReadModelVersion, Timestamp, VersionError, VersionStanding, VersionStatus,
};

use crate::letters::parked;
use crate::progress::checkpoint;
use crate::row;

/// Nothing comes before the name of a table.
pub(super) const PREFIX: &str = "";

/// Returns the versions of one model, or all.
pub(super) fn versions(
    connection: &Connection,
    name: Option<&str>,
) -> Result<Vec<VersionStatus>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT name, version, standing, tables, begun_at FROM seriatim_read_models
         WHERE ?1 IS NULL OR name = ?1 ORDER BY name, version",
    )?;
    let versions: Result<Vec<_>, _> = select.query_map([name], status)?.collect();
    let mut versions = versions?;
    for status in &mut versions {
        let component = status.version.component();
        status.checkpoints = checkpoint::list(connection, Some(&component))?;
    }
    Ok(versions)
}

/// If the version is refused, nothing changes.
pub(super) fn switch(
    connection: &Connection,
    version: &ReadModelVersion,
    may_be_behind: bool,
) -> Result<Result<(), VersionError>, Error> {
    let every = versions(connection, None)?;
    let all = VersionStatus::of_model(&every, version.name());
    let next = match VersionStatus::find(&all, version) {
        Ok(next) => next,
        Err(unknown) => return Ok(Err(unknown)),
    };
    let live = VersionStatus::live(&all);
    let Some(live) = live.filter(|live| live.version != *version) else {
        return Ok(Ok(()));
    };
    let parked = parked::list(connection, Some(&version.component()))?.len();
    let in_time = match may_be_behind {
        true => Ok(()),
        false => next.check_behind(live),
    };
    let allowed = in_time
        .and_then(|()| next.check_parked(parked))
        .and_then(|()| Ok(next.check_names(&every)?));
    if let Err(refused) = allowed {
        return Ok(Err(refused));
    }
    // First the old one: two cannot be live.
    stand(connection, &live.version, VersionStanding::Kept)?;
    stand(connection, version, VersionStanding::Live)?;
    for statement in views(&next.tables, &live.own_views(&every)) {
        connection.execute_batch(&statement)?;
    }
    Ok(Ok(()))
}

/// If the version is refused, nothing changes.
pub(super) fn drop_version(
    connection: &Connection,
    version: &ReadModelVersion,
) -> Result<Result<(), VersionError>, Error> {
    let every = versions(connection, None)?;
    let all = VersionStatus::of_model(&every, version.name());
    let found = VersionStatus::find(&all, version);
    let dropped = match found.and_then(|found| found.check_drop().map(|()| found)) {
        Ok(dropped) => dropped,
        Err(refused) => return Ok(Err(refused)),
    };
    for table in dropped.own_tables(&every) {
        connection.execute_batch(&format!("DROP TABLE IF EXISTS {table}"))?;
    }
    checkpoint::forget(connection, &version.component(), &checkpoint::FORGET)?;
    let delete = "DELETE FROM seriatim_read_models WHERE name = ? AND version = ?";
    connection.execute(delete, (version.name(), version.version()))?;
    Ok(Ok(()))
}

/// Nobody makes the version between the check and the forgetting.
pub(super) fn confirm(connection: &Connection, version: &ReadModelVersion) -> Result<bool, Error> {
    let all = versions(connection, Some(version.name()))?;
    let is_there = VersionStatus::find(&all, version).is_ok();
    if !is_there {
        checkpoint::forget(connection, &version.component(), &checkpoint::FORGET)?;
    }
    Ok(is_there)
}

fn stand(
    connection: &Connection,
    version: &ReadModelVersion,
    standing: VersionStanding,
) -> Result<(), Error> {
    let update = "UPDATE seriatim_read_models SET standing = ? WHERE name = ? AND version = ?";
    let parameters = (standing.as_str(), version.name(), version.version());
    connection.execute(update, parameters).map(drop)
}

/// Returns the statements that make the views with the plain names show these tables, and no others, in place of those
/// that `before` names.
pub(super) fn views(tables: &ReadModelTables, before: &[&str]) -> Vec<String> {
    let gone = before
        .iter()
        .map(|plain| format!("DROP VIEW IF EXISTS {}", tables.view(plain)));
    let there = tables.plain_names().map(|plain| {
        let (view, table) = (tables.view(plain), tables.name(plain));
        format!("CREATE VIEW {view} AS SELECT * FROM {table}")
    });
    gone.chain(there).collect()
}

/// Returns the tables of a version, from their plain names with commas in between.
pub(super) fn tables(plain: &str, version: u32) -> ReadModelTables {
    let plain = plain.split(',').filter(|table| !table.is_empty());
    ReadModelTables::new(PREFIX, plain, version)
}

fn status(row: &Row<'_>) -> Result<VersionStatus, Error> {
    let number = row.get(1)?;
    let version = ReadModelVersion::new(row::text(row, 0)?, number);
    let standing = VersionStanding::parse(row::text(row, 2)?);
    Ok(VersionStatus {
        version: version.map_err(|error| row::unreadable(0, Type::Text, error))?,
        standing: standing.map_err(|error| row::unreadable(2, Type::Text, error))?,
        tables: tables(row::text(row, 3)?, number),
        begun_at: Timestamp::from_micros(row.get(4)?),
        checkpoints: Vec::new(),
    })
}
