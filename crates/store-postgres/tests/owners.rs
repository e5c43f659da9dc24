//! Several processes that do the same work, one at a time.
//!
//! The processes are this test program itself, told a database by an environment variable.

mod support;

use std::process::Command;
use std::sync::Arc;

use seriatim_store_postgres::PostgresStore;
use seriatim_testkit::owners;
use support::Schema;

const DATABASE: &str = "SERIATIM_TEST_DATABASE";

#[tokio::test(flavor = "multi_thread")]
async fn no_step_is_lost_or_doubled_when_owners_are_killed() {
    let (schema, store) = open().await;
    owners::take_over_from_the_killed(store, || process(&schema)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_was_late_finds_its_work_lost() {
    let (schema, store) = open().await;
    owners::a_late_one_changes_nothing(store, process(&schema)).await;
}

async fn open() -> (Schema, Arc<PostgresStore>) {
    let schema = Schema::new();
    let store = PostgresStore::open(&schema.url()).await.unwrap();
    (schema, Arc::new(store))
}

fn process(schema: &Schema) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "owner_process", "--nocapture"]);
    command.env(DATABASE, schema.url());
    command
}

/// Runs a child process that owns work.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a child process of other tests"]
async fn owner_process() {
    let url = std::env::var(DATABASE).expect("the test that starts it says where");
    let store = PostgresStore::open(&url).await.unwrap();
    owners::be_one(Arc::new(store)).await;
}
