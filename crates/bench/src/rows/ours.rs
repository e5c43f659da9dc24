//! Measures what several rows ask of the product.

use std::time::Instant;

use seriatim::core::ExpectedSequence;
use seriatim_bench::Outcome;
use seriatim_bench::domain::{Archive, Ledger, new_roots};
use seriatim_bench::fill::fill;
use seriatim_bench::load::{latency, per_second, rate};
use seriatim_bench::product::Product;
use uuid::Uuid;

use crate::context::{Context, On};

/// Events that a stream has before it is measured, where it has any.
pub(crate) const EVENTS: u32 = 10;

/// Commands a second, each of which begins a stream, on a database without events.
pub(crate) fn new_streams(
    context: &Context,
    on: On,
    expected: ExpectedSequence,
    in_flight: usize,
) -> Outcome<f64> {
    context.in_database(on, async |database| {
        let product = Product::open(&database.url).await?;
        database.settle().await?;
        let total = context.scaled(100_000);
        let figure = begin_streams(context, &product, expected, in_flight, total).await?;
        product.close().await;
        Ok(figure)
    })
}

/// Commands a second, each of which begins a stream.
pub(crate) async fn begin_streams(
    context: &Context,
    product: &Product,
    expected: ExpectedSequence,
    in_flight: usize,
    total: usize,
) -> Outcome<f64> {
    let roots = new_roots(total);
    let submit = product.submitter::<Ledger>();
    let call = move |_, number: usize| submit.send(roots[number], expected);
    context.rate(in_flight, total, call).await
}

/// Commands a second that an application sends as values, each of which begins a stream.
pub(crate) fn send_typed(context: &Context, on: On, in_flight: usize) -> Outcome<f64> {
    context.in_database(on, async |database| {
        let product = Product::open(&database.url).await?;
        let total = context.scaled(100_000);
        let roots = new_roots(total);
        let submit = product.submitter::<Ledger>();
        database.settle().await?;
        let call = move |_, number: usize| submit.typed(roots[number]);
        let figure = context.rate(in_flight, total, call).await?;
        product.close().await;
        Ok(figure)
    })
}

/// Returns how many streams are warm.
pub(crate) fn warm_streams(context: &Context) -> usize {
    context.scaled(10_000)
}

/// Commands a second to streams of ten events that are all in memory.
pub(crate) fn one_more_event(context: &Context, on: On, in_flight: usize) -> Outcome<f64> {
    context.in_database(on, async |database| {
        let product = Product::open(&database.url).await?;
        let roots = new_roots(warm_streams(context));
        let fill = roots.len() * EVENTS as usize;
        let submit = product.submitter::<Ledger>();
        let call = move |_, number: usize| submit.enter(roots[number % roots.len()]);
        rate(256, fill, call.clone()).await?;
        database.settle().await?;
        let figure = context
            .rate(in_flight, context.scaled(100_000), call)
            .await?;
        product.close().await;
        Ok(figure)
    })
}

/// Commands a second to one stream.
pub(crate) fn hot_stream(context: &Context, on: On, in_flight: usize) -> Outcome<f64> {
    context.in_database(on, async |database| {
        let product = Product::open(&database.url).await?;
        let root = Uuid::now_v7();
        let submit = product.submitter::<Ledger>();
        database.settle().await?;
        let total = context.scaled(100_000);
        let call = move |_, _| submit.enter(root);
        let figure = context.rate(in_flight, total, call).await?;
        product.close().await;
        Ok(figure)
    })
}

/// The median of how long a command takes that begins a stream, if nothing else is going on.
pub(crate) fn one_in_flight(context: &Context, on: On, expected: ExpectedSequence) -> Outcome<f64> {
    context.in_database(on, async |database| {
        let product = Product::open(&database.url).await?;
        let roots = new_roots(context.scaled(10_000));
        let submit = product.submitter::<Ledger>();
        database.settle().await?;
        let call = move |number: usize| submit.send(roots[number], expected);
        let figure = latency(context.scaled(10_000), call).await?;
        product.close().await;
        Ok(figure)
    })
}

/// Streams that are folded, and how long each of them is.
pub(crate) const LONG_STREAMS: usize = 20;
pub(crate) const LONG: u32 = 1_000;

/// Returns how often one of them is folded.
pub(crate) fn folds(context: &Context) -> usize {
    context.scaled(1_000)
}

/// Events a second that are folded from the store, one stream at a time.
pub(crate) fn fold_long_streams(context: &Context, on: On) -> Outcome<f64> {
    context.in_database(on, async |database| {
        let product = Product::open(&database.url).await?;
        let roots = new_roots(LONG_STREAMS);
        fill::<Archive>(product.store().as_ref(), &roots, LONG).await?;
        database.settle().await?;
        let start = Instant::now();
        for number in 0..folds(context) {
            product.fold::<Archive>(roots[number % roots.len()]).await?;
        }
        let figure = per_second(folds(context) * LONG as usize, start.elapsed());
        product.close().await;
        Ok(figure)
    })
}
