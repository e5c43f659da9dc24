//! Listing claims, domain by domain in the order of their names.

use seriatim_core::{Domain, KeyedClaim, StoreError, StreamId};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Error, Row};
use uuid::Uuid;

use crate::{PostgresStore, driver_error, lookup, row};

const ACTION: &str = "list the claims";

/// Claims in the order of their streams' ids and keys, after one if given.
pub(crate) async fn list(
    store: &PostgresStore,
    after: Option<(&StreamId, &str)>,
    limit: usize,
) -> Result<Vec<KeyedClaim>, StoreError> {
    let all = store.domains().all(store.readers(), store.texts()).await?;
    let is_left = |domain: &Domain| after.is_none_or(|(stream, _)| *domain >= stream.domain);
    let mut domains: Vec<_> = all.iter().filter(|(_, name)| is_left(name)).collect();
    domains.sort_unstable_by_key(|(_, name)| *name);
    let mut claims = Vec::new();
    for (id, domain) in domains {
        let left = limit - claims.len();
        if left == 0 {
            break;
        }
        let after = after.filter(|(stream, _)| stream.domain == *domain);
        let after = after.map(|(stream, key)| (stream.root, key));
        for row in of_domain(store, *id, after, left).await? {
            let claim = claim(domain, &row);
            claims.push(claim.map_err(|error| driver_error::store_error(ACTION, error))?);
        }
    }
    Ok(claims)
}

async fn of_domain(
    store: &PostgresStore,
    domain: i16,
    after: Option<(Uuid, &str)>,
    limit: usize,
) -> Result<Vec<PgRow>, StoreError> {
    let texts = store.texts();
    let (text, root, key) = match after {
        Some((root, key)) => (&texts.claims_after, root, key),
        None => (&texts.claims_from_the_first, Uuid::nil(), ""),
    };
    let query = || {
        sqlx::query(AssertSqlSafe(text.clone()))
            .bind(domain)
            .bind(root)
            .bind(key.as_bytes().to_vec())
            .bind(row::limit_column(limit))
    };
    store.readers().read(ACTION, query).await
}

fn claim(domain: &Domain, row: &PgRow) -> Result<KeyedClaim, Error> {
    let key: &[u8] = row.try_get(3)?;
    Ok(KeyedClaim {
        stream: StreamId::new(domain.clone(), row.try_get(2)?),
        external_id: std::str::from_utf8(key)
            .map_err(row::unreadable)?
            .to_owned(),
        record: lookup::claim_record(row.try_get(0)?, row.try_get(1)?)?,
    })
}

#[cfg(test)]
mod tests {
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
            store.readers().read("run", query).await.unwrap()
        };
        run(format!(
            "INSERT INTO {schema}.seriatim_claims
             SELECT 1, gen_random_uuid(), 'k', '', '' FROM generate_series(1, 20000)"
        ))
        .await;
        run(format!("ANALYZE {schema}.seriatim_claims")).await;
        let texts = store.texts();
        for text in [&texts.claims_from_the_first, &texts.claims_after] {
            let query = || {
                sqlx::query(AssertSqlSafe(format!("EXPLAIN {text}")))
                    .bind(1i16)
                    .bind(Uuid::max())
                    .bind(b"k".to_vec())
                    .bind(100i64)
            };
            let plan = store.readers().read("explain", query).await.unwrap();
            let lines = plan.iter().map(|row| row.get::<String, _>(0));
            let plan = lines.collect::<Vec<_>>().join("\n");
            assert!(plan.contains("Index Cond: ((domain = "), "{plan}");
            assert!(plan.contains("ROW(root, external_id) >"), "{plan}");
            assert!(!plan.contains("Sort") && !plan.contains("Filter"), "{plan}");
        }
        run(format!("DROP SCHEMA {schema} CASCADE")).await;
    }
}
