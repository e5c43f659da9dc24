//! Makes the tables of a version, once.

use seriatim_core::{
    ReadModel, ReadModelTables, ReadModelVersion, RegisterError, Timestamp, VersionStanding,
};
use sqlx::{AssertSqlSafe, Connection, Error, Row, SqliteConnection};

use super::fault;
use super::registry::{PREFIX, views};
use crate::{SqliteStore, checkpoint};

pub(super) async fn register<M: ReadModel<SqliteConnection>>(
    store: &SqliteStore,
    model: &M,
) -> Result<ReadModelTables, RegisterError> {
    let version = ReadModelVersion::of::<SqliteConnection, M>()?;
    let mut turn = store.user_connection().get().await.map_err(failed)?;
    let begun = turn.connection.begin_with("BEGIN IMMEDIATE").await;
    let mut transaction = begun.map_err(failed)?;
    let tables = make(&mut transaction, &version, model).await?;
    transaction.commit().await.map_err(failed)?;
    turn.put_back();
    Ok(tables)
}

async fn make<M: ReadModel<SqliteConnection>>(
    connection: &mut SqliteConnection,
    version: &ReadModelVersion,
    model: &M,
) -> Result<ReadModelTables, RegisterError> {
    let declared = M::TABLES.iter().copied();
    let tables = ReadModelTables::new(PREFIX, declared, version.version());
    let before = made_with(connection, version).await.map_err(failed)?;
    if let Some(made) = before {
        let made = ReadModelTables::new(PREFIX, made.split(','), version.version());
        return tables.check_made(&made, version).map(|()| tables);
    }
    // Progress of one that was dropped while somebody was about to take its work.
    forget(connection, version).await.map_err(failed)?;
    let created = model.create(connection, &tables).await;
    created.map_err(|source| RegisterError::Create {
        version: version.clone(),
        source,
    })?;
    for table in tables.names() {
        if !is_there(connection, &table).await.map_err(failed)? {
            let version = version.clone();
            return Err(RegisterError::NotMade { version, table });
        }
    }
    note(connection, version, &tables).await.map_err(failed)?;
    Ok(tables)
}

/// The tables that the version has, if there is one.
async fn made_with(
    connection: &mut SqliteConnection,
    version: &ReadModelVersion,
) -> Result<Option<String>, Error> {
    let select = "SELECT tables FROM seriatim_read_models WHERE name = ? AND version = ?";
    let row = sqlx::query(select)
        .bind(version.name())
        .bind(version.version())
        .fetch_optional(connection)
        .await?;
    row.map(|row| row.try_get(0)).transpose()
}

async fn forget(
    connection: &mut SqliteConnection,
    version: &ReadModelVersion,
) -> Result<(), Error> {
    let component = version.component();
    for forget in checkpoint::FORGET {
        let forget = sqlx::query(forget).bind(component.as_str());
        forget.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn is_there(connection: &mut SqliteConnection, table: &str) -> Result<bool, Error> {
    let select = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?";
    let row = sqlx::query(select).bind(table).fetch_optional(connection);
    Ok(row.await?.is_some())
}

/// The first version of a model is live at once.
async fn note(
    connection: &mut SqliteConnection,
    version: &ReadModelVersion,
    tables: &ReadModelTables,
) -> Result<(), Error> {
    let live = "SELECT 1 FROM seriatim_read_models WHERE name = ? AND standing = ?";
    let live = sqlx::query(live)
        .bind(version.name())
        .bind(VersionStanding::Live.as_str())
        .fetch_optional(&mut *connection);
    let standing = match live.await? {
        Some(_) => VersionStanding::Building,
        None => VersionStanding::Live,
    };
    let plain: Vec<_> = tables.plain_names().collect();
    sqlx::query(
        "INSERT INTO seriatim_read_models (name, version, standing, tables, begun_at)
         VALUES (?, ?, ?, ?, ?)",
    )
    .bind(version.name())
    .bind(version.version())
    .bind(standing.as_str())
    .bind(plain.join(","))
    .bind(Timestamp::now().as_micros())
    .execute(&mut *connection)
    .await?;
    if standing == VersionStanding::Live {
        for statement in views(tables, None) {
            let statement = sqlx::raw_sql(AssertSqlSafe(statement));
            statement.execute(&mut *connection).await?;
        }
    }
    Ok(())
}

fn failed(error: Error) -> RegisterError {
    fault::store_error("register a read model", error).into()
}
