//! Measures what several rows ask of the bare driver.

use std::time::Instant;

use seriatim_bench::Outcome;
use seriatim_bench::domain::new_roots;
use seriatim_bench::load::{per_second, rate};
use seriatim_bench::raw_postgres::RawLog;
use uuid::Uuid;

use crate::context::Context;
use crate::rows::ours::EVENTS;

/// As many as there are commands in flight.
pub(crate) const CONNECTIONS: usize = 64;
pub(crate) const BATCH: usize = 100;

/// Inserts a second, each a commit, on 64 connections: one more event on each of the streams in turn, which have
/// `events` already. As many as `total`.
pub(crate) fn single_inserts(
    context: &Context,
    streams: usize,
    events: i32,
    total: usize,
) -> Outcome<f64> {
    context.in_schema(async |schema| {
        RawLog::create(schema).await?;
        let roots = new_roots(streams);
        let mut log = RawLog::open(schema).await?;
        fill(&mut log, &roots, events).await?;
        let logs = RawLog::open_many(schema, CONNECTIONS).await?;
        schema.settle().await?;
        rate(CONNECTIONS, total, move |caller, number| {
            let logs = logs.clone();
            let root = roots[number % streams];
            let turn = i32::try_from(number / streams);
            async move { logs[caller].lock().await.insert(root, events + turn?).await }
        })
        .await
    })
}

/// The same by one connection in statements of 100 rows.
pub(crate) fn batched_inserts(
    context: &Context,
    streams: usize,
    events: i32,
    total: usize,
) -> Outcome<f64> {
    context.in_schema(async |schema| {
        RawLog::create(schema).await?;
        let roots = new_roots(streams);
        let mut log = RawLog::open(schema).await?;
        fill(&mut log, &roots, events).await?;
        schema.settle().await?;
        let turns = i32::try_from(total.div_ceil(streams))?;
        let start = Instant::now();
        for sequence in events..events + turns {
            insert(&mut log, &roots, sequence, BATCH).await?;
        }
        Ok(per_second(
            usize::try_from(turns)? * streams,
            start.elapsed(),
        ))
    })
}

/// Events a second that are read by their positions, a page after the other: so many streams of ten.
pub(crate) fn scan(context: &Context, streams: usize) -> Outcome<f64> {
    context.in_schema(async |schema| {
        RawLog::create(schema).await?;
        let index = "CREATE UNIQUE INDEX events_position ON events (position)";
        schema.execute(index).await?;
        let mut log = RawLog::open(schema).await?;
        fill(&mut log, &new_roots(streams), i32::try_from(EVENTS)?).await?;
        schema.settle().await?;
        let start = Instant::now();
        let events = log.scan().await?;
        Ok(per_second(events, start.elapsed()))
    })
}

/// Gives each of `roots` so many events, a thousand streams in turn.
pub(crate) async fn fill(log: &mut RawLog, roots: &[Uuid], events: i32) -> Outcome<()> {
    const WAVE: usize = 1_000;
    for wave in roots.chunks(WAVE) {
        for sequence in 0..events {
            insert(log, wave, sequence, WAVE).await?;
        }
    }
    Ok(())
}

async fn insert(log: &mut RawLog, roots: &[Uuid], sequence: i32, batch: usize) -> Outcome<()> {
    for batch in roots.chunks(batch) {
        let places: Vec<_> = batch.iter().map(|root| (*root, sequence)).collect();
        log.insert_batch(&places).await?;
    }
    Ok(())
}
