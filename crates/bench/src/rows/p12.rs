//! P12: how long after its commit an event reaches a live projector, at a steady rate.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use seriatim::Projector;
use seriatim::core::{EventFilter, ExpectedSequence, RecordedEvent, Timestamp};
use seriatim::prelude::App;
use seriatim_bench::Outcome;
use seriatim_bench::domain::{Ledger, new_roots};
use seriatim_bench::measure::{Figures, all_in_turn, percentile};
use seriatim_bench::product::{Submitter, builder};
use seriatim_bench::row::{Must, Row};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::context::{Context, On};

/// Events a second: so many every millisecond.
const A_MILLISECOND: usize = 10;
/// The limit of the budget.
const LIMIT_MILLIS: f64 = 4.0;

pub(crate) fn measure(context: &Context, on: On) -> Outcome<Vec<Row>> {
    let mut ours = || live(context, on);
    let rounds = all_in_turn(context.rounds, &mut [&mut ours])?.remove(0);
    let figures = |figure: fn(&Gave) -> f64| Figures(rounds.iter().map(figure).collect());
    let limit = Figures(vec![LIMIT_MILLIS; rounds.len()]);
    let p99 = Row::compared(
        "P12",
        "commit to handler, 10,000 events/s, p99",
        "ms",
        &figures(|gave| gave.p99),
        "the limit set",
        &limit,
    );
    let p50 = figures(|gave| gave.p50);
    let sent = figures(|gave| gave.sent);
    Ok(vec![
        p99.must(Must::AtMost(1.0)),
        Row::of("P12", "commit to handler, p50", "ms", &p50),
        Row::of("P12", "events that were sent meanwhile", "events/s", &sent),
    ])
}

struct Gave {
    p50: f64,
    p99: f64,
    sent: f64,
}

fn live(context: &Context, on: On) -> Outcome<Gave> {
    context.in_database(on, async |database| {
        let ages = Ages::default();
        let builder = builder(&database.url).await?;
        let app = builder
            .projector("live", EventFilter::default(), ages.clone())
            .start()
            .await?;
        database.settle().await?;
        // The first second is for getting under way.
        send_steadily(&app, 1_000).await?;
        ages.forget();
        let milliseconds = context.scaled(10_000);
        let start = Instant::now();
        send_steadily(&app, milliseconds).await?;
        let took = start.elapsed().as_secs_f64();
        app.shutdown().await?;
        let ages = ages.all();
        Ok(Gave {
            p50: percentile(&ages, 50),
            p99: percentile(&ages, 99),
            sent: (milliseconds * A_MILLISECOND) as f64 / took,
        })
    })
}

/// Sends what is due every millisecond, whether or not the last commands were answered.
async fn send_steadily(app: &App, milliseconds: usize) -> Outcome<()> {
    let submit = Submitter::of::<Ledger>(app);
    let roots = new_roots(milliseconds * A_MILLISECOND);
    let mut clock = interval(Duration::from_millis(1));
    clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut sent = JoinSet::new();
    for due in roots.chunks(A_MILLISECOND) {
        clock.tick().await;
        for root in due {
            sent.spawn(submit.send(*root, ExpectedSequence::NoStream));
        }
    }
    while let Some(answer) = sent.join_next().await {
        answer??;
    }
    Ok(())
}

/// The ages of events when they reach the projector, in milliseconds, from the time that the committing server gave
/// them: the commit itself is included.
#[derive(Clone, Default)]
struct Ages(Arc<Mutex<Vec<f64>>>);

impl Ages {
    fn forget(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    fn all(&self) -> Vec<f64> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Projector for Ages {
    async fn project(&self, events: &[&RecordedEvent]) -> Result<(), Box<dyn Error + Send + Sync>> {
        let now = Timestamp::now().as_micros();
        let age = |event: &&RecordedEvent| (now - event.recorded_at.as_micros()) as f64 / 1e3;
        let mut ages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ages.extend(events.iter().map(age));
        Ok(())
    }
}
