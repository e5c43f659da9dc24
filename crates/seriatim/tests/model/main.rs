//! The model: commands at random while the processes that react to them are killed at any moment. In the end everything
//! that had to follow from the log has followed, once, and in order.

#![allow(unreachable_pub, missing_debug_implementations)]

mod check;
mod domain;
mod process;

use std::time::Duration;

use seriatim::prelude::*;

use check::{Told, log};
use domain::{DESKS, Desk, DeskCommand};
use process::{Crew, aggregates};

const ROUNDS: u64 = 15;

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
    play(&format!(
        "sqlite://{}",
        folder.path().join("model.db").display()
    ))
    .await;
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread")]
async fn reactions_follow_from_the_log_once_and_in_order_on_postgresql() {
    let server = std::env::var("SERIATIM_TEST_POSTGRES").expect(
        "name a PostgreSQL in SERIATIM_TEST_POSTGRES; `cargo xtask services up` starts one and prints its URL",
    );
    play(&format!(
        "{server}?schema=model_{}&partitions=2",
        std::process::id()
    ))
    .await;
}

async fn play(url: &str) {
    let seed = Uuid::now_v7().as_u128() as u64;
    println!("seed {seed}");
    let mut random = Random(seed);
    let app = aggregates(url).await.start().await.unwrap();
    let mut crew = Crew::of(2, url);
    for _ in 0..ROUNDS {
        for _ in 0..random.below(30) {
            let desk = Uuid::from_u128(u128::from(random.below(DESKS as u64)));
            let times = 1 + random.below(3) as u32;
            app.send::<Desk>(desk, DeskCommand::Do { times })
                .await
                .unwrap();
        }
        tokio::time::sleep(Duration::from_millis(random.below(400))).await;
        crew.replace(random.below(2) as usize);
    }
    let told = settled(&app).await;
    drop(crew);
    told.assert_exactly_once_in_order();
    app.shutdown().await.unwrap();
}

/// Waits until nothing is left to do, and a little longer: what comes too often comes then.
async fn settled(app: &App) -> Told {
    loop {
        let told = Told::by(&log(app).await);
        let (settled, asked) = told.progress();
        if settled >= asked {
            tokio::time::sleep(Duration::from_secs(1)).await;
            return Told::by(&log(app).await);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
