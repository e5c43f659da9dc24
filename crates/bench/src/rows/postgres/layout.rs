//! LAYOUT: the table of events as it is against ways it could be otherwise, by the product's own store.

use std::time::Instant;

use seriatim::core::Position;
use seriatim_bench::Outcome;
use seriatim_bench::domain::{Ledger, new_roots, shuffled};
use seriatim_bench::fill::fill;
use seriatim_bench::load::{per_second, rate};
use seriatim_bench::measure::{Figures, all_in_turn};
use seriatim_bench::postgres::Schema;
use seriatim_bench::product::Product;
use seriatim_bench::row::Row;
use uuid::Uuid;

use super::disk;
use crate::context::{Context, On};
use crate::rows::ours::EVENTS;

const IN_FLIGHT: usize = 64;
const PAGE: u64 = 1_000;

/// A way the table could be.
struct Layout {
    name: &'static str,
    /// The SQL that changes the table to this layout, while there are no events.
    change: &'static str,
    roots: Roots,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Roots {
    Ascending,
    AtRandom,
}

/// The first is what all others are compared with.
const LAYOUTS: [Layout; 5] = [
    Layout {
        name: "as it is, roots of version 7",
        change: "",
        roots: Roots::Ascending,
    },
    Layout {
        name: "roots of version 4",
        change: "",
        roots: Roots::AtRandom,
    },
    Layout {
        name: "BRIN over positions",
        change: "ALTER TABLE seriatim_events DROP CONSTRAINT seriatim_events_position;
                 CREATE INDEX seriatim_events_position ON seriatim_events USING brin (position)
                 WITH (pages_per_range = 16, autosummarize = on)",
        roots: Roots::Ascending,
    },
    Layout {
        name: "indexes filled to 70 %",
        change: "ALTER INDEX seriatim_events_position SET (fillfactor = 70);
                 ALTER INDEX seriatim_events_stream_sequence SET (fillfactor = 70)",
        roots: Roots::Ascending,
    },
    Layout {
        name: "indexes filled to 100 %",
        change: "ALTER INDEX seriatim_events_position SET (fillfactor = 100);
                 ALTER INDEX seriatim_events_stream_sequence SET (fillfactor = 100)",
        roots: Roots::Ascending,
    },
];

/// The figures that one of them gave.
struct Gave {
    filled: f64,
    one_more: f64,
    pages: f64,
    bytes: f64,
}

/// One of the figures, what it is, and of what.
type Aspect = (&'static str, &'static str, fn(&Gave) -> f64);

const ASPECTS: [Aspect; 4] = [
    ("appending batches of 1000", "events/s", |gave| gave.filled),
    (
        "one more event on cold streams of 10",
        "commands/s",
        |gave| gave.one_more,
    ),
    ("reading the log in pages of 1000", "events/s", |gave| {
        gave.pages
    }),
    ("table and indexes on disk", "bytes/event", |gave| {
        gave.bytes
    }),
];

pub(crate) fn measure(context: &Context, _: On) -> Outcome<Vec<Row>> {
    let events = context.scaled(1_000_000);
    context.block_on(disk::check(context.server()?, events))?;
    let mut measures = LAYOUTS
        .each_ref()
        .map(|layout| || context.in_schema(async |schema| try_out(context, schema, layout).await));
    let mut contenders: Vec<_> = measures
        .iter_mut()
        .map(|measure| measure as &mut dyn FnMut() -> Outcome<Gave>)
        .collect();
    let gave = all_in_turn(context.rounds, &mut contenders)?;
    let mut rows = Vec::new();
    for (what, unit, figure) in ASPECTS {
        let figures = |gave: &Vec<Gave>| Figures(gave.iter().map(figure).collect());
        let shipped = figures(&gave[0]);
        let name = |layout: &Layout| format!("{what}: {}", layout.name);
        rows.push(Row::of("LAYOUT", name(&LAYOUTS[0]), unit, &shipped));
        for (layout, gave) in LAYOUTS.iter().zip(&gave).skip(1) {
            let ours = figures(gave);
            rows.push(Row::compared(
                "LAYOUT",
                name(layout),
                unit,
                &ours,
                "the table as it is",
                &shipped,
            ));
        }
    }
    Ok(rows)
}

async fn try_out(context: &Context, schema: &Schema, layout: &Layout) -> Outcome<Gave> {
    let product = Product::open(&schema.url()).await?;
    schema.execute(layout.change).await?;
    schema.settle().await?;
    let streams = context.scaled(1_000_000) / EVENTS as usize;
    let roots = match layout.roots {
        Roots::Ascending => new_roots(streams),
        Roots::AtRandom => (0..streams).map(|_| Uuid::new_v4()).collect(),
    };
    let start = Instant::now();
    fill::<Ledger>(product.store().as_ref(), &roots, EVENTS).await?;
    let events = streams * EVENTS as usize;
    let filled = per_second(events, start.elapsed());
    schema.settle().await?;
    let submit = product.submitter::<Ledger>();
    let some = shuffled(&roots);
    let one_more = rate(IN_FLIGHT, context.scaled(20_000), move |_, number| {
        submit.enter(some[number])
    })
    .await?;
    product.close().await;
    let pages = read_pages(schema, u64::try_from(events)?).await?;
    let sizes = schema.sizes().await?.into_iter();
    let of_events = sizes.filter(|(name, _)| name.starts_with("seriatim_events"));
    let bytes: u64 = of_events.map(|(_, bytes)| bytes).sum();
    Ok(Gave {
        filled,
        one_more,
        pages,
        bytes: bytes as f64 / (events + context.scaled(20_000)) as f64,
    })
}

/// By a statement that any of the indexes can serve; the store's own forbids the plan that BRIN needs.
async fn read_pages(schema: &Schema, events: u64) -> Outcome<f64> {
    let mut connection = schema.connect().await?;
    let (start, mut after) = (Instant::now(), Position::START);
    while after.0 < events {
        let through = after.0 + PAGE;
        let rows = sqlx::query(
            "SELECT position, recorded_at, sequence, domain, codec, root, id, type, metadata, data
             FROM seriatim_events WHERE position > $1 AND position <= $2 ORDER BY position",
        )
        .bind(i64::try_from(after.0)?)
        .bind(i64::try_from(through)?)
        .fetch_all(&mut connection)
        .await?;
        std::hint::black_box(rows);
        after = Position(through);
    }
    Ok(per_second(usize::try_from(events)?, start.elapsed()))
}
