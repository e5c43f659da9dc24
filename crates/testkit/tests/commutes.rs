//! `commutes` on an aggregate whose merges are right: the table says which commands merge with which events.

mod account;

use account::{Account, AccountCommand, any_command, deposited, withdraw};
use proptest::prelude::*;
use seriatim_testkit::commutes::Cell;
use seriatim_testkit::{commutes, proptest};

#[test]
fn the_table_says_which_commands_merge_with_which_events() {
    let report = commutes::<Account>(any_command()).run();
    for (command, event, cell) in [
        ("Open", "Opened", Cell::Conflicts),
        ("Open", "Deposited", Cell::Rejected),
        ("Deposit", "Opened", Cell::Conflicts),
        ("Deposit", "Deposited", Cell::Merges),
        ("Deposit", "Withdrawn", Cell::Merges),
        ("Deposit", "Renamed", Cell::Merges),
        ("Withdraw", "Opened", Cell::Rejected),
        ("Withdraw", "Renamed", Cell::Merges),
        ("Rename", "Deposited", Cell::Merges),
    ] {
        assert_eq!(
            report.cell(command, event),
            cell,
            "{command} and {event}\n{report}"
        );
    }
    for (command, event) in [
        ("Withdraw", "Deposited"), // More makes possible what was not.
        ("Withdraw", "Withdrawn"), // Enough is left, or not.
        ("Rename", "Renamed"),     // To the same name, or not.
    ] {
        let cell = report.cell(command, event);
        assert!(
            matches!(cell, Cell::Depends { .. }),
            "{command} and {event}\n{report}"
        );
    }
}

#[test]
fn facts_come_between_too() {
    let commands = || {
        prop_oneof![
            Just(AccountCommand::Open {
                owner: "Ann".into()
            }),
            (1u64..9).prop_map(withdraw),
        ]
    };
    let without = commutes::<Account>(commands()).run();
    assert_eq!(
        without.cell("Withdraw", "Deposited"),
        Cell::NeverMet,
        "{without}"
    );
    let with = commutes::<Account>(commands())
        .facts((1u64..9).prop_map(deposited))
        .run();
    let cell = with.cell("Withdraw", "Deposited");
    assert!(matches!(cell, Cell::Depends { .. }), "{with}");
}

#[test]
fn the_same_seed_gives_the_same_table() {
    let table = |seed| {
        commutes::<Account>(any_command())
            .cases(100)
            .seed(seed)
            .run()
            .to_string()
    };
    assert_eq!(table(7), table(7));
    assert_ne!(table(7), table(8));
}
