//! Stores that keep writing while something happens to their server, and what must be true afterwards.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use seriatim_core::{AppendOutcome, Domain, EventStore, Sequence, StreamId, Write};
use seriatim_store_postgres::PostgresStore;
use seriatim_testkit::conformance::{Handle, assert_log_is_sound};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::samples::{append, ids};

const STORES: usize = 2;
const TASKS: u64 = 8;

/// Far longer than any server takes to come back: what goes on for ever is to fail instead.
const PATIENCE: Duration = Duration::from_secs(300);

/// The answers that the tasks were given.
#[derive(Default)]
struct Told {
    /// The events of appends that were answered as written.
    acknowledged: HashSet<Uuid>,
    /// Every external id that was sent until it was known to be spent, with how many events it stands for.
    spent: HashMap<String, usize>,
}

/// Two stores on one log, with tasks that write to it until they are told to stop.
pub struct Load {
    url: String,
    stop: Arc<AtomicBool>,
    progress: Arc<AtomicUsize>,
    tasks: Vec<JoinHandle<Told>>,
}

impl Load {
    pub async fn start(url: &str) -> Self {
        let mut load = Self {
            url: url.to_owned(),
            stop: Arc::default(),
            progress: Arc::default(),
            tasks: Vec::new(),
        };
        for _ in 0..STORES {
            let store = PostgresStore::open(url).await.unwrap();
            for task in 0..TASKS {
                let (stop, progress) = (load.stop.clone(), load.progress.clone());
                let writing = keep_writing(store.clone(), task, stop, progress);
                load.tasks.push(tokio::spawn(writing));
            }
        }
        load
    }

    /// Returns when so many appends more were written.
    pub async fn go_on(&self, appends: usize) {
        let enough = self.progress.load(Ordering::SeqCst) + appends;
        let written = async {
            while self.progress.load(Ordering::SeqCst) < enough {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let written = tokio::time::timeout(PATIENCE, written).await;
        assert!(written.is_ok(), "nothing is written any more");
    }

    /// Ends it, and compares what the tasks were told with what is in the log.
    pub async fn assert_nothing_is_lost_or_doubled(self) {
        self.stop.store(true, Ordering::SeqCst);
        let mut told = Told::default();
        for task in self.tasks {
            let more = task.await.unwrap();
            told.acknowledged.extend(more.acknowledged);
            told.spent.extend(more.spent);
        }
        let store: Handle = Arc::new(PostgresStore::open(&self.url).await.unwrap());
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
    }
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
                    AppendOutcome::Conflict { current: moved, .. } => {
                        current = *moved;
                        let moved = append(&stream, current, 2);
                        next.write = match (next.write, moved.write) {
                            (Write::Events { events, .. }, Write::Events { after, .. }) => {
                                Write::Events {
                                    after,
                                    last: None,
                                    events,
                                }
                            }
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
