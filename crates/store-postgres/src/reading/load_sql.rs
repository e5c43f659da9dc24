//! The statements that load streams: one stream, or many at once.
//!
//! All return the columns `sequence, type, codec, data, id, shape`: the rows of a stream in order, after a snapshot, which
//! has no type. Statements for many streams also return the number of the stream that a row belongs to, counted from 1.
//!
//! A snapshot counts only if the stream has its event: a restored backup may have lost that.

use std::sync::Arc;

use seriatim_core::{Load, Sequence};
use sqlx::AssertSqlSafe;

use crate::row;
use crate::statement::{Schema, Statement};

const ONE: &str = "
    SELECT sequence, type, codec, data, id, NULL::bigint AS shape FROM seriatim_events
    WHERE domain = (SELECT id FROM seriatim_domains WHERE name = $1) AND root = $2
        AND sequence > $4 AND sequence <= $3
    ORDER BY sequence LIMIT $5";

const ONE_WITH_SNAPSHOT: &str = "
    WITH newest AS (
        SELECT s.sequence, s.shape, s.event, s.state FROM seriatim_snapshots AS s
        WHERE s.domain = (SELECT id FROM seriatim_domains WHERE name = $1) AND s.root = $2
            AND s.sequence <= $3 AND s.fingerprint = $4
            AND EXISTS (SELECT FROM seriatim_events AS e
                        WHERE e.domain = s.domain AND e.root = s.root AND e.sequence = s.sequence AND e.id = s.event)
        ORDER BY s.sequence DESC LIMIT 1
    )
    SELECT sequence, NULL::text AS type, NULL::smallint AS codec, state AS data, event AS id, shape FROM newest
    UNION ALL
    SELECT * FROM (
        SELECT sequence, type, codec, data, id, NULL::bigint AS shape FROM seriatim_events
        WHERE domain = (SELECT id FROM seriatim_domains WHERE name = $1) AND root = $2
            AND sequence > coalesce((SELECT sequence FROM newest), -1) AND sequence <= $3
        ORDER BY sequence LIMIT $5
    ) AS tail
    LIMIT $5";

const MANY: &str = "
    SELECT e.*, w.number
    FROM unnest($1::text[], $2::uuid[], $3::integer[]) WITH ORDINALITY AS w (domain, root, through, number)
    CROSS JOIN LATERAL (
        SELECT sequence, type, codec, data, id, NULL::bigint AS shape FROM seriatim_events
        WHERE domain = (SELECT id FROM seriatim_domains WHERE name = w.domain) AND root = w.root
            AND sequence > -1 AND sequence <= w.through
        ORDER BY sequence LIMIT $4
    ) AS e";

const MANY_WITH_SNAPSHOTS: &str = "
    SELECT e.*, w.number
    FROM unnest($1::text[], $2::uuid[], $3::integer[], $5::bigint[])
        WITH ORDINALITY AS w (domain, root, through, fingerprint, number)
    LEFT JOIN LATERAL (
        SELECT s.sequence, s.shape, s.event, s.state FROM seriatim_snapshots AS s
        WHERE s.domain = (SELECT id FROM seriatim_domains WHERE name = w.domain) AND s.root = w.root
            AND s.sequence <= w.through AND s.fingerprint = w.fingerprint
            AND EXISTS (SELECT FROM seriatim_events AS e
                        WHERE e.domain = s.domain AND e.root = s.root AND e.sequence = s.sequence AND e.id = s.event)
        ORDER BY s.sequence DESC LIMIT 1
    ) AS newest ON true
    CROSS JOIN LATERAL (
        SELECT sequence, NULL::text AS type, NULL::smallint AS codec, state AS data, event AS id, shape
        WHERE sequence IS NOT NULL
        UNION ALL
        SELECT * FROM (
            SELECT sequence, type, codec, data, id, NULL::bigint AS shape FROM seriatim_events
            WHERE domain = (SELECT id FROM seriatim_domains WHERE name = w.domain) AND root = w.root
                AND sequence > coalesce(newest.sequence, -1) AND sequence <= w.through
            ORDER BY sequence LIMIT $4
        ) AS tail
        LIMIT $4
    ) AS e";

/// The statements for one schema. A load is what most commands wait for, so the texts are made only once.
pub(crate) struct Texts {
    one: Arc<str>,
    one_with_snapshot: Arc<str>,
    many: Arc<str>,
    many_with_snapshots: Arc<str>,
}

impl Texts {
    pub(crate) fn of(schema: &Schema) -> Self {
        Self {
            one: schema.text(ONE).into(),
            one_with_snapshot: schema.text(ONE_WITH_SNAPSHOT).into(),
            many: schema.text(MANY).into(),
            many_with_snapshots: schema.text(MANY_WITH_SNAPSHOTS).into(),
        }
    }

    /// Returns the first rows of a stream, or the rows after a sequence.
    pub(crate) fn one(&self, wanted: &Load, after: Option<Sequence>, limit: usize) -> Statement {
        let fingerprint = wanted.snapshots.filter(|_| after.is_none());
        let text = match fingerprint {
            None => &self.one,
            Some(_) => &self.one_with_snapshot,
        };
        let query = sqlx::query(AssertSqlSafe(Arc::clone(text)))
            .bind(wanted.stream.domain.as_str())
            .bind(wanted.stream.root)
            .bind(through(wanted));
        match fingerprint {
            None => query.bind(after.map_or(-1, row::sequence_column)),
            Some(fingerprint) => query.bind(fingerprint.0.cast_signed()),
        }
        .bind(row::limit_column(limit))
    }

    /// Returns the first rows of each of many streams.
    pub(crate) fn many(&self, wanted: &[Load], limit: usize) -> Statement {
        let with_snapshots = wanted.iter().any(|load| load.snapshots.is_some());
        let text = match with_snapshots {
            false => &self.many,
            true => &self.many_with_snapshots,
        };
        let streams = || wanted.iter().map(|load| &load.stream);
        let query = sqlx::query(AssertSqlSafe(Arc::clone(text)))
            .bind(Vec::from_iter(
                streams().map(|stream| stream.domain.as_str()),
            ))
            .bind(Vec::from_iter(streams().map(|stream| stream.root)))
            .bind(Vec::from_iter(wanted.iter().map(through)))
            .bind(row::limit_column(limit));
        if !with_snapshots {
            return query;
        }
        let fingerprint = |load: &Load| load.snapshots.map(|type_| type_.0.cast_signed());
        query.bind(Vec::from_iter(wanted.iter().map(fingerprint)))
    }
}

fn through(wanted: &Load) -> i32 {
    row::sequence_column(wanted.through.unwrap_or(Sequence::MAX))
}
