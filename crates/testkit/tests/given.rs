//! `given(..).when(..).then(..)`: what passes, and what is said of what does not.

mod account;

use account::{
    Account, AccountCommand, AccountRejection, deposited, opened, panic_of, withdraw, withdrawn,
};
use serde::{Deserialize, Serialize};
use seriatim_core::{Aggregate, ExpectedSequence, MergeStrategy, Never, Sequence, SnapshotPolicy};
use seriatim_derive::{Command, Event};
use seriatim_testkit::{Given, given, given_no_events};

fn ann() -> Given<Account> {
    given([opened("Ann"), deposited(5)])
}

#[test]
fn a_command_gives_events() {
    ann().when(withdraw(3)).then([withdrawn(3)]);
    ann().when(AccountCommand::Deposit { cents: 0 }).then([]);
    given_no_events::<Account>()
        .when(AccountCommand::Open {
            owner: "Ann".into(),
        })
        .then([opened("Ann")]);
}

#[test]
fn a_command_is_rejected_by_code_by_value_or_by_what_holds() {
    ann().when(withdraw(6)).then_rejected("InsufficientFunds");
    ann()
        .when(withdraw(6))
        .then_rejected(AccountRejection::InsufficientFunds { balance: 5 });
    ann()
        .when(withdraw(6))
        .then_rejected_with(|no| matches!(no, AccountRejection::InsufficientFunds { balance: 5 }));
}

#[test]
fn a_story_goes_on_after_each_step() {
    let owner = || Some("Ann".to_owned());
    ann()
        .when(withdraw(3))
        .then_state(Account {
            owner: owner(),
            cents: 2,
        })
        .when(withdraw(3))
        .then_rejected("InsufficientFunds")
        .then_state_is(|account| account.cents == 2)
        .when_fact(deposited(9), "bank")
        .then([deposited(9)])
        .when(withdraw(3))
        .then_state(Account {
            owner: owner(),
            cents: 8,
        });
}

#[test]
fn several_commands_are_all_or_nothing() {
    ann()
        .when_all([withdraw(3), withdraw(2)])
        .then([withdrawn(3), withdrawn(2)]);
    ann()
        .when_all([withdraw(3), withdraw(3)])
        .then_rejected("InsufficientFunds")
        .then_state_is(|account| account.cents == 5);
}

#[test]
fn a_fact_is_what_the_aggregate_makes_of_it() {
    given_no_events::<Account>()
        .when_fact(deposited(5), "bank")
        .then([opened("unknown"), deposited(5)]);
}

#[test]
fn a_wrong_expectation_is_resolved_by_the_strategy() {
    let late = || given::<Account>([opened("Ann"), deposited(5), deposited(2)]);
    let expecting =
        |expected, strategy, command| late().when_expecting(expected, strategy, command);
    let at_one = ExpectedSequence::from(Sequence(1));
    expecting(at_one, MergeStrategy::Commutative, withdraw(3)).then([withdrawn(3)]);
    expecting(at_one, MergeStrategy::Commutative, withdraw(6)).then_conflict();
    expecting(at_one, MergeStrategy::Strict, withdraw(3)).then_conflict();
    expecting(at_one, MergeStrategy::Manual, withdraw(3)).then_parked();
    expecting(at_one, MergeStrategy::AggregateHandles, withdraw(9)).then([withdrawn(7)]);
    // As expected: no strategy is asked.
    let current = ExpectedSequence::from(Sequence(2));
    expecting(current, MergeStrategy::Strict, withdraw(3)).then([withdrawn(3)]);
    expecting(ExpectedSequence::Any, MergeStrategy::Strict, withdraw(3)).then([withdrawn(3)]);
    let open = AccountCommand::Open {
        owner: "Bob".into(),
    };
    expecting(ExpectedSequence::NoStream, MergeStrategy::Commutative, open).then_conflict();
}

#[test]
#[should_panic(expected = "expected sequence 2, the current one is 1: give the events up to there")]
fn an_expectation_beyond_the_given_events_is_a_mistake_of_the_test() {
    let _then = ann().when_expecting(2, MergeStrategy::Strict, withdraw(3));
}

// ----- what is said of what does not pass -----

#[test]
fn other_events_are_shown_beside_the_expected_ones() {
    let text = panic_of(|| ann().when(withdraw(3)).then([withdrawn(4)]));
    let expected = r#"
it does not give the expected events (- expected, + actual)

  given           Opened { owner: "Ann" }
                  Deposited { cents: 5 }
  when            Withdraw { cents: 3 }
  then            - Withdrawn { cents: 4 }
                  + Withdrawn { cents: 3 }
"#;
    assert_eq!(text, expected.trim_start());
}

#[test]
fn a_rejection_is_shown_where_events_were_expected() {
    let text = panic_of(|| ann().when(withdraw(6)).then([withdrawn(6)]));
    let actual = "+ rejected as InsufficientFunds: the account has only 5 cents";
    assert!(text.contains(actual), "{text}");
}

#[test]
fn events_are_shown_where_a_rejection_was_expected() {
    for text in [
        panic_of(|| ann().when(withdraw(1)).then_rejected("NotOpen")),
        panic_of(|| {
            ann()
                .when(withdraw(1))
                .then_rejected(AccountRejection::NotOpen)
        }),
    ] {
        assert!(text.contains("- rejected as NotOpen"), "{text}");
        assert!(text.contains("+ Withdrawn { cents: 1 }"), "{text}");
    }
    let other = panic_of(|| ann().when(withdraw(6)).then_rejected("NotOpen"));
    assert!(other.contains("+ rejected as InsufficientFunds"), "{other}");
    let values = AccountRejection::InsufficientFunds { balance: 4 };
    let values = panic_of(|| ann().when(withdraw(6)).then_rejected(values));
    assert!(
        values.contains("only 4 cents") && values.contains("only 5 cents"),
        "{values}"
    );
}

#[test]
fn another_state_is_shown_field_by_field() {
    let expected = Account {
        owner: Some("Ann".into()),
        cents: 9,
    };
    let text = panic_of(|| ann().when(withdraw(1)).then_state(expected));
    assert!(text.contains("-   \"cents\": 9"), "{text}");
    assert!(text.contains("+   \"cents\": 4"), "{text}");
    let text = panic_of(|| {
        ann()
            .when(withdraw(1))
            .then_state_is(|account| account.cents == 9)
    });
    assert!(text.contains("\"cents\": 4"), "{text}");
}

// ----- what does not survive storage -----

/// Loses what it should keep.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Leaky {
    kept: u8,
    #[serde(skip)]
    lost: u8,
}

#[derive(Command, Clone, Debug, Serialize, Deserialize)]
#[seriatim(crate = "seriatim_core")]
enum LeakyCommand {
    Good { value: u8 },
    Bad(Leaky),
    Spoil,
}

#[derive(Event, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[seriatim(crate = "seriatim_core")]
enum LeakyEvent {
    Good { value: u8 },
    Bad(Leaky),
    Spoiled,
}

impl Aggregate for Leaky {
    const DOMAIN: &'static str = "leaky";
    type Command = LeakyCommand;
    type Event = LeakyEvent;
    type Rejection = Never;

    fn decide(&self, command: &LeakyCommand) -> Result<Vec<LeakyEvent>, Never> {
        Ok(match command {
            LeakyCommand::Good { value: 9 } => vec![bad_event()],
            LeakyCommand::Good { value } => vec![LeakyEvent::Good { value: *value }],
            LeakyCommand::Bad(_) => Vec::new(),
            LeakyCommand::Spoil => vec![LeakyEvent::Spoiled],
        })
    }

    fn evolve(&mut self, event: &LeakyEvent) {
        match event {
            LeakyEvent::Good { value } => self.kept = *value,
            LeakyEvent::Bad(_) => {}
            LeakyEvent::Spoiled => self.lost = 1,
        }
    }
}

fn leaky() -> Leaky {
    Leaky { kept: 1, lost: 2 }
}

fn bad_event() -> LeakyEvent {
    LeakyEvent::Bad(leaky())
}

#[test]
fn an_event_that_does_not_survive_storage_is_found_wherever_it_comes_from() {
    let given = || given_no_events::<Leaky>();
    given()
        .when(LeakyCommand::Good { value: 1 })
        .then([LeakyEvent::Good { value: 1 }]);
    for text in [
        panic_of(|| seriatim_testkit::given::<Leaky>([bad_event()])),
        panic_of(|| given().when(LeakyCommand::Good { value: 9 })),
        panic_of(|| given().when_fact(bad_event(), "elsewhere")),
    ] {
        assert!(text.contains("`Bad` does not survive storage"), "{text}");
        assert!(
            text.contains("lost: 2") && text.contains("lost: 0"),
            "{text}"
        );
    }
}

#[test]
fn a_command_that_does_not_survive_storage_is_found() {
    let text = panic_of(|| given_no_events::<Leaky>().when(LeakyCommand::Bad(leaky())));
    assert!(text.contains("`Bad` does not survive storage"), "{text}");
}

#[test]
fn a_state_that_does_not_survive_a_snapshot_is_found() {
    let text = panic_of(|| given_no_events::<Leaky>().when(LeakyCommand::Spoil));
    assert!(
        text.contains("the state that is read back from a snapshot is another one"),
        "{text}"
    );
    assert!(text.contains(r#"{"kept":0}"#), "{text}");
}

/// JSON has no keys that are pairs.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
struct Board<const KEEPS: bool> {
    stones: std::collections::BTreeMap<(u8, u8), u8>,
}

impl<const KEEPS: bool> Aggregate for Board<KEEPS> {
    const DOMAIN: &'static str = "board";
    const SNAPSHOTS: SnapshotPolicy = if KEEPS {
        SnapshotPolicy::Every(100)
    } else {
        SnapshotPolicy::Never
    };
    type Command = Never;
    type Event = LeakyEvent;
    type Rejection = Never;

    fn decide(&self, command: &Never) -> Result<Vec<LeakyEvent>, Never> {
        match *command {}
    }

    fn evolve(&mut self, _: &LeakyEvent) {
        self.stones.insert((1, 1), 1);
    }
}

#[test]
fn a_state_that_has_no_json_is_found_where_snapshots_are_kept() {
    let event = LeakyEvent::Spoiled;
    let text = panic_of(|| given::<Board<true>>([event.clone()]));
    assert!(
        text.contains("the state cannot be kept as a snapshot"),
        "{text}"
    );
    assert!(text.contains("`SnapshotPolicy::Never`"), "{text}");
    given::<Board<false>>([event])
        .when_fact(LeakyEvent::Spoiled, "elsewhere")
        .then([LeakyEvent::Spoiled]);
}
