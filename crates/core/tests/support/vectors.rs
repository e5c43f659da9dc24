//! Plays the test vectors of the resequencer, which other implementations play too: `vectors/resequencer/README.md`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use seriatim_core::{Domain, Gap, Offered, Resequencer, Sequence, StreamId};
use uuid::Uuid;

/// The stream of a step that names none.
const STREAM: char = 'a';

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) limit: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) patience_ms: Option<u64>,
    #[serde(default)]
    pub(crate) begin: Begin,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Begin {
    #[default]
    First,
    Anywhere,
    Next(u32),
    After(u32),
}

/// What happens, which is one of the first five fields, and what comes of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Step {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) offer: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) begin: Option<Begin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) forget: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expect_through: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) overdue: Option<Vec<Range>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stream: Option<char>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) at_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) gives: Option<Gives>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) gaps: Vec<Range>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) wake_ms: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Gives {
    Ready(Vec<u32>),
    Repeated,
    Held,
    Refused,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Range {
    Unnamed(u32, u32),
    Named(u32, u32, char),
}

/// Reads all vectors of a folder. Fails if there are none.
pub(crate) fn read(folder: &Path) -> Vec<Vector> {
    let paths = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let files = paths.filter(|path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    });
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let vectors: Vec<_> = files.map(read).collect();
    assert!(!vectors.is_empty(), "{} has no vectors", folder.display());
    vectors
}

/// Checks that the resequencer does what a vector says.
pub(crate) fn check(vector: &Vector) {
    let played = play(vector);
    for (number, (step, played)) in vector.steps.iter().zip(&played.steps).enumerate() {
        assert_eq!(
            played, step,
            "step {number} of \"{}\": got the left",
            vector.name
        );
    }
}

/// Takes the steps of a vector. Returns it with what really came of each.
pub(crate) fn play(vector: &Vector) -> Vector {
    let mut player = Player::new(vector);
    let steps = vector.steps.iter().map(|step| player.take(step)).collect();
    Vector {
        steps,
        ..vector.clone()
    }
}

struct Player {
    resequencer: Resequencer<u32>,
    start: Instant,
    at_ms: u64,
}

impl Player {
    fn new(vector: &Vector) -> Self {
        let mut resequencer = match vector.begin {
            Begin::Anywhere => Resequencer::from_anywhere(vector.limit),
            Begin::First | Begin::Next(_) | Begin::After(_) => Resequencer::new(vector.limit),
        };
        if let Some(patience) = vector.patience_ms {
            resequencer = resequencer.patience(Duration::from_millis(patience));
        }
        let mut player = Self {
            resequencer,
            start: Instant::now(),
            at_ms: 0,
        };
        if let Begin::Next(_) | Begin::After(_) = vector.begin {
            assert!(player.begin(&stream(STREAM), vector.begin).is_empty());
        }
        player
    }

    fn take(&mut self, step: &Step) -> Step {
        assert!(
            step.at_ms.is_none_or(|at| self.at_ms <= at),
            "time goes forward: {step:?}"
        );
        self.at_ms = step.at_ms.unwrap_or(self.at_ms);
        let now = self.start + Duration::from_millis(self.at_ms);
        let mut played = step.clone();
        let of = stream(step.stream.unwrap_or(STREAM));
        let Step {
            offer,
            begin,
            forget,
            expect_through,
            overdue,
            ..
        } = step;
        match (offer, begin, forget, expect_through, overdue) {
            (Some(sequence), None, None, None, None) => {
                played.gives = Some(self.offer(&of, *sequence));
            }
            (None, Some(place), None, None, None) => {
                played.gives = Some(Gives::Ready(self.begin(&of, *place)));
            }
            (None, None, Some(true), None, None) => self.resequencer.forget(&of),
            (None, None, None, Some(last), None) => {
                self.resequencer.expect_through(&of, Sequence(*last));
            }
            (None, None, None, None, Some(_)) => {
                played.overdue = Some(ranges(&self.resequencer.overdue(now)));
            }
            _ => panic!("not one of offer, begin, forget, expect_through and overdue: {step:?}"),
        }
        played.gaps = ranges(&self.resequencer.gaps());
        let deadline = self.resequencer.next_deadline(now);
        played.wake_ms = deadline.map(|at| u64::try_from((at - self.start).as_millis()).unwrap());
        played
    }

    fn begin(&mut self, of: &StreamId, place: Begin) -> Vec<u32> {
        match place {
            Begin::Next(next) => self.resequencer.begin_at(of, Sequence(next)),
            Begin::After(last) => self.resequencer.begin_after(of, Sequence(last)),
            Begin::First | Begin::Anywhere => panic!("a place is `next` or `after`"),
        }
    }

    fn offer(&mut self, of: &StreamId, sequence: u32) -> Gives {
        match self.resequencer.offer(of, Sequence(sequence), sequence) {
            Offered::Ready(events) => Gives::Ready(events),
            Offered::Repeated => Gives::Repeated,
            Offered::Held(gap) => {
                let mut before = self.resequencer.gaps();
                before.retain(|other| other.stream == *of && other.through.0 < sequence);
                assert_eq!(
                    Some(&gap),
                    before.last(),
                    "the nearest gap before {sequence}"
                );
                Gives::Held
            }
            Offered::Refused(gap, event) => {
                assert!(gap.range().contains(&sequence) && event == sequence);
                assert!(self.resequencer.gaps().contains(&gap));
                Gives::Refused
            }
        }
    }
}

fn stream(name: char) -> StreamId {
    StreamId::new(
        Domain::new("vector").unwrap(),
        Uuid::from_u128(u32::from(name).into()),
    )
}

fn ranges(gaps: &[Gap]) -> Vec<Range> {
    let range = |gap: &Gap| {
        let name = char::from_u32(gap.stream.root.as_u128().try_into().unwrap()).unwrap();
        match name {
            STREAM => Range::Unnamed(gap.from.0, gap.through.0),
            _ => Range::Named(gap.from.0, gap.through.0, name),
        }
    };
    gaps.iter().map(range).collect()
}
