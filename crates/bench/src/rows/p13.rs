//! P13: a projector that does nothing catches up with the whole log.

use std::error::Error;
use std::time::Instant;

use seriatim::Projector;
use seriatim::core::{EventFilter, RecordedEvent};
use seriatim_bench::Outcome;
use seriatim_bench::domain::{Ledger, new_roots};
use seriatim_bench::fill::fill;
use seriatim_bench::load::per_second;
use seriatim_bench::measure::in_turn;
use seriatim_bench::product::{Product, builder};
use seriatim_bench::row::{Must, Row};
use tokio::sync::watch;

use super::{ours, postgres, sqlite};
use crate::context::{Context, Database, On};

pub(crate) fn measure(context: &Context, on: On) -> Outcome<Vec<Row>> {
    let [scanned, caught_up] = in_turn(
        context.rounds,
        [
            &mut || match on {
                On::Postgres => postgres::raw::scan(context, streams(context)),
                On::Memory => Err("there is no limit to compare memory with".into()),
                On::Sqlite => sqlite::scan::scan(context, streams(context)),
            },
            &mut || catch_up(context, on),
        ],
    )?;
    let row = Row::compared(
        "P13",
        "a projector that does nothing, from the first event to the last",
        "events/s",
        &caught_up,
        "keyset pages of 1000 whole rows by position, decoding nothing",
        &scanned,
    );
    let least = match on {
        On::Postgres => 0.6,
        On::Sqlite | On::Memory => 0.4,
    };
    Ok(vec![row.must(Must::AtLeast(least))])
}

fn streams(context: &Context) -> usize {
    context.scaled(50_000)
}

fn catch_up(context: &Context, on: On) -> Outcome<f64> {
    context.in_database(on, async |database| {
        let roots = new_roots(streams(context));
        let product = Product::open(&database.url).await?;
        fill::<Ledger>(product.store().as_ref(), &roots, ours::EVENTS).await?;
        product.close().await;
        database.settle().await?;
        let total = roots.len() * ours::EVENTS as usize;
        project_all(database, total).await
    })
}

async fn project_all(database: &Database<'_>, total: usize) -> Outcome<f64> {
    let (seen, mut told) = watch::channel(0);
    let builder = builder(&database.url).await?;
    let start = Instant::now();
    let app = builder
        .projector("nothing", EventFilter::default(), Counting(seen))
        .start()
        .await?;
    told.wait_for(|seen| *seen >= total).await?;
    let figure = per_second(total, start.elapsed());
    app.shutdown().await?;
    Ok(figure)
}

/// Does nothing but count.
struct Counting(watch::Sender<usize>);

impl Projector for Counting {
    async fn project(&self, events: &[&RecordedEvent]) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.0.send_modify(|seen| *seen += events.len());
        Ok(())
    }
}
