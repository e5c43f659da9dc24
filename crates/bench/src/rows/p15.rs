//! P15: a saga, from the commit of an event to that of the command it sends because of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use seriatim::core::{
    CommandGateway, CommandRequest, EventStore, FactRequest, Message, Store, Timestamp,
};
use seriatim::prelude::*;
use seriatim::{Coordinator, Enrolled, SagaReaction, open_store};
use seriatim_bench::Outcome;
use seriatim_bench::domain::{Archive, Enter, Entered, Ledger, new_roots};
use seriatim_bench::fill::fill;
use seriatim_bench::load::per_second;
use seriatim_bench::measure::{Figures, all_in_turn, percentile};
use seriatim_bench::product::Submitter;
use seriatim_bench::row::{Must, Row};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::context::{Context, On};

/// Streams whose events are reacted to, and as many that the commands are for.
const STREAMS: usize = 16;
/// The limits of the budget.
const LIMIT_MILLIS: f64 = 10.0;
const LIMIT_RATE: f64 = 15_000.0;

pub(crate) fn measure(context: &Context, on: On) -> Outcome<Vec<Row>> {
    let mut ours = || {
        let rate = context.in_database(on, async |database| {
            let events = context.scaled(4_000);
            catch_up(&database.url, u32::try_from(events)?).await
        })?;
        let ages = context.in_database(on, async |database| {
            live(&database.url, context.scaled(10_000)).await
        })?;
        Ok(Gave {
            rate,
            p50: percentile(&ages, 50),
            p99: percentile(&ages, 99),
        })
    };
    let rounds = all_in_turn(context.rounds, &mut [&mut ours])?.remove(0);
    let figures = |figure: fn(&Gave) -> f64| Figures(rounds.iter().map(figure).collect());
    let limit = |limit| Figures(vec![limit; rounds.len()]);
    let rate = Row::compared(
        "P15",
        "a saga's commands for the events of 16 streams, as fast as it goes",
        "commands/s",
        &figures(|gave| gave.rate),
        "the rate set",
        &limit(LIMIT_RATE),
    );
    let p99 = Row::compared(
        "P15",
        "commit of the event to commit of the command, 1,000 events/s, p99",
        "ms",
        &figures(|gave| gave.p99),
        "the limit set",
        &limit(LIMIT_MILLIS),
    );
    let p50 = figures(|gave| gave.p50);
    Ok(vec![
        rate.must(Must::AtLeast(1.0)),
        p99.must(Must::AtMost(1.0)),
        Row::of(
            "P15",
            "commit of the event to commit of the command, p50",
            "ms",
            &p50,
        ),
    ])
}

struct Gave {
    rate: f64,
    p50: f64,
    p99: f64,
}

/// Measures how fast the saga goes through what is there. Returns its rate a second.
async fn catch_up(url: &str, events: u32) -> Outcome<f64> {
    let store = open_store(url).await?;
    let roots = new_roots(STREAMS);
    fill::<Ledger>(store.as_ref(), &roots, events).await?;
    let total = STREAMS * events as usize;
    let start = Instant::now();
    let running = Running::start(store).await?;
    running.done(total).await?;
    let rate = per_second(total, start.elapsed());
    running.end().await?;
    Ok(rate)
}

/// Measures how long after their events the commands are committed, at a steady rate. Returns the times in
/// milliseconds.
async fn live(url: &str, milliseconds: usize) -> Outcome<Vec<f64>> {
    let running = Running::start(open_store(url).await?).await?;
    let roots = new_roots(STREAMS);
    // The first second is for getting under way.
    running.send_steadily(&roots, 1_000).await?;
    running.done(1_000).await?;
    running.gateway.ages().clear();
    running.send_steadily(&roots, milliseconds).await?;
    running.done(1_000 + milliseconds).await?;
    let ages = running.gateway.ages().clone();
    running.end().await?;
    Ok(ages)
}

/// An application with a saga that sends an entry to an archive for every entry of a ledger.
struct Running {
    app: App,
    sagas: App,
    gateway: Timed,
    handled: watch::Receiver<usize>,
}

impl Running {
    async fn start(store: Arc<dyn Store>) -> Outcome<Self> {
        let builder = App::on(Arc::clone(&store));
        let app = builder.aggregate::<Ledger>().aggregate::<Archive>();
        let app = app.start().await?;
        let (handled, watched) = watch::channel(0);
        let gateway = Timed {
            coordinator: app.coordinator().for_reactions(),
            ages: Arc::default(),
            handled,
        };
        let checkpoints = Arc::clone(&store);
        let saga = SagaReaction::new(Copying, Arc::new(gateway.clone()), checkpoints as _);
        let sagas = App::on(store).component(Enrolled::new(Arc::new(saga)));
        Ok(Self {
            app,
            sagas: sagas.start().await?,
            gateway,
            handled: watched,
        })
    }

    /// Sends one command every millisecond, whether or not the last was answered.
    async fn send_steadily(&self, roots: &[Uuid], milliseconds: usize) -> Outcome<()> {
        let submit = Submitter::of::<Ledger>(&self.app);
        let mut clock = interval(Duration::from_millis(1));
        clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut sent = JoinSet::new();
        for root in roots.iter().cycle().take(milliseconds) {
            clock.tick().await;
            sent.spawn(submit.enter(*root));
        }
        while let Some(answer) = sent.join_next().await {
            answer??;
        }
        Ok(())
    }

    /// Waits until so many commands are committed.
    async fn done(&self, total: usize) -> Outcome<()> {
        let mut handled = self.handled.clone();
        handled.wait_for(|handled| *handled >= total).await?;
        Ok(())
    }

    async fn end(self) -> Outcome<()> {
        self.sagas.shutdown().await?;
        self.app.shutdown().await?;
        Ok(())
    }
}

/// Sends each entry on; its amount is the time at which the event was recorded.
struct Copying;

impl Saga for Copying {
    const NAME: &'static str = "copying";
    type Source = Ledger;

    fn react(&self, event: &Entered, recorded: &RecordedEvent, effects: &mut Effects) {
        let entry = Enter {
            amount: recorded.recorded_at.as_micros().cast_unsigned(),
            text: event.text.clone(),
        };
        effects.send::<Archive>(recorded.stream.root, &entry);
    }
}

/// The coordinator, with a look at the clock when it has answered.
#[derive(Clone, Debug)]
struct Timed {
    coordinator: Coordinator,
    ages: Arc<Mutex<Vec<f64>>>,
    handled: watch::Sender<usize>,
}

impl Timed {
    fn ages(&self) -> std::sync::MutexGuard<'_, Vec<f64>> {
        self.ages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl CommandGateway for Timed {
    async fn submit(&self, request: CommandRequest) -> Result<Receipt, SubmitError> {
        let recorded_at = request.commands.first().and_then(|command| {
            let entry = Enter::decode(command).ok()?;
            Some(entry.amount.cast_signed())
        });
        let receipt = self.coordinator.submit(request).await?;
        if let Some(recorded_at) = recorded_at {
            let age = Timestamp::now().as_micros() - recorded_at;
            self.ages().push(age as f64 / 1e3);
        }
        self.handled.send_modify(|handled| *handled += 1);
        Ok(receipt)
    }

    async fn record(&self, request: FactRequest) -> Result<Receipt, SubmitError> {
        self.coordinator.record(request).await
    }

    async fn hand_back(&self, rejected: RejectedEffect) -> Result<Receipt, SubmitError> {
        self.coordinator.hand_back(rejected).await
    }

    fn outcomes(&self) -> Option<&dyn EventStore> {
        self.coordinator.outcomes()
    }
}
