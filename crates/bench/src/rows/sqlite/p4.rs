//! P4: one hot stream that everybody writes to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use seriatim_bench::Outcome;
use seriatim_bench::load::per_second;
use seriatim_bench::measure::in_turn;
use seriatim_bench::row::{Must, Row};
use uuid::Uuid;

use crate::context::{Context, On};
use crate::limits::raw_sqlite::RawLog;
use crate::rows::ours::hot_stream;
use crate::rows::sqlite::p7::{LIMIT, raw_new};

const IN_FLIGHT: usize = 64;

pub(crate) fn measure(context: &Context, on: On) -> Outcome<Vec<Row>> {
    let [batched, racing, alone, ours] = in_turn(
        context.rounds,
        [
            &mut || raw_new(context),
            &mut || racing_loops(context, IN_FLIGHT, context.scaled(5_000)),
            &mut || lone_loop(context, context.scaled(20_000)),
            &mut || hot_stream(context, on, IN_FLIGHT),
        ],
    )?;
    let row = |workload, limit, against| {
        Row::compared("P4", workload, "commands/s", &ours, limit, against)
    };
    Ok(vec![
        row("one hot stream, 64 in flight", LIMIT, &batched).must(Must::AtLeast(0.5)),
        row(
            "the same against racing writers",
            "64 connections in the loop load, decide, insert, commit; the loser of a race tries again",
            &racing,
        ),
        row(
            "the same against a lone writer",
            "one connection in that loop with nobody to race against",
            &alone,
        ),
    ])
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
