//! Process managers in trouble: one that panics, one whose process ends, and one on a log in several partitions.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use seriatim::core::{DecodeError, EventFilter};
use seriatim::prelude::*;
use seriatim::{BackOff, FailurePolicy, open_store};

use crate::fulfilment::Fulfilment;
use crate::shop::{Order, OrderCommand, OrderEvent, Stock};
use crate::stage::{
    NEVER, file, filled, managed, no_timer_is_left, order_events, place, settled, shop, steps,
    until,
};

/// Whether [`Brittle`] has been mended.
static MENDED: AtomicBool = AtomicBool::new(false);

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Touched;

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
        Ok(Some((recorded.stream.root, Touched)))
    }

    fn decide(&self, _: &Trigger<Touched>, _: &mut Plan) {
        assert!(MENDED.load(Ordering::Relaxed), "it breaks");
    }

    fn evolve(&mut self, _: &Trigger<Touched>) {
        self.seen += 1;
    }
}

#[tokio::test]
async fn a_process_manager_that_panics_goes_on_when_it_is_mended() {
    let (_folder, url) = file();
    let policy = FailurePolicy {
        back_off: BackOff {
            first: Duration::from_millis(1),
            retries: 2,
            ..BackOff::default()
        },
        ..FailurePolicy::pause()
    };
    let start = async || {
        let shop = shop(open_store(&url).await.unwrap()).process_manager::<Brittle>();
        let shop = shop.failure_policy("brittle.inputs", policy.clone());
        shop.start().await.unwrap()
    };
    let app = start().await;
    let order = place(&app, Uuid::nil(), NEVER).await;
    app.send::<Order>(order, OrderCommand::Pay).await.unwrap();
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

    MENDED.store(true, Ordering::Relaxed);
    let app = start().await;
    settled(&app).await;
    assert_eq!(steps::<Brittle>(&app, order).await.len(), 2);
}

#[tokio::test]
async fn another_process_takes_over_and_repeats_nothing() {
    let (_folder, url) = file();
    let (one, other) = (managed(&url).await, managed(&url).await);
    let stock = filled(&one, 100).await;
    let mut orders = Vec::new();
    for number in 0..30 {
        if number == 15 {
            // Whatever it has come to.
            one.shutdown().await.unwrap();
        }
        let order = place(&other, stock, NEVER).await;
        other.send::<Order>(order, OrderCommand::Pay).await.unwrap();
        orders.push(order);
    }
    settled(&other).await;
    for order in &orders {
        let events = order_events(&other, *order).await;
        let shipped = events.iter().filter(|event| **event == OrderEvent::Shipped);
        assert_eq!(shipped.count(), 1);
    }
    let stock = other.state::<Stock>(stock, At::Current).await.unwrap();
    assert_eq!(stock.state.left, 100 - 30);
}

#[tokio::test]
async fn instances_and_their_orders_may_be_in_different_partitions() {
    let app = managed("memory:?partitions=4").await;
    let stock = filled(&app, 100).await;
    let mut orders = Vec::new();
    for number in 0..40 {
        let paid = number % 2 == 0;
        let order = place(&app, stock, if paid { NEVER } else { 30 }).await;
        if paid {
            app.send::<Order>(order, OrderCommand::Pay).await.unwrap();
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
        let stock = app.state::<Stock>(stock, At::Current).await.unwrap();
        stock.state.left == 80
    })
    .await;
}
