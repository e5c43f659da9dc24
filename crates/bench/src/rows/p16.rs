//! P16: what a coordinator that has touched a million streams keeps in memory.

use std::fs;

use serde::{Deserialize, Serialize};
use seriatim_bench::Outcome;
use seriatim_bench::domain::{Ledger, new_roots};
use seriatim_bench::load::rate;
use seriatim_bench::measure::Figures;
use seriatim_bench::product::Product;
use seriatim_bench::row::{Must, Row};

use crate::child::{Process, Role};
use crate::context::{Context, On};

/// The bytes that the states that are kept may take.
const CACHED_BYTES: usize = 32 * 1024 * 1024;
/// The number of streams after which they take it.
const FULL: usize = 100_000;
/// The number of steps in which the streams are touched.
const STEPS: usize = 10;

/// The size of the process in bytes: before the first stream, when the cache was full, and at the end.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Sizes {
    before: f64,
    cache_full: f64,
    end: f64,
}

pub(crate) fn measure(context: &Context, on: On) -> Outcome<Vec<Row>> {
    if resident_bytes().is_none() {
        eprintln!(" left out: this system does not say how much memory a process has (no /proc)");
        return Ok(Vec::new());
    }
    let streams = context.scaled(1_000_000);
    let sizes = in_own_process(context, on, streams)?;
    let grown = |size: f64| Figures(vec![(size - sizes.before) / 1e6]);
    let bounded = Row::compared(
        "P16",
        format!("growth of the process, {streams} streams touched"),
        "MB",
        &grown(sizes.end),
        format!("its growth when the cache was full, after {FULL} streams"),
        &grown(sizes.cache_full),
    );
    Ok(vec![bounded.must(Must::AtMost(1.5))])
}

/// A process of its own: what earlier rows have allocated and freed must not count.
fn in_own_process(context: &Context, on: On, streams: usize) -> Outcome<Sizes> {
    context.in_database(on, async |database| {
        let mut process = Process::start(&Role::Memory {
            url: database.url.clone(),
            streams,
        })?;
        let sizes = serde_json::from_str(&process.line()?)?;
        process.end()?;
        Ok(sizes)
    })
}

/// Does what the process of its own does: touches streams and returns its sizes.
pub(crate) async fn touch_all(url: &str, streams: usize) -> Outcome<Sizes> {
    let settings = seriatim::Settings {
        cached_bytes: CACHED_BYTES,
        ..Default::default()
    };
    let product = Product::open_with(url, settings).await?;
    let before = resident()?;
    touch(&product, FULL).await?;
    let cache_full = resident()?;
    let mut left = streams.saturating_sub(FULL);
    let step = left.div_ceil(STEPS).max(1);
    while left > 0 {
        eprint!(".");
        touch(&product, step.min(left)).await?;
        left -= step.min(left);
    }
    eprintln!();
    let end = resident()?;
    product.close().await;
    Ok(Sizes {
        before,
        cache_full,
        end,
    })
}

async fn touch(product: &Product, streams: usize) -> Outcome<()> {
    let submit = product.submitter::<Ledger>();
    let roots = new_roots(streams);
    rate(256, streams, move |_, number| submit.enter(roots[number])).await?;
    Ok(())
}

fn resident() -> Outcome<f64> {
    resident_bytes().ok_or_else(|| "/proc/self/status has no VmRSS".into())
}

fn resident_bytes() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0)
}
