//! Applications with a shop, and waiting for what they do by themselves.

use seriatim::core::LogPartition;
use seriatim::prelude::*;
use seriatim::{AppBuilder, PieceState, PieceStatus};

use crate::shop::{Giving, Order, OrderCommand, Reserving, Stock, StockCommand, StockEvent};

pub(crate) use seriatim_testkit::until;

pub(crate) async fn shop(url: &str) -> AppBuilder {
    App::open(url)
        .await
        .unwrap()
        .aggregate::<Order>()
        .aggregate::<Stock>()
}

pub(crate) async fn with_sagas(url: &str) -> App {
    let shop = shop(url).await.saga(Reserving).saga(Giving);
    shop.start().await.unwrap()
}

pub(crate) async fn fill(app: &App, sku: Uuid, count: u32) {
    app.of::<Stock>(sku)
        .send(StockCommand::Fill { count })
        .await
        .unwrap();
}

pub(crate) async fn place(app: &App, order: Uuid, sku: Uuid, count: u32) {
    app.of::<Order>(order)
        .send(OrderCommand::Place { sku, count })
        .await
        .unwrap();
}

/// Waits until everything recorded by now is handled, and what came of that too.
pub(crate) async fn settled(app: &App) {
    settled_with(app, app.reactions().status().len()).await;
}

/// The same, by so many sagas, in whichever processes.
pub(crate) async fn settled_with(app: &App, sagas: usize) {
    let store = app.coordinator().store();
    until("everything is handled", async || {
        let head = store.head(LogPartition::FIRST).await.unwrap();
        let checkpoints = store.checkpoints(None).await.unwrap();
        let mut is_so = checkpoints.len() == sagas;
        for checkpoint in checkpoints {
            // A checkpoint moves over what concerns others now and then only.
            let rest = store.read_log(LogPartition::FIRST, checkpoint.at.position, 10_000);
            let concerns = |event: &RecordedEvent| event.stream.domain.as_str() == Order::DOMAIN;
            is_so &= !rest.await.unwrap().events.iter().any(concerns);
        }
        is_so && store.head(LogPartition::FIRST).await.unwrap() == head
    })
    .await;
}

/// The status of a saga, once it is so.
pub(crate) async fn until_status(
    app: &App,
    saga: &str,
    is_so: impl Fn(&PieceState) -> bool,
) -> PieceStatus {
    let find = || {
        let status = app.reactions().status();
        let found = status
            .into_iter()
            .find(|piece| piece.work.component.as_str() == saga);
        found.unwrap()
    };
    until("the saga has that status", async || is_so(&find().state)).await;
    find()
}

/// The events of a stock, as they were recorded.
pub(crate) async fn stock_events(app: &App, sku: Uuid) -> Vec<RecordedEvent> {
    app.of::<Stock>(sku)
        .events(Sequence::FIRST, 10_000)
        .await
        .unwrap()
}

/// Returns how many of a stock's events are reservations.
pub(crate) async fn reservations(app: &App, sku: Uuid) -> usize {
    let events = stock_events(app, sku).await;
    let is_one = |event: &&RecordedEvent| {
        let event = event.of::<Stock>().unwrap().unwrap();
        matches!(event, StockEvent::Reserved { .. })
    };
    events.iter().filter(is_one).count()
}
