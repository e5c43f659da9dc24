//! One measurement: a contender, a workload, a database.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::Outcome;
use crate::contender::{Contender, Library};
use crate::database::Database;
use crate::ground::{Content, Ground};
use crate::streams::Streams;
use crate::window::{Calls, Figure, measure};
use crate::workload::Workload;

/// The times of a trial: how long it warms up, and how long it is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Length {
    pub(crate) warm_up: Duration,
    pub(crate) window: Duration,
}

/// The time that reading the whole log may take.
const LOG: Duration = Duration::from_secs(10);
/// The number of callers that touch the streams that are to be warm, and the time for which they do it at most.
const TOUCHERS: usize = 256;
const TOUCH: Duration = Duration::from_secs(10);
/// The time that calls may take to end before the window, and after it. A call that is dropped may leave its connection
/// in the middle of something, which nobody must meet in the window.
const BEFORE: Duration = Duration::from_secs(60);
const AFTER: Duration = Duration::from_secs(1);

/// Opens the contender, warms it up, waits for a checkpoint, measures, and closes it.
pub(crate) async fn run(
    ground: &mut Ground,
    library: &dyn Library,
    workload: Workload,
    length: Length,
) -> Outcome<Figure> {
    let database = match workload.needs_streams() {
        true => ground.filled(library)?,
        false => ground.empty().await?,
    };
    let figure = on(ground, &database, library, workload, length).await;
    if !workload.needs_streams() {
        ground.server.drop(&database).await?;
    }
    figure
}

async fn on(
    ground: &mut Ground,
    database: &Database,
    library: &dyn Library,
    workload: Workload,
    length: Length,
) -> Outcome<Figure> {
    let contender: Arc<dyn Contender> = library.open(database, workload.in_flight()).await?.into();
    let figure = warm_up_and_measure(ground, &contender, library, workload, length).await;
    contender.close().await?;
    figure
}

async fn warm_up_and_measure(
    ground: &mut Ground,
    contender: &Arc<dyn Contender>,
    library: &dyn Library,
    workload: Workload,
    length: Length,
) -> Outcome<Figure> {
    let content = ground.content;
    if workload == Workload::Log {
        ground.server.checkpoint().await?;
        return read_log(contender).await;
    }
    let callers = library.callers(workload.in_flight());
    if matches!(workload, Workload::Warm(_)) && library.remembers() {
        let all = once(contender, content.tens, warm_streams(content));
        measure(TOUCHERS, TOUCH, BEFORE, &all).await?;
    }
    let rivals = match workload {
        Workload::Contended(streams) => (0..streams).map(|_| Uuid::now_v7()).collect(),
        _ => Vec::new(),
    };
    let calls = calls(contender, content, workload, &rivals);
    // What is to be met cold must not be met before: others serve to warm up the connections.
    let before = match workload {
        Workload::Cold(_) => at_random(contender, content.tens, warm_streams(content)),
        _ => Arc::clone(&calls),
    };
    measure(callers, length.warm_up, BEFORE, &before).await?;
    ground.server.checkpoint().await?;
    let window = length.window.mul_f64(workload.patience());
    let figure = measure(callers, window, AFTER, &calls).await?;
    if !rivals.is_empty() {
        nothing_is_lost(contender, &rivals, figure.count).await?;
    }
    Ok(figure)
}

/// Checks that the events that were accepted are there.
async fn nothing_is_lost(
    contender: &Arc<dyn Contender>,
    roots: &[Uuid],
    accepted: u64,
) -> Outcome<()> {
    let mut there = 0;
    for root in roots {
        there += contender.load(0, *root, 0).await?;
    }
    match there >= accepted {
        true => Ok(()),
        false => {
            Err(format!("{accepted} commands were accepted, but there are {there} events").into())
        }
    }
}

fn calls(
    contender: &Arc<dyn Contender>,
    content: Content,
    workload: Workload,
    rivals: &[Uuid],
) -> Calls {
    match workload {
        Workload::New(_) => begin(contender),
        Workload::Cold(in_flight) => {
            once(contender, content.tens, cold_streams(content, in_flight))
        }
        Workload::Warm(_) => at_random(contender, content.tens, warm_streams(content)),
        Workload::Contended(_) => contend(contender, rivals.to_vec()),
        Workload::Load(events) => load(contender, content.of_length(events)),
        Workload::Log => unreachable!("the log is read in one call"),
    }
}

/// A tenth of the streams is touched, again and again.
fn warm_streams(content: Content) -> std::ops::Range<u64> {
    0..content.tens.count / 10
}

/// The others are cold; each number in flight has its own part of them, larger where they are used up faster.
fn cold_streams(content: Content, in_flight: usize) -> std::ops::Range<u64> {
    let twentieth = content.tens.count / 20;
    let (from, to) = match in_flight {
        ..16 => (2, 3),
        16..64 => (3, 7),
        64..256 => (7, 13),
        256.. => (13, 20),
    };
    from * twentieth..to * twentieth
}

fn begin(contender: &Arc<dyn Contender>) -> Calls {
    let contender = Arc::clone(contender);
    Arc::new(move |caller| {
        let contender = Arc::clone(&contender);
        Some(Box::pin(async move {
            contender.begin(caller, Uuid::now_v7()).await
        }))
    })
}

fn contend(contender: &Arc<dyn Contender>, roots: Vec<Uuid>) -> Calls {
    let contender = Arc::clone(contender);
    let next = AtomicU64::new(0);
    Arc::new(move |caller| {
        let contender = Arc::clone(&contender);
        let root = roots[shuffled(next.fetch_add(1, Ordering::Relaxed)) as usize % roots.len()];
        Some(Box::pin(
            async move { contender.command(caller, root).await },
        ))
    })
}

fn load(contender: &Arc<dyn Contender>, streams: Option<Streams>) -> Calls {
    let contender = Arc::clone(contender);
    let next = AtomicU64::new(0);
    Arc::new(move |caller| {
        let (contender, streams) = (Arc::clone(&contender), streams?);
        let number = shuffled(next.fetch_add(1, Ordering::Relaxed)) % streams.count;
        Some(Box::pin(async move {
            let events = contender
                .load(caller, streams.root(number), streams.length)
                .await?;
            // Commands may have been added to a stream of 10 by now.
            match events >= u64::from(streams.length) {
                true => Ok(events),
                false => Err(format!("a stream of {} has {events} events", streams.length).into()),
            }
        }))
    })
}

/// One command on each of the streams, in no order.
fn once(contender: &Arc<dyn Contender>, streams: Streams, range: std::ops::Range<u64>) -> Calls {
    let contender = Arc::clone(contender);
    let mut numbers: Vec<_> = range.collect();
    numbers.sort_by_key(|number| shuffled(*number));
    let next = AtomicU64::new(0);
    Arc::new(move |caller| {
        let place = next.fetch_add(1, Ordering::Relaxed) as usize;
        let (contender, root) = (Arc::clone(&contender), streams.root(*numbers.get(place)?));
        Some(Box::pin(
            async move { contender.command(caller, root).await },
        ))
    })
}

/// Commands on the streams, for ever.
fn at_random(
    contender: &Arc<dyn Contender>,
    streams: Streams,
    range: std::ops::Range<u64>,
) -> Calls {
    let contender = Arc::clone(contender);
    let next = AtomicU64::new(0);
    Arc::new(move |caller| {
        let random = shuffled(next.fetch_add(1, Ordering::Relaxed));
        let number = range.start + random % (range.end - range.start);
        let (contender, root) = (Arc::clone(&contender), streams.root(number));
        Some(Box::pin(
            async move { contender.command(caller, root).await },
        ))
    })
}

async fn read_log(contender: &Arc<dyn Contender>) -> Outcome<Figure> {
    let start = Instant::now();
    let events = contender.read_log(start + LOG).await?;
    let time = start.elapsed();
    Ok(Figure {
        per_second: events as f64 / time.as_secs_f64(),
        count: events,
        p50_us: time.as_micros() as f64,
        p99_us: time.as_micros() as f64,
    })
}

/// Numbers that look random and are the same in each run (the finalizer of SplitMix64).
fn shuffled(number: u64) -> u64 {
    let mut x = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_stream_is_both_warm_and_cold_nor_cold_twice() {
        let content = Content::new(false);
        let mut end = warm_streams(content).end;
        for in_flight in [1, 16, 64, 256] {
            let range = cold_streams(content, in_flight);
            assert_eq!(range.start, end);
            end = range.end;
        }
        assert_eq!(end, content.tens.count);
    }
}
