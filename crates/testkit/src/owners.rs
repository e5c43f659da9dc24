//! Runs processes that take work over from each other, for the tests of a store. They are real processes, and some of
//! them are killed.
//!
//! Such a process is the store's test program itself: it is started again for one test, which opens the store and calls
//! [`be_one`].

use std::collections::{HashMap, HashSet};
use std::process::Command;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use seriatim_core::{
    Advance, Bookmark, Component, Hold, LogPartition, Owner, Position, Share, Taking, Tenure,
    Update, Work,
};

use crate::child::{Child, PATIENCE};
use crate::conformance::CheckpointHandle;

/// The variable that sets the speed of a process.
const PACE: &str = "SERIATIM_TEST_PACE";
const LEASE: Duration = Duration::from_millis(200);
const KILLS: usize = 12;

/// Does the work of a process that one of the other functions has started.
///
/// # Panics
/// Panics if the store fails, or if none of those functions has started the process.
pub async fn be_one(store: CheckpointHandle) {
    let pace = std::env::var(PACE).expect("it is started by a function of this module");
    loop {
        let mut tenure = wait_for_work(&store, &pace).await;
        println!("taken {}", tenure.at.position.0);
        if pace == "late" {
            let told = std::io::stdin().read_line(&mut String::new());
            told.expect("it is told when to go on");
        }
        while step(&store, &mut tenure).await == Hold::Held {
            println!("moved {}", tenure.at.position.0);
        }
        println!("lost");
        if pace == "late" {
            return;
        }
    }
}

async fn wait_for_work(store: &CheckpointHandle, owner: &str) -> Tenure {
    let owner = Owner::new(owner);
    let work = Work {
        component: Component::new("steps").expect("it is a name"),
        partition: LogPartition::FIRST,
        share: Share::WHOLE,
    };
    loop {
        let taking = store.take(&work, &owner, LEASE).await;
        match taking.expect("the store answers") {
            Taking::Taken(tenure) => return tenure,
            Taking::Busy { .. } => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn step(store: &CheckpointHandle, tenure: &mut Tenure) -> Hold {
    let next = Bookmark::at(Position(tenure.at.position.0 + 1));
    let hold = store
        .write(tenure, &Update::Advance(Advance::Checkpoint(next)), LEASE)
        .await;
    let hold = hold.expect("the store answers");
    if hold == Hold::Held {
        tenure.at = next;
    }
    hold
}

/// Runs two processes at a time that do the same work, and kills the one that owns it in the middle, again and again.
/// Each step must be done once. `start` makes the command that starts a process.
///
/// # Panics
/// Panics if a step was lost or done twice.
pub async fn take_over_from_the_killed(store: CheckpointHandle, start: impl Fn() -> Command) {
    let mut crew = Crew::new();
    for _ in 0..2 {
        crew.join(start());
    }
    for round in 0..KILLS {
        let owner = crew.hear_steps(1 + round * 5);
        crew.kill(owner);
        crew.join(start());
    }
    let done = crew.end();

    let end = store.checkpoints(None).await.expect("the store answers");
    let [end] = &end[..] else {
        panic!("there is one piece of work: {end:?}");
    };
    let last = end.at.position.0;
    let lost = done.iter().find(|step| **step > last);
    assert_eq!(lost, None, "the checkpoint is at {last}");
    // A killed process may not have reported its last step.
    let unsaid = last - done.len() as u64;
    let most = KILLS as u64 + 2;
    assert!(unsaid <= most, "nobody did {unsaid} of {last} steps");
    assert!(end.epoch >= KILLS as u64, "each that was killed had it");
}

/// Runs a process that takes the work, is late, and goes on after another one has taken over. Its next write must fail
/// and change nothing. `start` is the command that starts it.
///
/// # Panics
/// Panics if the late process does not find out, or has changed anything.
pub async fn a_late_one_changes_nothing(store: CheckpointHandle, start: Command) {
    let mut crew = Crew::new();
    crew.join_as("late", start);
    let (late, word) = crew.next_word();
    assert_eq!(word, Word::Taken);
    // The checkpoint is not moved, so only the tenure distinguishes the two.
    let taken = tokio::time::timeout(PATIENCE, wait_for_work(&store, "punctual"));
    let mut tenure =
        (taken.await).expect("the work is free once the lease of the late one has run out");
    let before = store.checkpoints(None).await.expect("the store answers");

    crew.tell(late);
    assert_eq!(crew.next_word(), (late, Word::Lost));
    let after = store.checkpoints(None).await.expect("the store answers");
    assert_eq!(after, before);
    crew.end_by_itself(late);
    assert_eq!(step(&store, &mut tenure).await, Hold::Held);
}

/// A report of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Taken,
    /// The process has moved to this position.
    Moved(u64),
    Lost,
}

impl Word {
    /// Returns the word of a line; `None` if the line is no report.
    fn of(line: &str) -> Option<Self> {
        match line.split_once(' ') {
            Some(("taken", _)) => Some(Self::Taken),
            Some(("moved", position)) => position.parse().ok().map(Self::Moved),
            None if line == "lost" => Some(Self::Lost),
            _ => None,
        }
    }
}

/// The processes that are alive, and the reports of all.
struct Crew {
    alive: HashMap<usize, Child>,
    joined: usize,
    mouth: Sender<(usize, Word)>,
    ear: Receiver<(usize, Word)>,
    done: HashSet<u64>,
}

impl Crew {
    fn new() -> Self {
        let (mouth, ear) = mpsc::channel();
        Self {
            alive: HashMap::new(),
            joined: 0,
            mouth,
            ear,
            done: HashSet::new(),
        }
    }

    fn join(&mut self, start: Command) {
        self.join_as("steady", start);
    }

    fn join_as(&mut self, pace: &str, mut start: Command) {
        start.env(PACE, pace);
        self.joined += 1;
        let (id, mouth) = (self.joined, self.mouth.clone());
        let child = Child::start(start, move |line| {
            if let Some(word) = Word::of(line) {
                let _ = mouth.send((id, word));
            }
        });
        self.alive.insert(id, child);
    }

    /// Waits for the next word of any process. Returns the process and the word.
    fn next_word(&self) -> (usize, Word) {
        let heard = self.ear.recv_timeout(PATIENCE);
        heard.unwrap_or_else(|_| panic!("no process has said a word for {} s", PATIENCE.as_secs()))
    }

    /// Tells a late process to go on.
    fn tell(&mut self, id: usize) {
        self.alive.get_mut(&id).expect("it is alive").tell();
    }

    fn end_by_itself(&mut self, id: usize) {
        let end = self.alive.get_mut(&id).expect("it is alive").end();
        assert!(end.success(), "it ended with {end}");
    }

    /// Waits until the living processes have done this many steps. Returns the one that did the last.
    fn hear_steps(&mut self, enough: usize) -> usize {
        let mut steps = 0;
        loop {
            let (id, word) = self.next_word();
            if self.note(word) && self.alive.contains_key(&id) {
                steps += 1;
                if steps == enough {
                    return id;
                }
            }
        }
    }

    /// Records a word. Returns true if it was a step.
    fn note(&mut self, word: Word) -> bool {
        let Word::Moved(to) = word else {
            return false;
        };
        assert!(self.done.insert(to), "step {to} was done twice");
        true
    }

    fn kill(&mut self, id: usize) {
        let mut child = self.alive.remove(&id).expect("it is alive");
        child.kill();
        child.end();
    }

    /// Kills all processes. Returns the steps that were done.
    fn end(mut self) -> HashSet<u64> {
        for id in Vec::from_iter(self.alive.keys().copied()) {
            self.kill(id);
        }
        let (silent, _) = mpsc::channel();
        self.mouth = silent;
        loop {
            match self.ear.recv_timeout(PATIENCE) {
                Ok((_, word)) => self.note(word),
                Err(RecvTimeoutError::Disconnected) => return self.done,
                Err(RecvTimeoutError::Timeout) => panic!("a process that was killed still speaks"),
            };
        }
    }
}
