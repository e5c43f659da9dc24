//! Looks up, in one statement, what must be known before a batch is decided: current sequences, and used claims.

use std::collections::{BTreeSet, HashMap, HashSet};

use seriatim_core::{Append, ClaimRecord, Domain, Sequence, StreamId};
use seriatim_store_sql::claim_record;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Error, PgConnection, Row};

use crate::append::memory::Memory;
use crate::append::plan::Found;
use crate::opening::pooling::Pooling;
use crate::row;
use crate::statement::{Schema, Statement};

/// The largest number of a domain: what the column holds.
const LAST_DOMAIN: i16 = i16::MAX;

/// The log has no number left for a further domain.
#[derive(Debug, thiserror::Error)]
#[error(
    "the domain `{0}` gets no number, because all {LAST_DOMAIN} are taken; begin a log in another `schema`"
)]
struct NoNumberLeft(String);

const FIND_DOMAINS: &str = "SELECT name, id FROM seriatim_domains WHERE name = ANY($1)";

const LOCK_DOMAINS: &str = "LOCK TABLE seriatim_domains IN SHARE ROW EXCLUSIVE MODE";

/// Assigns the smallest free numbers up to `$2`. They do not come from a sequence, because a sequence uses up a number
/// whenever it is asked, even if nothing is inserted then.
const INSERT_DOMAINS: &str = "
    INSERT INTO seriatim_domains (id, name)
    SELECT free.id, new.name
    FROM (
        SELECT name, row_number() OVER (ORDER BY name) AS number
        FROM unnest($1::text[]) AS given (name)
        WHERE NOT EXISTS (SELECT FROM seriatim_domains AS d WHERE d.name = given.name)
    ) AS new
    JOIN (
        SELECT id, row_number() OVER (ORDER BY id) AS number
        FROM (
            SELECT given.id FROM generate_series(1, $2) AS given (id)
            WHERE NOT EXISTS (SELECT FROM seriatim_domains AS d WHERE d.id = given.id)
            ORDER BY given.id LIMIT cardinality($1::text[])
        ) AS first
    ) AS free USING (number)";

/// Returns the last event of each stream, and each claim that exists, with their places among the parameters.
const LOOK: &str = "
    SELECT s.number, e.sequence, e.id, NULL::bytea AS content, NULL::text AS first_result
    FROM unnest($1::smallint[], $2::uuid[]) WITH ORDINALITY AS s (domain, root, number)
    LEFT JOIN LATERAL (
        SELECT sequence, id FROM seriatim_events
        WHERE domain = s.domain AND root = s.root
        ORDER BY sequence DESC LIMIT 1
    ) AS e ON true
    UNION ALL
    SELECT s.number, NULL, NULL, c.content, c.first_result
    FROM unnest($3::smallint[], $4::uuid[], $5::bytea[]) WITH ORDINALITY AS s (domain, root, external_id, number)
    JOIN seriatim_claims AS c USING (domain, root, external_id)";

/// Runs the statements, in transactions of a writer.
pub(crate) struct Lookup {
    pooling: Pooling,
    schema: Schema,
}

impl Lookup {
    pub(crate) fn new(schema: &str, pooling: Pooling) -> Self {
        Self {
            pooling,
            schema: Schema::new(schema),
        }
    }

    fn statement(&self, sql: &str) -> Statement {
        self.pooling.in_transaction(self.schema.statement(sql))
    }

    /// Learns the numbers of the domains that are not known, and gives a number to each domain that has none. A domain
    /// that only a refused append names gets one too; this does no harm, because there are few domains.
    ///
    /// Fails with [`NoNumberLeft`] if there are more domains than numbers.
    pub(crate) async fn domains<'a>(
        &self,
        connection: &mut PgConnection,
        memory: &mut Memory,
        appends: impl Iterator<Item = &'a Append>,
    ) -> Result<(), Error> {
        let unknown: BTreeSet<&Domain> = appends
            .flat_map(|append| {
                let beside = append.beside.iter().map(|write| &write.stream);
                beside.chain([&append.stream])
            })
            .map(|stream| &stream.domain)
            .filter(|domain| memory.domain(domain).is_none())
            .collect();
        self.find_domains(connection, memory, &unknown).await?;
        let new: BTreeSet<&Domain> = (unknown.into_iter())
            .filter(|domain| memory.domain(domain).is_none())
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        // Only the holder of the lock assigns numbers.
        let lock = sqlx::raw_sql(AssertSqlSafe(self.schema.text(LOCK_DOMAINS)));
        lock.execute(&mut *connection).await?;
        let insert = self.statement(INSERT_DOMAINS).bind(names(&new));
        let insert = insert.bind(i32::from(LAST_DOMAIN));
        insert.execute(&mut *connection).await?;
        self.find_domains(connection, memory, &new).await?;
        match new.iter().find(|domain| memory.domain(domain).is_none()) {
            None => Ok(()),
            Some(domain) => Err(Error::Encode(NoNumberLeft(domain.to_string()).into())),
        }
    }

    /// Learns the numbers of the domains that have one.
    async fn find_domains(
        &self,
        connection: &mut PgConnection,
        memory: &mut Memory,
        domains: &BTreeSet<&Domain>,
    ) -> Result<(), Error> {
        if domains.is_empty() {
            return Ok(());
        }
        let find = self.statement(FIND_DOMAINS).bind(names(domains));
        for row in find.fetch_all(connection).await? {
            let domain = Domain::new(row.try_get("name")?).map_err(row::unreadable)?;
            memory.learn_domain(domain, row.try_get("id")?);
        }
        Ok(())
    }

    /// Must be called under the lock of the head, after [`Lookup::domains`].
    pub(crate) async fn streams_and_claims<'a>(
        &self,
        connection: &mut PgConnection,
        memory: &Memory,
        appends: impl Iterator<Item = &'a Append>,
    ) -> Result<Found, Error> {
        let mut wanted = Wanted::default();
        for append in appends {
            wanted.note(memory, append);
        }
        if wanted.streams.is_empty() && wanted.claims.is_empty() {
            return Ok(Found::default());
        }
        let (streams, claims) = (|| wanted.streams.iter(), || wanted.claims.iter());
        let look = self
            .statement(LOOK)
            .bind(&wanted.stream_domains)
            .bind(Vec::from_iter(streams().map(|stream| stream.root)))
            .bind(&wanted.claim_domains)
            .bind(Vec::from_iter(claims().map(|(stream, _)| stream.root)))
            .bind(Vec::from_iter(claims().map(|(_, id)| id.as_bytes())));
        let rows = look.fetch_all(connection).await?;
        let mut found = Found::default();
        for row in &rows {
            let number: i64 = row.try_get("number")?;
            let index = usize::try_from(number - 1).map_err(row::unreadable)?;
            match claim(row)? {
                Some(record) => {
                    let (stream, id) = wanted.claims[index];
                    found.claims.insert((stream.clone(), id.to_owned()), record);
                }
                None => {
                    let sequence: Option<i32> = row.try_get("sequence")?;
                    let sequence = sequence.map(|sequence| Sequence(sequence.cast_unsigned()));
                    let last = sequence.zip(row.try_get("id")?);
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
    fn note(&mut self, memory: &Memory, append: &'a Append) {
        let domain = |stream: &StreamId| {
            let number = memory.domain(&stream.domain);
            number.expect("the domains were looked up before")
        };
        for part in append.parts() {
            let seen = self.seen.entry(part.stream).or_default();
            if memory.last(part.stream).is_none() && seen.insert(None) {
                self.streams.push(part.stream);
                self.stream_domains.push(domain(part.stream));
            }
        }
        let stream = &append.stream;
        for claim in append.claims() {
            if (self.seen.entry(stream).or_default()).insert(Some(&claim.external_id)) {
                self.claims.push((stream, &claim.external_id));
                self.claim_domains.push(domain(stream));
            }
        }
    }
}

fn claim(row: &PgRow) -> Result<Option<ClaimRecord>, Error> {
    let Some(content) = row.try_get::<Option<&[u8]>, _>("content")? else {
        return Ok(None);
    };
    let record = claim_record(content, row.try_get("first_result")?);
    record.map(Some).map_err(row::unreadable)
}
