//! Makes the tables of a version, once.

use seriatim_core::{
    ReadModel, ReadModelTables, ReadModelVersion, RegisterError, VersionStanding, VersionStatus,
};
use sqlx::{Error, PgConnection, Row};

use super::registry::Registry;
use super::versions::CHANGE;
use crate::{PostgresStore, refused};

pub(super) async fn register<M: ReadModel<PgConnection>>(
    store: &PostgresStore,
    model: &M,
) -> Result<ReadModelTables, RegisterError> {
    let version = ReadModelVersion::of::<PgConnection, M>()?;
    let connections = store.read_models();
    let mut connection = connections.get().await.map_err(failed)?;
    let transaction = connections.begin(&mut connection, CHANGE).await;
    let mut transaction = transaction.map_err(failed)?;
    let mut registry = Registry {
        store,
        connection: &mut transaction,
    };
    let tables = make(&mut registry, &version, model).await?;
    transaction.commit().await.map_err(failed)?;
    connections.put_back(connection);
    Ok(tables)
}

async fn make<M: ReadModel<PgConnection>>(
    registry: &mut Registry<'_>,
    version: &ReadModelVersion,
    model: &M,
) -> Result<ReadModelTables, RegisterError> {
    let declared = M::TABLES.iter().copied();
    let tables = ReadModelTables::new(&registry.prefix(), declared, version.version());
    registry.lock().await.map_err(failed)?;
    let all = registry
        .versions(Some(version.name()))
        .await
        .map_err(failed)?;
    if let Ok(made) = VersionStatus::find(&all, version) {
        return tables.check_made(&made.tables, version).map(|()| tables);
    }
    // Progress of one that was dropped while somebody was about to take its work.
    registry.forget(version).await.map_err(failed)?;
    let created = model.create(registry.connection, &tables).await;
    created.map_err(|source| RegisterError::Create {
        version: version.clone(),
        source,
    })?;
    let missing = missing(registry.connection, &tables)
        .await
        .map_err(failed)?;
    if let Some(table) = missing {
        let version = version.clone();
        return Err(RegisterError::NotMade { version, table });
    }
    let standing = VersionStatus::standing_beside(&all);
    registry
        .insert(version, &tables, standing)
        .await
        .map_err(failed)?;
    if standing == VersionStanding::Live {
        registry.show(&tables, None).await.map_err(failed)?;
    }
    Ok(tables)
}

/// A table that is not there.
async fn missing(
    connection: &mut PgConnection,
    tables: &ReadModelTables,
) -> Result<Option<String>, Error> {
    let names: Vec<_> = tables.names().collect();
    let row = sqlx::query("SELECT name FROM unnest($1) AS name WHERE to_regclass(name) IS NULL")
        .bind(names)
        .fetch_optional(connection)
        .await?;
    row.map(|row| row.try_get(0)).transpose()
}

fn failed(error: Error) -> RegisterError {
    refused::store_error("register a read model", error).into()
}
