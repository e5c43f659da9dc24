//! The statements that read, or that write outside the log, for one schema.

use std::sync::Arc;

use seriatim_core::Snapshot;

use crate::{assignment, beginning_sql, checkpoint_sql, parked_sql, pause_sql, timer_sql};

/// Made only once; a connection prepares each when it first uses it.
pub(crate) struct Texts {
    pub(crate) head: Arc<str>,
    pub(crate) domains: Arc<str>,
    pub(crate) read_stream: Arc<str>,
    pub(crate) read_log: Arc<str>,
    pub(crate) find_claim: Arc<str>,
    pub(crate) claims_from_the_first: Arc<str>,
    pub(crate) claims_after: Arc<str>,
    pub(crate) streams_from_the_first: Arc<str>,
    pub(crate) streams_after: Arc<str>,
    pub(crate) save_snapshot: Arc<str>,
    pub(crate) drop_snapshots: Arc<str>,
    pub(crate) letter: Arc<str>,
    pub(crate) letters: Arc<str>,
    pub(crate) revise_letter: Arc<str>,
    pub(crate) checkpoints: checkpoint_sql::Texts,
    pub(crate) beginnings: beginning_sql::Texts,
    pub(crate) assignments: assignment::Texts,
    pub(crate) parked: parked_sql::Texts,
    pub(crate) pauses: pause_sql::Texts,
    pub(crate) timers: timer_sql::Texts,
}

/// The columns that [`crate::decoder`] reads before the last, which is `data`.
const EVENT_BUT_DATA: &str =
    "position, recorded_at, sequence, domain, codec, root, id, type, metadata, checksum";

impl Texts {
    pub(crate) fn of(schema: &str) -> Self {
        let domain = format!("(SELECT id FROM {schema}.seriatim_domains WHERE name = $1)");
        Self {
            head: format!("SELECT position FROM {schema}.seriatim_log_head WHERE partition = $1")
                .into(),
            domains: format!("SELECT id, name FROM {schema}.seriatim_domains ORDER BY name").into(),
            read_stream: format!(
                "SELECT {EVENT_BUT_DATA}, data FROM {schema}.seriatim_events
                 WHERE domain = {domain} AND root = $2 AND sequence >= $3 ORDER BY sequence LIMIT $4"
            )
            .into(),
            // The content of the event before is not needed, and may be large.
            read_log: format!(
                "SELECT {EVENT_BUT_DATA}, CASE WHEN position > $1 THEN data ELSE '' END
                 FROM {schema}.seriatim_events
                 WHERE position >= $1 AND position <= $2 ORDER BY position LIMIT $3"
            )
            .into(),
            find_claim: format!(
                "SELECT content, first_result FROM {schema}.seriatim_claims
                 WHERE domain = {domain} AND root = $2 AND external_id = $3"
            )
            .into(),
            claims_from_the_first: claims(schema, ">="),
            claims_after: claims(schema, ">"),
            streams_from_the_first: streams(schema, ">="),
            streams_after: streams(schema, ">"),
            save_snapshot: format!(
                "INSERT INTO {schema}.seriatim_snapshots
                     (domain, root, fingerprint, sequence, shape, event, state)
                 SELECT domain, root, $4, sequence, $5, id, $7 FROM {schema}.seriatim_events
                 WHERE domain = {domain} AND root = $2 AND sequence = $3 AND id = $6
                 ON CONFLICT (domain, root, fingerprint, sequence) DO UPDATE
                 SET shape = excluded.shape, event = excluded.event, state = excluded.state"
            )
            .into(),
            drop_snapshots: format!(
                "WITH own AS (
                     SELECT sequence FROM {schema}.seriatim_snapshots
                     WHERE domain = {domain} AND root = $2 AND fingerprint = $3
                 )
                 DELETE FROM {schema}.seriatim_snapshots
                 WHERE domain = {domain} AND root = $2 AND CASE fingerprint
                     WHEN $3 THEN sequence NOT IN (
                         (SELECT sequence FROM own ORDER BY sequence DESC LIMIT 2)
                         UNION
                         (SELECT max(sequence) FROM own GROUP BY sequence / {span}
                          ORDER BY 1 DESC LIMIT {spans}))
                     ELSE sequence < (SELECT sequence FROM own ORDER BY sequence DESC OFFSET 1 LIMIT 1)
                 END",
                span = Snapshot::SPAN,
                spans = Snapshot::SPANS,
            )
            .into(),
            letter: format!("SELECT body FROM {schema}.seriatim_dead_letters WHERE id = $1").into(),
            letters: format!("SELECT body FROM {schema}.seriatim_dead_letters").into(),
            revise_letter: format!(
                "UPDATE {schema}.seriatim_dead_letters SET status = $3, body = $4, revision = $2
                 WHERE id = $1 AND (revision = $2 - 1 OR (revision = $2 AND body = $4)) RETURNING 1"
            )
            .into(),
            checkpoints: checkpoint_sql::Texts::of(schema),
            beginnings: beginning_sql::Texts::of(schema),
            assignments: assignment::Texts::of(schema),
            parked: parked_sql::Texts::of(schema),
            pauses: pause_sql::Texts::of(schema),
            timers: timer_sql::Texts::of(schema),
        }
    }
}

/// The claims of a domain from a key of a root on.
fn claims(schema: &str, first: &str) -> Arc<str> {
    format!(
        "SELECT content, first_result, root, external_id FROM {schema}.seriatim_claims
         WHERE domain = $1 AND (root, external_id) {first} ($2, $3) ORDER BY root, external_id LIMIT $4"
    )
    .into()
}

/// Takes as many steps in the index as the list is long, however many events there are: from each root to the next.
fn streams(schema: &str, first: &str) -> Arc<str> {
    format!(
        "WITH RECURSIVE roots (root, place) AS (
             (SELECT root, 1::bigint FROM {schema}.seriatim_events
              WHERE domain = $1 AND root {first} $2 AND $3 > 0 ORDER BY root LIMIT 1)
             UNION ALL
             SELECT (SELECT e.root FROM {schema}.seriatim_events AS e
                     WHERE e.domain = $1 AND e.root > r.root ORDER BY e.root LIMIT 1), r.place + 1
             FROM roots AS r WHERE r.root IS NOT NULL AND r.place < $3
         )
         SELECT r.root, last.sequence, last.recorded_at FROM roots AS r
         CROSS JOIN LATERAL (
             SELECT sequence, recorded_at FROM {schema}.seriatim_events
             WHERE domain = $1 AND root = r.root ORDER BY sequence DESC LIMIT 1
         ) AS last
         WHERE r.root IS NOT NULL ORDER BY r.place"
    )
    .into()
}
