//! Checks what must be true at the end, from the log alone.

use std::collections::{BTreeMap, HashMap, HashSet};

use seriatim::core::{Begin, EventFilter, Process, RecordedEvent};
use seriatim::prelude::*;

use crate::domain::{Board, BoardCommand, BoardEvent, Desk, DeskEvent, tags};
use crate::watch::{self, Watch};

/// The whole log, in order.
pub async fn log(app: &App) -> Vec<RecordedEvent> {
    let mut subscription = app
        .subscribe(Begin::AtTheFirst, EventFilter::default())
        .await
        .unwrap();
    let mut log = Vec::new();
    loop {
        let batch = subscription.next().await.unwrap();
        log.extend(batch.events().cloned());
        if batch.caught_up() {
            return log;
        }
    }
}

/// The effects that followed from what the sagas asked for.
#[derive(Debug, Default)]
pub struct Told {
    /// The number of events of each desk that are reacted to.
    pub done: BTreeMap<u128, u32>,
    /// The tags, in the order of each board.
    pinned: HashMap<Uuid, Vec<String>>,
    /// The tags that came back, and to which desk, or to whoever watches it.
    returned: Vec<(u128, String)>,
}

impl Told {
    pub fn by(log: &[RecordedEvent]) -> Self {
        let mut told = Self::default();
        for recorded in log {
            let root = recorded.stream.root;
            if let Some(event) = recorded.of::<Board>() {
                let BoardEvent::Pinned { tag } = event.unwrap();
                told.pinned.entry(root).or_default().push(tag);
            }
            if let Some(event) = recorded.of::<Desk>() {
                match event.unwrap() {
                    DeskEvent::Done { number } => {
                        told.done.insert(root.as_u128(), number + 1);
                    }
                    DeskEvent::Returned { tag } => told.returned.push((root.as_u128(), tag)),
                }
            }
            if let Some(event) = recorded.of::<Process<Watch>>()
                && let Trigger::Rejected(rejected) = event.unwrap().trigger
            {
                let commands = rejected.of::<Board>().expect("it was for a board");
                for BoardCommand::Pin { tag } in commands.unwrap() {
                    told.returned.push((root.as_u128(), tag));
                }
            }
        }
        told
    }

    /// Returns how many effects are settled, and how many there must be.
    pub fn progress(&self) -> (usize, usize) {
        let pinned: usize = self.pinned.values().map(Vec::len).sum();
        (pinned + self.returned.len(), self.asked().count())
    }

    /// The tags of all that is asked for.
    fn asked(&self) -> impl Iterator<Item = String> {
        let desks = self.done.iter();
        desks.flat_map(|(desk, done)| {
            tags(*desk, *done)
                .into_iter()
                .chain(watch::tags(*desk, *done))
        })
    }

    /// Returns how many effects there must be: each tag is one, and so is each input of a process manager.
    pub fn effects(&self) -> u64 {
        let desks = self.done.iter();
        let inputs = desks.map(|(desk, done)| watch::tags(*desk, *done).count());
        (self.asked().count() + inputs.sum::<usize>()) as u64
    }

    /// Each effect took place once or came back once to its own desk; and those of one saga for one desk are on each
    /// board in the order in which they were asked for.
    pub fn assert_exactly_once_in_order(&self) {
        let mut seen = HashSet::new();
        let returned = self.returned.iter().map(|(_, tag)| tag);
        for tag in self.pinned.values().flatten().chain(returned) {
            assert!(seen.insert(tag.clone()), "`{tag}` took effect twice");
        }
        for tag in self.asked() {
            assert!(seen.remove(&tag), "`{tag}` took no effect");
        }
        assert!(seen.is_empty(), "nobody asked for {seen:?}");
        for (desk, tag) in &self.returned {
            assert_eq!(tag.split('/').nth(1), Some(&*desk.to_string()), "{tag}");
        }
        assert!(
            !self.returned.is_empty(),
            "nothing was rejected: the test shows less than it should"
        );
        for board in self.pinned.values() {
            assert_in_order(board);
        }
    }
}

fn assert_in_order(board: &[String]) {
    let mut last: HashMap<String, (u32, u32)> = HashMap::new();
    for tag in board {
        let parts: Vec<_> = tag.split('/').collect();
        let [saga, desk, number, ordinal] = parts[..] else {
            panic!("`{tag}` is no tag");
        };
        if saga == Watch::NAME {
            // Timers wait for nobody.
            continue;
        }
        let place = (number.parse().unwrap(), ordinal.parse().unwrap());
        if let Some(before) = last.insert(format!("{saga}/{desk}"), place) {
            assert!(before < place, "`{tag}` was overtaken");
        }
    }
}
