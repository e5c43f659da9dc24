//! Keeps the parked streams of a piece of work as its owner knows them.

use std::collections::BTreeMap;
use std::time::Duration;

use seriatim_core::{Attempt, ReactionLetter, Sequence, StreamId, Tenure, Timestamp, Tried, Verb};
use tokio::time::Instant;
use uuid::Uuid;

/// The number of attempts at one letter that are kept: the latest ones.
const ATTEMPTS: usize = 100;

/// The state of an owner's work.
pub(crate) struct Hand {
    pub(crate) tenure: Tenure,
    pub(crate) queues: Queues,
    /// The number of failed reads of the log since it last answered.
    pub(crate) log_failures: u32,
}

/// The parked streams of a piece of work. Only its owner parks and moves them, so everything but the decisions is up to
/// date.
#[derive(Default)]
pub(crate) struct Queues {
    streams: BTreeMap<StreamId, Queue>,
}

pub(crate) struct Queue {
    pub(crate) parked: ReactionLetter,
    /// The number of tries of its first event since the decision.
    tried: u32,
    /// The time of the next try of its first event; `None` while nobody has decided.
    due: Option<Instant>,
}

impl Queues {
    pub(crate) fn new(parked: impl IntoIterator<Item = ReactionLetter>) -> Self {
        let mut queues = Self::default();
        parked.into_iter().for_each(|parked| queues.add(parked));
        queues
    }

    /// Adds a stream that was just parked or found.
    pub(crate) fn add(&mut self, parked: ReactionLetter) {
        let due = parked.decision.as_ref().map(|_| Instant::now());
        let queue = Queue {
            due,
            tried: 0,
            parked,
        };
        self.streams.insert(queue.parked.stream.clone(), queue);
    }

    /// Adds a stream whose first event has failed once, and is tried again after a pause.
    pub(crate) fn set_aside(&mut self, parked: ReactionLetter, pause: Duration) {
        let queue = Queue {
            due: Some(Instant::now() + pause),
            tried: 1,
            parked,
        };
        self.streams.insert(queue.parked.stream.clone(), queue);
    }

    /// Returns how many streams are between two tries of their first event.
    pub(crate) fn retried(&self) -> usize {
        let is_retried = |queue: &&Queue| queue.due.is_some() && queue.tried > 0;
        self.streams.values().filter(is_retried).count()
    }

    /// Takes in the decisions of people.
    pub(crate) fn hear(&mut self, all: impl IntoIterator<Item = ReactionLetter>) {
        for parked in all {
            let Some(queue) = self.streams.get_mut(&parked.stream) else {
                continue;
            };
            if parked.sequence == queue.parked.sequence && queue.parked.decision.is_none() {
                queue.due = parked.decision.as_ref().map(|_| Instant::now());
                queue.tried = 0;
                queue.parked.decision = parked.decision;
            }
        }
    }

    pub(crate) fn has(&self, stream: &StreamId) -> bool {
        self.streams.contains_key(stream)
    }

    pub(crate) fn len(&self) -> usize {
        self.streams.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    pub(crate) fn get_mut(&mut self, stream: &StreamId) -> Option<&mut Queue> {
        self.streams.get_mut(stream)
    }

    /// Returns when the next stream is due.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.streams.values().filter_map(|queue| queue.due).min()
    }

    /// Returns the stream to try first, if one is due.
    pub(crate) fn due(&self) -> Option<&ReactionLetter> {
        let due = self.streams.values().filter(|queue| queue.due.is_some());
        let first = due.min_by_key(|queue| queue.due)?;
        (first.due <= Some(Instant::now())).then_some(&first.parked)
    }

    /// Sets the first event of a stream that is not handled; `None` if all are handled.
    pub(crate) fn moved(&mut self, stream: &StreamId, to: Option<Sequence>) {
        let Some(to) = to else {
            self.streams.remove(stream);
            return;
        };
        if let Some(queue) = self.streams.get_mut(stream) {
            queue.moved(to);
        }
    }
}

impl Queue {
    /// Moves the stream in the same way as the store does. It goes behind other due streams, so that each gets a turn.
    fn moved(&mut self, to: Sequence) {
        self.parked.sequence = to;
        self.parked.id = None;
        self.parked.tries = 0;
        self.parked.attempts.clear();
        if let Some(decision) = &mut self.parked.decision {
            decision.verb = Verb::Resubmit;
        }
        self.tried = 0;
        self.due = Some(Instant::now());
    }

    /// Records that the first event has failed. Returns the number of failures since the decision.
    pub(crate) fn failed(&mut self, failure: String) -> u32 {
        self.parked.failure = failure;
        self.parked.tries = self.parked.tries.saturating_add(1);
        self.tried += 1;
        self.tried
    }

    pub(crate) fn try_in(&mut self, pause: Duration) {
        self.due = Some(Instant::now() + pause);
    }

    /// Ends a decision that was carried out and did not help; a new one is needed. An event that was not given up
    /// before gets its letter id.
    pub(crate) fn give_back(&mut self) -> &ReactionLetter {
        let decision = self.parked.decision.take();
        let now = Timestamp::now();
        if self.parked.id.is_none() {
            self.parked.id = Some(Uuid::now_v7());
            self.parked.parked_at = now;
        } else {
            let (actor, reason) =
                decision.map_or((None, None), |decision| (decision.actor, decision.reason));
            self.parked.attempts.push(Attempt {
                at: now,
                actor,
                reason,
                result: self.parked.failure.clone(),
                tried: Some(Tried::Resubmit),
                closes: false,
            });
        }
        let surplus = self.parked.attempts.len().saturating_sub(ATTEMPTS);
        self.parked.attempts.drain(..surplus);
        self.due = None;
        &self.parked
    }
}
