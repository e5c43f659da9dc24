//! Used claims: one by its key, and all of them in pages.

use rusqlite::types::Type;
use rusqlite::{Connection, Error, OptionalExtension, Row, named_params};
use seriatim_core::{ClaimRecord, Domain, KeyedClaim, StreamId};
use seriatim_store_sql::claim_record;

use crate::reading::streams;
use crate::row;

const FIND: &str = "
    SELECT content, first_result FROM seriatim_claims
    WHERE domain = (SELECT id FROM seriatim_domains WHERE name = :domain) AND root = :root
        AND external_id = :external_id";

/// The claims of a domain after a key of a root.
const NEXT: &str = "
    SELECT content, first_result, root, external_id FROM seriatim_claims
    WHERE domain = :domain AND (root, external_id) > (:root, :external_id)
    ORDER BY root, external_id LIMIT :limit";

/// Returns what an external id of a stream was used for.
pub(crate) fn find(
    connection: &Connection,
    stream: &StreamId,
    external_id: &str,
) -> Result<Option<ClaimRecord>, Error> {
    let mut select = connection.prepare_cached(FIND)?;
    let key = named_params! {
        ":domain": stream.domain.as_str(),
        ":root": stream.root.as_bytes(),
        ":external_id": external_id,
    };
    select.query_row(key, record).optional()
}

/// Claims in the order of their streams' ids and keys, after one if given.
pub(crate) fn list(
    connection: &Connection,
    after: Option<&(StreamId, String)>,
    limit: usize,
) -> Result<Vec<KeyedClaim>, Error> {
    let mut claims = Vec::new();
    let first = after.map(|(stream, _)| &stream.domain);
    for (id, domain) in streams::domains(connection)? {
        if first.is_some_and(|first| domain < *first) {
            continue;
        }
        let after = after.filter(|(stream, _)| stream.domain == domain);
        list_domain(connection, (id, &domain), after, limit, &mut claims)?;
    }
    Ok(claims)
}

fn list_domain(
    connection: &Connection,
    (id, domain): (i64, &Domain),
    after: Option<&(StreamId, String)>,
    limit: usize,
    claims: &mut Vec<KeyedClaim>,
) -> Result<(), Error> {
    let left = row::limit_column(limit.saturating_sub(claims.len()));
    // An empty blob is less than every root.
    let (root, key) = after.map_or((&[][..], ""), |(stream, key)| {
        (&stream.root.as_bytes()[..], key.as_str())
    });
    let mut select = connection.prepare_cached(NEXT)?;
    let mut rows = select.query(
        named_params! { ":domain": id, ":root": root, ":external_id": key, ":limit": left },
    )?;
    while let Some(row) = rows.next()? {
        claims.push(KeyedClaim {
            stream: StreamId::new(domain.clone(), row::uuid(row, "root")?),
            external_id: row::text(row, "external_id")?.to_owned(),
            record: record(row)?,
        });
    }
    Ok(())
}

fn record(row: &Row<'_>) -> Result<ClaimRecord, Error> {
    let record = claim_record(row::bytes(row, 0)?, row::text(row, "first_result")?);
    record.map_err(|error| row::unreadable(0, Type::Text, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page costs what it holds, wherever it begins.
    #[tokio::test]
    async fn a_page_is_looked_up_in_the_index() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("claims.db");
        drop(crate::SqliteStore::open_file(&path).await.unwrap());
        let connection = Connection::open(&path).unwrap();
        let explain = format!("EXPLAIN QUERY PLAN {NEXT}");
        let mut plan = connection.prepare(&explain).unwrap();
        let steps = plan.query_map((1, &[0u8; 16][..], "k", 10), |row| row.get(3));
        let steps: Vec<String> = steps.unwrap().map(Result::unwrap).collect();
        assert_eq!(
            steps,
            ["SEARCH seriatim_claims USING PRIMARY KEY (domain=? AND (root,external_id)>(?,?))"]
        );
    }
}
