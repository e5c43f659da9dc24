//! Tests COMMUTATIVE: it merges what does not overlap, and names what does.

#![expect(clippy::result_large_err, reason = "a test may copy what it compares")]

mod club;

use club::say::{
    any_command, city, deposit, deposited, join, joined, minute, priced, rename, renamed,
    seat_taken, take_seat, withdraw, withdrawn,
};
use club::{CarefulClub, Club, ClubCommand, ClubEvent, ClubRejection, Past};
use proptest::prelude::*;
use serde_json::json;
use seriatim_core::merge::Resolution;
use seriatim_core::{
    Aggregate, ConflictReason, Event, MergeStrategy, Message, Rejected, decide_all, decide_each,
    fold,
};

const COMMUTATIVE: MergeStrategy = MergeStrategy::Commutative;

/// The events, or the reason and the rejection of the domain.
type Answer<A> = Result<Vec<<A as Aggregate>::Event>, (ConflictReason, Option<Rejected>)>;

fn merge<A: Aggregate>(past: &Past<A>, commands: &[A::Command]) -> Answer<A> {
    match past.resolve(COMMUTATIVE, commands) {
        Resolution::Proceed(events) => Ok(events),
        Resolution::Refuse { reason, rejection } => Err((reason, rejection)),
        other => panic!("it merges or refuses, not {other:?}"),
    }
}

/// Merges one command of a sender who knows of `known` and has missed `missed`.
fn collide(known: &[ClubEvent], missed: &[ClubEvent], command: ClubCommand) -> Answer<Club> {
    merge(&Past::<Club>::new(known, missed), &[command])
}

#[track_caller]
fn refused<E: std::fmt::Debug>(
    answer: Result<E, (ConflictReason, Option<Rejected>)>,
) -> ConflictReason {
    let (reason, rejection) = answer.expect_err("it is refused");
    assert_eq!(rejection, None);
    reason
}

fn order_matters(fields: &[&str]) -> ConflictReason {
    ConflictReason::OrderMatters {
        fields: fields.iter().map(|path| path.parse().unwrap()).collect(),
    }
}

#[track_caller]
fn differs<E: std::fmt::Debug>(
    answer: Result<E, (ConflictReason, Option<Rejected>)>,
    changed_fields: &[&str],
    [then_given, now_given]: [&[ClubEvent]; 2],
) {
    let ConflictReason::DecisionDiffers { changed, then, now } = refused(answer) else {
        panic!("the decision differs");
    };
    let changed: Vec<_> = changed.iter().map(ToString::to_string).collect();
    assert_eq!(changed, changed_fields);
    let payloads = |events: &[ClubEvent]| -> Vec<_> {
        events.iter().map(|event| event.encode().unwrap()).collect()
    };
    assert_eq!([then, now], [payloads(then_given), payloads(now_given)]);
}

// ----- what merges -----

#[test]
fn deposits_merge() {
    let merged = collide(&[deposited(1)], &[deposited(2), deposited(3)], deposit(4));
    assert_eq!(merged, Ok(vec![deposited(4)]));
}

#[test]
fn changes_of_independent_fields_merge() {
    let missed = [renamed("b"), deposited(5), city("Bern")];
    let merged = collide(
        &[renamed("a")],
        &missed,
        ClubCommand::Street { street: "x".into() },
    );
    assert_eq!(
        merged,
        Ok(vec![ClubEvent::StreetChanged { street: "x".into() }])
    );
}

#[test]
fn additions_to_a_set_merge() {
    assert_eq!(
        collide(&[], &[joined("a")], join("b")),
        Ok(vec![joined("b")])
    );
}

#[test]
fn entries_of_a_map_merge_by_key() {
    let price = |item: &str, cents| ClubCommand::Price {
        item: item.into(),
        cents,
    };
    let tea = [priced("tea", 3)];
    assert_eq!(
        collide(&[], &tea, price("milk", 2)),
        Ok(vec![priced("milk", 2)])
    );
    assert_eq!(
        refused(collide(&[], &tea, price("tea", 4))),
        order_matters(&["prices.tea"])
    );
}

#[test]
fn a_withdrawal_merges_while_enough_is_there() {
    let merged = collide(&[deposited(10)], &[withdrawn(3)], withdraw(7));
    assert_eq!(merged, Ok(vec![withdrawn(7)]));
}

#[test]
fn a_command_that_changes_nothing_either_way_merges_to_nothing() {
    assert_eq!(
        collide(&[joined("a")], &[deposited(1)], join("a")),
        Ok(vec![])
    );
}

#[test]
fn the_same_change_twice_merges_where_it_makes_no_difference() {
    assert_eq!(
        collide(&[], &[renamed("a")], rename("a")),
        Ok(vec![renamed("a")])
    );
}

#[test]
fn what_was_done_by_others_already_is_no_conflict() {
    // The decision differs, because nothing is left to do.
    assert_eq!(collide(&[], &[joined("a")], join("a")), Ok(vec![]));
    let missed = [joined("b"), joined("a"), renamed("x")];
    assert_eq!(collide(&[], &missed, join("a")), Ok(vec![]));
}

#[test]
fn a_stream_that_must_not_exist_yet_merges_with_nothing() {
    let past = Past::<Club>::of_none(&[deposited(1)]);
    let reason = refused(merge(&past, &[deposit(1)]));
    assert_eq!(reason, ConflictReason::MustNotExist);
    // This also holds if nothing is left to do, and if the domain would reject the command.
    let past = Past::<Club>::of_none(&[joined("a"), seat_taken("Ann")]);
    assert_eq!(
        refused(merge(&past, &[join("a")])),
        ConflictReason::MustNotExist
    );
    let (reason, rejection) = merge(&past, &[take_seat("Bob")]).unwrap_err();
    assert_eq!(reason, ConflictReason::MustNotExist);
    assert_eq!(rejection.expect("the domain says no").code, "Occupied");
}

// ----- what does not -----

#[test]
fn renaming_twice_is_refused_with_the_field() {
    assert_eq!(
        refused(collide(&[], &[renamed("a"), deposited(1)], rename("b"))),
        order_matters(&["name"])
    );
}

#[test]
fn the_order_of_a_list_counts() {
    let command = ClubCommand::Minute { text: "b".into() };
    assert_eq!(
        refused(collide(&[minute("x")], &[minute("a")], command)),
        order_matters(&["minutes"])
    );
}

#[test]
fn changing_a_field_back_is_refused() {
    let missed = [renamed("a"), renamed("c")];
    assert_eq!(
        refused(collide(&[renamed("b")], &missed, rename("b"))),
        order_matters(&["name"])
    );
}

#[test]
fn a_change_that_shows_only_after_the_other_names_the_field_too() {
    assert_eq!(
        refused(collide(
            &[city("Bern")],
            &[city("Bern")],
            ClubCommand::City {
                city: "Bonn".into()
            }
        )),
        order_matters(&["address.city"])
    );
}

#[test]
fn taking_the_same_seat_is_refused_with_the_domains_no() {
    let (reason, rejection) = collide(&[], &[seat_taken("Ann")], take_seat("Bob")).unwrap_err();
    assert_eq!(reason, ConflictReason::RejectedNow);
    let rejection = rejection.expect("the domain says no");
    assert_eq!(rejection.code, "Occupied");
    assert_eq!(rejection.message, "Ann sits there");
    assert_eq!(rejection.fields, [("member".into(), json!("Ann"))]);
}

#[test]
fn withdrawing_what_is_no_longer_there_is_refused_with_the_domains_no() {
    let (reason, rejection) = collide(&[deposited(10)], &[withdrawn(8)], withdraw(5)).unwrap_err();
    assert_eq!(reason, ConflictReason::RejectedNow);
    let rejection = rejection.expect("the domain says no");
    assert_eq!(rejection.fields, [("cents".into(), json!(2))]);
}

#[test]
fn a_decision_that_would_be_another_now_is_refused_with_what_changed() {
    let missed = [deposited(5), renamed("a")];
    let answer = collide(&[deposited(1)], &missed, ClubCommand::PayOut);
    let decisions: [&[_]; 2] = [&[withdrawn(1)], &[withdrawn(6)]];
    differs(answer, &["cents", "name"], decisions);
}

#[test]
fn a_decision_that_is_possible_only_now_is_refused_with_the_no_of_then() {
    let reason = refused(collide(&[], &[deposited(5)], withdraw(5)));
    let ConflictReason::PossibleNow { then } = reason else {
        panic!("it was not possible then");
    };
    assert_eq!(then.fields, [("cents".into(), json!(0))]);
}

#[test]
fn what_was_never_possible_is_rejected_with_todays_reason() {
    let past = Past::<Club>::new(&[deposited(1)], &[deposited(2)]);
    match past.resolve(COMMUTATIVE, &[withdraw(50)]) {
        Resolution::Reject(rejection) => {
            assert_eq!(rejection, ClubRejection::TooPoor { cents: 3 });
        }
        other => panic!("the domain says no, not {other:?}"),
    }
}

// ----- the narrower rule -----

#[test]
fn under_the_fields_rule_one_field_is_changed_by_one_side_only() {
    let past = Past::<CarefulClub>::new(&[], &[deposited(5)]);
    let reason = refused(merge(&past, &[deposit(1)]));
    let overlap = vec!["cents".parse().unwrap()];
    assert_eq!(reason, ConflictReason::FieldsOverlap { overlap });
    assert_eq!(
        merge(&past, &[ClubCommand::Visit]),
        Ok(vec![ClubEvent::Visited])
    );
}

#[test]
fn under_the_fields_rule_a_change_that_was_taken_back_counts() {
    let missed = [deposited(5), withdrawn(5)];
    assert_eq!(collide(&[], &missed, deposit(1)), Ok(vec![deposited(1)]));
    let reason = refused(merge(
        &Past::<CarefulClub>::new(&[], &missed),
        &[deposit(1)],
    ));
    let overlap = vec!["cents".parse().unwrap()];
    assert_eq!(reason, ConflictReason::FieldsOverlap { overlap });
}

#[test]
fn under_the_fields_rule_a_change_that_shows_only_at_the_base_counts() {
    let past = Past::<CarefulClub>::new(&[], &[renamed("a")]);
    let reason = refused(merge(&past, &[rename("a")]));
    let overlap = vec!["name".parse().unwrap()];
    assert_eq!(reason, ConflictReason::FieldsOverlap { overlap });
}

#[test]
fn under_the_fields_rule_parts_of_one_field_are_apart() {
    let past = Past::<CarefulClub>::new(&[], &[city("Bern"), priced("tea", 1)]);
    let street = ClubCommand::Street { street: "x".into() };
    let milk = ClubCommand::Price {
        item: "milk".into(),
        cents: 2,
    };
    assert!(merge(&past, &[street, milk]).is_ok());
}

// ----- premises -----

fn with_premise(missed: &[ClubEvent], premise: &str) -> Answer<Club> {
    merge(
        &Past::<Club>::new(&[city("Bern")], missed).premise(premise),
        &[join("a")],
    )
}

#[test]
fn a_premise_that_was_changed_is_refused_with_its_name() {
    for premise in ["address.city", "address"] {
        let reason = refused(with_premise(&[city("Bonn")], premise));
        let changed = vec![premise.parse().unwrap()];
        assert_eq!(
            reason,
            ConflictReason::PremiseChanged { changed },
            "{premise}"
        );
    }
}

#[test]
fn a_premise_that_was_changed_back_holds() {
    // The field has again the value that the sender saw.
    let missed = [city("Bonn"), city("Bern")];
    assert!(with_premise(&missed, "address.city").is_ok());
}

#[test]
fn a_premise_beside_what_was_changed_holds() {
    for premise in ["address.street", "name", "members"] {
        assert_eq!(
            with_premise(&[city("Bonn")], premise),
            Ok(vec![joined("a")]),
            "{premise}"
        );
    }
}

#[test]
fn only_the_premises_that_do_not_hold_are_named() {
    let past = Past::<Club>::new(&[], &[city("Bonn"), renamed("b")])
        .premise("name")
        .premise("cents")
        .premise("address.city");
    let changed = ["name", "address.city"]
        .map(|path| path.parse().unwrap())
        .into();
    assert_eq!(
        refused(merge(&past, &[join("a")])),
        ConflictReason::PremiseChanged { changed }
    );
}

// ----- canonical events -----

#[test]
fn what_the_canonical_form_leaves_out_does_not_make_a_decision_another() {
    let question = || "tea?".to_owned();
    let merged = collide(
        &[],
        &[joined("a")],
        ClubCommand::Poll {
            question: question(),
        },
    );
    // The events are those of the current state.
    assert_eq!(
        merged,
        Ok(vec![ClubEvent::Polled {
            question: question(),
            turnout: 1
        }])
    );
}

// ----- several commands -----

#[test]
fn several_commands_merge_together() {
    let past = Past::<Club>::new(&[], &[deposited(2)]);
    // The second command is possible only after the first.
    let merged = merge(&past, &[deposit(5), withdraw(5)]);
    assert_eq!(merged, Ok(vec![deposited(5), withdrawn(5)]));
}

#[test]
fn one_of_several_commands_that_does_not_merge_refuses_all() {
    let past = Past::<Club>::new(&[deposited(5)], &[withdrawn(4), renamed("a")]);
    let (reason, _) = merge(&past, &[deposit(1), withdraw(6)]).unwrap_err();
    assert_eq!(reason, ConflictReason::RejectedNow);
    assert_eq!(
        refused(merge(&past, &[join("b"), rename("b")])),
        order_matters(&["name"])
    );
}

// ----- states that JSON cannot hold -----

mod board {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize};
    use seriatim_core::{Aggregate, Never, Overlap};
    use seriatim_derive::{Command, Event};

    /// A state that JSON cannot hold, because its keys are pairs.
    #[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(super) struct Board<const NARROW: bool> {
        stones: BTreeMap<(u8, u8), u8>,
    }

    #[derive(Command, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[seriatim(crate = "seriatim_core")]
    pub(super) struct Put(pub(super) u8, pub(super) u8, pub(super) u8);

    #[derive(Event, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[seriatim(crate = "seriatim_core")]
    pub(super) struct Placed(pub(super) Put);

    impl<const NARROW: bool> Aggregate for Board<NARROW> {
        const DOMAIN: &'static str = "board";
        const OVERLAP: Overlap = if NARROW {
            Overlap::Fields
        } else {
            Overlap::Order
        };
        type Command = Put;
        type Event = Placed;
        type Rejection = Never;

        fn decide(&self, put: &Put) -> Result<Vec<Placed>, Never> {
            // The sixth stone is one too many: the last one is taken away.
            let Put(x, y, colour) = *put;
            let colour = if self.stones.len() > 5 { 0 } else { colour };
            Ok(vec![Placed(Put(x, y, colour))])
        }

        fn evolve(&mut self, Placed(Put(x, y, colour)): &Placed) {
            self.stones.insert((*x, *y), *colour);
        }
    }
}

use board::{Board, Placed, Put};

#[test]
fn a_key_that_is_no_text_is_named_by_its_json() {
    let missed = [Placed(Put(1, 1, 1))];
    let past = Past::<Board<false>>::new(&[], &missed);
    assert_eq!(
        merge(&past, &[Put(2, 2, 2)]),
        Ok(vec![Placed(Put(2, 2, 2))])
    );
    assert_eq!(
        refused(merge(&past, &[Put(1, 1, 2)])),
        order_matters(&["stones.[1,1]"])
    );
    let changed = vec!["stones".parse().unwrap()];
    assert_eq!(
        refused(merge(&past.premise("stones"), &[Put(2, 2, 2)])),
        ConflictReason::PremiseChanged { changed }
    );
    let careful = Past::<Board<true>>::new(&[], &missed);
    assert!(merge(&careful, &[Put(2, 2, 2)]).is_ok());
    let overlap = vec!["stones.[1,1]".parse().unwrap()];
    assert_eq!(
        refused(merge(&careful, &[Put(1, 1, 1)])),
        ConflictReason::FieldsOverlap { overlap }
    );
}

// ----- the rule itself -----

fn canonical(events: &[ClubEvent]) -> Vec<ClubEvent> {
    events
        .iter()
        .map(|event| event.canonical().into_owned())
        .collect()
}

fn run(state: &Club, commands: &[ClubCommand]) -> Vec<ClubEvent> {
    let mut state = state.clone();
    let mut all = Vec::new();
    for command in commands {
        let events = state.decide(command).unwrap_or_default();
        state = fold(state, &events);
        all.extend(events);
    }
    all
}

fn stored<A: Aggregate>(state: &A) -> serde_json::Value {
    serde_json::to_value(state).unwrap()
}

fn some_commands(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<ClubCommand>> {
    prop::collection::vec(any_command(), count)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn whatever_merges_gives_the_same_in_both_orders_and_was_decided_the_same(
        known in some_commands(0..6),
        missed in some_commands(1..5),
        commands in some_commands(1..3),
    ) {
        let known = run(&Club::default(), &known);
        let base = fold(Club::default(), &known);
        let missed = run(&base, &missed);
        let past = Past::<Club>::new(&known, &missed);
        let then = decide_all(&base, &commands);
        let now = decide_all(&past.current(), &commands);
        match past.resolve(COMMUTATIVE, &commands) {
            Resolution::Proceed(events) if events.is_empty() => {
                prop_assert!(now.unwrap().is_empty());
                let ours_first = fold(base, then.unwrap().iter().chain(&missed));
                prop_assert_eq!(stored(&ours_first), stored(&past.current()));
            }
            Resolution::Proceed(events) => {
                prop_assert_eq!(canonical(&then.unwrap()), canonical(&events));
                prop_assert_eq!(&now.unwrap(), &events);
                let theirs_first = fold(base.clone(), missed.iter().chain(&events));
                let ours_first = fold(base, events.iter().chain(&missed));
                prop_assert_eq!(stored(&theirs_first), stored(&ours_first));
            }
            Resolution::Refuse { reason: ConflictReason::RejectedNow, .. } => {
                prop_assert!(then.is_ok() && now.is_err());
            }
            Resolution::Refuse { reason: ConflictReason::DecisionDiffers { .. }, .. } => {
                let each = |state| {
                    let decided = decide_each(state, &commands).unwrap();
                    decided.iter().map(|events| canonical(events)).collect::<Vec<_>>()
                };
                prop_assert_ne!(each(&base), each(&past.current()));
            }
            Resolution::Refuse { reason: ConflictReason::PossibleNow { .. }, .. } => {
                prop_assert!(then.is_err() && now.is_ok());
            }
            Resolution::Refuse { reason: ConflictReason::OrderMatters { fields }, .. } => {
                let events = now.unwrap();
                let theirs_first = fold(base.clone(), missed.iter().chain(&events));
                let ours_first = fold(base, events.iter().chain(&missed));
                prop_assert_ne!(stored(&theirs_first), stored(&ours_first));
                prop_assert!(!fields.is_empty());
            }
            Resolution::Reject(_) => prop_assert!(then.is_err() && now.is_err()),
            other => prop_assert!(false, "no such answer here: {:?}", other),
        }
    }

    #[test]
    fn the_fields_rule_merges_less_and_nothing_else(
        known in some_commands(0..4),
        missed in some_commands(1..4),
        commands in some_commands(1..3),
    ) {
        let known = run(&Club::default(), &known);
        let missed = run(&fold(Club::default(), &known), &missed);
        let careful = Past::<CarefulClub>::new(&known, &missed).resolve(COMMUTATIVE, &commands);
        let plain = Past::<Club>::new(&known, &missed).resolve(COMMUTATIVE, &commands);
        match (careful, plain) {
            (Resolution::Proceed(careful), Resolution::Proceed(plain)) => {
                prop_assert_eq!(careful, plain);
            }
            (Resolution::Proceed(_), plain) => prop_assert!(false, "only careful: {:?}", plain),
            (Resolution::Refuse { reason, .. }, Resolution::Proceed(_)) => {
                let by_fields = matches!(reason, ConflictReason::FieldsOverlap { .. });
                prop_assert!(by_fields, "{}", reason);
            }
            _ => {}
        }
    }
}
