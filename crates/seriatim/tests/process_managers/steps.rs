//! Inputs, effects and rejections: each once, through crashes, beside another process manager.

use seriatim::Process;
use seriatim::prelude::*;

use crate::fulfilment::Fulfilment;
use crate::quiet::Quiet;
use crate::shop::{Order, OrderCommand, OrderEvent, Stock};
use crate::stage::{
    NEVER, filled, managed, no_timer_is_left, order_events, place, settled, steps, until,
};
use crate::storage::{Storage, on_every_storage};

on_every_storage! {
    an_order_that_is_paid_is_shipped_and_its_timer_is_gone
    a_rejected_command_compensates_and_the_workflow_is_carried_on
    two_process_managers_on_one_event_do_not_swallow_each_other
    who_waits_for_a_process_manager_finds_what_it_has_done
}

async fn an_order_that_is_paid_is_shipped_and_its_timer_is_gone(url: &str) {
    let app = managed(url).await;
    let stock = filled(&app, 1).await;
    let order = place(&app, stock, NEVER).await;
    app.of::<Order>(order)
        .send(OrderCommand::Pay)
        .await
        .unwrap();
    until("it is shipped", async || {
        order_events(&app, order).await.last() == Some(&OrderEvent::Shipped)
    })
    .await;
    no_timer_is_left::<Fulfilment>(&app).await;
    let process = app.of::<Process<Fulfilment>>(order).state();
    let process = process.await.unwrap().state;
    assert!(process.is_finished());
    assert_eq!(process.timers().count(), 0);
}

async fn a_rejected_command_compensates_and_the_workflow_is_carried_on(url: &str) {
    let app = managed(url).await;
    let (stock, order) = (filled(&app, 0).await, Uuid::now_v7());
    let place = OrderCommand::Place {
        stock,
        pay_within_ms: NEVER,
    };
    let placed = app.of::<Order>(order).send(place).external_id("till/7");
    placed.correlation_id("basket 12").await.unwrap();
    until("it is cancelled", async || {
        let cancelled = OrderEvent::Cancelled {
            why: "out of stock".into(),
        };
        order_events(&app, order).await.last() == Some(&cancelled)
    })
    .await;

    let steps = steps::<Fulfilment>(&app, order).await;
    assert!(matches!(steps[0].1.trigger, Trigger::Input(_)));
    assert!(
        matches!(&steps[1].1.trigger, Trigger::Rejected(effect) if effect.target.root == stock)
    );
    assert_eq!(steps.len(), 2);
    let events = app
        .of::<Order>(order)
        .events(Sequence::FIRST, 9)
        .await
        .unwrap();
    let cancelled = events
        .iter()
        .find(|event| event.payload.type_name == "Cancelled");
    let metadata = &cancelled.unwrap().metadata;
    assert_eq!(metadata.causation_id, Some(steps[1].0.id));
    assert_eq!(metadata.correlation_id.as_deref(), Some("basket 12"));
    assert_eq!(metadata.external_id.as_deref(), Some("till/7"));
    no_timer_is_left::<Fulfilment>(&app).await;
}

async fn two_process_managers_on_one_event_do_not_swallow_each_other(url: &str) {
    let app = managed(url).await;
    let stock = filled(&app, 20).await;
    let mut orders = Vec::new();
    for _ in 0..20 {
        orders.push(place(&app, stock, NEVER).await);
    }
    for order in &orders {
        until("both have it", async || {
            let one = steps::<Fulfilment>(&app, *order).await.len();
            one == 1 && !steps::<Quiet>(&app, *order).await.is_empty()
        })
        .await;
    }
    settled(&app).await;
    let stock = app.of::<Stock>(stock).state().await.unwrap();
    assert_eq!(stock.state.left, 0);
}

#[test]
fn through_crashes_every_step_is_taken_once_on_sqlite() {
    through_crashes(Storage::sqlite().url());
}

#[cfg(feature = "postgres")]
#[test]
fn through_crashes_every_step_is_taken_once_on_postgresql() {
    through_crashes(Storage::postgresql().url());
}

/// The program is thrown away where it happens to be, again and again.
fn through_crashes(url: &str) {
    const ROUNDS: usize = 8;
    const ORDERS: usize = 12;
    let (mut orders, mut stock) = (Vec::new(), None);
    for round in 0..ROUNDS {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let app = managed(url).await;
            let stock = match stock {
                Some(stock) => stock,
                None => *stock.insert(filled(&app, 1000).await),
            };
            for number in 0..ORDERS {
                let order = place(&app, stock, NEVER).await;
                if number % 2 == 0 {
                    app.of::<Order>(order)
                        .send(OrderCommand::Pay)
                        .await
                        .unwrap();
                }
                orders.push((order, number % 2 == 0));
            }
            // In the middle of it: some are done, some are not begun.
            let (first, _) = orders[round * ORDERS + round];
            until("it is at work", async || {
                !steps::<Fulfilment>(&app, first).await.is_empty()
            })
            .await;
        });
        runtime.shutdown_background();
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let app = managed(url).await;
        settled(&app).await;
        for (order, paid) in &orders {
            let events = order_events(&app, *order).await;
            let shipped = events.iter().filter(|event| **event == OrderEvent::Shipped);
            assert_eq!(shipped.count(), usize::from(*paid), "{order}: {events:?}");
            let steps = steps::<Fulfilment>(&app, *order).await;
            assert_eq!(steps.len(), 1 + usize::from(*paid), "{order}: {steps:?}");
        }
        let stock = app.of::<Stock>(stock.unwrap()).state().await.unwrap();
        let reserved = u32::try_from(orders.len()).unwrap();
        assert_eq!(stock.state.left, 1000 - reserved);
        app.shutdown().await.unwrap();
    });
}

async fn who_waits_for_a_process_manager_finds_what_it_has_done(url: &str) {
    let app = managed(url).await;
    let stock = filled(&app, 20).await;
    let waiting = |order| {
        let place = OrderCommand::Place {
            stock,
            pay_within_ms: NEVER,
        };
        let sent = app.of::<Order>(order).send(place).external_id("till-7");
        sent.wait_for("fulfilment").wait_for("fulfilment.timers")
    };
    for reserved in 1..=20 {
        let order = Uuid::now_v7();
        // The second is a duplicate, whose events are not in the receipt.
        for _ in 0..2 {
            waiting(order).await.unwrap();
            let stock = app.of::<Stock>(stock).state().await.unwrap();
            assert_eq!(stock.state.left, 20 - reserved);
        }
    }
    // Elsewhere it is not known which instance an event is for.
    let store = std::sync::Arc::clone(app.coordinator().store());
    let elsewhere = App::on(store).aggregate::<Order>().start().await.unwrap();
    for name in ["fulfilment", "fulfilment.timers"] {
        let sent = elsewhere
            .of::<Order>(Uuid::now_v7())
            .send(OrderCommand::Pay);
        let refused = sent.wait_for(name).await.unwrap_err().to_string();
        assert!(
            refused.contains("wait for `fulfilment.inputs`"),
            "{refused}"
        );
    }
}
