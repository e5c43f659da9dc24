//! What a batch has to know before it is decided, in one statement: current sequences, and claims that were spent.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use seriatim_core::{Append, ClaimRecord, ContentHash, Domain, Sequence, StreamId, Write};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Error, PgConnection, Row};
use uuid::Uuid;

use crate::known::Known;
use crate::manner::Manner;
use crate::plan::Found;

/// The statements, for one schema.
pub(crate) struct Texts {
    manner: Manner,
    find_domains: Arc<str>,
    insert_domains: Arc<str>,
    look: Arc<str>,
}

impl Texts {
    pub(crate) fn of(schema: &str, manner: Manner) -> Self {
        Self {
            manner,
            find_domains: format!(
                "SELECT name, id FROM {schema}.seriatim_domains WHERE name = ANY($1)"
            )
            .into(),
            insert_domains: format!(
                "INSERT INTO {schema}.seriatim_domains (name) SELECT unnest($1::text[])
                 ON CONFLICT DO NOTHING"
            )
            .into(),
            look: format!(
                "SELECT s.place, e.current, NULL::bytea AS content, NULL::text AS first_result
                 FROM unnest($1::smallint[], $2::uuid[]) WITH ORDINALITY AS s (domain, root, place)
                 CROSS JOIN LATERAL (
                     SELECT max(sequence) AS current FROM {schema}.seriatim_events
                     WHERE domain = s.domain AND root = s.root
                 ) AS e
                 UNION ALL
                 SELECT s.place, NULL, c.content, c.first_result
                 FROM unnest($3::smallint[], $4::uuid[], $5::bytea[])
                     WITH ORDINALITY AS s (domain, root, external_id, place)
                 JOIN {schema}.seriatim_claims AS c USING (domain, root, external_id)"
            )
            .into(),
        }
    }

    /// Numbers for the domains that have none yet, and whether there were such. A domain that only refused appends
    /// name gets one too: it does no harm, and there are few.
    pub(crate) async fn domains<'a>(
        &self,
        connection: &mut PgConnection,
        known: &mut Known,
        appends: impl Iterator<Item = &'a Append>,
    ) -> Result<bool, Error> {
        // In one order: else the writers of two partitions that make the same ones could wait for each other.
        let unknown: BTreeSet<&str> = appends
            .map(|append| &append.stream.domain)
            .filter(|domain| known.domain(domain).is_none())
            .map(Domain::as_str)
            .collect();
        if unknown.is_empty() {
            return Ok(false);
        }
        let unknown: Vec<String> = unknown.into_iter().map(str::to_owned).collect();
        let insert = sqlx::query(AssertSqlSafe(self.insert_domains.clone())).bind(&unknown);
        let insert = self.manner.in_transaction(insert);
        insert.execute(&mut *connection).await?;
        let find = sqlx::query(AssertSqlSafe(self.find_domains.clone())).bind(&unknown);
        let find = self.manner.in_transaction(find);
        let rows = find.fetch_all(connection).await?;
        for row in rows {
            let name: &str = row.try_get(0)?;
            let domain = Domain::new(name).map_err(|error| Error::Decode(error.into()))?;
            known.learn_domain(domain, row.try_get(1)?);
        }
        Ok(true)
    }

    /// To be asked under the lock of the head, after [`Texts::domains`].
    pub(crate) async fn streams_and_claims<'a>(
        &self,
        connection: &mut PgConnection,
        known: &Known,
        appends: impl Iterator<Item = &'a Append>,
    ) -> Result<Found, Error> {
        let mut wanted = Wanted::default();
        for append in appends {
            wanted.note(known, append);
        }
        if wanted.streams.is_empty() && wanted.claims.is_empty() {
            return Ok(Found::default());
        }
        let look = sqlx::query(AssertSqlSafe(self.look.clone()))
            .bind(wanted.stream_domains)
            .bind(
                wanted
                    .streams
                    .iter()
                    .map(|stream| stream.root)
                    .collect::<Vec<_>>(),
            )
            .bind(wanted.claim_domains)
            .bind(
                wanted
                    .claims
                    .iter()
                    .map(|(stream, _)| stream.root)
                    .collect::<Vec<Uuid>>(),
            )
            .bind(
                wanted
                    .claims
                    .iter()
                    .map(|(_, id)| id.as_bytes())
                    .collect::<Vec<_>>(),
            );
        let look = self.manner.in_transaction(look);
        let rows = look.fetch_all(connection).await?;
        let mut found = Found::default();
        for row in &rows {
            let place: i64 = row.try_get(0)?;
            let index = usize::try_from(place - 1).map_err(|error| Error::Decode(error.into()))?;
            match claim(row)? {
                Some(record) => {
                    let (stream, id) = wanted.claims[index];
                    found.claims.insert((stream.clone(), id.to_owned()), record);
                }
                None => {
                    let current: Option<i32> = row.try_get(1)?;
                    let current = current.map(|sequence| Sequence(sequence.cast_unsigned()));
                    found
                        .currents
                        .insert(wanted.streams[index].clone(), current);
                }
            }
        }
        Ok(found)
    }
}

/// Each stream and each external id once, with the numbers of their domains.
#[derive(Default)]
struct Wanted<'a> {
    streams: Vec<&'a StreamId>,
    stream_domains: Vec<i16>,
    claims: Vec<(&'a StreamId, &'a str)>,
    claim_domains: Vec<i16>,
    seen: HashMap<&'a StreamId, HashSet<Option<&'a str>>>,
}

impl<'a> Wanted<'a> {
    fn note(&mut self, known: &Known, append: &'a Append) {
        let stream = &append.stream;
        let domain = known
            .domain(&stream.domain)
            .expect("the domains were looked up before");
        let seen = self.seen.entry(stream).or_default();
        let looks = matches!(append.write, Write::Events { .. });
        if looks && known.current(stream).is_none() && seen.insert(None) {
            self.streams.push(stream);
            self.stream_domains.push(domain);
        }
        if let Some(claim) = &append.claim
            && seen.insert(Some(&claim.external_id))
        {
            self.claims.push((stream, &claim.external_id));
            self.claim_domains.push(domain);
        }
    }
}

/// The columns `content` and `first_result`, beginning at the third.
fn claim(row: &PgRow) -> Result<Option<ClaimRecord>, Error> {
    let Some(content) = row.try_get::<Option<&[u8]>, _>(2)? else {
        return Ok(None);
    };
    claim_record(content, row.try_get(3)?).map(Some)
}

/// A claim from its two columns.
pub(crate) fn claim_record(content: &[u8], first_result: &str) -> Result<ClaimRecord, Error> {
    let content = content.try_into().map_err(|error| {
        let error: std::array::TryFromSliceError = error;
        Error::Decode(error.into())
    })?;
    let first = serde_json::from_str(first_result).map_err(|error| Error::Decode(error.into()))?;
    Ok(ClaimRecord {
        content: ContentHash(content),
        first,
    })
}
