//! The rows of a transaction as columns, and the one statement that writes them all.

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use seriatim_core::reading::checksum;
use seriatim_core::{
    Claim, Codec, CommandLetter, FirstResult, LogPartition, Metadata, NewEvent, Sequence, StreamId,
};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Postgres};
use uuid::Uuid;

use crate::append::memory::Head;
use crate::positions;
use crate::progress::checkpoint_sql::NOW;

/// The tables that a transaction writes to besides the head. Each combination is a statement of its own, because a
/// table to which nothing is written would still be opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Parts {
    events: bool,
    claims: bool,
    letters: bool,
    checks: bool,
}

const COMBINATIONS: usize = 16;

/// The statements that write to a partition, by their parts.
pub(crate) struct Writes {
    partition: LogPartition,
    texts: [Arc<str>; COMBINATIONS],
}

/// Columns, so that any number of rows are a fixed number of parameters.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// `true` if events get a checksum.
    checksums: bool,
    events: Events,
    claims: Claims,
    letters: Letters,
    checks: Checks,
}

#[derive(Debug, Default)]
struct Events {
    domains: Vec<i16>,
    roots: Vec<Uuid>,
    sequences: Vec<i32>,
    ids: Vec<Uuid>,
    types: Vec<String>,
    codecs: Vec<i16>,
    metadata: Vec<Option<Arc<str>>>,
    data: Vec<Bytes>,
    checksums: Vec<Option<i64>>,
    last_metadata: Option<(Arc<Metadata>, Option<Arc<str>>)>,
}

#[derive(Debug, Default)]
struct Claims {
    domains: Vec<i16>,
    roots: Vec<Uuid>,
    external_ids: Vec<Vec<u8>>,
    contents: Vec<Vec<u8>>,
    first_results: Vec<String>,
}

#[derive(Debug, Default)]
struct Letters {
    ids: Vec<Uuid>,
    domains: Vec<String>,
    roots: Vec<Uuid>,
    statuses: Vec<String>,
    bodies: Vec<String>,
    faults: Vec<String>,
}

/// Streams whose last event was assumed.
#[derive(Debug, Default)]
struct Checks {
    domains: Vec<i16>,
    roots: Vec<Uuid>,
    currents: Vec<Option<i32>>,
    lasts: Vec<Option<Uuid>>,
}

impl Rows {
    pub(crate) fn new(checksums: bool) -> Self {
        Self {
            checksums,
            ..Self::default()
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts() == Parts::default()
    }

    pub(crate) fn events(
        &mut self,
        domain: i16,
        stream: &StreamId,
        first: Sequence,
        new: &[NewEvent],
    ) {
        let columns = &mut self.events;
        for (sequence, event) in (first.0..).zip(new) {
            columns.domains.push(domain);
            columns.roots.push(stream.root);
            columns.sequences.push(sequence.cast_signed());
            columns.ids.push(event.id);
            columns.types.push(event.payload.type_name.clone().into());
            columns.codecs.push(match event.payload.codec {
                Codec::Json => 0,
                Codec::Protobuf => 1,
            });
            let metadata = columns.encode(&event.metadata);
            let checksum = self.checksums.then(|| {
                let sequence = Sequence(sequence);
                checksum(
                    stream,
                    sequence,
                    event.id,
                    &event.payload,
                    metadata.as_deref(),
                )
            });
            columns.checksums.push(checksum.map(u64::cast_signed));
            columns.metadata.push(metadata);
            columns.data.push(event.payload.data.clone());
        }
    }

    pub(crate) fn claim(&mut self, domain: i16, root: Uuid, claim: &Claim, first: &FirstResult) {
        let columns = &mut self.claims;
        columns.domains.push(domain);
        columns.roots.push(root);
        columns.external_ids.push(claim.external_id.clone().into());
        columns.contents.push(claim.content.0.to_vec());
        columns.first_results.push(json(first));
    }

    pub(crate) fn letter(&mut self, letter: &CommandLetter) {
        let columns = &mut self.letters;
        let stream = letter.stream();
        columns.ids.push(letter.id);
        columns.domains.push(stream.domain.as_str().to_owned());
        columns.roots.push(stream.root);
        columns.statuses.push(letter.status.as_str().to_owned());
        columns.bodies.push(json(letter));
        columns.faults.push(letter.fault());
    }

    pub(crate) fn check(
        &mut self,
        domain: i16,
        root: Uuid,
        current: Option<Sequence>,
        last: Option<Uuid>,
    ) {
        let columns = &mut self.checks;
        columns.domains.push(domain);
        columns.roots.push(root);
        columns
            .currents
            .push(current.map(|sequence| sequence.0.cast_signed()));
        columns.lasts.push(last);
    }

    fn parts(&self) -> Parts {
        Parts {
            events: !self.events.ids.is_empty(),
            claims: !self.claims.roots.is_empty(),
            letters: !self.letters.ids.is_empty(),
            checks: !self.checks.roots.is_empty(),
        }
    }

    /// Returns the statement that moves the head from `before` to `after` and writes everything, or nothing.
    ///
    /// It returns a row with the time if it wrote. It returns no row if the head or a checked stream is not as assumed.
    pub(crate) fn statement(
        &self,
        writes: &Writes,
        before: Head,
        after: Head,
    ) -> Query<'static, Postgres, PgArguments> {
        let parts = self.parts();
        let sql = writes.texts[parts.index()].clone();
        let mut query = sqlx::query(AssertSqlSafe(sql))
            .bind(before.revision)
            .bind(before.batch)
            .bind(positions::position_column(after.position))
            .bind(after.batch);
        if parts.events {
            let events = &self.events;
            query = query
                .bind(positions::column(writes.partition, before.position))
                .bind(&events.domains)
                .bind(&events.roots)
                .bind(&events.sequences)
                .bind(&events.ids)
                .bind(&events.types)
                .bind(&events.codecs)
                .bind(
                    events
                        .metadata
                        .iter()
                        .map(Option::as_deref)
                        .collect::<Vec<_>>(),
                )
                .bind(
                    events
                        .data
                        .iter()
                        .map(AsRef::as_ref)
                        .collect::<Vec<&[u8]>>(),
                )
                .bind(&events.checksums);
        }
        if parts.claims {
            let claims = &self.claims;
            query = query
                .bind(&claims.domains)
                .bind(&claims.roots)
                .bind(&claims.external_ids)
                .bind(&claims.contents)
                .bind(&claims.first_results);
        }
        if parts.letters {
            let letters = &self.letters;
            query = query
                .bind(&letters.ids)
                .bind(&letters.domains)
                .bind(&letters.roots)
                .bind(&letters.statuses)
                .bind(&letters.bodies)
                .bind(&letters.faults);
        }
        if parts.checks {
            let checks = &self.checks;
            query = query
                .bind(&checks.domains)
                .bind(&checks.roots)
                .bind(&checks.currents)
                .bind(&checks.lasts);
        }
        query
    }
}

impl Events {
    /// Serialised once for all events that share it.
    fn encode(&mut self, metadata: &Arc<Metadata>) -> Option<Arc<str>> {
        match &self.last_metadata {
            Some((last, text)) if Arc::ptr_eq(last, metadata) => text.clone(),
            _ => {
                let is_empty = **metadata == Metadata::default();
                let text = (!is_empty).then(|| json(metadata.as_ref()).into());
                self.last_metadata = Some((metadata.clone(), text.clone()));
                text
            }
        }
    }
}

/// The vocabulary has only text, numbers and ids.
fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("the vocabulary can be written as JSON")
}

impl Parts {
    fn index(self) -> usize {
        usize::from(self.events)
            | usize::from(self.claims) << 1
            | usize::from(self.letters) << 2
            | usize::from(self.checks) << 3
    }

    fn from_index(index: usize) -> Self {
        Self {
            events: index & 1 != 0,
            claims: index & 2 != 0,
            letters: index & 4 != 0,
            checks: index & 8 != 0,
        }
    }

    /// Returns the SQL. The parameters are numbered in the order of [`Rows::statement`].
    ///
    /// The update comes first and is the lock. A writer that waited there for another one sees the revision that the
    /// other one has left, finds it changed, and writes nothing. So it does not matter that the rest of the statement
    /// sees the log as it was before the wait: if the revision is the remembered one, nothing has changed since.
    fn sql(self, schema: &str, partition: LogPartition) -> String {
        let mut parameter = 4;
        let mut next = || {
            parameter += 1;
            format!("${parameter}")
        };
        let mut parts = String::new();
        if self.events {
            let _ = write!(
                parts,
                ", events AS (
    INSERT INTO {schema}.seriatim_events
        (position, recorded_at, sequence, domain, codec, root, id, type, metadata, data, checksum)
    SELECT {}::bigint + e.place, head.time, e.sequence, e.domain, e.codec, e.root, e.id, e.type, e.metadata, e.data,
        e.checksum
    FROM head, unnest({}::smallint[], {}::uuid[], {}::integer[], {}::uuid[], {}::text[], {}::smallint[],
        {}::text[], {}::bytea[], {}::bigint[])
        WITH ORDINALITY AS e (domain, root, sequence, id, type, codec, metadata, data, checksum, place)
)",
                next(), next(), next(), next(), next(), next(), next(), next(), next(), next(),
            );
        }
        if self.claims {
            let _ = write!(
                parts,
                ", claims AS (
    INSERT INTO {schema}.seriatim_claims (domain, root, external_id, content, first_result)
    SELECT c.* FROM head, unnest({}::smallint[], {}::uuid[], {}::bytea[], {}::bytea[], {}::text[]) AS c
)",
                next(), next(), next(), next(), next(),
            );
        }
        if self.letters {
            // A letter that already exists may have been decided about, so it stays as it is.
            let _ = write!(
                parts,
                ", letters AS (
    INSERT INTO {schema}.seriatim_dead_letters (id, domain, root, status, body, fault)
    SELECT l.* FROM head, unnest({}::uuid[], {}::text[], {}::uuid[], {}::text[], {}::text[], {}::text[]) AS l
    ON CONFLICT DO NOTHING
)",
                next(),
                next(),
                next(),
                next(),
                next(),
                next(),
            );
        }
        // A count instead of EXISTS, because EXISTS could be planned as a join that reads all events.
        let checks = match self.checks {
            true => format!(
                "
    AND 0 = (
        SELECT count(*)
        FROM unnest({}::smallint[], {}::uuid[], {}::integer[], {}::uuid[]) AS c (domain, root, current, last)
        LEFT JOIN LATERAL (
            SELECT sequence, id FROM {schema}.seriatim_events
            WHERE domain = c.domain AND root = c.root ORDER BY sequence DESC LIMIT 1
        ) AS e ON true
        WHERE e.sequence IS DISTINCT FROM c.current OR e.id <> c.last
    )",
                next(), next(), next(), next(),
            ),
            false => String::new(),
        };
        // The clock of a server may be set back, and a standby has another clock; times in the log never decrease. Only
        // events move them.
        let now = format!("greatest(recorded_at, {NOW})");
        let (set, time) = match self.events {
            true => (format!("recorded_at = {now}, "), "recorded_at"),
            false => (String::new(), now.as_str()),
        };
        format!(
            "WITH head AS (
    UPDATE {schema}.seriatim_log_head
    SET {set}position = $3, revision = revision + 1, batch = $4
    WHERE partition = {partition} AND revision = $1 AND batch = $2{checks}
    RETURNING {time} AS time
){parts}
SELECT time FROM head"
        )
    }
}

impl Writes {
    pub(crate) fn of(schema: &str, partition: LogPartition) -> Self {
        let text = |index| Parts::from_index(index).sql(schema, partition).into();
        Self {
            partition,
            texts: std::array::from_fn(text),
        }
    }
}
