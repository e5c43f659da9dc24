//! Checks what a saga asks for, as its targets and its source see it.

use std::sync::Arc;

use seriatim::core::Store;
use seriatim::prelude::*;
use seriatim::{StartAppError, open_store};
use seriatim_testkit::faults::FaultyStore;

use crate::shop::{Order, OrderCommand, Reserving, Stock, StockEvent};
use crate::stage::*;

#[tokio::test]
async fn two_sagas_on_one_event_and_two_commands_of_one_all_take_effect() {
    let app = with_sagas("memory:").await;
    let (order, sku) = (Uuid::now_v7(), Uuid::now_v7());
    fill(&app, sku, 10).await;
    place(&app, order, sku, 4).await;
    settled(&app).await;
    let stock = app.of::<Stock>(sku).state().await.unwrap().state;
    assert_eq!(
        stock,
        Stock {
            left: 5,
            reserved: 5
        }
    );
    assert_eq!(reservations(&app, sku).await, 3);
    app.shutdown().await.unwrap();
}

/// The saga has read the event that it reacts to, so nobody looks for it again.
#[tokio::test]
async fn the_source_of_an_effect_is_not_looked_for() {
    let faulty = FaultyStore::new(open_store("memory:").await.unwrap());
    let store: Arc<dyn Store> = Arc::new(faulty.clone());
    let app = App::on(store).aggregate::<Order>().aggregate::<Stock>();
    let app = app.saga(Reserving).start().await.unwrap();
    let (order, sku) = (Uuid::now_v7(), Uuid::now_v7());
    fill(&app, sku, 10).await;
    place(&app, order, sku, 4).await;
    settled(&app).await;
    assert!(!faulty.calls().contains_key("read a stream"));
    assert!(reservations(&app, sku).await > 0);
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn the_workflow_travels_and_the_cause_is_the_event() {
    let app = with_sagas("memory:").await;
    let (order, sku) = (Uuid::now_v7(), Uuid::now_v7());
    fill(&app, sku, 1).await;
    let placing = app
        .of::<Order>(order)
        .send(OrderCommand::Place { sku, count: 9 })
        .correlation_id("checkout-7")
        .external_id("till-7/000123")
        .actor("Ann");
    placing.await.unwrap();
    settled(&app).await;
    let orders = app.of::<Order>(order).events(Sequence::FIRST, 9).await;
    let (orders, stocks) = (orders.unwrap(), stock_events(&app, sku).await);
    // Both sagas want the last one: the first piece of the order, and the present.
    assert!(orders.len() >= 2 && stocks.len() == 2, "{orders:?}");
    let placed = &orders[0];
    for caused in stocks[1..].iter().chain(&orders[1..]) {
        let metadata = &caused.metadata;
        assert_eq!(metadata.correlation_id.as_deref(), Some("checkout-7"));
        assert_eq!(metadata.external_id.as_deref(), Some("till-7/000123"));
        assert_eq!(metadata.causation_id, Some(placed.id));
        let actor = metadata.actor.as_deref().unwrap();
        assert!(
            ["saga:reserving", "saga:giving"].contains(&actor),
            "{actor}"
        );
    }
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_rejected_command_comes_back_to_the_source() {
    let shop = shop("memory:").await.saga(Reserving);
    let app = shop.start().await.unwrap();
    let (order, sku) = (Uuid::now_v7(), Uuid::now_v7());
    fill(&app, sku, 2).await;
    place(&app, order, sku, 4).await;
    settled(&app).await;
    let order = app.of::<Order>(order).state().await.unwrap().state;
    assert_eq!(order.declined, ["1: only 1 are left"]);
    // The one before it stands: what becomes of it is the domain's business.
    assert_eq!(reservations(&app, sku).await, 1);
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_fact_of_a_saga_says_where_it_happened() {
    let app = with_sagas("memory:").await;
    let (order, sku) = (Uuid::now_v7(), Uuid::now_v7());
    app.of::<Order>(order)
        .send(OrderCommand::Pay { sku })
        .await
        .unwrap();
    settled(&app).await;
    let events = stock_events(&app, sku).await;
    assert_eq!(events.len(), 1);
    assert_eq!(
        events[0].of::<Stock>().unwrap().unwrap(),
        StockEvent::PaidFor
    );
    let origin = events[0].metadata.origin.as_ref().unwrap();
    assert_eq!(
        (&*origin.source, &*origin.description),
        ("order", "the money is there")
    );
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_saga_needs_its_source() {
    let lonely = App::open("memory:").await.unwrap().aggregate::<Stock>();
    match lonely.saga(Reserving).start().await.unwrap_err() {
        StartAppError::NoSource { saga, domain } => {
            assert_eq!((saga, domain.as_str()), ("reserving", "order"));
        }
        other => panic!("{other}"),
    }
}
