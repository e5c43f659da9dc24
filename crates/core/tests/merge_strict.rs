//! Tests STRICT: it never merges.

mod club;

use club::say::{any_command, deposit, renamed};
use club::{CarefulClub, Club, Past};
use proptest::prelude::*;
use seriatim_core::merge::{Resolution, resolve_unseen};
use seriatim_core::{ConflictReason, MergeStrategy, decide_all, fold};

#[test]
fn refuses_what_every_other_rule_would_merge() {
    let past = Past::<Club>::new(&[], &[renamed("a")]);
    let strict = past.resolve(MergeStrategy::Strict, &[deposit(5)]);
    assert!(
        matches!(
            strict,
            Resolution::Refuse {
                reason: ConflictReason::Strict,
                rejection: None
            }
        ),
        "{strict:?}"
    );
    let merged = past.resolve(MergeStrategy::Commutative, &[deposit(5)]);
    assert!(matches!(merged, Resolution::Proceed(_)), "{merged:?}");
}

#[test]
fn needs_to_see_nothing() {
    assert!(!MergeStrategy::Strict.compares());
    let unseen = resolve_unseen::<Club>(MergeStrategy::Strict);
    assert!(matches!(
        unseen,
        Resolution::Refuse {
            reason: ConflictReason::Strict,
            rejection: None
        }
    ));
}

#[test]
fn a_comparing_strategy_that_sees_nothing_refuses() {
    for strategy in [MergeStrategy::Commutative, MergeStrategy::AggregateHandles] {
        assert!(strategy.compares());
        let unseen = resolve_unseen::<Club>(strategy);
        assert!(matches!(unseen, Resolution::Refuse { .. }), "{unseen:?}");
    }
}

fn refuses<A: seriatim_core::Aggregate>(resolution: &Resolution<A>) -> bool {
    matches!(
        resolution,
        Resolution::Refuse {
            reason: ConflictReason::Strict,
            rejection: None
        }
    )
}

proptest! {
    #[test]
    fn never_proceeds(
        known in prop::collection::vec(any_command(), 0..6),
        missed in prop::collection::vec(any_command(), 1..6),
        commands in prop::collection::vec(any_command(), 1..3),
    ) {
        let known = decide_all(&Club::default(), &known).unwrap_or_default();
        let missed = decide_all(&fold(Club::default(), &known), &missed).unwrap_or_default();
        let past = Past::<Club>::new(&known, &missed);
        let strict = past.resolve(MergeStrategy::Strict, &commands);
        prop_assert!(refuses(&strict), "{:?}", strict);
        let past = Past::<CarefulClub>::new(&known, &missed);
        let strict = past.resolve(MergeStrategy::Strict, &commands);
        prop_assert!(refuses(&strict), "{:?}", strict);
    }
}
