//! P16: what a coordinator that has touched a million streams keeps in memory.

use std::fs;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::Outcome;
use crate::context::{Context, new_roots};
use crate::domain::Ledger;
use crate::load::rate;
use crate::measure::Comparison;
use crate::product::{Product, cached_aggregates};
use crate::report::{Must, Row};

/// In how many steps the streams are touched.
const STEPS: usize = 10;

/// How large the process was, in bytes: before the first stream, when the cache was full, at the end.
#[derive(Debug, Serialize, Deserialize)]
struct Sizes {
    before: f64,
    cache_full: f64,
    end: f64,
}

pub(crate) fn measure(context: &Context) -> Outcome<Vec<Row>> {
    if resident_bytes().is_none() {
        eprintln!(" left out: this system does not say how much memory a process has (no /proc)");
        return Ok(Vec::new());
    }
    let streams = context.scaled(1_000_000);
    let sizes = in_own_process(streams, context)?;
    let grown = |size: f64| (size - sizes.before) / 1e6;
    let bounded = Comparison {
        value: vec![grown(sizes.end)],
        against: vec![grown(sizes.cache_full)],
    };
    let each = grown(sizes.cache_full) * 1e6 / cached_aggregates() as f64;
    Ok(vec![
        Row::compared(
            "P16",
            format!("growth of the process, {streams} streams touched"),
            "MB",
            format!(
                "its growth when the cache was full ({} aggregates)",
                cached_aggregates()
            ),
            Must::AtMost(1.5),
            &bounded,
        ),
        Row::alone(
            "P16",
            "per cached aggregate, the store's page cache included",
            "bytes",
            each,
        ),
    ])
}

/// A process of its own: what earlier rows have allocated and freed must not count.
fn in_own_process(streams: usize, context: &Context) -> Outcome<Sizes> {
    let folder = context.fresh_folder()?;
    // By this name it is found even if it was built anew since it was started.
    let child = Command::new("/proc/self/exe")
        .arg("--memory-of")
        .arg(streams.to_string())
        .arg("--folder")
        .arg(folder.path())
        .stderr(Stdio::inherit())
        .output()?;
    if !child.status.success() {
        return Err(format!("the process that is measured ended with {}", child.status).into());
    }
    Ok(serde_json::from_slice(&child.stdout)?)
}

/// What the process of its own does: touches streams and prints its sizes.
pub(crate) fn touch_and_print(streams: usize, context: &Context) -> Outcome<()> {
    let folder = context.fresh_folder()?;
    let sizes = context.block_on(async {
        let product = Product::open(folder.path()).await?;
        let full = usize::try_from(cached_aggregates())?;
        let before = resident()?;
        touch(&product, full).await?;
        let cache_full = resident()?;
        let mut left = streams.saturating_sub(full);
        let step = left.div_ceil(STEPS).max(1);
        while left > 0 {
            eprint!(".");
            touch(&product, step.min(left)).await?;
            left -= step.min(left);
        }
        eprintln!();
        let end = resident()?;
        product.close().await?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(Sizes {
            before,
            cache_full,
            end,
        })
    })?;
    println!("{}", serde_json::to_string(&sizes)?);
    Ok(())
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
