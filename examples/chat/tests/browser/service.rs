//! The program itself, as a process of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use chat::{Conversation, ConversationEvent, direct_root};
use seriatim::App;
use seriatim::core::Sequence;
use tempfile::TempDir;

/// The time within which it must serve.
const PATIENCE: Duration = Duration::from_secs(60);

/// A chat on a store of its own. It ends when this is dropped.
pub(crate) struct Service {
    child: Child,
    pub(crate) urls: Vec<String>,
    pub(crate) file: PathBuf,
    _folder: TempDir,
}

/// A message as the store has it, in the order of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) sequence: u32,
    pub(crate) id: String,
    pub(crate) by: String,
    pub(crate) text: String,
}

impl Service {
    pub(crate) fn start(gateways: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("chat.db");
        let mut child = Command::new(env!("CARGO_BIN_EXE_chat"))
            .arg("--store")
            .arg(format!("sqlite://{}", file.display()))
            .args(["--listen", "127.0.0.1:0", "--gateways"])
            .arg(gateways.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let urls = addresses(&mut child, gateways);
        Self {
            child,
            urls,
            file,
            _folder: folder,
        }
    }

    /// Kills one of the processes that are gateways, as a crash of the machine would. It is started again.
    pub(crate) fn kill_gateway(&self, number: usize) {
        let children = children_of(self.child.id());
        let child = children.get(number % children.len().max(1));
        if let Some(child) = child {
            let killed = Command::new("kill").args(["-9", child]).status().unwrap();
            assert!(killed.success(), "gateway {child} was gone already");
        }
    }

    /// Returns the messages of Ann and Bob's conversation, as the stream has them.
    pub(crate) async fn stored(&self) -> Vec<Stored> {
        stored(&self.file).await
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let process = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &process]).status();
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE && matches!(self.child.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(20));
        }
        // Its gateways end by themselves when it is gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads the addresses of the gateways from what it prints.
fn addresses(child: &mut Child, gateways: usize) -> Vec<String> {
    let out = BufReader::new(child.stdout.take().unwrap());
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        for line in out.lines().map_while(Result::ok) {
            let _ = tell.send(line);
        }
    });
    let mut urls: Vec<String> = Vec::new();
    while urls.len() < gateways {
        let line = told
            .recv_timeout(PATIENCE)
            .expect("it says where it serves");
        let words = line.split_whitespace();
        urls.extend(
            words
                .filter(|word| word.starts_with("http"))
                .map(str::to_owned),
        );
    }
    urls
}

fn children_of(process: u32) -> Vec<String> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let children = tasks.map(|task| {
        let file = task.unwrap().path().join("children");
        std::fs::read_to_string(file).unwrap_or_default()
    });
    let mut children: Vec<String> = children
        .flat_map(|line| {
            line.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect();
    children.sort();
    children
}

async fn stored(file: &Path) -> Vec<Stored> {
    let app = App::open(&format!("sqlite://{}", file.display()))
        .await
        .unwrap();
    let app = app.aggregate::<Conversation>().start().await.unwrap();
    let conversation = app.of::<Conversation>(direct_root("ann", "bob"));
    let events = conversation.events(Sequence(0), 100_000).await.unwrap();
    let messages =
        events
            .iter()
            .filter_map(|event| match event.of::<Conversation>().unwrap().unwrap() {
                ConversationEvent::Posted {
                    message, by, text, ..
                } => Some(Stored {
                    sequence: event.sequence.0,
                    id: message,
                    by,
                    text,
                }),
                _ => None,
            });
    let messages = messages.collect();
    app.shutdown().await.unwrap();
    messages
}
