//! Rules of letters about events: each is closed by the step that passes its event, and kept with its history.

use seriatim_core::{
    Advance, Attempt, Domain, Hold, LetterFilter, LetterKind, LetterStatus, ReactionLetter,
    Sequence, Timestamp, Update, Verb,
};
use uuid::Uuid;

use super::CheckpointHandle;
use super::checkpoints::{HOUR, place, take, work, write};
use super::parking::{advance, all, closed, decide, park, parked, skipped, stream, wish};

fn every() -> LetterFilter {
    LetterFilter::default()
}

/// As it is closed by a wish, whenever that was.
fn closed_by(parked: &ReactionLetter, verb: Option<Verb>, kept: &ReactionLetter) -> ReactionLetter {
    assert!(kept.closed_at >= Some(Timestamp::from_micros(1_700_000_000_000_000)));
    ReactionLetter {
        decision: verb.map(wish),
        status: match verb {
            Some(Verb::Discard) => LetterStatus::Discarded,
            Some(Verb::Resubmit) | None => LetterStatus::Resolved,
        },
        closed_at: kept.closed_at,
        ..parked.clone()
    }
}

/// With all that was known of it: who wanted what and why, and what was tried before. Not once more, and not if the
/// step is not done.
pub async fn a_letter_is_closed_by_the_step_past_it(a: &CheckpointHandle, b: &CheckpointHandle) {
    let work = work("printer");
    let mut tenure = take(a, &work, "one", HOUR).await;
    let wills = [
        (1, Some(Verb::Resubmit), None),
        (2, Some(Verb::Discard), Some(7)),
        (3, None, None),
    ];
    for (root, verb, to) in wills {
        let attempt = Attempt {
            at: Timestamp::from_micros(1_700_000_000_400_000),
            actor: Some("Zoë".into()),
            reason: None,
            result: "no paper 🖨".into(),
            tried: None,
            closes: false,
        };
        let given_up = ReactionLetter {
            attempts: vec![attempt],
            ..parked(&work, root, 4)
        };
        assert_eq!(park(a, &mut tenure, &given_up, 9).await, Hold::Held);
        if let Some(verb) = verb {
            assert!(decide(b, &given_up, &wish(verb)).await);
        }
        assert_eq!(advance(a, &tenure, root, 3, to).await, Hold::Lost);
        let id = given_up.id.unwrap();
        let waiting = b.reaction_letter(id).await.unwrap();
        let as_parked = ReactionLetter {
            decision: verb.map(wish),
            ..given_up.clone()
        };
        assert_eq!(waiting, Some(as_parked));

        assert_eq!(advance(b, &tenure, root, 4, to).await, Hold::Held);
        assert_eq!(advance(a, &tenure, root, 4, to).await, Hold::Lost);
        let kept = a.reaction_letter(id).await.unwrap();
        let kept = kept.expect("it is kept");
        assert_eq!(kept, closed_by(&given_up, verb, &kept));
    }
    assert_eq!(closed(b, &work, &every()).await.len(), 3);
    let other = super::checkpoints::work("emails");
    assert_eq!(closed(a, &other, &every()).await, []);
    let unknown = a.reaction_letter(Uuid::now_v7()).await.unwrap();
    assert_eq!(unknown, None);
}

/// An event that a policy skips is kept together with the step that goes past it, in the log or on a parked stream, or
/// neither is done.
pub async fn a_skipped_event_is_kept_as_it_was_given(a: &CheckpointHandle, b: &CheckpointHandle) {
    let work = work("printer");
    let mut tenure = take(a, &work, "one", HOUR).await;
    let waiting = parked(&work, 1, 4);
    assert_eq!(park(a, &mut tenure, &waiting, 9).await, Hold::Held);
    // The person wanted something else than the policy.
    assert!(decide(b, &waiting, &wish(Verb::Resubmit)).await);
    let step = |from, to: Option<u32>| Advance::Parked {
        stream: stream(1),
        from: Sequence(from),
        to: to.map(Sequence),
    };
    let first = skipped(&waiting);
    let skip = write(
        a,
        &tenure,
        &Update::Skip(Box::new(first.clone()), step(4, Some(5))),
    )
    .await;
    assert_eq!(skip, Hold::Held);
    // Twice is once.
    let skip = write(
        b,
        &tenure,
        &Update::Skip(Box::new(first.clone()), step(4, Some(5))),
    )
    .await;
    assert_eq!(skip, Hold::Lost);
    // It had not failed for good here before.
    let second = skipped(&parked(&work, 1, 5));
    let skip = write(
        b,
        &tenure,
        &Update::Skip(Box::new(second.clone()), step(5, None)),
    )
    .await;
    assert_eq!(skip, Hold::Held);
    assert_eq!(all(a).await, []);
    let in_the_log = skipped(&parked(&work, 2, 7));
    let to = Advance::Checkpoint(place(10));
    let skip = write(
        a,
        &tenure,
        &Update::Skip(Box::new(in_the_log.clone()), to.clone()),
    )
    .await;
    assert_eq!(skip, Hold::Held);
    let kept = closed(b, &work, &every()).await;
    assert_eq!(kept, [first, second, in_the_log]);
}

/// A stream that has moved has no letter until it fails again, and then another one, without the attempts at the first.
pub async fn one_letter_follows_another_on_a_stream(a: &CheckpointHandle, b: &CheckpointHandle) {
    let work = work("printer");
    let mut tenure = take(a, &work, "one", HOUR).await;
    let first = parked(&work, 1, 4);
    assert_eq!(park(a, &mut tenure, &first, 9).await, Hold::Held);
    assert!(decide(b, &first, &wish(Verb::Resubmit)).await);
    assert_eq!(advance(a, &tenure, 1, 4, Some(5)).await, Hold::Held);
    let [moved] = &all(b).await[..] else {
        panic!("it is parked still");
    };
    assert_eq!((moved.id, moved.attempts.len()), (None, 0));
    // It is not among the letters before it fails.
    let waiting = LetterFilter {
        status: Some(LetterStatus::Parked),
        ..every()
    };
    let letters = a.reaction_letters(&waiting, 9).await.unwrap();
    assert_eq!(letters, []);

    let second = ReactionLetter {
        parked_at: Timestamp::from_micros(1_700_000_002_000_000),
        ..parked(&work, 1, 5)
    };
    let again = write(a, &tenure, &Update::ParkAgain(Box::new(second.clone()))).await;
    assert_eq!(again, Hold::Held);
    assert_eq!(all(b).await, std::slice::from_ref(&second));
    assert!(decide(b, &second, &wish(Verb::Discard)).await);
    // Passed over without having failed: there is nothing to keep.
    assert_eq!(advance(b, &tenure, 1, 5, Some(6)).await, Hold::Held);
    assert_eq!(advance(b, &tenure, 1, 6, None).await, Hold::Held);
    let kept = closed(a, &work, &every()).await;
    let ids: Vec<_> = kept.iter().map(|letter| letter.id).collect();
    assert_eq!(ids, [first.id, second.id]);
    assert_eq!(kept[1].parked_at, second.parked_at);
}

/// Every filter, alone and with the others, lets the same letters through as [`LetterFilter::matches_reaction`], parked
/// and closed ones of all components, the oldest or the latest first.
pub async fn letters_about_events_are_filtered(a: &CheckpointHandle, b: &CheckpointHandle) {
    let mut written = Vec::new();
    for (component, first) in [("printer", 0), ("emails", 10)] {
        let work = work(component);
        let mut tenure = take(a, &work, "one", HOUR).await;
        let mut to = 0;
        for (root, status) in [
            (3, LetterStatus::Discarded),
            (1, LetterStatus::Resolved),
            (2, LetterStatus::Discarded),
            (2, LetterStatus::Parked),
            (1, LetterStatus::Parked),
        ] {
            to += 1;
            let given_up = parked(&work, root, first + u32::try_from(to).unwrap());
            let (letter, update) = match status {
                LetterStatus::Parked => {
                    let park = Update::Park(Box::new(given_up.clone()), place(to));
                    (given_up, park)
                }
                status => {
                    let closed = ReactionLetter {
                        status,
                        ..skipped(&given_up)
                    };
                    let past = Advance::Checkpoint(place(to));
                    let skip = Update::Skip(Box::new(closed.clone()), past);
                    (closed, skip)
                }
            };
            assert_eq!(write(a, &tenure, &update).await, Hold::Held);
            tenure.at = place(to);
            written.push(letter);
        }
        // It is tried by its owner, so nobody has to look at it.
        let retried = ReactionLetter {
            id: None,
            ..parked(&work, 4, 0)
        };
        assert_eq!(park(a, &mut tenure, &retried, 9).await, Hold::Held);
    }
    for filter in all_filters(written[6].id) {
        let matching = written.iter();
        let matching = matching.filter(|letter| filter.matches_reaction(letter));
        let mut matching: Vec<_> = matching.cloned().collect();
        matching.sort_by_key(|letter| letter.id);
        if filter.latest_first {
            matching.reverse();
        }
        for limit in [2, 100] {
            let found = b.reaction_letters(&filter, limit).await.unwrap();
            let expected = &matching[..limit.min(matching.len())];
            assert_eq!(found, expected, "{filter:?}");
        }
    }
}

fn all_filters(middle: Option<Uuid>) -> Vec<LetterFilter> {
    let domain = |name: &str| Some(Domain::new(name).expect("it is a name"));
    let subjects = [
        (None, None),
        (domain("order"), None),
        (domain("none"), None),
        (None, Some(stream(1))),
    ];
    let statuses = [
        None,
        Some(LetterStatus::Parked),
        Some(LetterStatus::Resolved),
        Some(LetterStatus::Discarded),
    ];
    let mut filters = Vec::new();
    for kind in [None, Some(LetterKind::Reaction), Some(LetterKind::Command)] {
        for component in [None, Some(work("printer").component)] {
            for (domain, stream) in &subjects {
                for status in statuses {
                    for after in [None, middle] {
                        filters.extend([false, true].map(|latest_first| LetterFilter {
                            kind,
                            component: component.clone(),
                            domain: domain.clone(),
                            stream: stream.clone(),
                            status,
                            latest_first,
                            after,
                            ..LetterFilter::default()
                        }));
                    }
                }
            }
        }
    }
    filters
}
