//! Several processes on one database, and processes that are killed while they write.
//!
//! The processes are this test program itself, told a database by an environment variable.

mod support;

use std::process::Command;
use std::sync::Arc;

use seriatim_store_postgres::PostgresStore;
use seriatim_testkit::conformance::Handle;
use seriatim_testkit::writers;
use support::Schema;

const DATABASE: &str = "SERIATIM_TEST_DATABASE";

#[tokio::test(flavor = "multi_thread")]
async fn processes_share_a_database() {
    let schema = Schema::new();
    writers::share_a_storage(|| process(&schema), async || open(&schema.url()).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_killed_process() {
    let schema = Schema::new();
    writers::survive_kills(20, || process(&schema), async || open(&schema.url()).await).await;
}

async fn open(url: &str) -> Handle {
    Arc::new(PostgresStore::open(url).await.unwrap())
}

fn process(schema: &Schema) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "writer_process", "--nocapture"]);
    command.env(DATABASE, schema.url());
    command
}

/// Runs a child process that writes.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a child process of other tests"]
async fn writer_process() {
    let url = std::env::var(DATABASE).expect("the test that starts it says where");
    writers::be_one(open(&url).await).await;
}
