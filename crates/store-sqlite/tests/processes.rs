//! Several processes on one file, and processes that are killed while they write.
//!
//! The processes are this test program itself: told a file by an environment variable, it writes to it and prints
//! every event that was acknowledged.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use seriatim_core::{
    Append, AppendOutcome, Claim, ContentHash, Domain, EventStore, Payload, RecordedEvent,
    Sequence, StreamId, Write,
};
use seriatim_store_sqlite::SqliteStore;
use seriatim_testkit::conformance::{self, Handle, assert_log_is_sound, event};
use uuid::Uuid;

const FILE: &str = "SERIATIM_TEST_FILE";
/// The number of batches that each task of a process writes before it ends by itself.
const BATCHES: &str = "SERIATIM_TEST_BATCHES";
const TASKS: u64 = 4;
const KILLS: usize = 60;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("killed.db");
    let mut chance = Chance::new();
    let mut acknowledged = HashSet::new();
    for round in 0..KILLS {
        let (mut child, output) = start_writer(&file, usize::MAX);
        let mut lines = BufReader::new(output).lines();
        // Some are killed while they open the file, most after some acknowledgements, in whatever they do next.
        let enough = chance.below(150);
        let mut seen = 0;
        while seen < enough {
            let line = lines.next().expect("the process writes until killed");
            seen += note(&line.unwrap(), &mut acknowledged);
        }
        std::thread::sleep(Duration::from_micros(chance.below(3_000)));
        child.kill().unwrap();
        for line in lines.map_while(Result::ok) {
            note(&line, &mut acknowledged);
        }
        assert!(!child.wait().unwrap().success(), "it was killed");
        assert_nothing_is_lost(&file, &acknowledged, round).await;
    }
    assert!(acknowledged.len() > KILLS, "the processes did write");
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_share_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shared.db");
    // All of them find no file, and one makes it.
    let children: Vec<_> = (0..3).map(|_| start_writer(&file, 25)).collect();
    let mut acknowledged = HashSet::new();
    for (mut child, output) in children {
        for line in BufReader::new(output).lines() {
            note(&line.unwrap(), &mut acknowledged);
        }
        assert!(child.wait().unwrap().success(), "it ended by itself");
    }
    let log = assert_nothing_is_lost(&file, &acknowledged, 0).await;
    assert_eq!(log.len(), acknowledged.len(), "and nothing else is there");
}

/// Runs a child process that writes.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a child process of other tests"]
async fn writer_process() {
    let file = std::env::var(FILE).expect("the test that starts it says where");
    let batches = std::env::var(BATCHES).unwrap().parse().unwrap();
    let store = SqliteStore::open(&file).await.unwrap();
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| tokio::spawn(keep_writing(store.clone(), task, batches)))
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// Appends batches of three: to a new stream, to one of its own, and to one that it shares with everybody.
async fn keep_writing(store: SqliteStore, task: u64, batches: usize) {
    let own = StreamId::new(Domain::new("own").unwrap(), Uuid::now_v7());
    let shared = StreamId::new(Domain::new("shared").unwrap(), Uuid::from_u64_pair(1, task));
    let (mut own_current, mut shared_current) = (None, None);
    for _ in 0..batches {
        let new = StreamId::new(Domain::new("new").unwrap(), Uuid::now_v7());
        let batch = vec![
            append(&new, None, 3),
            append(&own, own_current, 2),
            append(&shared, shared_current, 2),
        ];
        let sent = batch.clone();
        let outcomes = store.append(batch).await.unwrap();
        for (append, outcome) in sent.iter().zip(&outcomes) {
            if matches!(outcome, AppendOutcome::Written { .. }) {
                acknowledge(append);
            }
        }
        own_current = Sequence::advance(own_current, 2).unwrap();
        shared_current = match &outcomes[2] {
            AppendOutcome::Conflict { current } => *current,
            _ => Sequence::advance(shared_current, 2).unwrap(),
        };
    }
}

/// Each payload names its append and how many events that has, so that halves are found.
fn append(stream: &StreamId, after: Option<Sequence>, count: usize) -> Append {
    let id = Uuid::now_v7();
    let text = format!(r#"{{"append":"{id}","of":{count}}}"#);
    let written = || event(Payload::json("Written", text.clone()));
    let events: Vec<_> = (0..count).map(|_| written()).collect();
    let claim = Claim {
        external_id: id.to_string(),
        content: ContentHash([1; 32]),
        refusal: None,
    };
    Append {
        claim: Some(claim),
        ..conformance::append(stream, after, events)
    }
}

fn acknowledge(append: &Append) {
    let Write::Events { events, .. } = &append.write else {
        return;
    };
    for event in events.iter() {
        println!("acknowledged {}", event.id);
    }
}

fn start_writer(file: &Path, batches: usize) -> (Child, ChildStdout) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "writer_process", "--nocapture"])
        .env(FILE, file)
        .env(BATCHES, batches.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let output = child.stdout.take().unwrap();
    (child, output)
}

/// Takes in a line of a process; 1 if it acknowledges an event. The last line of a killed one may be cut off.
fn note(line: &str, acknowledged: &mut HashSet<Uuid>) -> u64 {
    let id = line.strip_prefix("acknowledged ");
    let Some(id) = id.and_then(|id| Uuid::parse_str(id).ok()) else {
        return 0;
    };
    assert!(acknowledged.insert(id), "{id} was acknowledged twice");
    1
}

async fn assert_nothing_is_lost(
    file: &Path,
    acknowledged: &HashSet<Uuid>,
    round: usize,
) -> Vec<RecordedEvent> {
    let store: Handle = Arc::new(SqliteStore::open_file(file).await.unwrap());
    let log = assert_log_is_sound(&store).await;
    let found: HashSet<_> = log.iter().map(|event| event.id).collect();
    let lost: Vec<_> = acknowledged.difference(&found).collect();
    assert!(lost.is_empty(), "lost in round {round}: {lost:?}");
    let mut appends: HashMap<String, (u64, u64)> = HashMap::new();
    for event in &log {
        let json = event.payload.to_json().unwrap();
        let append = json["append"].as_str().unwrap().to_owned();
        let (found, of) = appends.entry(append).or_default();
        *found += 1;
        *of = json["of"].as_u64().unwrap();
    }
    for (append, (found, of)) in &appends {
        assert_eq!(found, of, "half of append {append} in round {round}");
    }
    for event in log.iter().rev().take(200) {
        let external_id = event.payload.to_json().unwrap()["append"].clone();
        let claim = store.find_claim(&event.stream, external_id.as_str().unwrap());
        assert!(claim.await.unwrap().is_some(), "events without their claim");
    }
    log
}

/// Random enough for moments to kill at, with no library.
struct Chance(u64);

impl Chance {
    fn new() -> Self {
        let (high, low) = Uuid::now_v7().as_u64_pair();
        Self(high ^ low)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}
