//! A version beside the live one, both as they are at one moment.

use seriatim_core::{Comparison, ReadModelTables, ReadModelVersion, VersionError};
use sqlx::{AssertSqlSafe, Row};

use super::registry::Registry;
use super::versions::{Refused, SNAPSHOT, find, live};
use crate::{PostgresStore, row};

pub(super) async fn compare<Q: Fn(&ReadModelTables) -> String>(
    store: &PostgresStore,
    version: &ReadModelVersion,
    query: Q,
) -> Result<Comparison, VersionError> {
    let failed = |refused: Refused| refused.into_error("compare read models");
    let connections = store.read_models();
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
    let other = find(version, &all).map_err(failed)?;
    let live = live(&all).unwrap_or(other);
    let text = comparison(&query(&live.tables), &query(&other.tables));
    // It reads whole tables, however long that takes.
    let patience = registry
        .run("SET LOCAL statement_timeout = 0".to_owned())
        .await;
    patience.map_err(|error| failed(error.into()))?;
    let counts = sqlx::query(AssertSqlSafe(text)).persistent(false);
    let counts = counts.fetch_one(&mut *transaction).await;
    let row = counts.map_err(|source| VersionError::Query {
        source: source.into(),
    })?;
    let count = |column| {
        let number: Result<i64, _> = row.try_get(column);
        let number = number.and_then(|number| number.try_into().map_err(row::unreadable));
        number.map_err(|error| failed(error.into()))
    };
    Ok(Comparison {
        at_same_position: live.behind(other).is_none() && other.behind(live).is_none(),
        live_rows: count(0)?,
        rows: count(1)?,
        only_live: count(2)?,
        only_other: count(3)?,
    })
}

fn comparison(live: &str, other: &str) -> String {
    let count = |rows: &str| format!("(SELECT count(*) FROM ({rows}) AS counted)");
    let only = |these: &str, those: &str| {
        count(&format!(
            "SELECT * FROM ({these}) AS these EXCEPT SELECT * FROM ({those}) AS those"
        ))
    };
    let counts = [
        count(live),
        count(other),
        only(live, other),
        only(other, live),
    ];
    format!("SELECT {}", counts.join(", "))
}
