//! Rules of letters about events: each is closed by the step that passes its event, and kept with its history.

use seriatim_core::{
    Advance, Attempt, Hold, LetterFilter, LetterStatus, Parked, ReactionLetter, Sequence,
    Timestamp, Update, Verb, Wish,
};
use uuid::Uuid;

use super::CheckpointHandle;
use super::checkpoints::{HOUR, place, take, work};
use super::parking::{advance, all, closed, decide, park, parked, skipped, stream, wish};

fn every() -> LetterFilter {
    LetterFilter::default()
}

/// As it is closed by a wish, whenever that was.
fn closed_by(parked: &Parked, verb: Option<Verb>, kept: &ReactionLetter) -> ReactionLetter {
    assert!(kept.closed_at >= Some(Timestamp::from_micros(1_700_000_000_000_000)));
    ReactionLetter {
        decision: verb.map(wish),
        status: match verb {
            Some(Verb::Discard) => LetterStatus::Discarded,
            Some(Verb::Resubmit) | None => LetterStatus::Resolved,
        },
        closed_at: kept.closed_at,
        ..parked.as_letter().expect("it has a letter")
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
        };
        let given_up = Parked {
            attempts: vec![attempt],
            ..parked(&work, root, 4)
        };
        assert_eq!(park(a, &mut tenure, &given_up, 9).await, Hold::Held);
        if let Some(verb) = verb {
            assert!(decide(b, &given_up, &wish(verb)).await);
        }
        assert_eq!(advance(a, &tenure, root, 3, to).await, Hold::Lost);
        let id = given_up.letter.unwrap();
        let not_yet = b.closed_letter(&work.component, id).await.unwrap();
        assert_eq!(not_yet, None);

        assert_eq!(advance(b, &tenure, root, 4, to).await, Hold::Held);
        assert_eq!(advance(a, &tenure, root, 4, to).await, Hold::Lost);
        let kept = a.closed_letter(&work.component, id).await.unwrap();
        let kept = kept.expect("it is kept");
        assert_eq!(kept, closed_by(&given_up, verb, &kept));
    }
    assert_eq!(closed(b, &work, &every()).await.len(), 3);
    let other = super::checkpoints::work("emails");
    assert_eq!(closed(a, &other, &every()).await, []);
    let id = parked(&work, 1, 4).letter.unwrap();
    let of_other = a.closed_letter(&other.component, id).await.unwrap();
    assert_eq!(of_other, None);
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
    let skip = a
        .write(
            &tenure,
            &Update::Skip(Box::new(first.clone()), step(4, Some(5))),
            HOUR,
        )
        .await;
    assert_eq!(skip.unwrap(), Hold::Held);
    // Twice is once.
    let skip = b
        .write(
            &tenure,
            &Update::Skip(Box::new(first.clone()), step(4, Some(5))),
            HOUR,
        )
        .await;
    assert_eq!(skip.unwrap(), Hold::Lost);
    // It had not failed for good here before.
    let second = skipped(&parked(&work, 1, 5));
    let skip = b
        .write(
            &tenure,
            &Update::Skip(Box::new(second.clone()), step(5, None)),
            HOUR,
        )
        .await;
    assert_eq!(skip.unwrap(), Hold::Held);
    assert_eq!(all(a).await, []);
    let in_the_log = skipped(&parked(&work, 2, 7));
    let to = Advance::Checkpoint(place(10));
    let skip = a
        .write(
            &tenure,
            &Update::Skip(Box::new(in_the_log.clone()), to.clone()),
            HOUR,
        )
        .await;
    assert_eq!(skip.unwrap(), Hold::Held);
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
    assert_eq!((moved.letter, moved.attempts.len()), (None, 0));
    assert_eq!(moved.as_letter(), None);

    let second = Parked {
        since: Timestamp::from_micros(1_700_000_002_000_000),
        ..parked(&work, 1, 5)
    };
    let again = a
        .write(&tenure, &Update::ParkAgain(Box::new(second.clone())), HOUR)
        .await;
    assert_eq!(again.unwrap(), Hold::Held);
    assert_eq!(all(b).await, std::slice::from_ref(&second));
    assert!(decide(b, &second, &wish(Verb::Discard)).await);
    // Passed over without having failed: there is nothing to keep.
    assert_eq!(advance(b, &tenure, 1, 5, Some(6)).await, Hold::Held);
    assert_eq!(advance(b, &tenure, 1, 6, None).await, Hold::Held);
    let kept = closed(a, &work, &every()).await;
    let ids: Vec<_> = kept.iter().map(|letter| Some(letter.id)).collect();
    assert_eq!(ids, [first.letter, second.letter]);
    assert_eq!(kept[1].parked_at, second.since);
}

/// Every filter lets the same letters through as [`LetterFilter::matches`], in its order and no more than asked for.
pub async fn closed_letters_are_filtered(a: &CheckpointHandle, b: &CheckpointHandle) {
    let work = work("printer");
    let mut tenure = take(a, &work, "one", HOUR).await;
    let mut kept = Vec::new();
    for (root, to) in [(3, 1), (1, 2), (2, 3), (1, 4)] {
        let letter = skipped(&parked(&work, root, u32::try_from(to).unwrap()));
        let letter = ReactionLetter {
            status: match root {
                1 => LetterStatus::Resolved,
                _ => LetterStatus::Discarded,
            },
            decision: letter.decision.map(|decision| Wish {
                actor: Some("Zoë".into()),
                ..decision
            }),
            ..letter
        };
        let past = Advance::Checkpoint(place(to));
        let skip = a
            .write(
                &tenure,
                &Update::Skip(Box::new(letter.clone()), past.clone()),
                HOUR,
            )
            .await;
        assert_eq!(skip.unwrap(), Hold::Held);
        tenure.at = place(to);
        kept.push(letter);
    }
    let statuses = [
        None,
        Some(LetterStatus::Parked),
        Some(LetterStatus::Resolved),
    ];
    let streams = [None, Some(stream(1)), Some(stream(3)), Some(stream(9))];
    let places = [None, Some(kept[2].id), Some(Uuid::max())];
    for status in statuses {
        for stream in &streams {
            for (after, latest_first) in
                places.map(|place| [(place, false), (place, true)]).concat()
            {
                let filter = LetterFilter {
                    domain: stream.as_ref().map(|stream| stream.domain.clone()),
                    stream: stream.clone(),
                    status,
                    after,
                    latest_first,
                    ..LetterFilter::default()
                };
                let matching = |letter: &&ReactionLetter| {
                    filter.matches(letter.id, &letter.stream, letter.status)
                };
                let mut matching: Vec<_> = kept.iter().filter(matching).cloned().collect();
                filter.sort(&mut matching, |letter| letter.id, 2);
                let found = b.closed_letters(&work.component, &filter, 2).await;
                assert_eq!(found.unwrap(), matching, "{filter:?}");
            }
        }
    }
}
