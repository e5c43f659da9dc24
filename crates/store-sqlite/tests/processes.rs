//! Several processes on one file, and processes that are killed while they write.
//!
//! The processes are this test program itself, told a file by an environment variable.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use seriatim_store_sqlite::SqliteStore;
use seriatim_testkit::conformance::Handle;
use seriatim_testkit::writers;

const FILE: &str = "SERIATIM_TEST_FILE";

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("killed.db");
    writers::survive_kills(60, || process(&file), async || open(&file).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_share_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shared.db");
    writers::share_a_storage(|| process(&file), async || open(&file).await).await;
}

async fn open(file: &Path) -> Handle {
    Arc::new(SqliteStore::open_file(file).await.unwrap())
}

fn process(file: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "writer_process", "--nocapture"]);
    command.env(FILE, file);
    command
}

/// Runs a child process that writes.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a child process of other tests"]
async fn writer_process() {
    let file = std::env::var(FILE).expect("the test that starts it says where");
    writers::be_one(open(Path::new(&file)).await).await;
}
