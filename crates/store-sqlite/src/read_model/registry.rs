//! The rows that say which versions there are, and what is done about versions, in a transaction of a caller's.

use rusqlite::types::Type;
use rusqlite::{Connection, Error, Row};
use seriatim_core::{
    ReadModelTables, ReadModelVersion, Timestamp, VersionError, VersionStanding, VersionStatus,
};

use crate::{checkpoint, parked, row};

/// Nothing comes before the name of a table.
pub(super) const PREFIX: &str = "";

/// Those of one model, or all.
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

/// A version that is refused leaves all as it is.
pub(super) fn switch(
    connection: &Connection,
    version: &ReadModelVersion,
    may_be_behind: bool,
) -> Result<Result<(), VersionError>, Error> {
    let all = versions(connection, Some(version.name()))?;
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
    if let Err(refused) = in_time.and_then(|()| next.check_parked(parked)) {
        return Ok(Err(refused));
    }
    // First the old one: two cannot be live.
    stand(connection, &live.version, VersionStanding::Kept)?;
    stand(connection, version, VersionStanding::Live)?;
    for statement in views(&next.tables, Some(&live.tables)) {
        connection.execute_batch(&statement)?;
    }
    Ok(Ok(()))
}

/// A version that is refused leaves all as it is.
pub(super) fn drop_version(
    connection: &Connection,
    version: &ReadModelVersion,
) -> Result<Result<(), VersionError>, Error> {
    let all = versions(connection, Some(version.name()))?;
    let found = VersionStatus::find(&all, version);
    let dropped = match found.and_then(|found| found.check_drop().map(|()| found)) {
        Ok(dropped) => dropped,
        Err(refused) => return Ok(Err(refused)),
    };
    for table in dropped.tables.names() {
        connection.execute_batch(&format!("DROP TABLE IF EXISTS {table}"))?;
    }
    checkpoint::forget(connection, &version.component(), &checkpoint::FORGET)?;
    let delete = "DELETE FROM seriatim_read_models WHERE name = ? AND version = ?";
    connection.execute(delete, (version.name(), version.version()))?;
    Ok(Ok(()))
}

/// Nobody makes the version between the look and the forgetting.
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

/// The statements after which the views under the plain names show these tables, and no others.
pub(super) fn views(tables: &ReadModelTables, before: Option<&ReadModelTables>) -> Vec<String> {
    let before = before.into_iter().flat_map(ReadModelTables::plain_names);
    let gone = before.map(|plain| format!("DROP VIEW IF EXISTS {}", tables.view(plain)));
    let there = tables.plain_names().map(|plain| {
        let (view, table) = (tables.view(plain), tables.name(plain));
        format!("CREATE VIEW {view} AS SELECT * FROM {table}")
    });
    gone.chain(there).collect()
}

fn status(row: &Row<'_>) -> Result<VersionStatus, Error> {
    let number = row.get(1)?;
    let version = ReadModelVersion::new(row::text(row, 0)?, number);
    let standing = VersionStanding::parse(row::text(row, 2)?);
    let tables = row::text(row, 3)?
        .split(',')
        .filter(|table| !table.is_empty());
    Ok(VersionStatus {
        version: version.map_err(|error| row::unreadable(0, Type::Text, error))?,
        standing: standing.map_err(|error| row::unreadable(2, Type::Text, error))?,
        tables: ReadModelTables::new(PREFIX, tables, number),
        begun_at: Timestamp::from_micros(row.get(4)?),
        checkpoints: Vec::new(),
    })
}
