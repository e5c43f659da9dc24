//! Processes that are killed while they write a read model, beside others that take over.
//!
//! The processes are this test program itself, told a database by an environment variable.

use std::process::{Child, Command, Stdio};

use seriatim::{ReadModel, ReadModelStore, VersionStore};

use crate::account::deposit;
use crate::databases::{
    Database, Postgres, Sqlite, app, assert_is_the_fold, caught_up, status, until,
};
use crate::tally::Tally;

const DATABASE: &str = "SERIATIM_TEST_READ_MODEL";
const KILLS: usize = 12;
/// Between two kills; a prime number, so that they fall on other places of other batches.
const DEPOSITS: usize = 37;

async fn nothing_is_lost_or_doubled_when_owners_are_killed<D: Database>(process: &str)
where
    Tally<1>: ReadModel<<D::Store as ReadModelStore>::Connection>,
{
    let database = D::new();
    let store = database.store().await;
    // Two that are told at one moment to make the tables.
    let mut crew = vec![start(process, &database), start(process, &database)];
    let app = database.app().await.start().await.unwrap();
    until("the tables are made", async || {
        !store.versions(None).await.unwrap().is_empty()
    })
    .await;
    for round in 0..KILLS {
        // One after the other, while they are projected: the owner is somewhere in the middle when it is killed.
        deposit(&app, 5, round * DEPOSITS..(round + 1) * DEPOSITS).await;
        let mut killed = false;
        until("there is an owner to kill", async || {
            let owner = status(&store, 1)
                .await
                .checkpoints
                .first()
                .and_then(|one| one.owner.clone());
            let owned = |process: &Process| owner == Some(format!("process {}", process.0.id()));
            if let Some(place) = crew.iter().position(owned) {
                let mut owner = crew.remove(place);
                owner.kill();
                killed = true;
            }
            killed
        })
        .await;
        crew.push(start(process, &database));
    }
    deposit(&app, 5, KILLS * DEPOSITS..KILLS * DEPOSITS + 10).await;
    caught_up(&app, &store, 1).await;
    drop(crew);
    assert_is_the_fold(&database, &app, 1).await;
    assert!(status(&store, 1).await.checkpoints[0].epoch >= KILLS as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_on_postgres_when_owners_are_killed() {
    nothing_is_lost_or_doubled_when_owners_are_killed::<Postgres>("processes::on_postgres").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_on_sqlite_when_owners_are_killed() {
    nothing_is_lost_or_doubled_when_owners_are_killed::<Sqlite>("processes::on_sqlite").await;
}

/// A test that fails leaves none of them behind.
struct Process(Child);

impl Process {
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn start<D: Database>(process: &str, database: &D) -> Process {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", process, "--nocapture"]);
    command.env(DATABASE, database.url()).stdout(Stdio::null());
    Process(command.spawn().unwrap())
}

/// Runs a child process on PostgreSQL.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a child process of other tests"]
async fn on_postgres() {
    be_one::<Postgres>().await;
}

/// Runs a child process on SQLite.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a child process of other tests"]
async fn on_sqlite() {
    be_one::<Sqlite>().await;
}

async fn be_one<D: Database>()
where
    Tally<1>: ReadModel<<D::Store as ReadModelStore>::Connection>,
{
    let url = std::env::var(DATABASE).expect("the test that starts it says where");
    let store = D::open(&url).await;
    let app = app(&D::log_url(&url)).await;
    let app = app.read_model(&store, Tally::<1>::new());
    let _app = app.start().await.unwrap();
    std::future::pending::<()>().await;
}
