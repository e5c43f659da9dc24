//! P4 on PostgreSQL: one hot stream that everybody writes to.

use seriatim_bench::Outcome;
use seriatim_bench::load::rate;
use seriatim_bench::measure::in_turn;
use seriatim_bench::raw_postgres::RawLog;
use seriatim_bench::row::Row;
use uuid::Uuid;

use super::raw::CONNECTIONS;
use crate::context::{Context, On};
use crate::rows::ours::hot_stream;

const IN_FLIGHT: usize = 64;

pub(crate) fn measure(context: &Context, on: On) -> Outcome<Vec<Row>> {
    let [racing, alone, ours] = in_turn(
        context.rounds,
        [
            &mut || loops(context, CONNECTIONS, context.scaled(500)),
            &mut || loops(context, 1, context.scaled(5_000)),
            &mut || hot_stream(context, on, IN_FLIGHT),
        ],
    )?;
    let row = |workload, limit, against| {
        Row::compared("P4", workload, "commands/s", &ours, limit, against)
    };
    Ok(vec![
        row(
            "one hot stream, 64 in flight",
            "64 connections in the loop select, decide, insert; the loser of a race tries again",
            &racing,
        ),
        row(
            "the same against a lone writer",
            "one connection in that loop with nobody to race against",
            &alone,
        ),
    ])
}

fn loops(context: &Context, writers: usize, total: usize) -> Outcome<f64> {
    context.in_schema(async |schema| {
        RawLog::create(schema).await?;
        let root = Uuid::now_v7();
        let logs = RawLog::open_many(schema, writers).await?;
        schema.settle().await?;
        rate(writers, total, move |caller, _| {
            let logs = logs.clone();
            async move { logs[caller].lock().await.load_decide_insert(root).await }
        })
        .await
    })
}
