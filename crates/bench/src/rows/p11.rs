//! P11: folding a long stream from the store.

use std::time::Instant;

use crate::Outcome;
use crate::context::{Context, new_roots};
use crate::domain::Archive;
use crate::limits::raw_log::RawLog;
use crate::load::{per_second, rate};
use crate::measure::in_turn;
use crate::product::Product;
use crate::report::{Must, Row};

const EVENTS: usize = 1_000;
const STREAMS: usize = 20;

pub(crate) fn measure(context: &Context) -> Outcome<Vec<Row>> {
    let comparison = in_turn(context.rounds, || raw(context), || fold(context))?;
    Ok(vec![Row::compared(
        "P11",
        "folding a stream of 1000 from the store",
        "events/s",
        "rusqlite reading the payloads of the 1000 rows, not decoding them",
        Must::AtLeast(0.5),
        &comparison,
    )])
}

fn loads(context: &Context) -> usize {
    context.scaled(1_000)
}

fn fold(context: &Context) -> Outcome<f64> {
    let folder = context.fresh_folder()?;
    let roots = new_roots(STREAMS);
    context.block_on(async {
        let product = Product::open(folder.path()).await?;
        let submit = product.submitter::<Archive>();
        let fill = {
            let roots = roots.clone();
            move |_, number: usize| submit.enter(roots[number % STREAMS])
        };
        rate(256, STREAMS * EVENTS, fill).await?;
        let start = Instant::now();
        for number in 0..loads(context) {
            product.fold::<Archive>(roots[number % STREAMS]).await?;
        }
        let figure = per_second(loads(context) * EVENTS, start.elapsed());
        product.close().await?;
        Ok(figure)
    })
}

fn raw(context: &Context) -> Outcome<f64> {
    let folder = context.fresh_folder()?;
    let mut log = RawLog::open(&folder.path().join("raw.db"))?;
    let roots = new_roots(STREAMS);
    // Interleaved like the product's, so that a stream's rows lie as far apart.
    for sequence in 0..u32::try_from(EVENTS)? {
        let places: Vec<_> = roots.iter().map(|root| (*root, sequence)).collect();
        log.insert(&places)?;
    }
    let start = Instant::now();
    for number in 0..loads(context) {
        std::hint::black_box(log.load(roots[number % STREAMS])?);
    }
    Ok(per_second(loads(context) * EVENTS, start.elapsed()))
}
