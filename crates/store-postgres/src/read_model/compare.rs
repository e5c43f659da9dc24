//! Compares a version with the live one, both as they are at one moment.

use seriatim_core::{Comparison, ComparisonQuery, ReadModelVersion, VersionError, VersionStatus};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Error, Executor, PgConnection, Row, SqlSafeStr, Statement};

use super::registry::Registry;
use super::versions::{Refused, SNAPSHOT};
use crate::{PostgresStore, row};

pub(super) async fn compare(
    store: &PostgresStore,
    version: &ReadModelVersion,
    query: &ComparisonQuery,
) -> Result<Comparison, VersionError> {
    let failed = |refused: Refused| refused.into_error("compare read models");
    let connections = store.user_connections();
    let connection = connections.get().await;
    let mut connection = connection.map_err(|error| failed(error.into()))?;
    let transaction = connections.begin(&mut connection, SNAPSHOT).await;
    let mut transaction = transaction.map_err(|error| failed(error.into()))?;
    let mut registry = Registry {
        store,
        connection: &mut transaction,
    };
    let all = registry.versions(Some(version.name())).await;
    let all = all.map_err(|error| failed(error.into()))?;
    let other = VersionStatus::find(&all, version)?;
    let live = VersionStatus::live(&all).unwrap_or(other);
    let (of_live, of_other) = (query(&live.tables), query(&other.tables));
    // It reads whole tables, however long that takes.
    let patience = registry
        .run("SET LOCAL statement_timeout = 0".to_owned())
        .await;
    patience.map_err(|error| failed(error.into()))?;
    let row = count(&mut transaction, &of_live, &of_other).await;
    let row = row.map_err(|source| VersionError::Query {
        source: source.into(),
    })?;
    let number = |column| {
        let number: Result<i64, _> = row.try_get(column);
        let number = number.and_then(|number| number.try_into().map_err(row::unreadable));
        number.map_err(|error| failed(error.into()))
    };
    let counts = [number(0)?, number(1)?, number(2)?, number(3)?];
    Ok(Comparison::of(live, other, counts))
}

async fn count(connection: &mut PgConnection, live: &str, other: &str) -> Result<PgRow, Error> {
    let described = (&mut *connection).prepare(AssertSqlSafe(live.to_owned()).into_sql_str());
    let columns = described.await?.columns().len();
    let text = Comparison::sql(live, other, columns);
    let counts = sqlx::query(AssertSqlSafe(text)).persistent(false);
    counts.fetch_one(connection).await
}
