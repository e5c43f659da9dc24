//! Compares a version with the live one, both as they are at one moment.

use rusqlite::{Connection, Error};
use seriatim_core::{
    Comparison, ComparisonQuery, ReadModelVersion, StoreError, StoreErrorKind, VersionError,
    VersionStatus,
};

use super::registry::versions;
use crate::SqliteStore;
use crate::opening::connection;
use crate::opening::driver_error;

const ACTION: &str = "compare read models";

/// On a connection and a thread of its own: it reads whole tables, and the threads of the store have other work.
pub(super) async fn compare(
    store: &SqliteStore,
    version: &ReadModelVersion,
    query: &ComparisonQuery,
) -> Result<Comparison, VersionError> {
    let all = store.lists().read(ACTION, {
        let name = version.name().to_owned();
        move |connection| versions(connection, Some(&name))
    });
    let all = all.await?;
    let other = VersionStatus::find(&all, version)?;
    let live = VersionStatus::live(&all).unwrap_or(other);
    // The names of a version's tables never change.
    let (version, live_version) = (version.clone(), live.version.clone());
    let (of_live, of_other) = (query(&live.tables), query(&other.tables));
    let path = store.path().to_owned();
    let counting = tokio::task::spawn_blocking(move || {
        let mut connection = connection::open_reader(&path).map_err(failed)?;
        let queries = [of_live.as_str(), &of_other];
        compare_at_one_moment(&mut connection, &version, &live_version, queries)
    });
    let counted = counting.await;
    counted.map_err(|error| StoreError::new(ACTION, StoreErrorKind::Refused, error))?
}

fn compare_at_one_moment(
    connection: &mut Connection,
    version: &ReadModelVersion,
    live: &ReadModelVersion,
    queries: [&str; 2],
) -> Result<Comparison, VersionError> {
    let transaction = connection.transaction().map_err(failed)?;
    let all = versions(&transaction, Some(version.name())).map_err(failed)?;
    let other = VersionStatus::find(&all, version)?;
    let live = VersionStatus::find(&all, live)?;
    let counts = count(&transaction, queries).map_err(|source| VersionError::Query {
        source: source.into(),
    })?;
    Ok(Comparison::of(live, other, counts))
}

fn count(connection: &Connection, [live, other]: [&str; 2]) -> Result<[u64; 4], Error> {
    let columns = connection.prepare(live)?.column_count();
    let text = Comparison::sql(live, other, columns);
    connection.query_row(&text, [], |row| {
        let count = |column: usize| row.get(column).map(i64::cast_unsigned);
        Ok([count(0)?, count(1)?, count(2)?, count(3)?])
    })
}

fn failed(error: Error) -> VersionError {
    driver_error::store_error(ACTION, error).into()
}
