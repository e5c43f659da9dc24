//! Listing streams: as many steps in the index as the list is long, however many events there are.

use std::cmp::Ordering;

use rusqlite::{Connection, Error, named_params};
use seriatim_core::{Domain, StreamId, StreamSummary, Timestamp};

use crate::row;

/// The last event of the first stream of a domain after a root.
const NEXT: &str = "
    SELECT root, sequence, recorded_at FROM seriatim_events
    WHERE domain = :domain AND root = (
        SELECT root FROM seriatim_events
        WHERE domain = :domain AND root > :after
        ORDER BY root LIMIT 1)
    ORDER BY sequence DESC LIMIT 1";

/// Streams in the order of their ids; of one domain if given, after a stream if given.
pub(crate) fn list(
    connection: &Connection,
    domain: Option<&Domain>,
    after: Option<&StreamId>,
    limit: usize,
) -> Result<Vec<StreamSummary>, Error> {
    let mut summaries = Vec::new();
    for (id, name) in domains(connection)? {
        if domain.is_some_and(|domain| *domain != name) {
            continue;
        }
        let order = after.map_or(Ordering::Less, |after| after.domain.cmp(&name));
        let after = match (order, after) {
            (Ordering::Greater, _) => continue,
            (Ordering::Equal, Some(after)) => after.root.as_bytes().to_vec(),
            // Less than every root.
            (Ordering::Equal | Ordering::Less, _) => Vec::new(),
        };
        list_domain(connection, (id, &name), after, limit, &mut summaries)?;
    }
    Ok(summaries)
}

fn list_domain(
    connection: &Connection,
    (id, domain): (i64, &Domain),
    mut after: Vec<u8>,
    limit: usize,
    summaries: &mut Vec<StreamSummary>,
) -> Result<(), Error> {
    let mut next = connection.prepare_cached(NEXT)?;
    while summaries.len() < limit {
        let mut rows = next.query(named_params! { ":domain": id, ":after": after })?;
        let Some(row) = rows.next()? else { break };
        let root = row::uuid(row, "root")?;
        after = root.as_bytes().to_vec();
        summaries.push(StreamSummary {
            stream: StreamId::new(domain.clone(), root),
            current: row::sequence(row, "sequence")?,
            recorded_at: Timestamp::from_micros(row.get("recorded_at")?),
        });
    }
    Ok(())
}

/// All domains with their numbers, by name.
pub(crate) fn domains(connection: &Connection) -> Result<Vec<(i64, Domain)>, Error> {
    let mut select =
        connection.prepare_cached("SELECT id, name FROM seriatim_domains ORDER BY name")?;
    let rows = select.query_map([], |row| Ok((row.get("id")?, row::domain(row, "name")?)))?;
    rows.collect()
}
