//! Looks up, in one statement, what must be known before a batch is decided: current sequences, and used claims.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use seriatim_core::{Append, ClaimRecord, ContentHash, Domain, Sequence, StreamId};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Error, PgConnection, Row};
use uuid::Uuid;

use crate::known::Known;
use crate::plan::Found;
use crate::pooling::Pooling;

/// The largest number of a domain: what the column holds.
const LAST_DOMAIN: i16 = i16::MAX;

/// The log has no number left for a further domain.
#[derive(Debug, thiserror::Error)]
#[error(
    "the domain `{0}` gets no number, because all {LAST_DOMAIN} are taken; begin a log in another `schema`"
)]
struct NoNumberLeft(String);

/// The statements, for one schema.
pub(crate) struct Texts {
    pooling: Pooling,
    find_domains: Arc<str>,
    lock_domains: Arc<str>,
    insert_domains: Arc<str>,
    look: Arc<str>,
}

impl Texts {
    pub(crate) fn of(schema: &str, pooling: Pooling) -> Self {
        Self {
            pooling,
            find_domains: format!(
                "SELECT name, id FROM {schema}.seriatim_domains WHERE name = ANY($1)"
            )
            .into(),
            lock_domains: format!(
                "LOCK TABLE {schema}.seriatim_domains IN SHARE ROW EXCLUSIVE MODE"
            )
            .into(),
            // The smallest free numbers. They do not come from a sequence, because a sequence uses up a number whenever
            // it is asked, even if nothing is inserted then.
            insert_domains: format!(
                "INSERT INTO {schema}.seriatim_domains (id, name)
                 SELECT free.id, new.name
                 FROM (
                     SELECT name, row_number() OVER (ORDER BY name) AS place
                     FROM unnest($1::text[]) AS given (name)
                     WHERE NOT EXISTS (SELECT FROM {schema}.seriatim_domains AS d WHERE d.name = given.name)
                 ) AS new
                 JOIN (
                     SELECT id, row_number() OVER (ORDER BY id) AS place
                     FROM (
                         SELECT number AS id FROM generate_series(1, {LAST_DOMAIN}) AS number
                         WHERE NOT EXISTS (SELECT FROM {schema}.seriatim_domains AS d WHERE d.id = number)
                         ORDER BY number LIMIT cardinality($1::text[])
                     ) AS first
                 ) AS free USING (place)"
            )
            .into(),
            look: format!(
                "SELECT s.place, e.sequence, e.id, NULL::bytea AS content, NULL::text AS first_result
                 FROM unnest($1::smallint[], $2::uuid[]) WITH ORDINALITY AS s (domain, root, place)
                 LEFT JOIN LATERAL (
                     SELECT sequence, id FROM {schema}.seriatim_events
                     WHERE domain = s.domain AND root = s.root ORDER BY sequence DESC LIMIT 1
                 ) AS e ON true
                 UNION ALL
                 SELECT s.place, NULL, NULL, c.content, c.first_result
                 FROM unnest($3::smallint[], $4::uuid[], $5::bytea[])
                     WITH ORDINALITY AS s (domain, root, external_id, place)
                 JOIN {schema}.seriatim_claims AS c USING (domain, root, external_id)"
            )
            .into(),
        }
    }

    /// Learns the numbers of the domains that are not known, and gives a number to each domain that has none. A domain
    /// that only a refused append names gets one too; this does no harm, because there are few domains.
    ///
    /// Fails with [`NoNumberLeft`] if there are more domains than numbers.
    pub(crate) async fn domains<'a>(
        &self,
        connection: &mut PgConnection,
        known: &mut Known,
        appends: impl Iterator<Item = &'a Append>,
    ) -> Result<(), Error> {
        let unknown: BTreeSet<&Domain> = appends
            .flat_map(|append| {
                let beside = append.beside.iter().map(|write| &write.stream);
                beside.chain([&append.stream])
            })
            .map(|stream| &stream.domain)
            .filter(|domain| known.domain(domain).is_none())
            .collect();
        self.find_domains(connection, known, &unknown).await?;
        let new: BTreeSet<&Domain> = (unknown.into_iter())
            .filter(|domain| known.domain(domain).is_none())
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        // Only the holder of the lock assigns numbers.
        let lock = sqlx::raw_sql(AssertSqlSafe(self.lock_domains.clone()));
        lock.execute(&mut *connection).await?;
        let insert = sqlx::query(AssertSqlSafe(self.insert_domains.clone())).bind(names(&new));
        let insert = self.pooling.in_transaction(insert);
        insert.execute(&mut *connection).await?;
        self.find_domains(connection, known, &new).await?;
        match new.iter().find(|domain| known.domain(domain).is_none()) {
            None => Ok(()),
            Some(domain) => Err(Error::Encode(NoNumberLeft(domain.to_string()).into())),
        }
    }

    /// Learns the numbers of the domains that have one.
    async fn find_domains(
        &self,
        connection: &mut PgConnection,
        known: &mut Known,
        domains: &BTreeSet<&Domain>,
    ) -> Result<(), Error> {
        if domains.is_empty() {
            return Ok(());
        }
        let find = sqlx::query(AssertSqlSafe(self.find_domains.clone())).bind(names(domains));
        let find = self.pooling.in_transaction(find);
        for row in find.fetch_all(connection).await? {
            let name: &str = row.try_get(0)?;
            let domain = Domain::new(name).map_err(|error| Error::Decode(error.into()))?;
            known.learn_domain(domain, row.try_get(1)?);
        }
        Ok(())
    }

    /// Must be called under the lock of the head, after [`Texts::domains`].
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
        let look = self.pooling.in_transaction(look);
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
                    let sequence: Option<i32> = row.try_get(1)?;
                    let sequence = sequence.map(|sequence| Sequence(sequence.cast_unsigned()));
                    let last = sequence.zip(row.try_get(2)?);
                    found.lasts.insert(wanted.streams[index].clone(), last);
                }
            }
        }
        Ok(found)
    }
}

fn names(domains: &BTreeSet<&Domain>) -> Vec<String> {
    let names = domains.iter().map(|domain| domain.as_str().to_owned());
    names.collect()
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
        let domain = |stream: &StreamId| {
            let number = known.domain(&stream.domain);
            number.expect("the domains were looked up before")
        };
        for part in append.parts() {
            let seen = self.seen.entry(part.stream).or_default();
            if known.last(part.stream).is_none() && seen.insert(None) {
                self.streams.push(part.stream);
                self.stream_domains.push(domain(part.stream));
            }
        }
        let stream = &append.stream;
        if let Some(claim) = &append.claim
            && (self.seen.entry(stream).or_default()).insert(Some(&claim.external_id))
        {
            self.claims.push((stream, &claim.external_id));
            self.claim_domains.push(domain(stream));
        }
    }
}

/// The columns `content` and `first_result`, beginning at the fourth.
fn claim(row: &PgRow) -> Result<Option<ClaimRecord>, Error> {
    let Some(content) = row.try_get::<Option<&[u8]>, _>(3)? else {
        return Ok(None);
    };
    claim_record(content, row.try_get(4)?).map(Some)
}

/// Makes a claim from its two columns.
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
