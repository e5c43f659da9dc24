//! Makes the tables of a version, once.

use seriatim_core::{
    ReadModel, ReadModelTables, ReadModelVersion, RegisterError, Timestamp, VersionStanding,
    VersionStatus,
};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Connection, Error, Row, SqliteConnection};

use super::fault;
use super::registry::{self, PREFIX, views};
use crate::SqliteStore;
use crate::progress::checkpoint;

pub(super) async fn register<M: ReadModel<SqliteConnection>>(
    store: &SqliteStore,
    model: &M,
) -> Result<ReadModelTables, RegisterError> {
    let version = ReadModelVersion::of::<SqliteConnection, M>()?;
    let mut turn = store.user_connection().get(store.writer()).await?;
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
    let every = versions(connection).await.map_err(failed)?;
    let all = VersionStatus::of_model(&every, version.name());
    if let Ok(made) = VersionStatus::find(&all, version) {
        tables.check_made(&made.tables, version)?;
        tables.check_names(version, Some(made.begun_at), &every)?;
        return Ok(tables);
    }
    tables.check_names(version, None, &every)?;
    // `CREATE TABLE IF NOT EXISTS` would use an existing table, and the table would be dropped with the version.
    for name in tables.new_names(VersionStatus::live(&all)) {
        if is_there(connection, &name).await.map_err(failed)? {
            let version = version.clone();
            return Err(RegisterError::TableExists { version, name });
        }
    }
    // Progress of a version that was dropped while a process was about to take its work.
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
    let standing = VersionStatus::standing_beside(&all);
    let noted = note(connection, version, &tables, standing);
    noted.await.map_err(failed)?;
    Ok(tables)
}

/// Returns all versions, without their progress.
async fn versions(connection: &mut SqliteConnection) -> Result<Vec<VersionStatus>, Error> {
    let select = "SELECT name, version, standing, tables, begun_at FROM seriatim_read_models";
    let rows = sqlx::query(select).fetch_all(connection).await?;
    rows.iter().map(status).collect()
}

fn status(row: &SqliteRow) -> Result<VersionStatus, Error> {
    let unreadable = |error: Box<dyn std::error::Error + Send + Sync>| Error::Decode(error);
    let number = row.try_get(1)?;
    let version = ReadModelVersion::new(row.try_get(0)?, number);
    let standing = VersionStanding::parse(row.try_get(2)?);
    Ok(VersionStatus {
        version: version.map_err(|error| unreadable(error.into()))?,
        standing: standing.map_err(|error| unreadable(error.into()))?,
        tables: registry::tables(row.try_get(3)?, number),
        begun_at: Timestamp::from_micros(row.try_get(4)?),
        checkpoints: Vec::new(),
    })
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

/// Returns whether there is such a table or view. SQLite ignores the case of their names.
async fn is_there(connection: &mut SqliteConnection, name: &str) -> Result<bool, Error> {
    let select = "SELECT 1 FROM sqlite_schema WHERE type IN ('table', 'view') AND lower(name) = ?";
    let row = sqlx::query(select).bind(name).fetch_optional(connection);
    Ok(row.await?.is_some())
}

/// The first version of a model is live at once.
async fn note(
    connection: &mut SqliteConnection,
    version: &ReadModelVersion,
    tables: &ReadModelTables,
    standing: VersionStanding,
) -> Result<(), Error> {
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
        for statement in views(tables, &[]) {
            let statement = sqlx::raw_sql(AssertSqlSafe(statement));
            statement.execute(&mut *connection).await?;
        }
    }
    Ok(())
}

fn failed(error: Error) -> RegisterError {
    fault::store_error("register a read model", error).into()
}
