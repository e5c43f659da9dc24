//! Checks what can go wrong between an event and its effects: nothing is lost, and nothing takes effect twice.

use std::sync::Arc;

use seriatim::core::{Append, Domain, NewEvent, Payload, Prepare, PrepareError, StreamId, Write};
use seriatim::prelude::*;
use seriatim::{PieceState, Settings, open_store};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::shop::{Order, Reserving, Stock, StockCommand, StockRejection};
use crate::stage::*;

/// Waits until a saga fails on an event. Returns the error that it fails with.
async fn failure(app: &App) -> String {
    let parked = async || app.coordinator().store().parked(None).await.unwrap();
    until("it fails", async || !parked().await.is_empty()).await;
    parked().await.remove(0).failure
}

#[tokio::test]
async fn a_target_that_does_not_exist_is_a_failure_that_names_it() {
    let app = App::open("memory:").await.unwrap().aggregate::<Order>();
    let app = app.saga(Reserving).start().await.unwrap();
    place(&app, Uuid::now_v7(), Uuid::now_v7(), 2).await;
    let failure = failure(&app).await;
    assert!(
        failure.contains("there is no domain `stock` here; name one of `order`"),
        "{failure}"
    );
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_saga_that_panics_fails_on_that_event() {
    let app = shop("memory:").await.saga(Reserving).start().await.unwrap();
    let (sku, other) = (Uuid::now_v7(), Uuid::now_v7());
    place(&app, Uuid::now_v7(), sku, 13).await;
    let failure = failure(&app).await;
    assert!(failure.contains("unlucky"), "{failure}");
    assert_eq!(stock_events(&app, other).await, []);
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn an_event_that_no_longer_decodes_is_a_failure_that_says_so() {
    let store = open_store("memory:").await.unwrap();
    let event = NewEvent {
        id: Uuid::now_v7(),
        payload: Payload::json("Ordered", r#"{"by":"fax"}"#),
        metadata: Arc::default(),
    };
    let append = Append {
        stream: StreamId::new(Domain::of::<Order>(), Uuid::now_v7()),
        write: Write::Events {
            after: None,
            last: None,
            events: Arc::new([event]),
        },
        claim: None,
        beside: Vec::new(),
    };
    store.append(vec![append]).await.unwrap();
    let app = App::on(store).aggregate::<Order>().aggregate::<Stock>();
    let app = app.saga(Reserving).start().await.unwrap();
    let failure = failure(&app).await;
    assert!(
        failure.starts_with("the event cannot be read: `Ordered`"),
        "{failure}"
    );
    app.shutdown().await.unwrap();
}

/// A gate at which a command that fills a stock waits.
#[derive(Clone)]
struct Gate {
    waiting: Arc<Semaphore>,
    open: Arc<Semaphore>,
}

impl Prepare<Stock> for Gate {
    async fn prepare(
        &self,
        command: StockCommand,
    ) -> Result<StockCommand, PrepareError<StockRejection>> {
        if matches!(command, StockCommand::Fill { .. }) {
            self.waiting.add_permits(1);
            self.open.acquire().await.unwrap().forget();
        }
        Ok(command)
    }
}

/// A shop with a single place for commands, taken by somebody who fills a stock and waits until the gate is open; and an
/// order that was placed meanwhile by another process.
struct Crowded {
    app: App,
    sku: Uuid,
    gate: Gate,
    filling: JoinHandle<Result<Receipt, SubmitError>>,
}

impl Crowded {
    async fn new() -> Self {
        let store = open_store("memory:").await.unwrap();
        let gate = Gate {
            waiting: Arc::new(Semaphore::new(0)),
            open: Arc::new(Semaphore::new(0)),
        };
        let settings = Settings {
            queue_places: 1,
            ..Settings::default()
        };
        let app = App::on(Arc::clone(&store))
            .aggregate::<Order>()
            .aggregate_with::<Stock>(gate.clone())
            .settings(settings)
            .saga(Reserving);
        let app = app.start().await.unwrap();
        let sku = Uuid::now_v7();
        let filling = app.of::<Stock>(sku).send(StockCommand::Fill { count: 9 });
        let filling = tokio::spawn(filling.into_future());
        gate.waiting.acquire().await.unwrap().forget();

        let elsewhere = App::on(store).aggregate::<Order>().start().await.unwrap();
        place(&elsewhere, Uuid::now_v7(), sku, 4).await;
        let waits = |state: &PieceState| matches!(state, PieceState::WaitingForTarget { target, .. } if target.as_str() == "stock");
        until_status(&app, "reserving", waits).await;
        Self {
            app,
            sku,
            gate,
            filling,
        }
    }

    async fn open(self) -> App {
        self.gate.open.add_permits(1);
        self.filling.await.unwrap().unwrap();
        self.app
    }
}

#[tokio::test]
async fn a_target_with_too_much_to_do_is_waited_for() {
    let crowded = Crowded::new().await;
    let sku = crowded.sku;
    let app = crowded.open().await;
    settled(&app).await;
    let stock = app.of::<Stock>(sku).state().await.unwrap().state;
    assert_eq!((stock.left, stock.reserved), (5, 4));
    app.shutdown().await.unwrap();
}

/// However long it would wait, the end of the program need not.
#[tokio::test]
async fn reactions_end_while_a_target_is_waited_for() {
    let crowded = Crowded::new().await;
    crowded.app.reactions().shutdown().await;
    crowded.open().await.shutdown().await.unwrap();
}
