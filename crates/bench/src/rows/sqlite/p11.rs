//! P11 on SQLite: folding a long stream from the store.

use std::time::Instant;

use seriatim_bench::Outcome;
use seriatim_bench::domain::new_roots;
use seriatim_bench::load::per_second;
use seriatim_bench::measure::in_turn;
use seriatim_bench::row::{Must, Row};

use crate::context::{Context, On};
use crate::limits::raw_sqlite::RawLog;
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
        "rusqlite reading the payloads of the 1000 rows, not decoding them",
        &raw,
    );
    Ok(vec![row.must(Must::AtLeast(0.5))])
}

fn raw(context: &Context) -> Outcome<f64> {
    let folder = context.fresh_folder()?;
    let mut log = RawLog::open(&folder.path().join("raw.db"))?;
    let roots = new_roots(LONG_STREAMS);
    // Interleaved like the product's, so that a stream's rows lie as far apart.
    for sequence in 0..LONG {
        let places: Vec<_> = roots.iter().map(|root| (*root, sequence)).collect();
        log.insert(&places)?;
    }
    let start = Instant::now();
    for number in 0..folds(context) {
        std::hint::black_box(log.load(roots[number % LONG_STREAMS])?);
    }
    Ok(per_second(folds(context) * LONG as usize, start.elapsed()))
}
