//! Process managers in trouble: one that panics, one whose process ends, and one on a log in several partitions.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use seriatim::core::{DecodeError, EventFilter};
use seriatim::prelude::*;
use seriatim::{BackOff, FailurePolicy, open_store};

use crate::fulfilment::Fulfilment;
use crate::shop::{Order, OrderCommand, OrderEvent, Stock};
use crate::stage::{
    NEVER, filled, managed, no_timer_is_left, order_events, place, settled, shop, steps, until,
};
use crate::storage::on_every_storage;

/// The orders for which [`Brittle`] has been mended.
static MENDED: Mutex<BTreeSet<Uuid>> = Mutex::new(BTreeSet::new());

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Touched {
    order: Uuid,
}

/// Panics at the sight of an order, and counts what it has seen.
#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Brittle {
    seen: u32,
}

impl ProcessManager for Brittle {
    const NAME: &'static str = "brittle";
    type Input = Touched;

    fn filter() -> EventFilter {
        Fulfilment::filter()
    }

    fn correlate(recorded: &RecordedEvent) -> Result<Option<(Uuid, Touched)>, DecodeError> {
        let order = recorded.stream.root;
        Ok(Some((order, Touched { order })))
    }

    fn decide(&self, trigger: &Trigger<Touched>, _: &mut Plan) {
        if let Trigger::Input(Touched { order }) = trigger {
            assert!(MENDED.lock().unwrap().contains(order), "it breaks");
        }
    }

    fn evolve(&mut self, _: &Trigger<Touched>) {
        self.seen += 1;
    }
}

on_every_storage! {
    a_process_manager_that_panics_goes_on_when_it_is_mended
    another_process_takes_over_and_repeats_nothing
}

async fn a_process_manager_that_panics_goes_on_when_it_is_mended(url: &str) {
    let policy = FailurePolicy {
        back_off: BackOff {
            first: Duration::from_millis(1),
            retries: 2,
            ..BackOff::default()
        },
        ..FailurePolicy::pause()
    };
    let start = async || {
        let shop = shop(open_store(url).await.unwrap()).process_manager::<Brittle>();
        let shop = shop.failure_policy("brittle.inputs", policy.clone());
        shop.start().await.unwrap()
    };
    let app = start().await;
    let order = place(&app, Uuid::nil(), NEVER).await;
    app.of::<Order>(order)
        .send(OrderCommand::Pay)
        .await
        .unwrap();
    until("it is paused and says why", async || {
        let status = app.reactions().status();
        status.iter().any(|piece| {
            let state = format!("{:?}", piece.state);
            state.starts_with("Paused") && state.contains("it breaks")
        })
    })
    .await;
    assert_eq!(steps::<Brittle>(&app, order).await.len(), 0);
    app.shutdown().await.unwrap();

    MENDED.lock().unwrap().insert(order);
    let app = start().await;
    settled(&app).await;
    assert_eq!(steps::<Brittle>(&app, order).await.len(), 2);
}

async fn another_process_takes_over_and_repeats_nothing(url: &str) {
    let (one, other) = (managed(url).await, managed(url).await);
    let stock = filled(&one, 100).await;
    let mut orders = Vec::new();
    for number in 0..30 {
        if number == 15 {
            // Whatever it has come to.
            one.shutdown().await.unwrap();
        }
        let order = place(&other, stock, NEVER).await;
        other
            .of::<Order>(order)
            .send(OrderCommand::Pay)
            .await
            .unwrap();
        orders.push(order);
    }
    settled(&other).await;
    for order in &orders {
        let events = order_events(&other, *order).await;
        let shipped = events.iter().filter(|event| **event == OrderEvent::Shipped);
        assert_eq!(shipped.count(), 1);
    }
    let stock = other.of::<Stock>(stock).state().await.unwrap();
    assert_eq!(stock.state.left, 100 - 30);
}

#[tokio::test]
async fn instances_and_their_orders_may_be_in_different_partitions() {
    in_different_partitions("memory:?partitions=4").await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn they_may_be_on_postgresql_too() {
    let storage = crate::storage::Storage::postgresql();
    in_different_partitions(&format!("{}&partitions=4", storage.url())).await;
}

async fn in_different_partitions(url: &str) {
    let app = managed(url).await;
    let stock = filled(&app, 100).await;
    let mut orders = Vec::new();
    for number in 0..40 {
        let paid = number % 2 == 0;
        let order = place(&app, stock, if paid { NEVER } else { 30 }).await;
        if paid {
            app.of::<Order>(order)
                .send(OrderCommand::Pay)
                .await
                .unwrap();
        }
        orders.push((order, paid));
    }
    for (order, paid) in orders {
        let end = match paid {
            true => OrderEvent::Shipped,
            false => OrderEvent::Cancelled {
                why: "not paid".into(),
            },
        };
        until("it has come to its end", async || {
            order_events(&app, order).await.last() == Some(&end)
        })
        .await;
    }
    no_timer_is_left::<Fulfilment>(&app).await;
    until("what was not sold is there again", async || {
        let stock = app.of::<Stock>(stock).state().await.unwrap();
        stock.state.left == 80
    })
    .await;
}
