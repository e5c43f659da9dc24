//! The result of a command, compared with the expected one.

use std::fmt::Write;

use seriatim_core::{Aggregate, ConflictReason, ParkReason, Rejection, Tree, fold};

use crate::given::Given;
use crate::{round_trip, text};

/// The result of a command.
#[derive(Debug)]
pub(crate) enum Outcome<A: Aggregate> {
    Events(Vec<A::Event>),
    Rejected(A::Rejection),
    Conflict(ConflictReason),
    Parked(ParkReason),
}

impl<A: Aggregate> Outcome<A> {
    fn lines(&self) -> Vec<String> {
        match self {
            Self::Events(events) if events.is_empty() => vec!["no events".into()],
            Self::Events(events) => text::lines(events),
            Self::Rejected(rejection) => vec![rejected(rejection)],
            Self::Conflict(reason) => vec![format!("a conflict: {reason}")],
            Self::Parked(reason) => vec![format!("parked: {reason}")],
        }
    }
}

fn rejected(rejection: &dyn Rejection) -> String {
    format!("rejected as {}: {rejection}", rejection.code())
}

/// The result of a command, to be compared with the expected one. Each `then` that fails shows both.
#[derive(Debug)]
pub struct Then<A: Aggregate> {
    given: Given<A>,
    when: Vec<String>,
    outcome: Outcome<A>,
}

impl<A: Aggregate> Then<A> {
    #[track_caller]
    pub(crate) fn new(given: Given<A>, when: Vec<String>, outcome: Outcome<A>) -> Self {
        let then = Self {
            given,
            when,
            outcome,
        };
        if let Outcome::Events(events) = &then.outcome {
            for event in events {
                then.given
                    .must_survive(Some(&then.when), round_trip::event(event));
            }
            then.given
                .must_survive(Some(&then.when), round_trip::state(&then.state()));
        }
        then
    }

    /// Checks that the command gives exactly these events.
    #[track_caller]
    pub fn then(self, expected: impl IntoIterator<Item = A::Event>) -> Self {
        let expected = Outcome::<A>::Events(expected.into_iter().collect());
        let same = match (&expected, &self.outcome) {
            (Outcome::Events(expected), Outcome::Events(actual)) => expected == actual,
            _ => false,
        };
        self.check(
            same,
            "it does not give the expected events",
            &expected.lines(),
        )
    }

    /// Checks that the command is rejected, with this rejection or with this code.
    ///
    /// Rejections need no `PartialEq`: two are the same if their code, message and fields are.
    #[track_caller]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a code or a rejection is written in place"
    )]
    pub fn then_rejected<K>(self, expected: impl ExpectedRejection<A::Rejection, K>) -> Self {
        let same = match &self.outcome {
            Outcome::Rejected(actual) => expected.is(actual),
            Outcome::Events(_) | Outcome::Conflict(_) | Outcome::Parked(_) => false,
        };
        self.check(
            same,
            "it is not rejected as expected",
            &[expected.describe()],
        )
    }

    /// Checks that the command is rejected, and that `holds` is true of the rejection.
    #[track_caller]
    pub fn then_rejected_with(self, holds: impl FnOnce(&A::Rejection) -> bool) -> Self {
        let same = match &self.outcome {
            Outcome::Rejected(actual) => holds(actual),
            Outcome::Events(_) | Outcome::Conflict(_) | Outcome::Parked(_) => false,
        };
        self.check(
            same,
            "it is not rejected as expected",
            &["another rejection".into()],
        )
    }

    /// Checks that the expectation was wrong and the strategy did not merge.
    #[track_caller]
    pub fn then_conflict(self) -> Self {
        let same = matches!(self.outcome, Outcome::Conflict(_));
        self.check(same, "it is not refused", &["a conflict".into()])
    }

    /// Checks that the expectation was wrong and the command was parked for a person to decide.
    #[track_caller]
    pub fn then_parked(self) -> Self {
        let same = matches!(self.outcome, Outcome::Parked(_));
        self.check(same, "it is not parked", &["parked".into()])
    }

    /// Checks that this is the state after it.
    #[track_caller]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "reads as the other expectations do"
    )]
    pub fn then_state(self, expected: A) -> Self {
        let actual = self.state();
        if actual == expected {
            return self;
        }
        let (expected, actual) = (shown(&expected), shown(&actual));
        let mut diff = text::diff(&expected, &actual);
        if expected == actual {
            diff = actual;
            diff.push("they differ in what is not serialised".into());
        }
        self.fail(
            "the state after it is not the expected one (- expected, + actual)",
            &diff,
        )
    }

    /// Checks that `holds` is true of the state after it.
    #[track_caller]
    pub fn then_state_is(self, holds: impl FnOnce(&A) -> bool) -> Self {
        let actual = self.state();
        if holds(&actual) {
            return self;
        }
        self.fail("the state after it is not as expected", &shown(&actual))
    }

    /// Goes on with another command, on the state after this one.
    #[must_use = "nothing is tested before a `then`"]
    #[track_caller]
    pub fn when(self, command: A::Command) -> Self {
        self.next().when(command)
    }

    /// Goes on with a fact. See [`Given::when_fact`].
    #[must_use = "nothing is tested before a `then`"]
    #[track_caller]
    pub fn when_fact(self, event: A::Event, source: &str) -> Self {
        self.next().when_fact(event, source)
    }

    fn next(self) -> Given<A> {
        let mut given = self.given;
        if let Outcome::Events(events) = self.outcome {
            given.history.extend(events);
        }
        given
    }

    /// The state after the command; unchanged if the command gave no events.
    fn state(&self) -> A {
        match &self.outcome {
            Outcome::Events(events) => fold(self.given.state(), events),
            Outcome::Rejected(_) | Outcome::Conflict(_) | Outcome::Parked(_) => self.given.state(),
        }
    }

    #[track_caller]
    fn check(self, same: bool, failure: &str, expected: &[String]) -> Self {
        if same {
            return self;
        }
        let diff = text::diff(expected, &self.outcome.lines());
        self.fail(&format!("{failure} (- expected, + actual)"), &diff)
    }

    #[track_caller]
    fn fail(&self, failure: &str, then: &[String]) -> ! {
        let mut text = self.given.story(Some(&self.when));
        text::block(&mut text, "then", then);
        let mut message = String::new();
        write!(message, "{failure}\n\n{text}").expect("a string takes everything");
        panic!("{message}")
    }
}

fn shown<A: Aggregate>(state: &A) -> Vec<String> {
    match Tree::of(state) {
        Ok(state) => text::json(&state),
        Err(error) => vec![format!("a state that has no JSON: {error}")],
    }
}

/// An argument of [`Then::then_rejected`]: a code or a rejection. `K` distinguishes the two and is always inferred.
pub trait ExpectedRejection<R, K> {
    /// Returns whether `actual` is the expected rejection.
    fn is(&self, actual: &R) -> bool;
    /// Returns the expected rejection, for people.
    fn describe(&self) -> String;
}

/// [`ExpectedRejection`] by its code.
#[derive(Debug)]
pub enum ByCode {}

/// [`ExpectedRejection`] by its value.
#[derive(Debug)]
pub enum ByValue {}

impl<R: Rejection> ExpectedRejection<R, ByCode> for &str {
    fn is(&self, actual: &R) -> bool {
        actual.code() == *self
    }

    fn describe(&self) -> String {
        format!("rejected as {self}")
    }
}

impl<R: Rejection> ExpectedRejection<R, ByValue> for R {
    fn is(&self, actual: &R) -> bool {
        (self.code(), self.to_string(), self.fields())
            == (actual.code(), actual.to_string(), actual.fields())
    }

    fn describe(&self) -> String {
        rejected(self)
    }
}
