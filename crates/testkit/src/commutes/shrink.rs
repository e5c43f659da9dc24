//! Makes a failing case smaller than proptest does, because proptest goes over each value once and does not come back
//! to an early value when a later one has become smaller.

use std::fmt::Debug;
use std::rc::Rc;

use proptest::strategy::{BoxedStrategy, Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use seriatim_core::Aggregate;

use super::problem::Problem;
use super::rules::Rules;
use super::step::{Step, StepOf};
use super::trial;

/// The number of steps that are generated and simplified to be tried in place of others.
const DRAWS: usize = 64;
/// The number of simpler forms of one of them that are tried.
const FORMS: usize = 32;

/// A case and the problem it shows.
pub(super) struct Found<A: Aggregate> {
    pub(super) rules: Rc<Rules<A>>,
    pub(super) known: Vec<StepOf<A>>,
    pub(super) between: Vec<StepOf<A>>,
    pub(super) command: A::Command,
    pub(super) problem: Box<Problem>,
}

impl<A: Aggregate> Clone for Found<A> {
    fn clone(&self) -> Self {
        Self {
            rules: Rc::clone(&self.rules),
            known: self.known.clone(),
            between: self.between.clone(),
            command: self.command.clone(),
            problem: self.problem.clone(),
        }
    }
}

impl<A: Aggregate> Found<A> {
    /// Returns the smallest case that shows a problem of the same kind.
    pub(super) fn smallest(mut self, steps: &BoxedStrategy<StepOf<A>>) -> Self {
        let simple = simple(steps);
        while let Some(smaller) = self.smaller(&simple) {
            self = smaller;
        }
        self
    }

    fn smaller(&self, simple: &[StepOf<A>]) -> Option<Self> {
        let without = self.slots().map(|slot| (slot, None));
        let replaced = self.slots().flat_map(|slot| {
            let size_now = size(&self.at(slot));
            let simpler = simple
                .iter()
                .take_while(move |other| size(*other) < size_now);
            simpler.map(move |other| (slot, Some(other)))
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

    fn at(&self, slot: Slot) -> StepOf<A> {
        match slot {
            Slot::Known(at) => self.known[at].clone(),
            Slot::Between(at) => self.between[at].clone(),
            Slot::Command => Step::Command(self.command.clone()),
        }
    }

    /// Returns the case with another step in one place, or with no step there, if it still fails in the same way.
    fn with(&self, slot: Slot, other: Option<&StepOf<A>>) -> Option<Self> {
        let mut case = self.clone();
        match (slot, other) {
            (Slot::Known(at), _) => drop(case.known.splice(at..=at, other.cloned())),
            (Slot::Between(at), _) => drop(case.between.splice(at..=at, other.cloned())),
            (Slot::Command, Some(Step::Command(other))) => case.command = other.clone(),
            (Slot::Command, Some(Step::Fact(_)) | None) => return None,
        }
        case.problem = trial::run(&case.rules, &case.known, &case.between, &case.command).err()?;
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

/// Steps of every kind, the simplest first.
fn simple<S: Debug>(steps: &BoxedStrategy<S>) -> Vec<S> {
    let mut runner = TestRunner::deterministic();
    let mut simple = Vec::new();
    for _ in 0..DRAWS {
        let Ok(mut tree) = steps.new_tree(&mut runner) else {
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
    simple.dedup_by_key(|step| size(step));
    simple
}

/// A value is simpler if its text is shorter.
fn size<S: Debug>(step: &S) -> (usize, String) {
    let text = format!("{step:?}");
    (text.len(), text)
}
