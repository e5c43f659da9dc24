//! Several processes that do the same work, one at a time.
//!
//! The processes are this test program itself, told a file by an environment variable.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use seriatim_store_sqlite::SqliteStore;
use seriatim_testkit::owners;

const FILE: &str = "SERIATIM_TEST_FILE";

#[tokio::test(flavor = "multi_thread")]
async fn no_step_is_lost_or_doubled_when_owners_are_killed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shared.db");
    let store = SqliteStore::open_file(&file).await.unwrap();
    owners::take_over_from_the_killed(Arc::new(store), || process(&file)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_was_late_finds_its_work_lost() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shared.db");
    let store = SqliteStore::open_file(&file).await.unwrap();
    owners::a_late_one_changes_nothing(Arc::new(store), process(&file)).await;
}

fn process(file: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "owner_process", "--nocapture"]);
    command.env(FILE, file);
    command
}

/// Runs a child process that owns work.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a child process of other tests"]
async fn owner_process() {
    let file = std::env::var(FILE).expect("the test that starts it says where");
    let store = SqliteStore::open(&file).await.unwrap();
    owners::be_one(Arc::new(store)).await;
}
