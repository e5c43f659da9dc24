//! READ_BACK: what it costs to read each event back before it is appended.

use std::hint::black_box;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use seriatim::core::Event;
use seriatim::core::codec::encode_event;
use seriatim::prelude::Event as DeriveEvent;
use seriatim_bench::Outcome;
use seriatim_bench::domain::entered;
use seriatim_bench::measure::in_turn;
use seriatim_bench::row::Row;

use crate::context::{Context, On};

/// An event as applications have them: some 200 bytes of JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, DeriveEvent)]
enum Ordered {
    ItemAdded {
        sku: String,
        quantity: u32,
        cents_each: u64,
        weight: f64,
        note: Option<String>,
        tags: Vec<String>,
    },
}

pub(crate) fn measure(context: &Context, _: On) -> Outcome<Vec<Row>> {
    let added = Ordered::ItemAdded {
        sku: "mug".into(),
        quantity: 2,
        cents_each: 1200,
        weight: 0.35,
        note: Some("x".repeat(80)),
        tags: vec!["kitchen".into(), "blue".into()],
    };
    Ok(vec![
        row(context, "a small event in JSON", &added)?,
        row(context, "an event of 200 bytes in protobuf", &entered())?,
    ])
}

fn row<E: Event>(context: &Context, what: &str, event: &E) -> Outcome<Row> {
    let count = context.scaled(1_000_000);
    let nanoseconds = |encode: &dyn Fn()| {
        let start = Instant::now();
        (0..count).for_each(|_| encode());
        start.elapsed().as_secs_f64() * 1e9 / count as f64
    };
    let [bare, read_back] = in_turn(
        context.rounds,
        [
            &mut || Ok(nanoseconds(&|| drop(black_box(event.encode())))),
            &mut || Ok(nanoseconds(&|| drop(black_box(encode_event(event))))),
        ],
    )?;
    Ok(Row::compared(
        "READ_BACK",
        format!("{what}, written, read back and compared"),
        "ns",
        &read_back,
        "written only",
        &bare,
    ))
}
