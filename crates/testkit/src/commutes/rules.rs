//! The rules for a case besides the definition of a merge.

use std::fmt;

use proptest::strategy::{BoxedStrategy, Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use seriatim_core::Aggregate;

use super::problem::{Checked, Problem, Shown};
use super::pure::{self, answer, canonical};
use crate::text;

/// Commands that are tried on two states to find out whether the difference matters.
const PROBES: usize = 64;

/// The rules for a case.
pub(super) struct Rules<A: Aggregate> {
    probes: Vec<A::Command>,
    pub(super) always: Vec<Invariant<A>>,
}

/// A condition that must hold for every state.
pub(super) struct Invariant<A> {
    pub(super) what: String,
    pub(super) holds: Box<dyn Fn(&A) -> bool>,
}

impl<A> fmt::Debug for Invariant<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Invariant").field(&self.what).finish()
    }
}

impl<A: Aggregate> Rules<A> {
    pub(super) fn new(commands: &BoxedStrategy<A::Command>, always: Vec<Invariant<A>>) -> Self {
        let mut runner = TestRunner::deterministic();
        let draw = |_| {
            let drawn = commands.new_tree(&mut runner).ok();
            drawn.map(|tree| tree.current())
        };
        Self {
            probes: (0..PROBES).filter_map(draw).collect(),
            always,
        }
    }

    /// Checks that the conditions for every state hold for this one.
    pub(super) fn check(&self, state: &A, what: &str) -> Checked<()> {
        for Invariant { what: rule, holds } in &self.always {
            if !pure::call("always", || holds(state))? {
                let title = format!("{what} leaves a state that must not be: {rule}");
                let advice = "reject or refuse what leads there; if it is a merge of the aggregate's own, answer `Merge::Conflict`";
                return Err(Problem::new(title, advice).shows("state", pure::shown(state)));
            }
        }
        Ok(())
    }

    /// Returns a command that is decided differently on the two states, with both answers.
    pub(super) fn told_apart(
        &self,
        left: &A,
        right: &A,
        also: &A::Command,
    ) -> Checked<Option<[Shown; 3]>> {
        for command in self.probes.iter().chain([also]) {
            let answers = [pure::decide(left, command)?, pure::decide(right, command)?];
            let [first, second] = &answers;
            let is_same = match (first, second) {
                (Ok(first), Ok(second)) => canonical(first) == canonical(second),
                (Err(first), Err(second)) => first.to_string() == second.to_string(),
                _ => false,
            };
            if !is_same {
                return Ok(Some([
                    ("next command", text::lines(&[command])),
                    ("on the one", answer(first)),
                    ("on the other", answer(second)),
                ]));
            }
        }
        Ok(None)
    }
}
