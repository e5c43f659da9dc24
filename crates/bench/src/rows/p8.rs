//! P8: one sender who waits for every answer.

use std::time::Instant;

use seriatim::core::ExpectedSequence::{self, Any, NoStream};

use crate::Outcome;
use crate::context::{Context, new_roots};
use crate::domain::Ledger;
use crate::limits::raw_log::RawLog;
use crate::measure::{in_turn, median};
use crate::product::Product;
use crate::report::{Must, Row};

pub(crate) fn measure(context: &Context) -> Outcome<Vec<Row>> {
    let row = |workload, expected| -> Outcome<Row> {
        let ours = || one_in_flight(context, expected);
        let comparison = in_turn(context.rounds, || raw(context), ours)?;
        Ok(Row::compared(
            "P8",
            workload,
            "us",
            "rusqlite inserting one row, a durable commit each, p50",
            Must::AtMost(1.4),
            &comparison,
        ))
    };
    Ok(vec![
        row(
            "new streams, sender expects none, one in flight, p50",
            NoStream,
        )?,
        row("new streams, sender expects any, one in flight, p50", Any)?,
    ])
}

fn one_in_flight(context: &Context, expected: ExpectedSequence) -> Outcome<f64> {
    let folder = context.fresh_folder()?;
    context.block_on(async {
        let product = Product::open(folder.path()).await?;
        let submit = product.submitter::<Ledger>();
        let mut times = Vec::new();
        for root in new_roots(context.scaled(10_000)).iter() {
            let start = Instant::now();
            submit.send(*root, expected).await?;
            times.push(microseconds(start));
        }
        product.close().await?;
        Ok(median(&times))
    })
}

fn raw(context: &Context) -> Outcome<f64> {
    let folder = context.fresh_folder()?;
    let mut log = RawLog::open(&folder.path().join("raw.db"))?;
    let mut times = Vec::new();
    for root in new_roots(context.scaled(10_000)).iter() {
        let start = Instant::now();
        log.insert(&[(*root, 0)])?;
        times.push(microseconds(start));
    }
    Ok(median(&times))
}

fn microseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e6
}
