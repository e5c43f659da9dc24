//! Two processes run the sagas of one shop: one works, the other stands by, and whoever works is killed, again and again.
//!
//! The processes are this test program itself, told a store by an environment variable.

use std::collections::HashMap;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use seriatim::ReactionSettings;
use seriatim::core::{Checkpoint, Component, LogPartition, Position, RecordedEvent};
use seriatim::prelude::*;

use crate::shop::{Giving, Order, OrderEvent, Reserving, Stock, StockEvent};
use crate::stage::*;

const STORE: &str = "SERIATIM_TEST_SHOP";
const KILLS: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn every_effect_exists_once_when_who_works_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.db");
    kill_and_count(&format!("sqlite://{}", file.display())).await;
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread")]
async fn every_effect_exists_once_on_postgresql_too() {
    let server = std::env::var("SERIATIM_TEST_POSTGRES").expect(
        "name a PostgreSQL in SERIATIM_TEST_POSTGRES; `cargo xtask services up` starts one and prints its URL",
    );
    let sign = if server.contains('?') { '&' } else { '?' };
    kill_and_count(&format!(
        "{server}{sign}schema=sagas_{}",
        std::process::id()
    ))
    .await;
}

/// Runs a child process.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a child process of other tests"]
async fn saga_process() {
    let url = std::env::var(STORE).expect("the test that starts it says where");
    let settings = ReactionSettings {
        lease: Duration::from_millis(200),
        ..ReactionSettings::default()
    };
    let shop = shop(&url).await.reaction_settings(settings);
    let _app = shop.saga(Reserving).saga(Giving).start().await.unwrap();
    std::future::pending::<()>().await;
}

async fn kill_and_count(url: &str) {
    let app = shop(url).await.start().await.unwrap();
    let roots = |count: usize| Vec::from_iter((0..count).map(|_| Uuid::now_v7()));
    let (skus, orders) = (roots(3), roots(7));
    for sku in &skus {
        fill(&app, *sku, 60).await;
    }
    let mut crew = Crew::default();
    crew.join(url);
    for round in 0..KILLS {
        crew.join(url);
        for (n, order) in orders.iter().cycle().take(30).enumerate() {
            place(&app, *order, skus[(n + round) % skus.len()], 2).await;
        }
        let worker = worker(&app, &crew).await;
        crew.kill(worker);
    }
    crew.join(url);
    settled_with(&app, 2).await;

    let progress = progress(&app).await.unwrap();
    assert!(progress.epoch > KILLS as u64, "{progress:?}");
    assert_each_effect_exists_once(&app).await;
    drop(crew);
    app.shutdown().await.unwrap();
}

/// Returns how far the first of the sagas has come.
async fn progress(app: &App) -> Option<Checkpoint> {
    let component = Component::of_saga::<Reserving>();
    let checkpoints = app
        .coordinator()
        .store()
        .checkpoints(Some(&component))
        .await;
    checkpoints.unwrap().pop()
}

/// Returns which of the living processes has its work.
async fn worker(app: &App, crew: &Crew) -> u32 {
    let mut worker = 0;
    until("somebody works who is alive", async || {
        let owner = progress(app).await.and_then(|found| found.owner);
        let id = owner.and_then(|owner| owner.strip_prefix("process ")?.parse().ok());
        worker = id.unwrap_or(0);
        crew.0.contains_key(&worker)
    })
    .await;
    worker
}

/// Each order is answered three times, by a reservation or by a "no": twice to one saga, once to the other.
async fn assert_each_effect_exists_once(app: &App) {
    let store = app.coordinator().store();
    let log = store.read_log(LogPartition::FIRST, Position::START, 100_000);
    let log = log.await.unwrap().events;
    let mut answers: HashMap<(Uuid, &str), u32> = HashMap::new();
    for event in log.iter().filter(|event| is_answer(event)) {
        let actor = event.metadata.actor.as_deref().unwrap();
        let cause = event.metadata.causation_id.unwrap();
        *answers.entry((cause, actor)).or_default() += 1;
    }
    let mut placed = 0;
    for event in &log {
        if let Some(Ok(OrderEvent::Placed { .. })) = event.of::<Order>() {
            placed += 1;
            assert_eq!(answers.remove(&(event.id, "saga:reserving")), Some(2));
            assert_eq!(answers.remove(&(event.id, "saga:giving")), Some(1));
        }
    }
    assert_eq!(placed, 30 * KILLS);
    assert!(answers.is_empty(), "caused by nothing: {answers:?}");
    // Both kinds of answers were given.
    let rejected = (log.iter()).filter(|event| event.payload.type_name == "Declined");
    assert_eq!(rejected.count(), 3 * placed - 3 * 60);
}

fn is_answer(event: &RecordedEvent) -> bool {
    matches!(event.of::<Stock>(), Some(Ok(StockEvent::Reserved { .. })))
        || matches!(event.of::<Order>(), Some(Ok(OrderEvent::Declined { .. })))
}

/// The processes that are alive. They end with it.
#[derive(Default)]
struct Crew(HashMap<u32, Child>);

impl Crew {
    fn join(&mut self, url: &str) {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([
            "--ignored",
            "--exact",
            "processes::saga_process",
            "--nocapture",
        ]);
        let child = command.env(STORE, url).stdout(Stdio::null()).spawn();
        let child = child.unwrap();
        self.0.insert(child.id(), child);
    }

    fn kill(&mut self, id: u32) {
        let mut child = self.0.remove(&id).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        for child in self.0.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
