//! What came of a command, and what was expected of it.

use std::fmt::Write;

use seriatim_core::{Aggregate, ConflictReason, ParkReason, Rejection, Tree, fold};

use crate::given::Given;
use crate::{round_trip, text};

/// What came of a command.
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

/// What came of a command, to be held against what was expected. Each `then` fails the test with both.
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

    /// It makes exactly these events happen.
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

    /// The domain says no: as this rejection, or with this code.
    ///
    /// Rejections need no `PartialEq`: they are the same if code, message and fields are.
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

    /// The domain says no, and `holds` is true of the rejection.
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

    /// The expectation was wrong, and the strategy did not merge.
    #[track_caller]
    pub fn then_conflict(self) -> Self {
        let same = matches!(self.outcome, Outcome::Conflict(_));
        self.check(same, "it is not refused", &["a conflict".into()])
    }

    /// The expectation was wrong, and the command waits for a person.
    #[track_caller]
    pub fn then_parked(self) -> Self {
        let same = matches!(self.outcome, Outcome::Parked(_));
        self.check(same, "it is not parked", &["parked".into()])
    }

    /// This is the state after it.
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

    /// `holds` is true of the state after it.
    #[track_caller]
    pub fn then_state_is(self, holds: impl FnOnce(&A) -> bool) -> Self {
        let actual = self.state();
        if holds(&actual) {
            return self;
        }
        self.fail("the state after it is not as expected", &shown(&actual))
    }

    /// Goes on with another command, upon the state after this one.
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

    /// The state after the command: as it was, unless it gave events.
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

/// What [`Then::then_rejected`] takes: a code, or a rejection. `K` tells the two apart and is always inferred.
pub trait ExpectedRejection<R, K> {
    /// Whether `actual` is what is expected.
    fn is(&self, actual: &R) -> bool;
    /// What is expected, for people.
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
