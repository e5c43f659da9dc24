//! A projector that fails on some events until it is healed, and writes down what it has seen, where no crash undoes it.

use std::collections::HashMap;
use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use seriatim::core::{Domain, EventFilter, LetterDecision, RecordedEvent, Store, Timestamp, Verb};
use seriatim::prelude::*;
use seriatim::{BackOff, FailurePolicy, Projector};

use crate::domain::{Desk, DeskEvent};

pub const NAME: &str = "shelf";

/// A projector that notes what desks do, one line an event.
pub struct Shelf {
    lines: File,
    healed: PathBuf,
}

impl Shelf {
    pub fn in_folder(folder: &Path) -> Self {
        let mut options = OpenOptions::new();
        let lines = options.create(true).append(true).open(lines_in(folder));
        Self {
            lines: lines.unwrap(),
            healed: healed_in(folder),
        }
    }

    pub fn filter() -> EventFilter {
        EventFilter {
            domains: vec![Domain::of::<Desk>()],
            ..EventFilter::default()
        }
    }

    /// Parks soon.
    pub fn policy() -> FailurePolicy {
        FailurePolicy {
            back_off: BackOff {
                first: Duration::from_millis(5),
                retries: 1,
                ..BackOff::default()
            },
            ..FailurePolicy::park()
        }
    }
}

impl Projector for Shelf {
    async fn project(&self, events: &[&RecordedEvent]) -> Result<(), Box<dyn Error + Send + Sync>> {
        for event in events {
            if is_poison(event) && !self.healed.exists() {
                return Err("this one does not fit".into());
            }
            let line = format!("{} {}\n", event.stream.root, event.sequence);
            (&self.lines).write_all(line.as_bytes())?;
        }
        Ok(())
    }
}

fn is_poison(event: &RecordedEvent) -> bool {
    let done = event.of::<Desk>().expect("it is of a desk").unwrap();
    matches!(done, DeskEvent::Done { number } if number % 11 == 4)
}

fn lines_in(folder: &Path) -> PathBuf {
    folder.join("shelf")
}

fn healed_in(folder: &Path) -> PathBuf {
    folder.join("healed")
}

/// From now on every event fits.
pub fn heal(folder: &Path) {
    fs::write(healed_in(folder), "").unwrap();
}

/// Has everything tried again that is parked and that nobody has decided about, as an operator would. Returns how many
/// streams are parked.
pub async fn retry_all(store: &dyn Store) -> usize {
    let parked = store.parked(None).await.unwrap();
    for parked in &parked {
        if parked.decision.is_none() {
            let wish = LetterDecision {
                verb: Verb::Resubmit,
                actor: Some("the operator".into()),
                reason: None,
                at: Timestamp::now(),
            };
            let decided = store.decide(&parked.work, &parked.stream, parked.sequence, &wish);
            decided.await.unwrap();
        }
    }
    parked.len()
}

/// Returns whether the projector has seen every event of desks, and none before one that precedes it in its stream.
pub fn has_seen_all_in_order(folder: &Path, log: &[RecordedEvent]) -> bool {
    let mut next: HashMap<Uuid, u32> = HashMap::new();
    for line in fs::read_to_string(lines_in(folder)).unwrap().lines() {
        let (desk, sequence) = line.split_once(' ').unwrap();
        let sequence: u32 = sequence.parse().unwrap();
        let next = next.entry(desk.parse().unwrap()).or_default();
        // What it has seen before may come again.
        assert!(sequence <= *next, "{line} has overtaken {next}");
        *next = (*next).max(sequence + 1);
    }
    let mut there: HashMap<Uuid, u32> = HashMap::new();
    for event in log.iter().filter(|event| Shelf::filter().matches(event)) {
        *there.entry(event.stream.root).or_default() += 1;
    }
    next == there
}
