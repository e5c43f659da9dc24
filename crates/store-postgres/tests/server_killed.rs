//! A server that is killed in the middle of its work, again and again, while two stores keep writing to it.

mod support;

use std::collections::{HashMap, HashSet};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use seriatim_core::{AppendOutcome, Domain, EventStore, Sequence, StreamId};
use seriatim_store_postgres::PostgresStore;
use seriatim_testkit::conformance::{Handle, assert_log_is_sound};
use support::samples::{append, ids};
use support::{Schema, target};
use uuid::Uuid;

const KILLS: usize = 30;
const TASKS: u64 = 8;

/// What the tasks were told.
#[derive(Default)]
struct Told {
    /// The events of appends that were answered as written.
    acknowledged: HashSet<Uuid>,
    /// Every external id that was sent until it was known to be spent, with how many events it stands for.
    spent: HashMap<String, usize>,
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_killed_server() {
    let server = Server::start();
    let schema = Schema::on(&server.url);
    let stop = Arc::new(AtomicBool::new(false));
    let progress = Arc::new(AtomicUsize::new(0));
    let mut tasks = Vec::new();
    for _ in 0..2 {
        let store = PostgresStore::open(&schema.url()).await.unwrap();
        for task in 0..TASKS {
            let writing = keep_writing(store.clone(), task, stop.clone(), progress.clone());
            tasks.push(tokio::spawn(writing));
        }
    }
    for round in 0..KILLS {
        // Not before something was written since the last time, and then at any moment.
        let enough = progress.load(Ordering::SeqCst) + 20 + round * 13 % 100;
        while progress.load(Ordering::SeqCst) < enough {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        server.kill();
        tokio::task::spawn_blocking(Server::start).await.unwrap();
    }
    stop.store(true, Ordering::SeqCst);
    let mut told = Told::default();
    for task in tasks {
        let more = task.await.unwrap();
        told.acknowledged.extend(more.acknowledged);
        told.spent.extend(more.spent);
    }
    let store: Handle = Arc::new(PostgresStore::open(&schema.url()).await.unwrap());
    let log = assert_log_is_sound(&store).await;
    let found: HashSet<_> = log.iter().map(|event| event.id).collect();
    let lost: Vec<_> = told.acknowledged.difference(&found).collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    let mut applied: HashMap<String, usize> = HashMap::new();
    for event in &log {
        let json = event.payload.to_json().unwrap();
        let external_id = json["append"].as_str().unwrap().to_owned();
        *applied.entry(external_id).or_default() += 1;
    }
    assert_eq!(
        applied, told.spent,
        "each external id is applied once, and none else"
    );
    drop((store, schema));
    server.stop();
}

/// Sends each append, under its external id, until it is known to be written.
async fn keep_writing(
    store: PostgresStore,
    task: u64,
    stop: Arc<AtomicBool>,
    progress: Arc<AtomicUsize>,
) -> Told {
    // Shared with the task of the same number on the other store.
    let stream = StreamId::new(Domain::new("shared").unwrap(), Uuid::from_u64_pair(1, task));
    let (mut current, mut told) = (None, Told::default());
    while !stop.load(Ordering::SeqCst) {
        let mut next = append(&stream, current, 2);
        loop {
            match store.append(vec![next.clone()]).await {
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                Ok(outcomes) => match &outcomes[0] {
                    AppendOutcome::Conflict { current: moved } => {
                        current = *moved;
                        let moved = append(&stream, current, 2);
                        next.write = match (next.write, moved.write) {
                            (
                                seriatim_core::Write::Events { events, .. },
                                seriatim_core::Write::Events { after, .. },
                            ) => seriatim_core::Write::Events { after, events },
                            (write, _) => write,
                        };
                    }
                    AppendOutcome::Written { .. } => {
                        told.acknowledged.extend(ids(&next));
                        current = Sequence::advance(current, 2).unwrap();
                        break;
                    }
                    AppendOutcome::Claimed(_) => break,
                    AppendOutcome::StreamFull => panic!("so long it cannot be"),
                },
            }
        }
        told.spent.insert(next.claim.unwrap().external_id, 2);
        progress.fetch_add(1, Ordering::SeqCst);
    }
    told
}

/// A PostgreSQL beside the one that other tests use.
struct Server {
    url: String,
    pid: u64,
}

impl Server {
    /// Starts it, or finds it running.
    fn start() -> Self {
        let status = services("up");
        let postgres = &status["postgres"];
        Self {
            url: postgres["url"].as_str().unwrap().to_owned(),
            pid: postgres["pid"].as_u64().unwrap(),
        }
    }

    /// All its processes, none of which can put anything in order.
    fn kill(&self) {
        let now = services("status");
        let pid = now["postgres"]["pid"].as_u64().unwrap_or(self.pid);
        let children = Command::new("ps")
            .args(["-o", "pid=", "--ppid", &pid.to_string()])
            .output()
            .unwrap();
        let children = String::from_utf8(children.stdout).unwrap();
        let mut pids = vec![pid.to_string()];
        pids.extend(children.split_whitespace().map(str::to_owned));
        // Some children may have ended by themselves.
        let _ = Command::new("kill").arg("-9").args(pids).output();
    }

    fn stop(self) {
        services("down");
    }
}

fn services(chore: &str) -> serde_json::Value {
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--package", "xtask", "--", "services"])
        .args([chore, "--json", "--name", "killed"])
        .env("CARGO_TARGET_DIR", target())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}
