//! Ten thousand timers due at once on PostgreSQL, with two processes that ring them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use seriatim::core::{DecodeError, Domain, EventFilter, TimerStore};
use seriatim::prelude::*;
use seriatim::{Process, open_store};
use seriatim_testkit::faults::FaultyStore;

use crate::fulfilment::Fulfilment;
use crate::stage::{NEVER, no_timer_is_left, place, shop, steps, until};
use crate::storage::Storage;

const INSTANCES: usize = 200;
const TIMERS: usize = 50;

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Wound;

/// Sets many timers at once, and does nothing when they run out.
#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Chimes;

impl ProcessManager for Chimes {
    const NAME: &'static str = "chimes";
    type Input = Wound;

    fn filter() -> EventFilter {
        Fulfilment::filter()
    }

    fn correlate(recorded: &RecordedEvent) -> Result<Option<(Uuid, Wound)>, DecodeError> {
        Ok(Some((recorded.stream.root, Wound)))
    }

    fn decide(&self, trigger: &Trigger<Wound>, plan: &mut Plan) {
        if let Trigger::Input(Wound) = trigger {
            for number in 0..TIMERS {
                plan.set_timer(&number.to_string(), Duration::from_millis(1));
            }
        }
    }

    fn evolve(&mut self, _: &Trigger<Wound>) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_timers_due_at_once_on_postgresql_fire_once_each() {
    let storage = Storage::postgresql();
    let held = || async {
        let store = FaultyStore::new(open_store(storage.url()).await.unwrap());
        store.hold_timers();
        let app = shop(Arc::new(store.clone())).process_manager::<Chimes>();
        (store, app.start().await.unwrap())
    };
    let [(one, app), (other, second)] = [held().await, held().await];
    let orders = (0..INSTANCES).map(|_| place(&app, Uuid::nil(), NEVER));
    let orders = futures::future::join_all(orders).await;
    let domain = Domain::of::<Process<Chimes>>();
    until("all are due", async || {
        let overdue = one.overdue(&domain, Duration::ZERO).await;
        overdue.unwrap().count == (INSTANCES * TIMERS) as u64
    })
    .await;
    one.let_timers_ring();
    other.let_timers_ring();
    no_timer_is_left::<Chimes>(&app).await;
    for order in orders {
        let mut fired = HashMap::new();
        for (_, step) in steps::<Chimes>(&app, order).await {
            if let Trigger::Timer(name) = step.trigger {
                *fired.entry(name).or_insert(0) += 1;
            }
        }
        assert_eq!(fired.len(), TIMERS);
        assert!(fired.values().all(|times| *times == 1), "{fired:?}");
    }
    for store in [one, other] {
        let most = store.most_timers_rung();
        assert!(most <= 256, "{most} were in hand at once");
    }
    second.shutdown().await.unwrap();
    app.shutdown().await.unwrap();
}
