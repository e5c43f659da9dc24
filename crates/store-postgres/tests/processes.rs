//! Several processes on one database, and processes that are killed while they write.
//!
//! The processes are this test program itself: told a database by an environment variable, it writes to it and
//! prints every event that was acknowledged.

mod support;

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use seriatim_core::{AppendOutcome, Domain, EventStore, RecordedEvent, Sequence, StreamId};
use seriatim_store_postgres::PostgresStore;
use seriatim_testkit::conformance::{Handle, assert_log_is_sound, new_stream};
use support::Schema;
use support::samples::{append, ids, is_written};
use uuid::Uuid;

const DATABASE: &str = "SERIATIM_TEST_DATABASE";
/// The number of batches that each task of a process writes before it ends by itself.
const BATCHES: &str = "SERIATIM_TEST_BATCHES";
const TASKS: u64 = 4;
const KILLS: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn processes_share_a_database() {
    let schema = Schema::new();
    // All of them find no tables, and one makes them.
    let children: Vec<_> = (0..3).map(|_| start_writer(&schema, 25)).collect();
    let mut acknowledged = HashSet::new();
    for (mut child, output) in children {
        for line in BufReader::new(output).lines() {
            note(&line.unwrap(), &mut acknowledged);
        }
        assert!(child.wait().unwrap().success(), "it ended by itself");
    }
    let log = assert_nothing_is_lost(&schema, &acknowledged, 0).await;
    assert_eq!(log.len(), acknowledged.len(), "and nothing else is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_killed_process() {
    let schema = Schema::new();
    let mut acknowledged = HashSet::new();
    for round in 0..KILLS {
        // One that is killed, beside one that goes on.
        let (mut beside, others) = start_writer(&schema, 5);
        let (mut child, output) = start_writer(&schema, usize::MAX);
        let mut lines = BufReader::new(output).lines();
        // Some are killed while they open the database, most in whatever they do after some acknowledgements.
        let mut seen = 0;
        while seen < round * 7 {
            let line = lines.next().expect("the process writes until killed");
            seen += note(&line.unwrap(), &mut acknowledged);
        }
        child.kill().unwrap();
        for line in lines.map_while(Result::ok) {
            note(&line, &mut acknowledged);
        }
        assert!(!child.wait().unwrap().success(), "it was killed");
        for line in BufReader::new(others).lines() {
            note(&line.unwrap(), &mut acknowledged);
        }
        assert!(beside.wait().unwrap().success(), "it ended by itself");
        assert_nothing_is_lost(&schema, &acknowledged, round).await;
    }
    assert!(acknowledged.len() > KILLS, "the processes did write");
}

/// Runs a child process that writes.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a child process of other tests"]
async fn writer_process() {
    let url = std::env::var(DATABASE).expect("the test that starts it says where");
    let batches = std::env::var(BATCHES).unwrap().parse().unwrap();
    let store = PostgresStore::open(&url).await.unwrap();
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| tokio::spawn(keep_writing(store.clone(), task, batches)))
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// Appends batches of three: to a new stream, to one of its own, and to one that it shares with everybody.
async fn keep_writing(store: PostgresStore, task: u64, batches: usize) {
    let own = new_stream();
    let shared = StreamId::new(Domain::new("shared").unwrap(), Uuid::from_u64_pair(1, task));
    let (mut own_current, mut shared_current) = (None, None);
    for _ in 0..batches {
        let batch = vec![
            append(&new_stream(), None, 3),
            append(&own, own_current, 2),
            append(&shared, shared_current, 2),
        ];
        let sent = batch.clone();
        let outcomes = store.append(batch).await.unwrap();
        for (append, outcome) in sent.iter().zip(&outcomes) {
            if is_written(outcome) {
                for id in ids(append) {
                    println!("acknowledged {id}");
                }
            }
        }
        assert!(is_written(&outcomes[0]) && is_written(&outcomes[1]));
        own_current = Sequence::advance(own_current, 2).unwrap();
        shared_current = match &outcomes[2] {
            AppendOutcome::Conflict { current } => *current,
            _ => Sequence::advance(shared_current, 2).unwrap(),
        };
    }
}

fn start_writer(schema: &Schema, batches: usize) -> (Child, ChildStdout) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "writer_process", "--nocapture"])
        .env(DATABASE, schema.url())
        .env(BATCHES, batches.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let output = child.stdout.take().unwrap();
    (child, output)
}

/// Takes in a line of a process; 1 if it acknowledges an event. The last line of a killed one may be cut off.
fn note(line: &str, acknowledged: &mut HashSet<Uuid>) -> usize {
    let id = line.strip_prefix("acknowledged ");
    let Some(id) = id.and_then(|id| Uuid::parse_str(id).ok()) else {
        return 0;
    };
    assert!(acknowledged.insert(id), "{id} was acknowledged twice");
    1
}

async fn assert_nothing_is_lost(
    schema: &Schema,
    acknowledged: &HashSet<Uuid>,
    round: usize,
) -> Vec<RecordedEvent> {
    let store: Handle = Arc::new(PostgresStore::open(&schema.url()).await.unwrap());
    // What a killed process has sent may still be at work; whoever writes next waits for it.
    let last = vec![append(&new_stream(), None, 0)];
    store.append(last).await.unwrap();
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
    log
}
