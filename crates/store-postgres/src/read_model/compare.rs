//! Compares a version with the live one, both as they are at one moment.

use seriatim_core::{Comparison, ComparisonQuery, ReadModelVersion, VersionError, VersionStatus};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Connection, Error, Executor, PgConnection, Row, SqlSafeStr, Statement};

use super::registry::transact;
use super::versions::{ChangeError, SNAPSHOT};
use crate::PostgresStore;

pub(super) async fn compare(
    store: &PostgresStore,
    version: &ReadModelVersion,
    query: &ComparisonQuery,
) -> Result<Comparison, VersionError> {
    let compared = transact(store, SNAPSHOT, ChangeError::Driver, async |registry| {
        let all = registry.versions(Some(version.name())).await?;
        let other = VersionStatus::find(&all, version)?;
        let live = VersionStatus::live(&all).unwrap_or(other);
        let (of_live, of_other) = (query(&live.tables), query(&other.tables));
        // It reads whole tables, however long that takes.
        let patience = "SET LOCAL statement_timeout = 0";
        registry.run(patience.to_owned()).await?;
        let row = count(registry.connection, &of_live, &of_other).await;
        let row = row.map_err(|source| VersionError::Query {
            source: source.into(),
        })?;
        let number = |column| row.try_get::<i64, _>(column).map(i64::cast_unsigned);
        let counts = [number(0)?, number(1)?, number(2)?, number(3)?];
        Ok(Comparison::of(live, other, counts))
    });
    let compared = compared.await;
    compared.map_err(|refused| refused.into_error("compare read models"))
}

async fn count(connection: &mut PgConnection, live: &str, other: &str) -> Result<PgRow, Error> {
    let described = (&mut *connection).prepare(AssertSqlSafe(live.to_owned()).into_sql_str());
    let columns = described.await?.columns().len();
    // The driver would keep the columns, but a table may be remade with others.
    connection.clear_cached_statements().await?;
    let text = Comparison::sql(live, other, columns);
    let counts = sqlx::query(AssertSqlSafe(text)).persistent(false);
    counts.fetch_one(connection).await
}
