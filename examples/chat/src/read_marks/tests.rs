//! Checks what read marks do, without a database.

use proptest::prelude::*;
use seriatim::testkit::commutes::Cell;
use seriatim::testkit::{commutes, given, given_no_events, proptest};

use super::{ReadMarks, ReadMarksCommand, ReadMarksEvent};
use ReadMarksCommand as Do;
use ReadMarksEvent::*;

fn admit(user: &str) -> ReadMarksCommand {
    Do::Admit { user: user.into() }
}

fn dismiss(user: &str) -> ReadMarksCommand {
    Do::Dismiss { user: user.into() }
}

fn mark(by: &str, number: u32) -> ReadMarksCommand {
    Do::Mark {
        by: by.into(),
        number,
    }
}

fn admitted(user: &str) -> ReadMarksEvent {
    Admitted { user: user.into() }
}

fn dismissed(user: &str) -> ReadMarksEvent {
    Dismissed { user: user.into() }
}

fn marked(by: &str, number: u32) -> ReadMarksEvent {
    Marked {
        by: by.into(),
        number,
    }
}

#[test]
fn a_mark_moves_forward_only() {
    given::<ReadMarks>([admitted("ann"), admitted("bob")])
        .when(mark("ann", 0))
        .then([])
        .when(mark("ann", 5))
        .then([marked("ann", 5)])
        .when(mark("ann", 5))
        .then([])
        .when(mark("ann", 3))
        .then([])
        .when(mark("ann", 6))
        .then([marked("ann", 6)])
        .then_state_is(|read| read.marks["ann"] == 6 && read.marks["bob"] == 0);
    // Of two that were recorded in the wrong order the further one counts.
    given::<ReadMarks>([admitted("ann"), marked("ann", 5), marked("ann", 3)])
        .when(mark("ann", 4))
        .then([]);
}

#[test]
fn only_members_have_marks() {
    given_no_events::<ReadMarks>()
        .when(mark("ann", 1))
        .then_rejected("NotAMember");
    given::<ReadMarks>([admitted("ann"), marked("ann", 5)])
        .when(dismiss("ann"))
        .then([dismissed("ann")])
        .when(mark("ann", 6))
        .then_rejected("NotAMember");
}

#[test]
fn what_is_so_already_changes_nothing() {
    given_no_events::<ReadMarks>()
        .when(dismiss("ann"))
        .then([])
        .when(admit("ann"))
        .then([admitted("ann")])
        .when(mark("ann", 5))
        .then([marked("ann", 5)])
        .when(admit("ann"))
        .then([])
        .then_state_is(|read| read.marks["ann"] == 5);
}

#[test]
fn who_joins_again_begins_anew() {
    given::<ReadMarks>([admitted("ann"), marked("ann", 5), dismissed("ann")])
        .when(admit("ann"))
        .then([admitted("ann")])
        .then_state_is(|read| read.marks["ann"] == 0);
}

#[test]
fn marks_merge() {
    let user = || prop::sample::select(vec!["ann", "bob"]);
    let command = prop_oneof![
        2 => user().prop_map(admit),
        1 => user().prop_map(dismiss),
        4 => (user(), 0u32..6).prop_map(|(by, number)| mark(by, number)),
    ];
    let report = commutes::<ReadMarks>(command).run();
    println!("{report}");
    assert_eq!(report.cell("Admit", "Marked"), Cell::Merges);
    // It is about one member or two.
    let cell = report.cell("Mark", "Dismissed");
    assert!(matches!(cell, Cell::Depends { .. }), "{cell}");
    assert_eq!(report.cell("Mark", "Marked"), Cell::Merges);
}
