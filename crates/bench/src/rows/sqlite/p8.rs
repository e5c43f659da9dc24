//! P8: one sender who waits for every answer.

use std::time::Instant;

use seriatim::core::ExpectedSequence::{Any, NoStream};
use seriatim_bench::Outcome;
use seriatim_bench::domain::new_roots;
use seriatim_bench::load::microseconds;
use seriatim_bench::measure::{in_turn, median};
use seriatim_bench::row::{Must, Row};

use crate::context::{Context, On};
use crate::limits::raw_sqlite::RawLog;
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
    let limit = "rusqlite inserting one row, a durable commit each, p50";
    let row = |workload, ours, most| {
        Row::compared("P8", workload, "us", ours, limit, &raw).must(Must::AtMost(most))
    };
    Ok(vec![
        row(
            "new streams, sender expects none, one in flight, p50",
            &said,
            1.4,
        ),
        row(
            "new streams, sender expects any, one in flight, p50",
            &unsaid,
            1.6,
        ),
    ])
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
