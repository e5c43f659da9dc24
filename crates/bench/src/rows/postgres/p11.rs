//! P11 on PostgreSQL: folding a long stream from the store.

use std::time::Instant;

use seriatim_bench::Outcome;
use seriatim_bench::domain::new_roots;
use seriatim_bench::load::per_second;
use seriatim_bench::measure::in_turn;
use seriatim_bench::raw_postgres::RawLog;
use seriatim_bench::row::{Must, Row};

use super::raw;
use crate::context::{Context, On};
use crate::rows::ours::{LONG, LONG_STREAMS, fold_long_streams, folds};

pub(crate) fn measure(context: &Context, on: On) -> Outcome<Vec<Row>> {
    let [raw, ours] = in_turn(
        context.rounds,
        [&mut || raw(context), &mut || fold_long_streams(context, on)],
    )?;
    let row = Row::compared(
        "P11",
        "folding a stream of 1000 from the store",
        "events/s",
        &ours,
        "a select of the payloads of the 1000 rows, not decoding them",
        &raw,
    );
    Ok(vec![row.must(Must::AtLeast(0.5))])
}

fn raw(context: &Context) -> Outcome<f64> {
    context.in_schema(async |schema| {
        RawLog::create(schema).await?;
        let mut log = RawLog::open(schema).await?;
        let roots = new_roots(LONG_STREAMS);
        raw::fill(&mut log, &roots, i32::try_from(LONG)?).await?;
        schema.settle().await?;
        let start = Instant::now();
        for number in 0..folds(context) {
            std::hint::black_box(log.load(roots[number % roots.len()]).await?);
        }
        Ok(per_second(folds(context) * LONG as usize, start.elapsed()))
    })
}
