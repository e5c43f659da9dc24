//! Applications with a shop, and waiting for what they do by themselves.

use std::sync::Arc;
use std::time::Duration;

use seriatim::core::{Domain, LogPartition, Position, ProcessEvent, RecordedEvent, Store};
use seriatim::prelude::*;
use seriatim::{AppBuilder, Process, ReactionSettings, open_store};

use crate::fulfilment::Fulfilment;
use crate::quiet::Quiet;
use crate::shop::{Order, OrderCommand, OrderEvent, Stock, StockCommand};

pub(crate) use seriatim_testkit::until;

/// Longer than any test takes.
pub(crate) const NEVER: u64 = 3_600_000;

/// Takes over from a crashed one soon.
pub(crate) fn shop(store: Arc<dyn Store>) -> AppBuilder {
    let settings = ReactionSettings {
        lease: Duration::from_millis(300),
        ..ReactionSettings::default()
    };
    let app = App::on(store).reaction_settings(settings);
    app.aggregate::<Order>().aggregate::<Stock>()
}

/// With both process managers.
pub(crate) async fn managed(url: &str) -> App {
    managed_on(open_store(url).await.unwrap()).await
}

pub(crate) async fn managed_on(store: Arc<dyn Store>) -> App {
    let shop = shop(store)
        .process_manager::<Fulfilment>()
        .process_manager::<Quiet>();
    shop.start().await.unwrap()
}

pub(crate) async fn filled(app: &App, count: u32) -> Uuid {
    let stock = Uuid::now_v7();
    let fill = StockCommand::Fill { count };
    app.of::<Stock>(stock).send(fill).await.unwrap();
    stock
}

pub(crate) async fn place(app: &App, stock: Uuid, pay_within_ms: u64) -> Uuid {
    let order = Uuid::now_v7();
    let place = OrderCommand::Place {
        stock,
        pay_within_ms,
    };
    app.of::<Order>(order).send(place).await.unwrap();
    order
}

pub(crate) async fn order_events(app: &App, order: Uuid) -> Vec<OrderEvent> {
    let events = app.of::<Order>(order).events(Sequence::FIRST, 10_000).await;
    let events = events.unwrap();
    let decoded = events.iter().map(|event| event.of::<Order>().unwrap());
    let happened = decoded.map(Result::unwrap);
    happened
        .filter(|event| *event != OrderEvent::Quiet)
        .collect()
}

/// Returns the steps of an instance, each with what it was triggered by.
pub(crate) async fn steps<P: ProcessManager>(
    app: &App,
    root: Uuid,
) -> Vec<(RecordedEvent, ProcessEvent<P>)> {
    let events = app
        .of::<Process<P>>(root)
        .events(Sequence::FIRST, 10_000)
        .await;
    let steps = events.unwrap().into_iter().map(|recorded| {
        let event = recorded.of::<Process<P>>().unwrap().unwrap();
        (recorded, event)
    });
    steps.collect()
}

/// Returns how often a timer of an instance has fired.
pub(crate) async fn fired<P: ProcessManager>(app: &App, root: Uuid) -> usize {
    let steps = steps::<P>(app, root).await;
    let is_fired = |(_, event): &&(_, ProcessEvent<P>)| matches!(event.trigger, Trigger::Timer(_));
    steps.iter().filter(is_fired).count()
}

pub(crate) async fn no_timer_is_left<P: ProcessManager>(app: &App) {
    let store = app.coordinator().store();
    until("no timer is left", async || {
        let next = store.next_timer(&Domain::of::<Process<P>>()).await;
        next.unwrap().is_none()
    })
    .await;
}

/// Waits until everything recorded is handled, and what came of that too. Timers are not waited for.
pub(crate) async fn settled(app: &App) {
    let store = app.coordinator().store();
    until("everything is handled", async || {
        let head = store.head(LogPartition::FIRST).await.unwrap();
        let checkpoints = store.checkpoints(None).await.unwrap();
        let mut is_so = checkpoints.len() == app.reactions().status().len();
        for checkpoint in checkpoints {
            let name = checkpoint.work.component.as_str();
            let source = match name.strip_suffix(".inputs") {
                Some(_) => Order::DOMAIN,
                None => name.strip_suffix(".timers").unwrap_or(name),
            };
            // The timers that are stuck, too.
            for source in [source, name] {
                is_so = is_so && !waits_for(&**store, checkpoint.at.position, source).await;
            }
        }
        is_so && store.head(LogPartition::FIRST).await.unwrap() == head
    })
    .await;
}

/// Returns whether there are events of a domain after a position. A checkpoint moves over events that concern others
/// only now and then.
async fn waits_for(store: &dyn Store, mut after: Position, source: &str) -> bool {
    loop {
        let page = store
            .read_log(LogPartition::FIRST, after, 500)
            .await
            .unwrap()
            .events;
        let Some(last) = page.last() else {
            return false;
        };
        if page
            .iter()
            .any(|event| event.stream.domain.as_str() == source)
        {
            return true;
        }
        after = last.position;
    }
}
