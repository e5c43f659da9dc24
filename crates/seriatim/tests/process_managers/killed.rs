//! Processes that are killed with their process managers at any moment, and are gone for longer than timers last: in the
//! end every timer has fired once, every effect is there once, and what was cancelled, replaced or ended never fires.
//!
//! The processes are this test program itself, told a store by an environment variable.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use seriatim::ReactionSettings;
use seriatim::prelude::*;

use crate::stage::until;
use crate::storage::Storage;
use crate::told::Told;
use crate::vigil::{Job, JobCommand, Ledger, Vigil};

const STORE: &str = "SERIATIM_TEST_VIGIL";
const ROUNDS: usize = 9;
const JOBS: u64 = 24;

/// The longest that a timer lasts.
const LONGEST: u64 = 700;

#[tokio::test(flavor = "multi_thread")]
async fn timers_and_effects_outlive_killed_processes_on_sqlite() {
    kill_and_tell(Storage::sqlite().url()).await;
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread")]
async fn timers_and_effects_outlive_killed_processes_on_postgresql() {
    let storage = Storage::postgresql();
    kill_and_tell(&format!("{}&partitions=2", storage.url())).await;
}

/// Runs a child process until it is killed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a child process of other tests"]
async fn watching_process() {
    let url = std::env::var(STORE).expect("the test that starts it says where");
    let settings = ReactionSettings {
        // Others take over as soon as one was killed.
        lease: Duration::from_millis(300),
        ..ReactionSettings::default()
    };
    let app = App::open(&url).await.unwrap().reaction_settings(settings);
    let app = app.aggregate::<Job>().aggregate::<Ledger>();
    let _app = app.process_manager::<Vigil>().start().await.unwrap();
    std::future::pending::<()>().await;
}

async fn kill_and_tell(url: &str) {
    let seed = Uuid::now_v7().as_u128() as u64;
    println!("seed {seed}");
    let mut random = Random(seed);
    let app = App::open(url).await.unwrap();
    let app = app.aggregate::<Job>().aggregate::<Ledger>();
    let app = app.start().await.unwrap();
    let mut crew = vec![Watcher::start(url), Watcher::start(url)];
    for round in 0..ROUNDS {
        send_some(&app, &mut random).await;
        tokio::time::sleep(Duration::from_millis(random.below(500))).await;
        Told::by(&app).await;
        if round % 4 == 2 {
            // Nobody is there while timers run out.
            crew.clear();
            send_some(&app, &mut random).await;
            tokio::time::sleep(Duration::from_millis(LONGEST + 100)).await;
            crew = vec![Watcher::start(url), Watcher::start(url)];
        } else {
            let index = random.below(2) as usize;
            crew[index] = Watcher::start(url);
        }
    }
    until("all is done", async || {
        tokio::time::sleep(Duration::from_millis(200)).await;
        Told::by(&app).await.is_done()
    })
    .await;
    // What comes too often comes now.
    tokio::time::sleep(Duration::from_millis(LONGEST)).await;
    let told = Told::by(&app).await;
    println!("{told:?}");
    assert!(told.is_done());
    for some in [told.fired, told.replaced, told.cancelled, told.finished] {
        assert!(some > 0, "the test shows less than it should: {told:?}");
    }
    drop(crew);
    app.shutdown().await.unwrap();
}

/// Begins jobs, and lets something happen to those there are.
async fn send_some(app: &App, random: &mut Random) {
    for _ in 0..30 {
        let job = Uuid::from_u128(1 + u128::from(random.below(JOBS)));
        let mut due_ms = || 1 + random.below(LONGEST);
        let (one, other) = (due_ms(), due_ms());
        let command = match random.below(12) {
            0..5 => JobCommand::Begin {
                due_ms: [one, other],
            },
            5..9 => JobCommand::Delay { due_ms: one },
            9..11 => JobCommand::Calm,
            _ => JobCommand::End,
        };
        app.of::<Job>(job).send(command).await.unwrap();
    }
}

/// A small generator: the test prints its seed, and sends the same for it again.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// A process with the process manager; killed at the end.
struct Watcher(Child);

impl Watcher {
    fn start(url: &str) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--ignored",
                "--exact",
                "killed::watching_process",
                "--nocapture",
            ])
            .env(STORE, url)
            .stdout(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // By SIGKILL: it can put nothing in order.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
