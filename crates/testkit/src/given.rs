//! `given(events).when(command)`: an aggregate, tested without a store.

use std::fmt::Write;

use seriatim_core::merge::{Collision, Resolution, resolve};
use seriatim_core::{
    Aggregate, Domain, ExpectedSequence, Fact, FactOrigin, MergeStrategy, Mismatch, Sequence,
    StreamId, decide_all, fold,
};
use uuid::Uuid;

use crate::rejected::rejected;
use crate::round_trip::{self, Lost};
use crate::text;
use crate::then::{Outcome, Then};

/// Begins a test of an aggregate to which `events` have happened.
///
/// Every event and command that passes through the test is also encoded and decoded, and the state is stored as a
/// snapshot: a type that does not survive storage fails here, not in production.
///
/// ```
/// # use seriatim_core::Aggregate;
/// # use seriatim_derive::{Command, Event, Rejection};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
/// # #[seriatim(crate = "seriatim_core")]
/// # enum AccountEvent { Deposited { cents: u64 }, Withdrawn { cents: u64 } }
/// # #[derive(Command, Serialize, Deserialize, Clone, Debug)]
/// # #[seriatim(crate = "seriatim_core")]
/// # enum AccountCommand { Withdraw { cents: u64 } }
/// # #[derive(Rejection, thiserror::Error, Debug)]
/// # #[seriatim(crate = "seriatim_core")]
/// # #[error("the account has only {balance} cents")]
/// # struct InsufficientFunds { balance: u64 }
/// # #[derive(Default, Clone, PartialEq, Serialize, Deserialize)]
/// # struct Account { cents: u64 }
/// # impl Aggregate for Account {
/// #     const DOMAIN: &'static str = "account";
/// #     type Command = AccountCommand;
/// #     type Event = AccountEvent;
/// #     type Rejection = InsufficientFunds;
/// #     fn decide(&self, command: &AccountCommand) -> Result<Vec<AccountEvent>, InsufficientFunds> {
/// #         let AccountCommand::Withdraw { cents } = *command;
/// #         if cents > self.cents { return Err(InsufficientFunds { balance: self.cents }); }
/// #         Ok(vec![AccountEvent::Withdrawn { cents }])
/// #     }
/// #     fn evolve(&mut self, event: &AccountEvent) {
/// #         match event {
/// #             AccountEvent::Deposited { cents } => self.cents += cents,
/// #             AccountEvent::Withdrawn { cents } => self.cents = self.cents.saturating_sub(*cents),
/// #         }
/// #     }
/// # }
/// use seriatim_testkit::given;
///
/// given::<Account>([AccountEvent::Deposited { cents: 5 }])
///     .when(AccountCommand::Withdraw { cents: 3 })
///     .then([AccountEvent::Withdrawn { cents: 3 }])
///     .then_state_is(|account| account.cents == 2)
///     .when(AccountCommand::Withdraw { cents: 3 })
///     .then_rejected("InsufficientFunds");
/// ```
#[track_caller]
pub fn given<A: Aggregate>(events: impl IntoIterator<Item = A::Event>) -> Given<A> {
    let history: Vec<_> = events.into_iter().collect();
    let given = Given { history };
    for event in &given.history {
        given.must_survive(None, round_trip::event(event));
    }
    given.must_survive(None, round_trip::state(&given.state()));
    given
}

/// Begins a test of an aggregate to which nothing has happened yet.
#[track_caller]
pub fn given_no_events<A: Aggregate>() -> Given<A> {
    given([])
}

/// An aggregate with a history. See [`given`].
#[derive(Clone, Debug)]
pub struct Given<A: Aggregate> {
    pub(crate) history: Vec<A::Event>,
}

impl<A: Aggregate> Given<A> {
    /// Decides `command` on the state.
    #[must_use = "nothing is tested before a `then`"]
    #[track_caller]
    pub fn when(self, command: A::Command) -> Then<A> {
        self.when_all([command])
    }

    /// Decides several commands in order, each on the state after the ones before it: all or nothing.
    #[must_use = "nothing is tested before a `then`"]
    #[track_caller]
    pub fn when_all(self, commands: impl IntoIterator<Item = A::Command>) -> Then<A> {
        let commands = self.read(commands);
        let outcome = match decide_all(&self.state(), &commands) {
            Ok(events) => Outcome::Events(events),
            Err(rejection) => Outcome::Rejected(rejection),
        };
        Then::new(self, text::lines(&commands), outcome)
    }

    /// Takes in a fact: an event that happened in the system `source` and cannot be refused.
    #[must_use = "nothing is tested before a `then`"]
    #[track_caller]
    pub fn when_fact(self, event: A::Event, source: &str) -> Then<A> {
        self.must_survive(None, round_trip::event(&event));
        let mut lines = text::lines(&[&event]);
        lines.push(format!("(a fact from {source})"));
        let origin = FactOrigin {
            source: source.into(),
            description: String::new(),
        };
        let events = self.state().on_fact(&Fact { event, origin });
        Then::new(self, lines, Outcome::Events(events))
    }

    /// Reports to the aggregate that `target` rejected a command, which a saga sent because of the last event.
    #[must_use = "nothing is tested before a `then`"]
    #[track_caller]
    pub fn when_rejected<T: Aggregate>(
        self,
        target: Uuid,
        command: &T::Command,
        rejection: &T::Rejection,
    ) -> Then<A> {
        let shown = text::lines(&[command]);
        self.must_survive(Some(&shown), round_trip::command(command));
        let last = Sequence::advance(None, self.history.len()).expect("a test is not that long");
        let source = StreamId::new(Domain::of::<A>(), Uuid::nil());
        let source = (source, last.unwrap_or(Sequence::FIRST));
        let effect = rejected::<T>("saga", source, target, command, rejection);
        let mut lines = shown;
        lines.push(format!("(rejected by {}: {rejection})", effect.target));
        let events = self.state().on_rejected(&effect);
        Then::new(self, lines, Outcome::Events(events))
    }

    /// Sends `command` with an expectation, and resolves it by `strategy` if the expectation is wrong.
    ///
    /// # Panics
    /// Panics if the expectation is beyond the given events, because that is an error under every strategy.
    #[must_use = "nothing is tested before a `then`"]
    #[track_caller]
    pub fn when_expecting(
        self,
        expected: impl Into<ExpectedSequence>,
        strategy: MergeStrategy,
        command: A::Command,
    ) -> Then<A> {
        let expected = expected.into();
        let current = Sequence::advance(None, self.history.len()).expect("a test is not that long");
        let commands = self.read([command]);
        let mut lines = text::lines(&commands);
        lines.push(format!("(expecting {expected}, {strategy})"));
        match expected.check(current) {
            Ok(()) => self.when_all(commands),
            Err(Mismatch::Beyond(conflict)) => {
                panic!("{conflict}: give the events up to there, or expect less")
            }
            Err(Mismatch::Behind(_)) => {
                let outcome = self.collide(expected, strategy, &commands);
                Then::new(self, lines, outcome)
            }
        }
    }

    fn collide(
        &self,
        expected: ExpectedSequence,
        strategy: MergeStrategy,
        commands: &[A::Command],
    ) -> Outcome<A> {
        let known = match expected {
            ExpectedSequence::Exactly(Sequence(last)) => {
                usize::try_from(last).map_or(usize::MAX, |last| last + 1)
            }
            ExpectedSequence::NoStream | ExpectedSequence::Any => 0,
        };
        let (known, intervening) = self.history.split_at(known.min(self.history.len()));
        let collision = Collision {
            commands,
            expected: expected.believed().flatten(),
            base: &fold(A::default(), known),
            intervening,
            current: &self.state(),
            premises: &[],
        };
        match resolve(strategy, &collision) {
            Resolution::Proceed(events) => Outcome::Events(events),
            Resolution::Reject(rejection) => Outcome::Rejected(rejection),
            Resolution::Refuse { reason, .. } => Outcome::Conflict(reason),
            Resolution::Park(reason) => Outcome::Parked(reason),
            Resolution::Invalid(_) => unreachable!("there are no premises"),
        }
    }

    #[track_caller]
    fn read(&self, commands: impl IntoIterator<Item = A::Command>) -> Vec<A::Command> {
        let commands: Vec<_> = commands.into_iter().collect();
        for command in &commands {
            self.must_survive(Some(&text::lines(&[command])), round_trip::command(command));
        }
        commands
    }

    pub(crate) fn state(&self) -> A {
        fold(A::default(), &self.history)
    }

    /// Fails the test if something was lost.
    #[track_caller]
    pub(crate) fn must_survive(&self, when: Option<&[String]>, result: Result<(), Lost>) {
        if let Err(lost) = result {
            let mut text = self.story(when);
            writeln!(text, "\n  {}", lost.evidence.join("\n  "))
                .expect("a string takes everything");
            panic!("{}\n\n{text}", lost.what);
        }
    }

    /// The story of the test, for people.
    pub(crate) fn story(&self, when: Option<&[String]>) -> String {
        let mut text = String::new();
        text::block(&mut text, "given", &text::lines(&self.history));
        if let Some(when) = when {
            text::block(&mut text, "when", when);
        }
        text
    }
}
