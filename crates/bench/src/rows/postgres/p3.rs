//! P3: one more event on streams of ten, at random among so many that hardly one is in memory.

use std::time::Instant;

use seriatim_bench::Outcome;
use seriatim_bench::domain::{Ledger, new_roots, shuffled};
use seriatim_bench::fill::fill;
use seriatim_bench::load::{per_second, rate};
use seriatim_bench::measure::in_turn;
use seriatim_bench::product::Product;
use seriatim_bench::raw_postgres::RawLog;
use seriatim_bench::row::Row;

use super::raw::{self, BATCH, CONNECTIONS};
use crate::context::{Context, On};
use crate::rows::ours::EVENTS;

const IN_FLIGHT: usize = 64;

pub(crate) fn measure(context: &Context, on: On) -> Outcome<Vec<Row>> {
    let [one_by_one, batched, ours] = in_turn(
        context.rounds,
        [
            &mut || raw_cycles(context),
            &mut || raw_batches(context),
            &mut || cold_streams(context, on),
        ],
    )?;
    let row = |limit, against| {
        let workload = "cold streams of 10, at random of 100,000, 64 in flight";
        Row::compared("P3", workload, "commands/s", &ours, limit, against)
    };
    Ok(vec![
        row(
            "select of the last event, insert of the next, 64 connections",
            &one_by_one,
        ),
        row(
            "select of 100 streams by root = any, batch of 100 by unnest, one connection",
            &batched,
        ),
    ])
}

fn streams(context: &Context) -> usize {
    context.scaled(100_000)
}

/// Each of the streams at most once.
fn commands(context: &Context) -> usize {
    streams(context) / 2
}

fn cold_streams(context: &Context, on: On) -> Outcome<f64> {
    context.in_database(on, async |database| {
        let product = Product::open(&database.url).await?;
        let roots = new_roots(streams(context));
        fill::<Ledger>(product.store().as_ref(), &roots, EVENTS).await?;
        product.close().await;
        let product = Product::open(&database.url).await?;
        let submit = product.submitter::<Ledger>();
        let roots = shuffled(&roots);
        database.settle().await?;
        let figure = rate(IN_FLIGHT, commands(context), move |_, number| {
            submit.enter(roots[number])
        })
        .await?;
        product.close().await;
        Ok(figure)
    })
}

fn raw_cycles(context: &Context) -> Outcome<f64> {
    context.in_schema(async |schema| {
        RawLog::create(schema).await?;
        let roots = new_roots(streams(context));
        raw::fill(&mut RawLog::open(schema).await?, &roots, 10).await?;
        let roots = shuffled(&roots);
        let logs = RawLog::open_many(schema, CONNECTIONS).await?;
        schema.settle().await?;
        rate(CONNECTIONS, commands(context), move |caller, number| {
            let logs = logs.clone();
            let root = roots[number];
            async move { logs[caller].lock().await.load_decide_insert(root).await }
        })
        .await
    })
}

fn raw_batches(context: &Context) -> Outcome<f64> {
    context.in_schema(async |schema| {
        RawLog::create(schema).await?;
        let roots = new_roots(streams(context));
        let mut log = RawLog::open(schema).await?;
        raw::fill(&mut log, &roots, 10).await?;
        let roots = shuffled(&roots);
        schema.settle().await?;
        let commands = commands(context);
        let start = Instant::now();
        for batch in roots[..commands].chunks(BATCH) {
            log.load_decide_insert_batch(batch).await?;
        }
        Ok(per_second(commands, start.elapsed()))
    })
}
