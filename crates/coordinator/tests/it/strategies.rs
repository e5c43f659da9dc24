//! Checks every row of the four strategies, and of expectations that need none.

use seriatim_core::{
    CommandGateway, ConflictReason, ContentHash, ExpectedSequence, LetterFilter, MergeStrategy,
    Outcome, ParkReason, Sequence, SubmitError,
};

use MergeStrategy::{AggregateHandles, Commutative, Manual, Strict};

use crate::cart::*;

#[tokio::test]
async fn the_first_event_gets_sequence_0_and_each_next_one_more() {
    let (coordinator, store) = coordinator();
    let stream = cart();
    for expected in 0..5 {
        let receipt = accept(&coordinator, &stream, Do::Add { count: 1 }).await;
        assert_eq!(committed(&receipt), (expected, expected, false));
    }
    assert_eq!(history(&store, &stream).await.len(), 5);
}

#[tokio::test]
async fn at_sequence_5_a_command_expecting_5_gives_event_6_under_every_strategy() {
    for strategy in MergeStrategy::ALL {
        let (coordinator, _) = coordinator();
        let stream = stream_of(&coordinator, (0..6).map(|count| Do::Add { count })).await;
        let request = stale(&stream, &Do::Open, 5, strategy);
        let receipt = coordinator.submit(request).await.unwrap();
        assert_eq!(committed(&receipt), (6, 6, false), "{strategy}");
    }
}

#[tokio::test]
async fn an_expectation_beyond_the_current_sequence_is_a_mistake_under_every_strategy() {
    for strategy in MergeStrategy::ALL {
        let (coordinator, store) = coordinator();
        let stream = stream_of(&coordinator, [Do::Open]).await;
        for (stream, current) in [(stream, Some(Sequence(0))), (cart(), None)] {
            let answer = coordinator
                .submit(stale(&stream, &Do::Add { count: 1 }, 7, strategy))
                .await;
            let Err(SubmitError::BeyondCurrent { conflict, .. }) = answer else {
                panic!("{strategy}: {answer:?}");
            };
            assert_eq!(conflict.current, current);
            assert_eq!(conflict.expected, ExpectedSequence::Exactly(Sequence(7)));
            assert_eq!(
                history(&store, &stream).await.len() as u64,
                Sequence::count(current)
            );
        }
    }
}

#[tokio::test]
async fn no_stream_holds_only_for_a_new_stream() {
    let (coordinator, store) = coordinator();
    let stream = cart();
    let first = stale(&stream, &Do::Open, ExpectedSequence::NoStream, Strict);
    assert_eq!(
        committed(&coordinator.submit(first.clone()).await.unwrap()),
        (0, 0, false)
    );
    let refused = conflict(coordinator.submit(first).await);
    assert_eq!(refused.conflict.current, Some(Sequence(0)));
    assert_eq!(refused.intervening.len(), 1);
    assert_eq!(history(&store, &stream).await.len(), 1);
}

#[tokio::test]
async fn no_stream_merges_with_nothing_however_far_behind() {
    let (coordinator, _) = coordinator();
    for events in [1, 300] {
        let adds = (0..events).map(|_| Do::Add { count: 2 });
        let stream = stream_of(&coordinator, adds).await;
        let none = ExpectedSequence::NoStream;
        let request = stale(&stream, &Do::Add { count: 3 }, none, Commutative);
        let refused = conflict(coordinator.submit(request).await);
        assert_eq!(refused.reason, ConflictReason::MustNotExist);
        assert_eq!(refused.intervening_total, events);
    }
}

#[tokio::test]
async fn what_others_have_done_already_is_nothing_to_do() {
    let (coordinator, store) = coordinator();
    let stream = stream_of(&coordinator, [Do::Open, name("a")]).await;
    let request = under("twice", stale(&stream, &tag("x"), 0, Commutative));
    accept(&coordinator, &stream, tag("x")).await;
    let receipt = coordinator.submit(request.clone()).await.unwrap();
    assert!(
        matches!(receipt.outcome, Outcome::Unchanged { .. }),
        "{receipt:?}"
    );
    let again = coordinator.submit(request).await.unwrap();
    assert!(matches!(again.outcome, Outcome::Duplicate(_)), "{again:?}");
    assert_eq!(history(&store, &stream).await.len(), 3);
}

/// A sequence names a state even if it was never the last one of a commit.
#[tokio::test]
async fn an_expectation_may_name_an_event_in_the_middle_of_a_commit() {
    let (coordinator, _) = coordinator();
    let stream = cart();
    let mut book = ask(&stream, &Do::Open);
    book.commands.extend(ask(&stream, &name("a")).commands);
    book.commands.extend(ask(&stream, &note("b")).commands);
    assert_eq!(
        committed(&coordinator.submit(book).await.unwrap()),
        (0, 2, false)
    );
    let request = stale(&stream, &Do::Add { count: 1 }, 1, Commutative);
    assert_eq!(
        committed(&coordinator.submit(request).await.unwrap()),
        (3, 3, true)
    );
    let refused = conflict(
        coordinator
            .submit(stale(&stream, &note("c"), 1, Commutative))
            .await,
    );
    assert_eq!(refused.intervening.len(), 2);
}

#[tokio::test]
async fn any_is_decided_on_whatever_is_current() {
    let (coordinator, store) = coordinator();
    let stream = stream_of(&coordinator, [name("a"), name("b")]).await;
    accept(&coordinator, &stream, name("c")).await;
    assert_eq!(
        history(&store, &stream).await,
        [named("a"), named("b"), named("c")]
    );
}

#[tokio::test]
async fn strict_refuses_and_tells_what_happened_since() {
    let (coordinator, store) = coordinator();
    let stream = stream_of(
        &coordinator,
        [Do::Open, Do::Add { count: 1 }, Do::Add { count: 2 }],
    )
    .await;
    let refused = conflict(
        coordinator
            .submit(stale(&stream, &note("x"), 0, Strict))
            .await,
    );
    assert_eq!(refused.reason, ConflictReason::Strict);
    assert_eq!(
        refused.conflict.expected,
        ExpectedSequence::Exactly(Sequence(0))
    );
    assert_eq!(refused.conflict.current, Some(Sequence(2)));
    let sequences: Vec<_> = refused
        .intervening
        .iter()
        .map(|event| event.sequence.0)
        .collect();
    assert_eq!(sequences, [1, 2]);
    assert_eq!(refused.intervening_total, 2);
    assert_eq!(history(&store, &stream).await.len(), 3);
}

#[tokio::test]
async fn commutative_is_what_a_command_gets_that_names_none() {
    let (coordinator, _) = coordinator();
    let stream = stream_of(&coordinator, [Do::Open, Do::Add { count: 1 }]).await;
    let mut request = stale(&stream, &Do::Add { count: 1 }, 0, Strict);
    request.merge = None;
    assert_eq!(
        committed(&coordinator.submit(request).await.unwrap()),
        (2, 2, true)
    );
}

#[tokio::test]
async fn commutative_merges_what_does_not_overlap() {
    let cases = [
        ("two sums", Do::Add { count: 5 }, Do::Add { count: 7 }),
        ("independent fields", name("a"), note("b")),
        (
            "two members of a set",
            Do::Tag { tag: "a".into() },
            Do::Tag { tag: "b".into() },
        ),
        ("nothing at all", name("a"), Do::Nothing),
    ];
    for (case, theirs, ours) in cases {
        let (coordinator, store) = coordinator();
        let stream = stream_of(&coordinator, [Do::Open, theirs]).await;
        let receipt = coordinator
            .submit(stale(&stream, &ours, 0, Commutative))
            .await
            .unwrap();
        match receipt.outcome {
            Outcome::Committed(commit) => assert!(commit.merged, "{case}"),
            Outcome::Unchanged { current } => {
                assert_eq!((case, current), ("nothing at all", Some(Sequence(1))));
            }
            other => panic!("{case}: {other:?}"),
        }
        assert_eq!(
            history(&store, &stream).await.len(),
            if case == "nothing at all" { 2 } else { 3 }
        );
    }
}

#[tokio::test]
async fn commutative_refuses_what_overlaps_and_says_why() {
    type Expected = fn(&ConflictReason) -> bool;
    let cases: [(&str, Do, Do, Expected); 3] = [
        (
            "renamed twice",
            name("a"),
            name("b"),
            |reason| matches!(reason, ConflictReason::OrderMatters { fields } if fields[0].to_string() == "name"),
        ),
        (
            "decided on what changed",
            Do::Add { count: 3 },
            Do::Double,
            |reason| matches!(reason, ConflictReason::DecisionDiffers { changed, .. } if changed[0].to_string() == "count"),
        ),
        (
            "no longer there",
            Do::Take { count: 4 },
            Do::Take { count: 3 },
            |reason| *reason == ConflictReason::RejectedNow,
        ),
    ];
    for (case, theirs, ours, expected) in cases {
        let (coordinator, store) = coordinator();
        let stream = stream_of(&coordinator, [Do::Add { count: 5 }, theirs]).await;
        let refused = conflict(
            coordinator
                .submit(stale(&stream, &ours, 0, Commutative))
                .await,
        );
        assert!(expected(&refused.reason), "{case}: {:?}", refused.reason);
        assert_eq!(refused.rejection.is_some(), case == "no longer there");
        assert_eq!(history(&store, &stream).await.len(), 2, "{case}");
    }
}

#[tokio::test]
async fn commutative_refuses_when_a_premise_changed() {
    let (coordinator, _) = coordinator();
    let stream = stream_of(&coordinator, [Do::Open, note("fragile")]).await;
    let mut request = stale(&stream, &Do::Add { count: 1 }, 0, Commutative);
    request.premises = vec!["note".parse().unwrap()];
    let refused = conflict(coordinator.submit(request.clone()).await);
    assert!(matches!(
        refused.reason,
        ConflictReason::PremiseChanged { .. }
    ));
    request.premises = vec!["name".parse().unwrap()];
    assert_eq!(
        committed(&coordinator.submit(request).await.unwrap()),
        (2, 2, true)
    );
}

#[tokio::test]
async fn a_command_that_was_never_possible_is_rejected_and_not_a_conflict() {
    let (coordinator, _) = coordinator();
    let stream = stream_of(&coordinator, [Do::Open, Do::Add { count: 1 }]).await;
    let answer = coordinator
        .submit(stale(&stream, &Do::Open, 0, Commutative))
        .await;
    assert!(
        matches!(answer, Err(SubmitError::Rejected(rejected)) if rejected.code == "AlreadyOpen")
    );
}

#[tokio::test]
async fn commutative_does_not_compare_more_than_256_events() {
    let (coordinator, _) = coordinator();
    let stream = stream_of(&coordinator, [Do::Open, Do::AddMany { n: 256 }]).await;
    let ours = Do::Tag { tag: "x".into() };
    let merged = coordinator
        .submit(stale(&stream, &ours, 0, Commutative))
        .await
        .unwrap();
    assert!(committed(&merged).2);
    // One more event makes 257 after sequence 0.
    let refused = conflict(
        coordinator
            .submit(stale(&stream, &ours, 0, Commutative))
            .await,
    );
    assert_eq!(
        refused.reason,
        ConflictReason::TooFarBehind {
            behind: 257,
            limit: 256
        }
    );
    assert_eq!(refused.intervening.len(), 32, "what is shown is bounded");
    assert_eq!(refused.intervening_total, 257);
}

#[tokio::test]
async fn the_aggregate_answers_in_four_ways() {
    let (coordinator, store) = coordinator();
    let stream = stream_of(&coordinator, [name("a"), name("b")]).await;

    let proceed = coordinator
        .submit(stale(&stream, &name("c"), 0, AggregateHandles))
        .await
        .unwrap();
    assert_eq!(committed(&proceed), (2, 2, true));
    assert_eq!(
        history(&store, &stream).await[2],
        named("b / c (1 between)")
    );

    let rejected = coordinator
        .submit(stale(&stream, &Do::Open, 0, AggregateHandles))
        .await;
    assert!(
        matches!(rejected, Err(SubmitError::Rejected(rejected)) if rejected.code == "AlreadyOpen")
    );

    let refused = coordinator
        .submit(stale(&stream, &Do::Double, 0, AggregateHandles))
        .await;
    assert_eq!(conflict(refused).reason, ConflictReason::AggregateRefused);

    let parked = coordinator
        .submit(stale(&stream, &note("n"), 0, AggregateHandles))
        .await
        .unwrap();
    let Outcome::DeadLettered { id, .. } = parked.outcome else {
        panic!("{parked:?}")
    };
    let letter = store.letter(id).await.unwrap().unwrap();
    assert_eq!(letter.reason, ParkReason::Aggregate("two notes".into()));
    assert_eq!(history(&store, &stream).await.len(), 3);
}

#[tokio::test]
async fn manual_parks_a_letter_that_holds_all_a_person_needs() {
    let (coordinator, store) = coordinator();
    let stream = stream_of(&coordinator, [name("a"), name("b"), name("c")]).await;
    let mut request = under("form-7", stale(&stream, &name("mine"), 0, Manual));
    request.metadata.actor = Some("ann".into());
    request.metadata.correlation_id = Some("case-1".into());
    let receipt = coordinator.submit(request.clone()).await.unwrap();
    let Outcome::DeadLettered { id, .. } = receipt.outcome else {
        panic!("{receipt:?}")
    };
    assert_eq!(history(&store, &stream).await.len(), 3, "it was not run");

    let letter = store.letter(id).await.unwrap().unwrap();
    assert_eq!(letter.request, request, "with its whole cover");
    assert_eq!(
        letter.conflict.expected,
        ExpectedSequence::Exactly(Sequence(0))
    );
    assert_eq!(letter.conflict.current, Some(Sequence(2)));
    assert_eq!(letter.intervening, Some((Sequence(1), Sequence(2))));
    let base = Cart {
        name: "a".into(),
        ..Cart::default()
    };
    assert_eq!(
        letter.base_hash,
        Some(ContentHash::of_state(&base).unwrap().to_string())
    );
    assert_eq!(letter.reason, ParkReason::Manual);
    assert!(letter.attempts.is_empty());
}

#[tokio::test]
async fn the_same_external_id_parked_again_is_the_same_letter() {
    let (coordinator, store) = coordinator();
    let stream = stream_of(&coordinator, [name("a"), name("b")]).await;
    let request = || under("form-7", stale(&stream, &name("mine"), 0, Manual));
    let first = coordinator.submit(request()).await.unwrap();
    let second = coordinator.submit(request()).await.unwrap();
    let Outcome::DeadLettered { id, .. } = first.outcome else {
        panic!("{first:?}")
    };
    assert_eq!(
        second.outcome,
        Outcome::Duplicate(seriatim_core::FirstResult::DeadLettered { id })
    );
    assert_eq!(
        store
            .letters(&LetterFilter::default(), 10)
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn an_unreadable_or_panicking_history_is_not_compared() {
    let (coordinator, _) = coordinator();
    let stream = stream_of(&coordinator, [Do::Add { count: 1 }, Do::Add { count: 1 }]).await;
    let refused = conflict(
        coordinator
            .submit(stale(&stream, &Do::Panic, 0, Commutative))
            .await,
    );
    let ConflictReason::NotComparable { fault } = refused.reason else {
        panic!("{:?}", refused.reason)
    };
    assert!(fault.to_string().contains("decide gave up"), "{fault}");
}
