//! CHECKSUM: what the checksum of an event costs.

use std::hint::black_box;
use std::time::Instant;

use seriatim::core::reading::checksum;
use seriatim::core::{Domain, Payload, Sequence, StreamId};
use seriatim_bench::Outcome;
use seriatim_bench::measure::in_turn;
use seriatim_bench::row::Row;
use uuid::Uuid;

use crate::context::{Context, On};

pub(crate) fn measure(context: &Context, _: On) -> Outcome<Vec<Row>> {
    [200, 4_000]
        .into_iter()
        .map(|bytes| row(context, bytes))
        .collect()
}

fn row(context: &Context, bytes: usize) -> Outcome<Row> {
    let payload = Payload::json("ItemAdded", "x".repeat(bytes));
    let stream = StreamId::new(Domain::new("order")?, Uuid::now_v7());
    let id = Uuid::now_v7();
    let metadata = r#"{"correlation_id":"0197c1f0-0000-7000-8000-000000000000","actor":"ann"}"#;
    let count = context.scaled(1_000_000);
    let nanoseconds = |work: &dyn Fn()| {
        let start = Instant::now();
        (0..count).for_each(|_| work());
        start.elapsed().as_secs_f64() * 1e9 / count as f64
    };
    let sum = || {
        black_box(checksum(
            &stream,
            Sequence::FIRST,
            id,
            &payload,
            Some(metadata),
        ));
    };
    let copy = || {
        black_box(payload.data.to_vec());
    };
    let [copied, summed] = in_turn(
        context.rounds,
        [&mut || Ok(nanoseconds(&copy)), &mut || {
            Ok(nanoseconds(&sum))
        }],
    )?;
    Ok(Row::compared(
        "CHECKSUM",
        format!("of an event of {bytes} bytes"),
        "ns",
        &summed,
        "one copy of its data",
        &copied,
    ))
}
