//! Used claims: one by its key, and all of them in pages, domain by domain in the order of their names.

use seriatim_core::{ClaimRecord, Domain, KeyedClaim, StoreError, StreamId};
use seriatim_store_sql::claim_record;
use sqlx::postgres::PgRow;
use sqlx::{Error, Row};
use uuid::Uuid;

use crate::{PostgresStore, row};

const FIND: &str = "
    SELECT content, first_result FROM seriatim_claims
    WHERE domain = (SELECT id FROM seriatim_domains WHERE name = $1) AND root = $2 AND external_id = $3";

/// The claims of a domain after a key of a root.
const NEXT: &str = "
    SELECT content, first_result, root, external_id FROM seriatim_claims
    WHERE domain = $1 AND (root, external_id) $after ($2, $3)
    ORDER BY root, external_id LIMIT $4";

/// Returns what an external id of a stream was used for.
pub(crate) async fn find(
    store: &PostgresStore,
    stream: &StreamId,
    external_id: &str,
) -> Result<Option<ClaimRecord>, StoreError> {
    let find = || {
        let find = store.statement(FIND).bind(stream.domain.as_str());
        find.bind(stream.root).bind(external_id.as_bytes())
    };
    let action = "look up an external id";
    let found = store.connections().fetch_as(action, find, record).await;
    Ok(found?.pop())
}

/// Claims in the order of their streams' ids and keys, after one if given.
pub(crate) async fn list(
    store: &PostgresStore,
    after: Option<(&StreamId, &str)>,
    limit: usize,
) -> Result<Vec<KeyedClaim>, StoreError> {
    let mut claims = Vec::new();
    for (id, domain) in store.domains().by_name(store.connections()).await? {
        if claims.len() >= limit || after.is_some_and(|(stream, _)| domain < stream.domain) {
            continue;
        }
        let after = after.filter(|(stream, _)| stream.domain == domain);
        // The first claim of a domain may have the smallest root.
        let (comparison, root, key) = match after {
            Some((stream, key)) => (">", stream.root, key),
            None => (">=", Uuid::nil(), ""),
        };
        let sql = NEXT.replace("$after", comparison);
        let next = || {
            let next = store
                .statement(&sql)
                .bind(id)
                .bind(root)
                .bind(key.as_bytes());
            next.bind(row::limit_column(limit - claims.len()))
        };
        let claim = |row: &PgRow| claim(&domain, row);
        let found = store.connections().fetch_as("list the claims", next, claim);
        let found = found.await?;
        claims.extend(found);
    }
    Ok(claims)
}

fn claim(domain: &Domain, row: &PgRow) -> Result<KeyedClaim, Error> {
    let key = std::str::from_utf8(row.try_get("external_id")?);
    Ok(KeyedClaim {
        stream: StreamId::new(domain.clone(), row.try_get("root")?),
        external_id: key.map_err(row::unreadable)?.to_owned(),
        record: record(row)?,
    })
}

fn record(row: &PgRow) -> Result<ClaimRecord, Error> {
    let record = claim_record(row.try_get("content")?, row.try_get("first_result")?);
    record.map_err(row::unreadable)
}

#[cfg(test)]
mod tests {
    use sqlx::AssertSqlSafe;

    use super::*;

    /// A page costs what it holds, wherever it begins.
    #[tokio::test]
    async fn pages_are_looked_up_in_the_index() {
        let server = std::env::var("SERIATIM_TEST_POSTGRES").expect(
            "name a PostgreSQL in SERIATIM_TEST_POSTGRES; `cargo xtask services up` starts one and prints its URL",
        );
        let schema = format!("claims_{}", Uuid::now_v7().simple());
        let sign = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{sign}schema={schema}");
        let store = PostgresStore::open(&url).await.unwrap();
        let run = async |sql: String| {
            let query = || sqlx::query(AssertSqlSafe(sql.clone()));
            store.connections().fetch("run", query).await.unwrap()
        };
        run(format!(
            "INSERT INTO {schema}.seriatim_claims
             SELECT 1, gen_random_uuid(), 'k', '', '' FROM generate_series(1, 20000)"
        ))
        .await;
        run(format!("ANALYZE {schema}.seriatim_claims")).await;
        for comparison in [">=", ">"] {
            let explain = format!("EXPLAIN {}", NEXT.replace("$after", comparison));
            let query = || {
                let explain = store.statement(&explain);
                explain
                    .bind(1i16)
                    .bind(Uuid::max())
                    .bind(b"k".to_vec())
                    .bind(100i64)
            };
            let plan = store.connections().fetch("explain", query).await.unwrap();
            let lines = plan.iter().map(|row| row.get::<String, _>(0));
            let plan = lines.collect::<Vec<_>>().join("\n");
            assert!(plan.contains("Index Cond: ((domain = "), "{plan}");
            assert!(plan.contains("ROW(root, external_id) >"), "{plan}");
            assert!(!plan.contains("Sort") && !plan.contains("Filter"), "{plan}");
        }
        run(format!("DROP SCHEMA {schema} CASCADE")).await;
    }
}
