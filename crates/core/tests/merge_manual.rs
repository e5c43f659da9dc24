//! Tests MANUAL: it runs nothing and parks the command.

mod club;

use club::say::{deposit, deposited, seat_taken, take_seat, withdraw};
use club::{Club, Past};
use seriatim_core::merge::{Resolution, resolve_unseen};
use seriatim_core::{MergeStrategy, ParkReason};

#[test]
fn parks_whatever_the_command_would_do() {
    for (missed, command) in [
        (deposited(5), deposit(5)),        // would merge
        (seat_taken("a"), take_seat("b")), // would be refused
        (deposited(5), withdraw(100)),     // would be rejected
    ] {
        let past = Past::<Club>::new(&[], &[missed]);
        let resolution = past.resolve(MergeStrategy::Manual, &[command]);
        assert!(
            matches!(resolution, Resolution::Park(ParkReason::Manual)),
            "{resolution:?}"
        );
    }
}

#[test]
fn needs_to_see_nothing() {
    assert!(!MergeStrategy::Manual.compares());
    let unseen = resolve_unseen::<Club>(MergeStrategy::Manual);
    assert!(matches!(unseen, Resolution::Park(ParkReason::Manual)));
}

#[test]
fn the_letter_says_why_it_waits() {
    assert_eq!(
        ParkReason::Manual.to_string(),
        "the stream had moved on, and the command asks for a manual merge"
    );
}
