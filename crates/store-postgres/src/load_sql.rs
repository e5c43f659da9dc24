//! The statements that load streams: one stream, or many at once.

use std::sync::Arc;

use seriatim_core::{Load, Sequence};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Postgres};
use uuid::Uuid;

use crate::row;

/// The statements for one schema. All return the columns `sequence, type, codec, data, id, shape`: the rows of a stream
/// in order, after a snapshot, which has no type. Statements for many streams also return which stream a row belongs
/// to, counted from 1.
pub(crate) struct Texts {
    one: Arc<str>,
    one_with_snapshot: Arc<str>,
    many: Arc<str>,
    many_with_snapshots: Arc<str>,
}

impl Texts {
    pub(crate) fn of(schema: &str) -> Self {
        let domain =
            |name| format!("(SELECT id FROM {schema}.seriatim_domains WHERE name = {name})");
        let events = |stream: Columns, after: &str, limit: &str| {
            format!(
                "SELECT sequence, type, codec, data, id, NULL::bigint AS shape FROM {schema}.seriatim_events
                 WHERE domain = {} AND root = {} AND sequence > {after} AND sequence <= {}
                 ORDER BY sequence LIMIT {limit}",
                domain(stream.domain),
                stream.root,
                stream.through
            )
        };
        // A restored backup may have lost the event that a snapshot was made at.
        let newest = |stream: Columns| {
            format!(
                "SELECT s.sequence, s.shape, s.event, s.state FROM {schema}.seriatim_snapshots AS s
                 WHERE s.domain = {} AND s.root = {} AND s.sequence <= {} AND s.fingerprint = {}
                 AND EXISTS (SELECT FROM {schema}.seriatim_events AS e WHERE e.domain = s.domain
                             AND e.root = s.root AND e.sequence = s.sequence
                             AND e.id = s.event)
                 ORDER BY s.sequence DESC LIMIT 1",
                domain(stream.domain),
                stream.root,
                stream.through,
                stream.fingerprint
            )
        };
        let state = "SELECT sequence, NULL::text AS type, NULL::smallint AS codec, state AS data,
                     event AS id, shape";
        Self {
            one: events(PARAMETERS, "$4", "$5").into(),
            one_with_snapshot: format!(
                "WITH newest AS ({newest})
                 {state} FROM newest UNION ALL SELECT * FROM ({tail}) AS tail LIMIT $5",
                newest = newest(PARAMETERS),
                tail = events(
                    PARAMETERS,
                    "coalesce((SELECT sequence FROM newest), -1)",
                    "$5"
                ),
            )
            .into(),
            many: format!(
                "SELECT e.*, w.place
                 FROM unnest($1::text[], $2::uuid[], $3::integer[])
                     WITH ORDINALITY AS w (domain, root, through, place)
                 CROSS JOIN LATERAL ({}) AS e",
                events(WANTED, "-1", "$4")
            )
            .into(),
            many_with_snapshots: format!(
                "SELECT e.*, w.place
                 FROM unnest($1::text[], $2::uuid[], $3::integer[], $5::bigint[])
                     WITH ORDINALITY AS w (domain, root, through, fingerprint, place)
                 LEFT JOIN LATERAL ({newest}) AS newest ON true
                 CROSS JOIN LATERAL (
                     {state} WHERE sequence IS NOT NULL
                     UNION ALL SELECT * FROM ({tail}) AS tail LIMIT $4
                 ) AS e",
                newest = newest(WANTED),
                tail = events(WANTED, "coalesce(newest.sequence, -1)", "$4"),
            )
            .into(),
        }
    }

    /// Returns the first rows of a stream, or the rows after a sequence.
    pub(crate) fn one(
        &self,
        wanted: &Load,
        after: Option<Sequence>,
        limit: usize,
    ) -> Query<'static, Postgres, PgArguments> {
        let fingerprint = wanted.snapshots.filter(|_| after.is_none());
        let text = match fingerprint {
            None => &self.one,
            Some(_) => &self.one_with_snapshot,
        };
        let query = sqlx::query(AssertSqlSafe(text.clone()))
            .bind(wanted.stream.domain.as_str().to_owned())
            .bind(wanted.stream.root)
            .bind(through(wanted));
        match fingerprint {
            None => query.bind(after.map_or(-1, row::sequence_column)),
            Some(fingerprint) => query.bind(fingerprint.0.cast_signed()),
        }
        .bind(row::limit_column(limit))
    }

    /// Returns the first rows of each of many streams.
    pub(crate) fn many(
        &self,
        wanted: &[Load],
        limit: usize,
    ) -> Query<'static, Postgres, PgArguments> {
        let with_snapshots = wanted.iter().any(|load| load.snapshots.is_some());
        let text = match with_snapshots {
            false => &self.many,
            true => &self.many_with_snapshots,
        };
        let domains = wanted
            .iter()
            .map(|load| load.stream.domain.as_str().to_owned());
        let roots = wanted.iter().map(|load| load.stream.root);
        let query = sqlx::query(AssertSqlSafe(text.clone()))
            .bind(domains.collect::<Vec<_>>())
            .bind(roots.collect::<Vec<Uuid>>())
            .bind(wanted.iter().map(through).collect::<Vec<_>>())
            .bind(row::limit_column(limit));
        if !with_snapshots {
            return query;
        }
        let fingerprint = |load: &Load| load.snapshots.map(|type_| type_.0.cast_signed());
        query.bind(wanted.iter().map(fingerprint).collect::<Vec<_>>())
    }
}

fn through(wanted: &Load) -> i32 {
    row::sequence_column(wanted.through.unwrap_or(Sequence::MAX))
}

/// The expressions for a load in a statement.
#[derive(Clone, Copy)]
struct Columns {
    domain: &'static str,
    root: &'static str,
    through: &'static str,
    fingerprint: &'static str,
}

/// Those of a statement for one stream.
const PARAMETERS: Columns = Columns {
    domain: "$1",
    root: "$2",
    through: "$3",
    fingerprint: "$4",
};

/// Those of a statement for many streams.
const WANTED: Columns = Columns {
    domain: "w.domain",
    root: "w.root",
    through: "w.through",
    fingerprint: "w.fingerprint",
};
