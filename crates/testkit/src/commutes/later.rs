//! Asks `decide` again after a clock that counts in seconds has moved on.

use std::thread::sleep;
use std::time::{Duration, Instant};

use seriatim_core::Aggregate;

use super::problem::Checked;
use super::pure::{self, Decision};

/// The number of decisions that are repeated.
const KEPT: usize = 64;

/// The time for which it waits before it repeats them. The slowest clock that this finds counts in seconds.
const LATER: Duration = Duration::from_millis(1100);

/// Some decisions, kept until later.
pub(super) struct Decisions<A: Aggregate> {
    kept: Vec<(A, A::Command, Decision<A>)>,
    since: Instant,
}

impl<A: Aggregate> Decisions<A> {
    pub(super) fn new() -> Self {
        Self {
            kept: Vec::new(),
            since: Instant::now(),
        }
    }

    /// Keeps one more. Returns `false` if there are enough.
    pub(super) fn keep(&mut self, state: &A, command: &A::Command) -> Checked<bool> {
        let decision = pure::decide(state, command)?;
        self.kept.push((state.clone(), command.clone(), decision));
        self.since = Instant::now();
        Ok(self.kept.len() < KEPT)
    }

    /// Waits until it is later, and asks again.
    pub(super) fn ask_again(self) -> Checked<()> {
        sleep(LATER.saturating_sub(self.since.elapsed()));
        self.kept.iter().try_for_each(|(state, command, decision)| {
            pure::same_decision(state, command, decision)
        })
    }
}
