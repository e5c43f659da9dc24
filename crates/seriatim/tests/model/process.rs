//! A process that does the reactions: this test program itself, told a store by an environment variable, and killed.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use seriatim::prelude::*;
use seriatim::{AppBuilder, ReactionSettings};

use crate::counts;
use crate::domain::{Board, Copies, Desk, Pins};
use crate::shelf::{self, Shelf};
use crate::watch::Watch;

const STORE: &str = "SERIATIM_TEST_STORE";
const FOLDER: &str = "SERIATIM_TEST_FOLDER";

/// The aggregates, without reactions.
pub async fn aggregates(url: &str) -> AppBuilder {
    let builder = App::open(url).await.unwrap();
    builder.aggregate::<Desk>().aggregate::<Board>()
}

/// The same, with all that reacts.
pub async fn with_reactions(url: &str, folder: &Path) -> AppBuilder {
    let builder = counts::register(aggregates(url).await, url, folder).await;
    let settings = ReactionSettings {
        // Others take over as soon as one was killed.
        lease: Duration::from_millis(300),
        ..ReactionSettings::default()
    };
    builder
        .saga(Pins)
        .saga(Copies)
        .process_manager::<Watch>()
        .projector(shelf::NAME, Shelf::filter(), Shelf::in_folder(folder))
        .failure_policy(shelf::NAME, Shelf::policy())
        .reaction_settings(settings)
}

/// Runs the application with its reactions, as a child process does, until the process is killed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a child process of other tests"]
async fn reacting_process() {
    let url = std::env::var(STORE).expect("the test that starts it says where");
    let folder = std::env::var(FOLDER).expect("it is named too");
    let app = with_reactions(&url, folder.as_ref()).await;
    let app = app.start().await.unwrap();
    std::future::pending::<()>().await;
    drop(app);
}

/// Processes that stand in for each other.
pub struct Crew {
    url: String,
    folder: PathBuf,
    members: Vec<Child>,
}

impl Crew {
    pub fn of(count: usize, url: &str, folder: &Path) -> Self {
        Self {
            members: (0..count).map(|_| start(url, folder)).collect(),
            url: url.to_owned(),
            folder: folder.to_owned(),
        }
    }

    /// Kills one as it is, and starts another.
    pub fn replace(&mut self, member: usize) {
        let index = member % self.members.len();
        let new = start(&self.url, &self.folder);
        end(std::mem::replace(&mut self.members[index], new));
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.members.drain(..).for_each(end);
    }
}

fn start(url: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "process::reacting_process",
            "--nocapture",
        ])
        .env(STORE, url)
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn end(mut child: Child) {
    // By SIGKILL: it can put nothing in order.
    let _ = child.kill();
    let _ = child.wait();
}
