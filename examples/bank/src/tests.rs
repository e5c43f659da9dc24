//! Checks what an account does, without a database.

use proptest::prelude::*;
use seriatim::testkit::{commutes, given, given_no_events};

use crate::account::AccountCommand::{Deposit, Open, Withdraw};
use crate::account::AccountEvent::{Deposited, Opened, Withdrawn};
use crate::account::{Account, AccountCommand};

fn ann() -> String {
    "Ann".into()
}

#[test]
fn opens_once() {
    given_no_events::<Account>()
        .when(Open { owner: ann() })
        .then([Opened { owner: ann() }]);
    given::<Account>([Opened { owner: ann() }])
        .when(Open { owner: ann() })
        .then_rejected("AlreadyOpen");
}

#[test]
fn pays_out_what_is_there_and_no_more() {
    let history = [Opened { owner: ann() }, Deposited { cents: 500 }];
    given::<Account>(history.clone())
        .when(Withdraw { cents: 500 })
        .then([Withdrawn { cents: 500 }]);
    given::<Account>(history)
        .when(Withdraw { cents: 501 })
        .then_rejected("InsufficientFunds");
}

#[test]
fn nothing_moves_on_an_account_that_is_not_open() {
    given_no_events::<Account>()
        .when(Deposit { cents: 1 })
        .then_rejected("NotOpen");
}

fn command() -> impl Strategy<Value = AccountCommand> {
    prop_oneof![
        Just(Open { owner: ann() }),
        (1u32..100).prop_map(|cents| Deposit { cents }),
        (1u32..100).prop_map(|cents| Withdraw { cents }),
    ]
}

#[test]
fn what_is_merged_equals_some_serial_order() {
    println!("{}", commutes::<Account>(command()).run());
}
