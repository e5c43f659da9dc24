//! P17: what becomes of the rates as the log grows to ten million events, and what an event takes on disk.

use std::time::Instant;

use seriatim::core::ExpectedSequence::NoStream;
use seriatim::core::{LogPartition, Position};
use seriatim_bench::Outcome;
use seriatim_bench::domain::{Ledger, new_roots, shuffled};
use seriatim_bench::fill::fill;
use seriatim_bench::load::{per_second, rate};
use seriatim_bench::measure::{Figures, in_turn};
use seriatim_bench::postgres::Schema;
use seriatim_bench::product::Product;
use seriatim_bench::row::{Must, Row};
use uuid::Uuid;

use super::disk;
use crate::context::{Context, On};
use crate::rows::ours::{EVENTS, begin_streams};

const IN_FLIGHT: usize = 64;
/// Streams that are folded at once.
const READERS: usize = 8;
/// Events of a page of the log.
const PAGE: usize = 1_000;
/// Streams that are filled between two lines of progress.
const STEP: usize = 10_000;

/// The sizes of the log at which it is measured, in tenths of all its events.
const MARKS: [usize; 4] = [1, 2, 5, 10];

/// A log that grows.
struct Log {
    schema: Schema,
    /// Streams of ten events.
    roots: Vec<Uuid>,
    started: Instant,
    full: usize,
}

pub(crate) fn measure(context: &Context, _: On) -> Outcome<Vec<Row>> {
    let full = context.scaled(10_000_000);
    let server = context.server()?;
    context.block_on(disk::check(server, full))?;
    let mut log = Log {
        schema: context.block_on(server.make_schema())?,
        roots: Vec::new(),
        started: Instant::now(),
        full,
    };
    let rows = grow(context, &mut log);
    context.block_on(log.schema.discard())?;
    rows
}

fn grow(context: &Context, log: &mut Log) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for mark in MARKS {
        let events = log.full / 10 * mark;
        context.block_on(log.grow_to(events))?;
        rows.extend(measure_at(context, log, events)?);
    }
    rows.extend(context.block_on(log.bytes())?);
    Ok(rows)
}

/// Measures the log at its present size. The few in a hundred events that this writes are left there.
fn measure_at(context: &Context, log: &Log, events: usize) -> Outcome<Vec<Row>> {
    let [empty, new, old, folded, read] = in_turn(
        context.rounds,
        [
            &mut || context.in_schema(async |schema| new_streams(context, schema).await),
            &mut || context.block_on(new_streams(context, &log.schema)),
            &mut || context.block_on(log.one_more_event(context)),
            &mut || context.block_on(log.fold_streams(context)),
            &mut || context.block_on(log.read_pages(context)),
        ],
    )?;
    let millions = events as f64 / 1e6;
    let what = |what: &str| format!("{what}, at {millions} M events");
    let appended = Row::compared(
        "P17",
        what("new streams, 64 in flight"),
        "commands/s",
        &new,
        "the same on empty tables",
        &empty,
    );
    Ok(vec![
        match events == log.full {
            true => appended.must(Must::AtLeast(0.8)),
            false => appended,
        },
        Row::of(
            "P17",
            what("cold streams of 10, 64 in flight"),
            "commands/s",
            &old,
        ),
        Row::of(
            "P17",
            what("folding streams of 10 at random, 8 at once"),
            "events/s",
            &folded,
        ),
        Row::of(
            "P17",
            what("reading the log in pages of 1000"),
            "events/s",
            &read,
        ),
    ])
}

async fn new_streams(context: &Context, schema: &Schema) -> Outcome<f64> {
    let product = Product::open(&schema.url()).await?;
    schema.settle().await?;
    let figure = begin_streams(
        context,
        &product,
        NoStream,
        IN_FLIGHT,
        context.scaled(50_000),
    )
    .await?;
    product.close().await;
    Ok(figure)
}

impl Log {
    /// Appends streams of ten in large batches, and says how far it is.
    async fn grow_to(&mut self, events: usize) -> Outcome<()> {
        let product = Product::open(&self.schema.url()).await?;
        let (start, before) = (Instant::now(), self.events());
        while self.events() < events {
            let left = (events - self.events()) / EVENTS as usize;
            let roots = new_roots(left.min(STEP));
            fill::<Ledger>(product.store().as_ref(), &roots, EVENTS).await?;
            self.roots.extend_from_slice(&roots);
            let rate = per_second(self.events() - before, start.elapsed());
            let minutes = (events - self.events()) as f64 / rate / 60.0;
            eprint!(
                "\r {:.1} of {:.0} M events, {rate:.0}/s, {minutes:.1} min to the next measurement   ",
                self.events() as f64 / 1e6,
                self.full as f64 / 1e6,
            );
        }
        eprintln!(
            "\r {:.1} of {:.0} M events after {:.1} min{:40}",
            self.events() as f64 / 1e6,
            self.full as f64 / 1e6,
            self.started.elapsed().as_secs_f64() / 60.0,
            ""
        );
        product.close().await;
        Ok(())
    }

    fn events(&self) -> usize {
        self.roots.len() * EVENTS as usize
    }

    async fn one_more_event(&self, context: &Context) -> Outcome<f64> {
        let product = Product::open(&self.schema.url()).await?;
        let submit = product.submitter::<Ledger>();
        let roots = shuffled(&self.roots);
        let total = context.scaled(20_000).min(roots.len());
        self.schema.settle().await?;
        let call = move |_, number: usize| submit.enter(roots[number]);
        let figure = rate(IN_FLIGHT, total, call).await?;
        product.close().await;
        Ok(figure)
    }

    async fn fold_streams(&self, context: &Context) -> Outcome<f64> {
        let product = Product::open(&self.schema.url()).await?;
        let roots = shuffled(&self.roots);
        let total = context.scaled(20_000).min(roots.len());
        let reader = product.clone();
        let streams = rate(READERS, total, move |_, number| {
            let (reader, root) = (reader.clone(), roots[number]);
            async move { reader.fold::<Ledger>(root).await }
        });
        let figure = streams.await? * f64::from(EVENTS);
        product.close().await;
        Ok(figure)
    }

    /// Half a million events from the middle on, or as many as there are.
    async fn read_pages(&self, context: &Context) -> Outcome<f64> {
        let product = Product::open(&self.schema.url()).await?;
        let total = context.scaled(500_000).min(self.events() / 2);
        let mut after = Position(u64::try_from(self.events() / 2)?);
        let (start, mut read) = (Instant::now(), 0);
        while read < total {
            let page = (product.store())
                .read_log(LogPartition::FIRST, after, PAGE)
                .await?;
            let last = page
                .events
                .last()
                .ok_or("the log has fewer events than written")?;
            after = last.position;
            read += page.events.len();
        }
        let figure = per_second(read, start.elapsed());
        product.close().await;
        Ok(figure)
    }

    async fn bytes(&self) -> Outcome<Vec<Row>> {
        let product = Product::open(&self.schema.url()).await?;
        let events = product.store().head(LogPartition::FIRST).await?.0 as f64;
        product.close().await;
        let sizes = self.schema.sizes().await?.into_iter();
        let row = |(name, bytes): (String, u64)| {
            let bytes = Figures(vec![bytes as f64 / events]);
            Row::of("P17", format!("{name} on disk"), "bytes/event", &bytes)
        };
        // The rest is too small to matter.
        let large = sizes.filter(|(_, bytes)| *bytes as f64 > events);
        Ok(large.map(row).collect())
    }
}
