//! Listing streams, domain by domain in the order of their names.

use std::cmp::Ordering;

use seriatim_core::{Domain, StoreError, StreamId, StreamSummary, Timestamp};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Error, Row};
use uuid::Uuid;

use crate::{PostgresStore, driver_error, row};

const ACTION: &str = "list the streams";

/// Streams in the order of their ids; of one domain if given, after a stream if given.
pub(crate) async fn list(
    store: &PostgresStore,
    domain: Option<&Domain>,
    after: Option<&StreamId>,
    limit: usize,
) -> Result<Vec<StreamSummary>, StoreError> {
    let all = store.domains().all(store.readers(), store.texts()).await?;
    let mut domains: Vec<_> = all
        .iter()
        .filter(|(_, name)| domain.is_none_or(|domain| domain == *name))
        .collect();
    domains.sort_unstable_by_key(|(_, name)| *name);
    let mut summaries = Vec::new();
    for (id, name) in domains {
        if summaries.len() >= limit {
            break;
        }
        let order = after.map_or(Ordering::Less, |after| after.domain.cmp(name));
        let after = match (order, after) {
            (Ordering::Greater, _) => continue,
            (Ordering::Equal, Some(after)) => Some(after.root),
            (Ordering::Equal | Ordering::Less, _) => None,
        };
        let rows = of_domain(store, *id, after, limit - summaries.len()).await?;
        for row in &rows {
            let summary = summary(name, row);
            summaries.push(summary.map_err(|error| driver_error::store_error(ACTION, error))?);
        }
    }
    Ok(summaries)
}

async fn of_domain(
    store: &PostgresStore,
    domain: i16,
    after: Option<Uuid>,
    limit: usize,
) -> Result<Vec<PgRow>, StoreError> {
    let texts = store.texts();
    let text = match after {
        Some(_) => &texts.streams_after,
        None => &texts.streams_from_the_first,
    };
    let query = || {
        sqlx::query(AssertSqlSafe(text.clone()))
            .bind(domain)
            .bind(after.unwrap_or(Uuid::nil()))
            .bind(row::limit_column(limit))
    };
    store.readers().read(ACTION, query).await
}

fn summary(domain: &Domain, row: &PgRow) -> Result<StreamSummary, Error> {
    Ok(StreamSummary {
        stream: StreamId::new(domain.clone(), row.try_get(0)?),
        current: row::sequence(row, 1)?,
        recorded_at: Timestamp::from_micros(row.try_get(2)?),
    })
}
