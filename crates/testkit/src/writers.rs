//! Processes that append to one storage, for the tests of a store. They are real processes, and some of them are killed.
//!
//! Such a process is the store's test program itself: it is started again for one test, which opens the store and calls
//! [`be_one`]. It prints every event that was acknowledged.

use std::collections::{HashMap, HashSet};
use std::process::Command;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use futures::future::join_all;
use seriatim_core::{AppendOutcome, Domain, Sequence, StreamId};
use uuid::Uuid;

use crate::child::{Child, PATIENCE};
use crate::conformance::{Handle, append_with_key, assert_log_is_sound, event_ids, new_stream};

/// The number of batches that each task of a process writes before it ends by itself.
const BATCHES: &str = "SERIATIM_TEST_BATCHES";
const TASKS: u64 = 4;

/// Does the work of a process that one of the other functions has started.
///
/// # Panics
/// Panics if the store fails, or if none of those functions has started the process.
pub async fn be_one(store: Handle) {
    let batches = std::env::var(BATCHES).expect("it is started by a function of this module");
    let batches = batches.parse().expect("it is a number");
    let tasks = (0..TASKS).map(|task| tokio::spawn(keep_writing(store.clone(), task, batches)));
    for ended in join_all(tasks).await {
        ended.expect("no task panics");
    }
}

/// Appends batches of three: to a new stream, to one of its own, and to one that it shares with everybody.
async fn keep_writing(store: Handle, task: u64, batches: usize) {
    let shared = Domain::new("shared").expect("it is a name");
    let shared = StreamId::new(shared, Uuid::from_u64_pair(1, task));
    let own = new_stream();
    let (mut own_current, mut shared_current) = (None, None);
    let advanced = |current| Sequence::advance(current, 2).expect("the stream is short");
    for _ in 0..batches {
        let batch = vec![
            append_with_key(&new_stream(), None, 3),
            append_with_key(&own, own_current, 2),
            append_with_key(&shared, shared_current, 2),
        ];
        let outcomes = store.append(batch.clone()).await;
        let outcomes = outcomes.expect("the store answers");
        let is_written = |outcome| matches!(outcome, &AppendOutcome::Written { .. });
        assert!(outcomes[..2].iter().all(is_written), "{outcomes:?}");
        let written = batch.iter().zip(&outcomes);
        let written = written.filter(|(_, outcome)| is_written(outcome));
        for id in written.flat_map(|(append, _)| event_ids(append)) {
            println!("acknowledged {id}");
        }
        own_current = advanced(own_current);
        shared_current = match outcomes[2] {
            AppendOutcome::Conflict { current, .. } => current,
            _ => advanced(shared_current),
        };
    }
}

/// Three processes find no tables, and write at once. `start` makes the command that starts a process, and `open` opens
/// the storage.
///
/// # Panics
/// Panics if something acknowledged is missing, or if something else is there.
pub async fn share_a_storage(start: impl Fn() -> Command, open: impl AsyncFn() -> Handle) {
    let mut acknowledged = Acknowledged::default();
    let writers: Vec<_> = (0..3).map(|_| Writer::start(start(), 25)).collect();
    for writer in writers {
        writer.end_by_itself(&mut acknowledged);
    }
    let count = acknowledged.assert_complete(&open().await).await;
    assert_eq!(count, acknowledged.0.len(), "and nothing else is there");
}

/// Kills a process again and again in whatever it does, beside one that goes on.
///
/// # Panics
/// Panics if something acknowledged is missing, or if half of an append is there.
pub async fn survive_kills(
    kills: usize,
    start: impl Fn() -> Command,
    open: impl AsyncFn() -> Handle,
) {
    let mut acknowledged = Acknowledged::default();
    for _ in 0..kills {
        let beside = Writer::start(start(), 5);
        let mut killed = Writer::start(start(), usize::MAX);
        // Some are killed while they open the storage, most after some acknowledgements.
        let enough = acknowledged.0.len() + below(150);
        while acknowledged.0.len() < enough {
            let line = killed.next_line();
            acknowledged.hear(&line.expect("it writes until it is killed"));
        }
        std::thread::sleep(Duration::from_micros(below(3_000) as u64));
        killed.process.kill();
        let succeeded = killed.hear_to_the_end(&mut acknowledged);
        assert!(!succeeded, "it was killed");
        beside.end_by_itself(&mut acknowledged);
        acknowledged.assert_complete(&open().await).await;
    }
    assert!(acknowledged.0.len() > kills, "the processes did write");
}

/// A process, and the lines that it prints.
struct Writer {
    process: Child,
    lines: Receiver<String>,
}

impl Writer {
    fn start(mut command: Command, batches: usize) -> Self {
        command.env(BATCHES, batches.to_string());
        let (mouth, lines) = mpsc::channel();
        let process = Child::start(command, move |line| {
            let _ = mouth.send(line.to_owned());
        });
        Self { process, lines }
    }

    /// Waits for the next line; `None` if there are no more.
    fn next_line(&self) -> Option<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                panic!("a process has printed nothing for {} s", PATIENCE.as_secs())
            }
        }
    }

    /// Takes in all that it still prints, and waits until it has ended. Returns true if it has ended successfully.
    fn hear_to_the_end(mut self, acknowledged: &mut Acknowledged) -> bool {
        while let Some(line) = self.next_line() {
            acknowledged.hear(&line);
        }
        self.process.end().success()
    }

    fn end_by_itself(self, acknowledged: &mut Acknowledged) {
        let succeeded = self.hear_to_the_end(acknowledged);
        assert!(succeeded, "it ends by itself");
    }
}

/// The ids of the events that were acknowledged.
#[derive(Default)]
struct Acknowledged(HashSet<Uuid>);

impl Acknowledged {
    /// Takes in a line of a process. The last line of a killed one may be cut off.
    fn hear(&mut self, line: &str) {
        let id = line.strip_prefix("acknowledged ");
        if let Some(id) = id.and_then(|id| Uuid::parse_str(id).ok()) {
            assert!(self.0.insert(id), "{id} was acknowledged twice");
        }
    }

    /// Returns how many events there are.
    async fn assert_complete(&self, store: &Handle) -> usize {
        // What a killed process has sent may still be at work; whoever writes next waits for it.
        let last = store.append(vec![append_with_key(&new_stream(), None, 0)]);
        last.await.expect("the store answers");
        let log = assert_log_is_sound(store).await;
        let found: HashSet<_> = log.iter().map(|event| event.id).collect();
        let lost: Vec<_> = self.0.difference(&found).collect();
        assert!(lost.is_empty(), "lost: {lost:?}");
        let mut appends: HashMap<String, (u64, u64)> = HashMap::new();
        for (number, event) in log.iter().rev().enumerate() {
            let json = event.payload.to_json().expect("it is JSON");
            let (key, of) = (json["append"].as_str(), json["of"].as_u64());
            let (key, of) = key.zip(of).expect("as it was written");
            appends.entry(key.to_owned()).or_insert((of, 0)).1 += 1;
            if number < 200 {
                let claim = store.find_claim(&event.stream, key).await;
                let claim = claim.expect("the store answers");
                assert!(claim.is_some(), "append {key} without its claim");
            }
        }
        for (key, (of, found)) in appends {
            assert_eq!(found, of, "half of append {key}");
        }
        log.len()
    }
}

/// Random enough for moments to kill at.
fn below(limit: usize) -> usize {
    Uuid::now_v7().as_u128() as u32 as usize % limit
}
