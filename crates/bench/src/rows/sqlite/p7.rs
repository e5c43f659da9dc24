//! P7: many streams on SQLite, new ones and ones that already have ten events.

use std::time::Instant;

use seriatim::core::ExpectedSequence::{Any, NoStream};
use seriatim_bench::Outcome;
use seriatim_bench::domain::new_roots;
use seriatim_bench::load::per_second;
use seriatim_bench::measure::in_turn;
use seriatim_bench::row::{Must, Row};
use uuid::Uuid;

use crate::context::{Context, On};
use crate::limits::raw_sqlite::RawLog;
use crate::rows::ours::{EVENTS, new_streams, one_more_event, warm_streams};

const IN_FLIGHT: usize = 64;
const BATCH: usize = 100;

pub(super) const LIMIT: &str =
    "rusqlite inserting batches of 100, each a durable commit, same rows and index";

pub(crate) fn measure(context: &Context, on: On) -> Outcome<Vec<Row>> {
    let [raw_new, said, unsaid] = in_turn(
        context.rounds,
        [
            &mut || raw_new(context),
            &mut || new_streams(context, on, NoStream, IN_FLIGHT),
            &mut || new_streams(context, on, Any, IN_FLIGHT),
        ],
    )?;
    let [raw_warm, warm] = in_turn(
        context.rounds,
        [&mut || raw_warm(context), &mut || {
            one_more_event(context, on, IN_FLIGHT)
        }],
    )?;
    let row = |workload, ours, raw, least| {
        Row::compared("P7", workload, "commands/s", ours, LIMIT, raw).must(Must::AtLeast(least))
    };
    Ok(vec![
        row(
            "new streams, sender expects none, 64 in flight",
            &said,
            &raw_new,
            0.6,
        ),
        row(
            "new streams, sender expects any, 64 in flight",
            &unsaid,
            &raw_new,
            0.5,
        ),
        row("warm streams of 10, 64 in flight", &warm, &raw_warm, 0.6),
    ])
}

pub(super) fn raw_new(context: &Context) -> Outcome<f64> {
    let folder = context.fresh_folder()?;
    let mut log = RawLog::open(&folder.path().join("raw.db"))?;
    let places: Vec<_> = new_roots(context.scaled(100_000))
        .iter()
        .map(|root| (*root, 0))
        .collect();
    insert_batches(&mut log, &places)
}

fn raw_warm(context: &Context) -> Outcome<f64> {
    let folder = context.fresh_folder()?;
    let mut log = RawLog::open(&folder.path().join("raw.db"))?;
    let roots = new_roots(warm_streams(context));
    for sequence in 0..EVENTS {
        insert_batches(&mut log, &places(&roots, sequence))?;
    }
    let rounds = context.scaled(100_000) / roots.len();
    let sequences = EVENTS..EVENTS + u32::try_from(rounds)?;
    let all: Vec<_> = sequences
        .flat_map(|sequence| places(&roots, sequence))
        .collect();
    insert_batches(&mut log, &all)
}

fn places(roots: &[Uuid], sequence: u32) -> Vec<(Uuid, u32)> {
    roots.iter().map(|root| (*root, sequence)).collect()
}

fn insert_batches(log: &mut RawLog, places: &[(Uuid, u32)]) -> Outcome<f64> {
    let start = Instant::now();
    for batch in places.chunks(BATCH) {
        log.insert(batch)?;
    }
    Ok(per_second(places.len(), start.elapsed()))
}
