//! P4: one hot stream that everybody writes to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use uuid::Uuid;

use crate::Outcome;
use crate::context::Context;
use crate::domain::Ledger;
use crate::limits::raw_log::RawLog;
use crate::load::{per_second, rate};
use crate::measure::in_turn;
use crate::product::Product;
use crate::report::{Must, Row};

const IN_FLIGHT: usize = 64;

pub(crate) fn measure(context: &Context) -> Outcome<Vec<Row>> {
    let racing = in_turn(
        context.rounds,
        || racing_loops(context, IN_FLIGHT, context.scaled(5_000)),
        || hot_stream(context),
    )?;
    let alone = in_turn(
        context.rounds,
        || lone_loop(context, context.scaled(20_000)),
        || hot_stream(context),
    )?;
    Ok(vec![
        Row::compared(
            "P4",
            "one hot stream, 64 in flight",
            "commands/s",
            "64 connections in the loop load, decide, insert, commit; whoever loses the race tries again",
            Must::AtLeast(250.0),
            &racing,
        ),
        Row::compared(
            "P4",
            "the same against a lone writer",
            "commands/s",
            "one connection in that loop with nobody to race against",
            Must::Nothing,
            &alone,
        ),
    ])
}

fn hot_stream(context: &Context) -> Outcome<f64> {
    let folder = context.fresh_folder()?;
    context.block_on(async {
        let product = Product::open(folder.path()).await?;
        let root = Uuid::now_v7();
        let submit = product.submitter::<Ledger>();
        let figure = rate(IN_FLIGHT, context.scaled(100_000), move |_, _| {
            submit.enter(root)
        })
        .await?;
        product.close().await?;
        Ok(figure)
    })
}

fn racing_loops(context: &Context, writers: usize, total: usize) -> Outcome<f64> {
    let folder = context.fresh_folder()?;
    let path = folder.path().join("raw.db");
    let root = Uuid::now_v7();
    RawLog::open(&path)?;
    let logs: Vec<_> = (0..writers)
        .map(|_| RawLog::open(&path))
        .collect::<Outcome<_>>()?;
    let next = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let threads: Vec<_> = logs
        .into_iter()
        .map(|mut log| {
            let next = Arc::clone(&next);
            thread::spawn(move || -> Outcome<()> {
                while next.fetch_add(1, Ordering::Relaxed) < total {
                    log.load_decide_insert_retrying(root)?;
                }
                Ok(())
            })
        })
        .collect();
    for thread in threads {
        thread.join().map_err(|_| "a writer panicked")??;
    }
    Ok(per_second(total, start.elapsed()))
}

fn lone_loop(context: &Context, total: usize) -> Outcome<f64> {
    let folder = context.fresh_folder()?;
    let mut log = RawLog::open(&folder.path().join("raw.db"))?;
    let root = Uuid::now_v7();
    let start = Instant::now();
    for _ in 0..total {
        log.load_decide_insert(root)?;
    }
    Ok(per_second(total, start.elapsed()))
}
