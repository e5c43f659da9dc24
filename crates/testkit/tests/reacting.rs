//! `reacting(..).to(..).then(..)`: what passes, and what is said of what does not.

mod account;

use std::sync::atomic::{AtomicU64, Ordering};

use account::{
    Account, AccountCommand, AccountEvent, AccountRejection, deposited, opened, panic_of,
};
use seriatim_core::{Effects, ExpectedSequence, MergeStrategy, RecordedEvent, Saga, Sequence};
use seriatim_testkit::{given, reacting};
use uuid::Uuid;

const OTHER: Uuid = Uuid::from_u128(7);

/// Puts a tenth of each deposit aside, and tells the other account of its owner.
#[derive(Debug)]
struct Saving;

impl Saga for Saving {
    const NAME: &'static str = "saving";
    type Source = Account;

    fn react(&self, event: &AccountEvent, recorded: &RecordedEvent, effects: &mut Effects) {
        match event {
            AccountEvent::Deposited { cents } => {
                let put = AccountCommand::Deposit { cents: cents / 10 };
                let sent = effects.send::<Account>(OTHER, &put);
                if recorded.sequence > Sequence(1) {
                    sent.expecting(4).merge(MergeStrategy::Strict);
                }
            }
            AccountEvent::Opened { .. } => {
                effects
                    .record::<Account>(OTHER, event)
                    .description("opened");
            }
            AccountEvent::Withdrawn { .. } | AccountEvent::Renamed { .. } => {}
        }
    }
}

fn deposit(cents: u64) -> AccountCommand {
    AccountCommand::Deposit { cents }
}

#[test]
fn a_saga_is_followed_through_the_events_of_a_stream() {
    reacting(Saving)
        .to(opened("Ann"))
        .then(|expected| {
            let fact = expected.record::<Account>(OTHER, &opened("Ann"));
            fact.description("opened");
        })
        .to(deposited(50))
        .then(|expected| {
            expected.send::<Account>(OTHER, &deposit(5));
        })
        .to(deposited(30))
        .then(|expected| {
            let sent = expected.send::<Account>(OTHER, &deposit(3));
            let known = ExpectedSequence::Exactly(Sequence(4));
            sent.expecting(known).merge(MergeStrategy::Strict);
        })
        .to(account::withdrawn(1))
        .then_nothing();
}

#[test]
fn what_differs_is_shown() {
    let to_other = |told: &str| {
        let line = told.lines().find(|line| line.contains("+ to account/"));
        line.is_some_and(|line| line.ends_with(r#": Deposit {"cents":5}"#))
    };
    let asks = || reacting(Saving).to(deposited(50));
    let told = panic_of(|| asks().then_nothing());
    assert!(told.starts_with("it does not ask for what is expected"));
    assert!(to_other(&told), "{told}");
    let told = panic_of(|| {
        asks().then(|expected| {
            expected.send::<Account>(OTHER, &deposit(5)).expecting(9);
        })
    });
    assert!(told.contains("-    expecting 9"), "{told}");
    let told = panic_of(|| {
        asks().then(|expected| {
            expected.send::<Account>(OTHER, &deposit(5));
            expected.send::<Account>(OTHER, &deposit(5));
        })
    });
    assert!(told.contains("- to account/"), "{told}");
}

/// Asks for more each time.
#[derive(Debug, Default)]
struct Forgetful(AtomicU64);

impl Saga for Forgetful {
    const NAME: &'static str = "forgetful";
    type Source = Account;

    fn react(&self, _: &AccountEvent, _: &RecordedEvent, effects: &mut Effects) {
        let cents = self.0.fetch_add(1, Ordering::Relaxed);
        effects.send::<Account>(OTHER, &deposit(cents));
    }
}

#[test]
fn a_saga_that_asks_for_something_else_each_time_is_found() {
    let told = panic_of(|| {
        reacting(Forgetful::default())
            .to(deposited(1))
            .then_nothing()
    });
    assert!(
        told.starts_with("it asks for something else when it is given the event again"),
        "{told}"
    );
}

#[test]
fn a_rejected_effect_comes_back_to_its_source() {
    let no = AccountRejection::NotOpen;
    given::<Account>([opened("Ann"), deposited(50)])
        .when_rejected::<Account>(OTHER, &deposit(5), &no)
        .then([deposited(5)]);
    let told = panic_of(|| {
        given::<Account>([opened("Ann")])
            .when_rejected::<Account>(OTHER, &deposit(5), &no)
            .then([])
    });
    assert!(told.contains("the account is not open"), "{told}");
}
