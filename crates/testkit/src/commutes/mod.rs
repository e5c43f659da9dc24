//! `commutes::<A>(commands)`: whether the merges of an aggregate are right, and which commands merge with which events.

mod problem;
mod pure;
mod report;
mod shrink;
mod step;
mod trial;

use std::cell::RefCell;

use proptest::collection::vec;
use proptest::prop_oneof;
use proptest::strategy::{BoxedStrategy, Strategy};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use seriatim_core::Aggregate;

pub use report::{Cell, Report};

use report::Tally;
use shrink::Found;
use step::StepOf;

type Case<A> = (Vec<StepOf<A>>, Vec<StepOf<A>>, <A as Aggregate>::Command);

/// The longest history, in commands and facts.
const KNOWN: usize = 12;
/// The most commands and facts that come between.
const BETWEEN: usize = 3;

/// Checks the merges of an aggregate on histories of the commands that `commands` generates.
///
/// A case is a history of commands and [facts](Commutes::facts), some that come between, and a command of a sender who
/// does not know of these. Where
/// [`Commutative`](seriatim_core::MergeStrategy::Commutative) merges it, the check holds the merge against its
/// definition, on what is *stored* rather than on what compares equal:
///
/// - the state is the same in both orders, and the decision is the same at both states;
/// - `decide` and `evolve` give the same when asked twice, and `evolve` panics in no order;
/// - what `canonical` leaves out leaves no trace in the state;
/// - the merged events are those the command gives after what came between: a serial order.
///
/// Whatever [`Aggregate::merge`] proceeds with must fold and survive storage as well.
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
        cases: 2000,
        seed: 0,
    }
}

/// A check of merges, to be [run](Commutes::run). See [`commutes`].
#[derive(Clone, Debug)]
#[must_use = "nothing is checked before `run`"]
pub struct Commutes<A: Aggregate> {
    commands: BoxedStrategy<A::Command>,
    facts: Option<BoxedStrategy<A::Event>>,
    cases: u32,
    seed: u64,
}

impl<A: Aggregate> Commutes<A> {
    /// Lets facts arrive among the commands.
    pub fn facts(mut self, facts: impl Strategy<Value = A::Event> + 'static) -> Self {
        self.facts = Some(facts.boxed());
        self
    }

    /// How many cases to try. Default 2000.
    pub fn cases(mut self, cases: u32) -> Self {
        self.cases = cases;
        self
    }

    /// Which cases to try: the same seed gives the same ones. Default 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Tries them.
    ///
    /// # Panics
    /// With the smallest counter-example, if a rule is broken.
    #[track_caller]
    pub fn run(self) -> Report {
        let tally = RefCell::new(Tally::default());
        let found = RefCell::new(None::<Found<A>>);
        let result = self
            .runner()
            .run(&self.case(), |(known, between, command)| {
                match trial::run::<A>(&known, &between, &command) {
                    Ok(met) => {
                        tally.borrow_mut().add(met);
                        Ok(())
                    }
                    Err(problem) => {
                        let reason = TestCaseError::fail(problem.title.clone());
                        // The last that fails is the smallest: each is tried only if it is smaller.
                        found.replace(Some(Found {
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
        Report::of::<A>(&tally.into_inner(), self.cases, self.seed)
    }

    fn steps(&self) -> BoxedStrategy<StepOf<A>> {
        step::steps::<A>(&self.commands, self.facts.as_ref())
    }

    /// What came before, what came between, and the command that does not know of it.
    fn case(&self) -> impl Strategy<Value = Case<A>> + use<A> {
        let steps = |range| vec(self.steps(), range);
        // Mostly one: what comes of one event tells more than what comes of several.
        let between = prop_oneof![2 => steps(1..=1), 1 => steps(2..=BETWEEN)];
        (steps(0..=KNOWN), between, self.commands.clone())
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
