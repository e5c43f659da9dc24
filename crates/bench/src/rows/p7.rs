//! P7: many streams on SQLite, new ones and ones that already have ten events.

use std::time::Instant;

use seriatim::core::ExpectedSequence::{self, Any, NoStream};
use uuid::Uuid;

use crate::Outcome;
use crate::context::{Context, new_roots};
use crate::domain::Ledger;
use crate::limits::raw_log::RawLog;
use crate::load::{per_second, rate};
use crate::measure::in_turn;
use crate::product::Product;
use crate::report::{Must, Row};

const IN_FLIGHT: usize = 64;
const BATCH: usize = 100;
/// Events that a warm stream has before it is measured.
const WARM: u32 = 10;

const LIMIT: &str = "rusqlite inserting batches of 100, each a durable commit, same rows and index";

pub(crate) fn measure(context: &Context) -> Outcome<Vec<Row>> {
    let new = |expected| {
        in_turn(
            context.rounds,
            || raw_new(context),
            || new_streams(context, expected),
        )
    };
    let (said, unsaid) = (new(NoStream)?, new(Any)?);
    let warm = in_turn(
        context.rounds,
        || raw_warm(context),
        || warm_streams(context),
    )?;
    let must = Must::AtLeast(0.5);
    let row =
        |workload, comparison| Row::compared("P7", workload, "commands/s", LIMIT, must, comparison);
    Ok(vec![
        row("new streams, sender expects none, 64 in flight", &said),
        row("new streams, sender expects any, 64 in flight", &unsaid),
        row("warm streams of 10, 64 in flight", &warm),
    ])
}

fn new_streams(context: &Context, expected: ExpectedSequence) -> Outcome<f64> {
    let folder = context.fresh_folder()?;
    let total = context.scaled(100_000);
    context.block_on(async {
        let product = Product::open(folder.path()).await?;
        let roots = new_roots(total);
        let submit = product.submitter::<Ledger>();
        let figure = rate(IN_FLIGHT, total, move |_, number| {
            submit.send(roots[number], expected)
        })
        .await?;
        product.close().await?;
        Ok(figure)
    })
}

fn warm_streams(context: &Context) -> Outcome<f64> {
    let folder = context.fresh_folder()?;
    let roots = new_roots(warm_count(context));
    let streams = roots.len();
    context.block_on(async {
        let product = Product::open(folder.path()).await?;
        let submit = product.submitter::<Ledger>();
        let call = move |_, number: usize| submit.enter(roots[number % roots.len()]);
        rate(256, streams * WARM as usize, call.clone()).await?;
        let figure = rate(IN_FLIGHT, context.scaled(100_000), call).await?;
        product.close().await?;
        Ok(figure)
    })
}

fn raw_new(context: &Context) -> Outcome<f64> {
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
    let roots = new_roots(warm_count(context));
    for sequence in 0..WARM {
        insert_batches(&mut log, &places(&roots, sequence))?;
    }
    let rounds = context.scaled(100_000) / roots.len();
    let sequences = WARM..WARM + u32::try_from(rounds)?;
    let all: Vec<_> = sequences
        .flat_map(|sequence| places(&roots, sequence))
        .collect();
    insert_batches(&mut log, &all)
}

fn warm_count(context: &Context) -> usize {
    context.scaled(10_000)
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
