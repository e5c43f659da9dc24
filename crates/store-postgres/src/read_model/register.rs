//! Makes the tables of a version, once.

use seriatim_core::{
    ReadModel, ReadModelTables, ReadModelVersion, RegisterError, VersionStanding, VersionStatus,
};
use sqlx::{AssertSqlSafe, Error, PgConnection, Row};

use super::registry::{Registry, transact};
use super::versions::CHANGE;
use crate::PostgresStore;
use crate::opening::driver_error;

pub(super) async fn register<M: ReadModel<PgConnection>>(
    store: &PostgresStore,
    model: &M,
) -> Result<ReadModelTables, RegisterError> {
    let version = ReadModelVersion::of::<PgConnection, M>()?;
    transact(store, CHANGE, failed, async |registry| {
        make(registry, &version, model).await
    })
    .await
}

async fn make<M: ReadModel<PgConnection>>(
    registry: &mut Registry<'_>,
    version: &ReadModelVersion,
    model: &M,
) -> Result<ReadModelTables, RegisterError> {
    let declared = M::TABLES.iter().copied();
    let tables = ReadModelTables::new(&registry.prefix(), declared, version.version());
    registry.lock().await.map_err(failed)?;
    let every = registry.versions(None).await.map_err(failed)?;
    let all = VersionStatus::of_model(&every, version.name());
    if let Ok(made) = VersionStatus::find(&all, version) {
        tables.check_made(&made.tables, version)?;
        tables.check_names(version, Some(made.begun_at), &every)?;
        return Ok(tables);
    }
    tables.check_names(version, None, &every)?;
    // `CREATE TABLE IF NOT EXISTS` would use an existing table, and the table would be dropped with the version.
    let names = tables.new_names(VersionStatus::live(&all));
    let found = first(registry.connection, &names, "IS NOT NULL").await;
    if let Some(name) = found.map_err(failed)? {
        let version = version.clone();
        return Err(RegisterError::TableExists { version, name });
    }
    // Progress of a version that was dropped while a process was about to take its work.
    registry.forget(version).await.map_err(failed)?;
    let created = model.create(registry.connection, &tables).await;
    created.map_err(|source| RegisterError::Create {
        version: version.clone(),
        source,
    })?;
    let names: Vec<_> = tables.names().collect();
    let missing = first(registry.connection, &names, "IS NULL").await;
    if let Some(table) = missing.map_err(failed)? {
        let version = version.clone();
        return Err(RegisterError::NotMade { version, table });
    }
    let standing = VersionStatus::standing_beside(&all);
    registry
        .insert(version, &tables, standing)
        .await
        .map_err(failed)?;
    if standing == VersionStanding::Live {
        registry.show(&tables, &[]).await.map_err(failed)?;
    }
    Ok(tables)
}

/// Returns the first of these names whose table or view exists, or does not, as `is` says.
async fn first(
    connection: &mut PgConnection,
    names: &[String],
    is: &str,
) -> Result<Option<String>, Error> {
    let select = format!("SELECT name FROM unnest($1) AS name WHERE to_regclass(name) {is}");
    let row = sqlx::query(AssertSqlSafe(select)).bind(names);
    let row = row.fetch_optional(connection).await?;
    row.map(|row| row.try_get(0)).transpose()
}

fn failed(error: Error) -> RegisterError {
    driver_error::store_error("register a read model", error).into()
}
