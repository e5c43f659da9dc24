//! Listing streams, domain by domain in the order of their names.

use std::cmp::Ordering;

use seriatim_core::{Domain, StoreError, StreamId, StreamSummary, Timestamp};
use sqlx::postgres::PgRow;
use sqlx::{Error, Row};
use uuid::Uuid;

use crate::{PostgresStore, row};

/// The streams of a domain from a root on, or after it. Takes as many steps in the index as the list is
/// long, however many events there are: from each root to the next.
const NEXT: &str = "
    WITH RECURSIVE roots (root, number) AS (
        (SELECT root, 1::bigint FROM seriatim_events
         WHERE domain = $1 AND root $after $2 AND $3 > 0
         ORDER BY root LIMIT 1)
        UNION ALL
        SELECT (SELECT e.root FROM seriatim_events AS e
                WHERE e.domain = $1 AND e.root > r.root
                ORDER BY e.root LIMIT 1), r.number + 1
        FROM roots AS r
        WHERE r.root IS NOT NULL AND r.number < $3
    )
    SELECT r.root, last.sequence, last.recorded_at
    FROM roots AS r
    CROSS JOIN LATERAL (
        SELECT sequence, recorded_at FROM seriatim_events
        WHERE domain = $1 AND root = r.root
        ORDER BY sequence DESC LIMIT 1
    ) AS last
    WHERE r.root IS NOT NULL
    ORDER BY r.number";

/// Streams in the order of their ids; of one domain if given, after a stream if given.
pub(crate) async fn list(
    store: &PostgresStore,
    domain: Option<&Domain>,
    after: Option<&StreamId>,
    limit: usize,
) -> Result<Vec<StreamSummary>, StoreError> {
    let mut summaries = Vec::new();
    for (id, name) in store.domains().by_name(store.connections()).await? {
        if summaries.len() >= limit || domain.is_some_and(|domain| *domain != name) {
            continue;
        }
        // The first stream of a domain may have the smallest root.
        let (comparison, root) = match after.map(|after| (after.domain.cmp(&name), after.root)) {
            Some((Ordering::Greater, _)) => continue,
            Some((Ordering::Equal, root)) => (">", root),
            Some((Ordering::Less, _)) | None => (">=", Uuid::nil()),
        };
        let sql = NEXT.replace("$after", comparison);
        let next = || {
            let next = store.statement(&sql).bind(id).bind(root);
            next.bind(row::limit_column(limit - summaries.len()))
        };
        let summary = |row: &PgRow| summary(&name, row);
        let found = store
            .connections()
            .fetch_as("list the streams", next, summary);
        let found = found.await?;
        summaries.extend(found);
    }
    Ok(summaries)
}

fn summary(domain: &Domain, row: &PgRow) -> Result<StreamSummary, Error> {
    Ok(StreamSummary {
        stream: StreamId::new(domain.clone(), row.try_get("root")?),
        current: row::sequence(row, "sequence")?,
        recorded_at: Timestamp::from_micros(row.try_get("recorded_at")?),
    })
}
