//! A process that does the reactions: this test program itself, told a store by an environment variable, and killed.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use seriatim::prelude::*;
use seriatim::{AppBuilder, ReactionSettings};

use crate::domain::{Board, Copies, Desk, Pins};

const STORE: &str = "SERIATIM_TEST_STORE";

/// The aggregates, without reactions.
pub async fn aggregates(url: &str) -> AppBuilder {
    let builder = App::open(url).await.unwrap();
    builder.aggregate::<Desk>().aggregate::<Board>()
}

fn with_reactions(builder: AppBuilder) -> AppBuilder {
    let settings = ReactionSettings {
        // Others take over as soon as one was killed.
        lease: Duration::from_millis(300),
        ..ReactionSettings::default()
    };
    builder.saga(Pins).saga(Copies).reaction_settings(settings)
}

/// What a child process does until it is killed; nothing where no store is named.
#[tokio::test(flavor = "multi_thread")]
async fn reacting_process() {
    if let Ok(url) = std::env::var(STORE) {
        let app = with_reactions(aggregates(&url).await)
            .start()
            .await
            .unwrap();
        std::future::pending::<()>().await;
        drop(app);
    }
}

/// Processes that stand in for each other.
pub struct Crew {
    url: String,
    members: Vec<Child>,
}

impl Crew {
    pub fn of(count: usize, url: &str) -> Self {
        let url = url.to_owned();
        Self {
            members: (0..count).map(|_| start(&url)).collect(),
            url,
        }
    }

    /// Kills one as it is, and starts another.
    pub fn replace(&mut self, member: usize) {
        let index = member % self.members.len();
        let new = start(&self.url);
        end(std::mem::replace(&mut self.members[index], new));
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.members.drain(..).for_each(end);
    }
}

fn start(url: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "process::reacting_process", "--nocapture"])
        .env(STORE, url)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn end(mut child: Child) {
    // By SIGKILL: it can put nothing in order.
    let _ = child.kill();
    let _ = child.wait();
}
