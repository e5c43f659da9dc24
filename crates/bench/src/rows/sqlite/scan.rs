//! Measures what reading the whole log costs rusqlite.

use std::time::Instant;

use seriatim_bench::Outcome;
use seriatim_bench::domain::new_roots;
use seriatim_bench::load::per_second;

use crate::context::Context;
use crate::limits::raw_sqlite::RawLog;
use crate::rows::ours::EVENTS;

/// Events a second that are read by their positions, a page after the other: so many streams of ten.
pub(crate) fn scan(context: &Context, streams: usize) -> Outcome<f64> {
    const WAVE: usize = 1_000;
    let folder = context.fresh_folder()?;
    let mut log = RawLog::open(&folder.path().join("raw.db"))?;
    for wave in new_roots(streams).chunks(WAVE) {
        for sequence in 0..EVENTS {
            let places: Vec<_> = wave.iter().map(|root| (*root, sequence)).collect();
            log.insert(&places)?;
        }
    }
    let start = Instant::now();
    let events = log.scan()?;
    Ok(per_second(events, start.elapsed()))
}
