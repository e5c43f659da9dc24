//! The model: commands at random while the processes that react to them are killed at any moment. In the end everything
//! that had to follow from the log has followed, once, and in order.

#![allow(unreachable_pub, missing_debug_implementations)]

mod check;
mod counts;
mod domain;
mod process;
mod shelf;
mod watch;

use std::path::Path;
use std::time::{Duration, Instant};

use seriatim::Unproven;
use seriatim::prelude::*;

use check::{Told, log};
use domain::{DESKS, Desk, DeskCommand};
use process::{Crew, aggregates, with_reactions};
use seriatim_testkit::until;

const ROUNDS: u64 = 10;

/// A small generator: the test prints its seed, and gives the same commands for it again.
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

#[tokio::test(flavor = "multi_thread")]
async fn reactions_follow_from_the_log_once_and_in_order_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.db");
    play(&format!("sqlite://{}", file.display()), folder.path()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reactions_follow_from_the_log_once_and_in_order_on_postgresql() {
    on_postgresql(0).await;
}

/// The same games on both stores again and again.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: as many minutes as SERIATIM_LONG_MINUTES says, or 5"]
async fn long_reactions_follow_from_the_log_however_often_they_are_killed() {
    let minutes = std::env::var("SERIATIM_LONG_MINUTES");
    let minutes = minutes.map_or(5, |minutes| minutes.parse().expect("a number of minutes"));
    let (begun, mut games) = (Instant::now(), 0);
    while begun.elapsed() < Duration::from_secs(minutes * 60) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("model.db");
        play(&format!("sqlite://{}", file.display()), folder.path()).await;
        games += 1;
        on_postgresql(games).await;
    }
    println!("{games} games on each store, {ROUNDS} kills in each");
}

async fn on_postgresql(game: u32) {
    let server = std::env::var("SERIATIM_TEST_POSTGRES").expect(
        "name a PostgreSQL in SERIATIM_TEST_POSTGRES; `cargo xtask services up` starts one and prints its URL",
    );
    let folder = tempfile::tempdir().unwrap();
    let schema = format!("schema=model_{}_{game}", std::process::id());
    play(&format!("{server}?{schema}&partitions=2"), folder.path()).await;
}

async fn play(url: &str, folder: &Path) {
    let seed = Uuid::now_v7().as_u128() as u64;
    println!("seed {seed}");
    let mut random = Random(seed);
    let app = aggregates(url).await.start().await.unwrap();
    let mut crew = Crew::of(2, url, folder);
    for round in 0..ROUNDS {
        for _ in 0..random.below(30) {
            let desk = Uuid::from_u128(u128::from(random.below(DESKS as u64)));
            let times = 1 + random.below(3) as u32;
            app.of::<Desk>(desk)
                .send(DeskCommand::Do { times })
                .await
                .unwrap();
        }
        tokio::time::sleep(Duration::from_millis(random.below(400))).await;
        crew.replace(random.below(2) as usize);
        match round {
            // In vain: it is parked again.
            4 => drop(shelf::retry_all(&**app.coordinator().store()).await),
            7 => shelf::heal(folder),
            _ => {}
        }
    }
    let told = settled(&app, url, folder).await;
    drop(crew);
    told.assert_exactly_once_in_order();
    app.shutdown().await.unwrap();
    assert_the_auditor_agrees(url, folder, &told).await;
}

/// Checks that an auditor who has no crew to watch, and can only ask the components again, comes to the same verdict.
async fn assert_the_auditor_agrees(url: &str, folder: &Path, told: &Told) {
    let app = with_reactions(url, folder).await.start().await.unwrap();
    // A checkpoint may have been left behind what was done.
    until("all effects are proven", async || {
        let audit = app.audit().await.unwrap();
        assert!(audit.is_sound(), "{audit:#?}");
        let not_looked_at: Vec<_> = audit.unproven.iter().map(Unproven::kind).collect();
        assert_eq!(not_looked_at[..2], ["projected"; 2]);
        assert!(not_looked_at[2..].iter().all(|one| *one == "timers"));
        let proven: u64 = audit.effects.iter().map(|one| one.effects).sum();
        assert!(proven <= told.effects(), "{audit:#?}");
        proven == told.effects()
    })
    .await;
    app.shutdown().await.unwrap();
}

/// Waits until nothing is left to do, and a little longer: what comes too often comes then.
async fn settled(app: &App, url: &str, folder: &Path) -> Told {
    let settled = tokio::time::timeout(Duration::from_secs(600), settling(app, url, folder));
    settled.await.expect("it settles in ten minutes")
}

async fn settling(app: &App, url: &str, folder: &Path) -> Told {
    loop {
        let parked = shelf::retry_all(&**app.coordinator().store()).await;
        let log = log(app).await;
        let (settled, asked) = Told::by(&log).progress();
        if parked == 0
            && settled >= asked
            && shelf::has_seen_all_in_order(folder, &log)
            && counts::are_the_fold(url, folder, &log).await
        {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let log = check::log(app).await;
            assert!(counts::are_the_fold(url, folder, &log).await);
            return Told::by(&log);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
