//! Makes a failing case smaller than proptest leaves it: that goes over each value once, and does not come back to
//! an early one when a late one has become smaller.

use std::fmt::Debug;

use proptest::strategy::{BoxedStrategy, Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use seriatim_core::Aggregate;

use super::problem::Problem;
use super::trial;

/// How many commands are drawn and simplified for trying in place of others.
const DRAWS: usize = 64;
/// How many ever simpler forms of one of them are tried.
const FORMS: usize = 32;

/// A case and the problem it shows.
pub(super) struct Found<A: Aggregate> {
    pub(super) known: Vec<A::Command>,
    pub(super) between: Vec<A::Command>,
    pub(super) command: A::Command,
    pub(super) problem: Box<Problem>,
}

impl<A: Aggregate> Clone for Found<A> {
    fn clone(&self) -> Self {
        Self {
            known: self.known.clone(),
            between: self.between.clone(),
            command: self.command.clone(),
            problem: self.problem.clone(),
        }
    }
}

impl<A: Aggregate> Found<A> {
    /// The smallest case that shows a problem of the same kind.
    pub(super) fn smallest(mut self, commands: &BoxedStrategy<A::Command>) -> Self {
        let simple = simple(commands);
        while let Some(smaller) = self.smaller(&simple) {
            self = smaller;
        }
        self
    }

    fn smaller(&self, simple: &[A::Command]) -> Option<Self> {
        let without = self.slots().map(|slot| (slot, None));
        let replaced = self.slots().flat_map(|slot| {
            let simpler = move |other: &&A::Command| size(*other) < size(self.at(slot));
            simple
                .iter()
                .filter(simpler)
                .map(move |other| (slot, Some(other)))
        });
        without
            .chain(replaced)
            .find_map(|(slot, other)| self.with(slot, other))
    }

    fn slots(&self) -> impl Iterator<Item = Slot> + use<A> {
        let known = (0..self.known.len()).map(Slot::Known);
        let between = (0..self.between.len()).map(Slot::Between);
        known.chain(between).chain([Slot::Command])
    }

    fn at(&self, slot: Slot) -> &A::Command {
        match slot {
            Slot::Known(at) => &self.known[at],
            Slot::Between(at) => &self.between[at],
            Slot::Command => &self.command,
        }
    }

    /// The case with another command in one place, or with none there, if it still fails in the same way.
    fn with(&self, slot: Slot, other: Option<&A::Command>) -> Option<Self> {
        let mut case = self.clone();
        match slot {
            Slot::Known(at) => drop(case.known.splice(at..=at, other.cloned())),
            Slot::Between(at) => drop(case.between.splice(at..=at, other.cloned())),
            Slot::Command => case.command = other?.clone(),
        }
        case.problem = trial::run::<A>(&case.known, &case.between, &case.command).err()?;
        (case.problem.advice == self.problem.advice).then_some(case)
    }
}

/// A place in a case.
#[derive(Clone, Copy)]
enum Slot {
    Known(usize),
    Between(usize),
    Command,
}

/// Commands of every kind, the simplest first.
fn simple<C: Debug>(commands: &BoxedStrategy<C>) -> Vec<C> {
    let mut runner = TestRunner::deterministic();
    let mut simple = Vec::new();
    for _ in 0..DRAWS {
        let Ok(mut tree) = commands.new_tree(&mut runner) else {
            continue;
        };
        for _ in 0..FORMS {
            simple.push(tree.current());
            if !tree.simplify() {
                break;
            }
        }
    }
    simple.sort_by_cached_key(size);
    simple.dedup_by_key(|command| size(command));
    simple
}

/// What is simpler: what takes less to write down.
fn size<C: Debug>(command: &C) -> (usize, String) {
    let text = format!("{command:?}");
    (text.len(), text)
}
