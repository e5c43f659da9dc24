//! `commutes::<A>(commands)`: checks whether the merges of an aggregate are right, and shows which commands merge with
//! which events.

mod later;
mod problem;
mod pure;
mod report;
mod rules;
mod shrink;
mod step;
mod trial;

use std::cell::RefCell;
use std::rc::Rc;

use proptest::collection::vec;
use proptest::prop_oneof;
use proptest::strategy::{BoxedStrategy, Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use seriatim_core::Aggregate;

pub use report::{Cell, Report};

use later::Decisions;
use problem::Checked;
use report::Tally;
use rules::{Invariant, Rules};
use shrink::Found;
use step::StepOf;

type Case<A> = (Vec<StepOf<A>>, Vec<StepOf<A>>, <A as Aggregate>::Command);

/// The length of most histories, in commands and facts.
const KNOWN: usize = 12;
/// The longest history: some faults show only when much has happened.
const LONG: usize = 64;
/// The most commands and facts in between.
const BETWEEN: usize = 3;

/// Checks the merges of an aggregate on histories of the commands that `commands` generates.
///
/// A case is a history of commands and [facts](Commutes::facts), some further ones in between, and a command of a
/// sender who does not know of those in between. The check finds everything that leads to a wrong outcome:
///
/// - `decide` gives another result when it is asked again: at once, more than a second later, or on the same state
///   after the state was stored and read back; or `evolve` gives another state, or panics in some order;
/// - a merge by [`Commutative`](seriatim_core::MergeStrategy::Commutative) gives another state in the other order, or
///   the command was decided otherwise on the state that its sender knew, *and* a later command is decided otherwise
///   because of that. What `PartialEq` and `canonical` leave out is no fault as long as no decision depends on it;
/// - the merged events are not those that the command gives after the events in between: no serial order explains them;
/// - [`Aggregate::merge`] gives another result when it is asked again, or events that do not fold or do not survive
///   storage;
/// - a state, merged or not, breaks a rule that was given with [`always`](Commutes::always).
///
/// ```ignore
/// let report = commutes::<Account>(any_account_command()).run();
/// println!("{report}");
/// assert_eq!(report.cell("Deposit", "Deposited"), Cell::Merges);
/// ```
pub fn commutes<A: Aggregate>(
    commands: impl Strategy<Value = A::Command> + 'static,
) -> Commutes<A> {
    Commutes {
        commands: commands.boxed(),
        facts: None,
        always: Vec::new(),
        cases: 2000,
        seed: 0,
    }
}

/// A check of merges, which [`Commutes::run`] starts. See [`commutes`].
#[derive(Debug)]
#[must_use = "nothing is checked before `run`"]
pub struct Commutes<A: Aggregate> {
    commands: BoxedStrategy<A::Command>,
    facts: Option<BoxedStrategy<A::Event>>,
    always: Vec<Invariant<A>>,
    cases: u32,
    seed: u64,
}

impl<A: Aggregate> Commutes<A> {
    /// Adds facts to the commands of a case.
    pub fn facts(mut self, facts: impl Strategy<Value = A::Event> + 'static) -> Self {
        self.facts = Some(facts.boxed());
        self
    }

    /// Adds a rule that must hold for every state, for example that a balance is not negative. Only such a rule can
    /// find a wrong [`Aggregate::merge`], because the result of that function is right by definition.
    pub fn always(mut self, what: &str, holds: impl Fn(&A) -> bool + 'static) -> Self {
        self.always.push(Invariant {
            what: what.into(),
            holds: Box::new(holds),
        });
        self
    }

    /// Sets how many cases are tried. The default is 2000.
    pub fn cases(mut self, cases: u32) -> Self {
        self.cases = cases;
        self
    }

    /// Sets the seed. The same seed gives the same cases. The default is 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Runs the check. It takes more than a second, so that a clock can move on.
    ///
    /// # Panics
    /// Panics with the smallest counter-example if a rule is broken.
    #[track_caller]
    pub fn run(mut self) -> Report {
        let always = std::mem::take(&mut self.always);
        let rules = Rc::new(Rules::new(&self.commands, always));
        let tally = RefCell::new(Tally::default());
        let found = RefCell::new(None::<Found<A>>);
        let result = self
            .runner()
            .run(&self.case(), |(known, between, command)| {
                match trial::run(&rules, &known, &between, &command) {
                    Ok(met) => {
                        tally.borrow_mut().add(met);
                        Ok(())
                    }
                    Err(problem) => {
                        let reason = TestCaseError::fail(problem.title.clone());
                        // The last one that fails is the smallest: a case is tried only if it is smaller.
                        found.replace(Some(Found {
                            rules: Rc::clone(&rules),
                            known,
                            between,
                            command,
                            problem,
                        }));
                        Err(reason)
                    }
                }
            });
        if let Some(found) = found.into_inner() {
            let problem = found.smallest(&self.steps()).problem;
            panic!(
                "{problem}\n\n  found in `{}`; `.seed({})` finds it again",
                A::DOMAIN,
                self.seed
            );
        }
        result.expect("a case fails only with a problem");
        if let Err(problem) = self.ask_again() {
            panic!("{problem}\n\n  found in `{}`", A::DOMAIN);
        }
        Report::of::<A>(&tally.into_inner(), self.cases, self.seed)
    }

    /// Decides some commands now and again after a clock has moved on.
    fn ask_again(&self) -> Checked<()> {
        let mut decisions = Decisions::<A>::new();
        let mut runner = TestRunner::deterministic();
        let mut state = A::default();
        while let Ok(tree) = self.commands.new_tree(&mut runner)
            && decisions.keep(&state, &tree.current())?
        {
            let events = pure::decide(&state, &tree.current())?;
            state = pure::evolve(&state, &events.unwrap_or_default())?;
        }
        decisions.ask_again()
    }

    fn steps(&self) -> BoxedStrategy<StepOf<A>> {
        step::steps::<A>(&self.commands, self.facts.as_ref())
    }

    /// A history, the steps in between, and a command whose sender does not know of them.
    fn case(&self) -> impl Strategy<Value = Case<A>> + use<A> {
        let steps = |range| vec(self.steps(), range);
        // Mostly one step, because the result with one event shows more than that with several.
        let between = prop_oneof![2 => steps(1..=1), 1 => steps(2..=BETWEEN)];
        let known = prop_oneof![15 => steps(0..=KNOWN), 1 => steps(KNOWN..=LONG)];
        (known, between, self.commands.clone())
    }

    fn runner(&self) -> TestRunner {
        let config = Config {
            cases: self.cases,
            failure_persistence: None,
            max_shrink_iters: 20_000,
            ..Config::default()
        };
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.seed.to_le_bytes());
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
    }
}
