//! Compares streams for calls that write nothing: without a lock, and without a sync.

use std::sync::Arc;

use foldhash::HashMap;
use seriatim_core::{Append, AppendOutcome, LogPartition, Sequence, StreamId, Timestamp};
use seriatim_store_sql::Call;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Error, PgConnection, Row};

use crate::append::memory::LastEvent;
use crate::append::session::Answers;
use crate::opening::pooling::Pooling;
use crate::progress::checkpoint_sql::NOW;
use crate::statement::Schema;
use crate::{positions, row};

/// Returns `true` if a call writes nothing.
pub(crate) fn only_compares(call: &Call) -> bool {
    call.appends.iter().all(Append::only_compares)
}

/// Runs the comparisons of a partition.
pub(crate) struct Comparison {
    partition: LogPartition,
    pooling: Pooling,
    text: Arc<str>,
}

impl Comparison {
    pub(crate) fn new(schema: &str, partition: LogPartition, pooling: Pooling) -> Self {
        // One statement sees one moment.
        let text = format!(
            "
    SELECT s.number, e.sequence, e.id, h.position, greatest(h.recorded_at, {NOW}) AS recorded_at
    FROM seriatim_log_head AS h
    CROSS JOIN unnest($1::text[], $2::uuid[]) WITH ORDINALITY AS s (domain, root, number)
    LEFT JOIN seriatim_domains AS d ON d.name = s.domain
    LEFT JOIN LATERAL (
        SELECT sequence, id FROM seriatim_events
        WHERE domain = d.id AND root = s.root
        ORDER BY sequence DESC LIMIT 1
    ) AS e ON true
    WHERE h.partition = $3"
        );
        Self {
            partition,
            pooling,
            text: Schema::new(schema).text(&text).into(),
        }
    }

    /// Answers `calls`, of which each [only compares](only_compares).
    pub(crate) async fn run(
        &self,
        connection: &mut PgConnection,
        calls: &[Call],
    ) -> Result<Answers, Error> {
        let appends = calls.iter().flat_map(|call| &call.appends);
        let mut streams: Vec<_> = appends
            .flat_map(Append::parts)
            .map(|part| part.stream)
            .collect();
        streams.sort_unstable();
        streams.dedup();
        let domains = streams
            .iter()
            .map(|stream| stream.domain.as_str().to_owned());
        let select = sqlx::query(AssertSqlSafe(self.text.clone()))
            .bind(Vec::from_iter(domains))
            .bind(Vec::from_iter(streams.iter().map(|stream| stream.root)))
            .bind(self.partition.0.cast_signed());
        let rows = self.pooling.fetch_all(connection, select).await?;
        let mut lasts = HashMap::default();
        for row in &rows {
            let number: i64 = row.try_get("number")?;
            let index = usize::try_from(number - 1).map_err(row::unreadable)?;
            lasts.insert(streams[index], last(row)?);
        }
        let head = rows.first().ok_or(Error::RowNotFound)?;
        let position = positions::position(head, "position")?;
        let recorded_at = Timestamp::from_micros(head.try_get("recorded_at")?);
        let answer = |append: &Append| {
            conflict(append, &lasts).unwrap_or(AppendOutcome::Written {
                position,
                recorded_at,
            })
        };
        let answers = calls.iter().map(|call| call.appends.iter().map(answer));
        Ok(answers.map(Iterator::collect).collect())
    }
}

fn last(row: &PgRow) -> Result<Option<LastEvent>, Error> {
    let sequence: Option<i32> = row.try_get("sequence")?;
    let sequence = sequence.map(|sequence| Sequence(sequence.cast_unsigned()));
    Ok(sequence.zip(row.try_get("id")?))
}

fn conflict(
    append: &Append,
    lasts: &HashMap<&StreamId, Option<LastEvent>>,
) -> Option<AppendOutcome> {
    append.parts().enumerate().find_map(|(index, part)| {
        let last = lasts.get(part.stream).copied().flatten();
        let current = last.map(|(sequence, _)| sequence);
        (!part.follows(last)).then_some(AppendOutcome::Conflict {
            part: index,
            current,
        })
    })
}
