//! P5: one sender who waits for every answer.

use std::sync::Arc;

use seriatim::core::ExpectedSequence::{Any, NoStream};
use seriatim_bench::Outcome;
use seriatim_bench::domain::new_roots;
use seriatim_bench::load::latency;
use seriatim_bench::measure::in_turn;
use seriatim_bench::raw_postgres::RawLog;
use seriatim_bench::row::{Must, Row};
use tokio::sync::Mutex;

use crate::context::{Context, On};
use crate::rows::ours::one_in_flight;

pub(crate) fn measure(context: &Context, on: On) -> Outcome<Vec<Row>> {
    let [raw, said, unsaid] = in_turn(
        context.rounds,
        [
            &mut || raw(context),
            &mut || one_in_flight(context, on, NoStream),
            &mut || one_in_flight(context, on, Any),
        ],
    )?;
    let limit = "an insert of one row, a commit each, one prepared connection, p50";
    let row = |workload, ours, most| {
        Row::compared("P5", workload, "us", ours, limit, &raw).must(Must::AtMost(most))
    };
    Ok(vec![
        row(
            "new streams, sender expects none, one in flight, p50",
            &said,
            1.25,
        ),
        row(
            "new streams, sender expects any, one in flight, p50",
            &unsaid,
            1.4,
        ),
    ])
}

fn raw(context: &Context) -> Outcome<f64> {
    context.in_schema(async |schema| {
        RawLog::create(schema).await?;
        let log = Arc::new(Mutex::new(RawLog::open(schema).await?));
        let roots = new_roots(context.scaled(10_000));
        schema.settle().await?;
        latency(roots.len(), move |number| {
            let (log, root) = (Arc::clone(&log), roots[number]);
            async move { log.lock().await.insert(root, 0).await }
        })
        .await
    })
}
