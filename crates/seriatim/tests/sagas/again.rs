//! Checks what is reacted to again: after a restart, after all progress was lost, and because something else failed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use seriatim::core::{CommandGateway, CommandRequest, EventStore, FactRequest, Store, StreamId};
use seriatim::prelude::*;
use seriatim::{
    Coordinator, DeadLetter, Decision, Enrolled, FailurePolicy, LetterFilter, PieceState,
    SagaReaction, Verb, open_store,
};

use crate::shop::{Giving, Order, Reserving, Stock};
use crate::stage::*;

/// The coordinator, with a note of what is sent to whom, and without an answer for one of them as long as that is away.
#[derive(Clone, Debug)]
struct Noting {
    coordinator: Coordinator,
    sent: Arc<Mutex<HashMap<StreamId, u32>>>,
    away: StreamId,
    is_away: Arc<AtomicBool>,
}

impl Noting {
    fn sent(&self, sku: Uuid) -> u32 {
        let to = StreamId::new(self.away.domain.clone(), sku);
        self.sent.lock().unwrap().get(&to).copied().unwrap_or(0)
    }
}

#[async_trait::async_trait]
impl CommandGateway for Noting {
    async fn submit(&self, request: CommandRequest) -> Result<Receipt, SubmitError> {
        let to = request.stream.clone();
        *self.sent.lock().unwrap().entry(to.clone()).or_default() += 1;
        if to == self.away && self.is_away.load(Ordering::Relaxed) {
            return Err(SubmitError::Overloaded {
                retry_after: Duration::ZERO,
            });
        }
        self.coordinator.submit(request).await
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

#[tokio::test]
async fn what_is_done_is_not_sent_again_while_another_target_is_waited_for() {
    let store = open_store("memory:").await.unwrap();
    let shop = App::on(Arc::clone(&store))
        .aggregate::<Order>()
        .aggregate::<Stock>();
    let shop = shop.start().await.unwrap();
    let (away, there, order) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    for sku in [away, there] {
        fill(&shop, sku, 9).await;
        place(&shop, Uuid::now_v7(), sku, 1).await;
    }
    // Behind the one that waits, so it waits too.
    place(&shop, order, away, 1).await;
    place(&shop, order, there, 1).await;

    let gateway = Noting {
        coordinator: shop.coordinator().clone(),
        sent: Arc::default(),
        away: StreamId::new(Stock::DOMAIN.parse().unwrap(), away),
        is_away: Arc::new(AtomicBool::new(true)),
    };
    let giving = SagaReaction::new(Giving, Arc::new(gateway.clone()), Arc::clone(&store) as _);
    let sagas = App::on(store).component(Enrolled::new(Arc::new(giving)));
    let sagas = sagas.start().await.unwrap();
    until("it was asked often", async || gateway.sent(away) > 6).await;
    assert_eq!(gateway.sent(there), 1);
    assert_eq!(reservations(&shop, there).await, 1);
    gateway.is_away.store(false, Ordering::Relaxed);
    settled(&sagas).await;
    assert_eq!(gateway.sent(there), 2);
    assert_eq!(reservations(&shop, away).await, 2);
    assert_eq!(reservations(&shop, there).await, 2);
    sagas.shutdown().await.unwrap();
    shop.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_stream_that_is_parked_holds_up_no_other_and_is_handled_in_order_later() {
    let mut at_once = FailurePolicy::park();
    at_once.back_off.retries = 0;
    let shop = shop("memory:").await.saga(Reserving);
    let app = shop.failure_policy("reserving", at_once).start();
    let app = app.await.unwrap();
    let (sku, unlucky, lucky) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    fill(&app, sku, 100).await;
    place(&app, unlucky, sku, 13).await;
    place(&app, unlucky, sku, 5).await;
    place(&app, lucky, sku, 2).await;
    until("the others are served", async || {
        reservations(&app, sku).await == 2
    })
    .await;
    let desk = app.desk();
    let parked = desk.letters(&LetterFilter::default(), 10).await.unwrap();
    let [DeadLetter::Reaction(parked)] = &parked[..] else {
        panic!("one stream is parked: {parked:?}")
    };
    assert_eq!(parked.stream.root, unlucky);
    assert!(parked.failure.contains("unlucky"), "{}", parked.failure);

    let decision = Decision {
        letter: parked.id.unwrap(),
        action: Verb::Discard.into(),
        actor: Some("Ann".into()),
        reason: Some("nobody wants 13".into()),
    };
    desk.decide(&decision).await.unwrap();
    until("what followed is served", async || {
        reservations(&app, sku).await == 4
    })
    .await;
    let stock = app.of::<Stock>(sku).state().await.unwrap().state;
    assert_eq!(stock.reserved, 2 + 5);
    let working = |state: &PieceState| *state == PieceState::Working;
    until_status(&app, "reserving", working).await;
    app.shutdown().await.unwrap();
}

/// The log, as far as it does not depend on when something happened.
async fn counts(app: &App, skus: &[Uuid], orders: &[Uuid]) -> Vec<usize> {
    let mut counts = Vec::new();
    for sku in skus {
        counts.push(stock_events(app, *sku).await.len());
    }
    for order in orders {
        let events = app.of::<Order>(*order).events(Sequence::FIRST, 1_000).await;
        counts.push(events.unwrap().len());
    }
    counts
}

#[tokio::test]
async fn nothing_happens_twice_when_all_is_reacted_to_again() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("shop.db").display());
    let roots = |count: usize| Vec::from_iter((0..count).map(|_| Uuid::now_v7()));
    let (skus, orders) = (roots(3), roots(8));

    // Ends in the middle of it, more than once.
    for round in 0..4 {
        let app = with_sagas(&url).await;
        if round == 0 {
            for sku in &skus {
                fill(&app, *sku, 20).await;
            }
        }
        for (n, order) in orders.iter().enumerate() {
            place(&app, *order, skus[(n + round) % skus.len()], 2).await;
        }
        app.shutdown().await.unwrap();
    }
    let app = with_sagas(&url).await;
    settled(&app).await;
    let before = counts(&app, &skus, &orders).await;
    // 32 orders want 3 pieces each, and 60 are there.
    let reserved: usize = before[..3].iter().map(|events| events - 1).sum();
    assert_eq!(reserved, 60);
    assert_eq!(before[3..].iter().sum::<usize>(), 32 + 36);
    app.shutdown().await.unwrap();

    // Whoever has lost all progress does it all again. By now there would be enough for everybody.
    let store: Arc<dyn Store> = open_store(&url).await.unwrap();
    for saga in ["reserving", "giving"] {
        store.forget(&saga.parse().unwrap()).await.unwrap();
    }
    let app = with_sagas(&url).await;
    for sku in &skus {
        fill(&app, *sku, 100).await;
    }
    settled(&app).await;
    let mut after = counts(&app, &skus, &orders).await;
    after[..3].iter_mut().for_each(|events| *events -= 1);
    assert_eq!(after, before);
    app.shutdown().await.unwrap();
}
