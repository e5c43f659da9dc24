//! Rules of parked streams: only the tenure's owner moves them, one event after another, and nothing of them is lost.

use seriatim_core::{
    Advance, Attempt, Component, Domain, Hold, LetterDecision, LetterFilter, LetterStatus,
    LogPartition, Position, ReactionLetter, Sequence, StreamId, Tenure, Timestamp, Update, Verb,
    Work,
};
use uuid::Uuid;

use super::CheckpointHandle;
use super::checkpoints::{HOUR, checkpoint, place, take, work, write};

pub(super) fn stream(root: u128) -> StreamId {
    let domain = Domain::new("order").expect("it is a name");
    StreamId::new(domain, Uuid::from_u128(root))
}

/// Its letter sorts by the root and the sequence.
pub(super) fn parked(work: &Work, root: u128, sequence: u32) -> ReactionLetter {
    let number = root.wrapping_mul(1000).wrapping_add(sequence.into());
    ReactionLetter {
        work: work.clone(),
        stream: stream(root),
        sequence: Sequence(sequence),
        id: Some(Uuid::from_u128(number)),
        failure: "the printer is on fire".into(),
        tries: 3,
        parked_at: Timestamp::from_micros(1_700_000_000_000_001),
        attempts: Vec::new(),
        decision: None,
        status: LetterStatus::Parked,
        closed_at: None,
    }
}

pub(super) fn wish(verb: Verb) -> LetterDecision {
    LetterDecision {
        verb,
        actor: Some("Zoë".into()),
        reason: None,
        at: Timestamp::from_micros(1_700_000_000_500_000),
    }
}

/// As the policy skips it.
pub(super) fn skipped(of: &ReactionLetter) -> ReactionLetter {
    let at = Timestamp::from_micros(1_700_000_000_900_000);
    ReactionLetter {
        decision: Some(LetterDecision {
            verb: Verb::Discard,
            actor: None,
            reason: Some("the policy skips `Printed`".into()),
            at,
        }),
        status: LetterStatus::Discarded,
        closed_at: Some(at),
        ..of.clone()
    }
}

pub(super) async fn closed(
    store: &CheckpointHandle,
    work: &Work,
    filter: &LetterFilter,
) -> Vec<ReactionLetter> {
    let of_it = LetterFilter {
        component: Some(work.component.clone()),
        ..filter.clone()
    };
    let mut letters = store
        .reaction_letters(&of_it, 100)
        .await
        .expect("the store answers");
    letters.retain(|letter| letter.status != LetterStatus::Parked);
    letters
}

pub(super) async fn park(
    store: &CheckpointHandle,
    tenure: &mut Tenure,
    parked: &ReactionLetter,
    to: u64,
) -> Hold {
    let park = Update::Park(Box::new(parked.clone()), place(to));
    let hold = write(store, tenure, &park).await;
    if hold == Hold::Held {
        tenure.at = place(to);
    }
    hold
}

pub(super) async fn advance(
    store: &CheckpointHandle,
    tenure: &Tenure,
    root: u128,
    from: u32,
    to: Option<u32>,
) -> Hold {
    let advance = Update::Advance(Advance::Parked {
        stream: stream(root),
        from: Sequence(from),
        to: to.map(Sequence),
    });
    write(store, tenure, &advance).await
}

pub(super) async fn all(store: &CheckpointHandle) -> Vec<ReactionLetter> {
    store.parked(None).await.expect("the store answers")
}

pub(super) async fn decide(
    store: &CheckpointHandle,
    of: &ReactionLetter,
    wish: &LetterDecision,
) -> bool {
    let noted = store.decide(&of.work, &of.stream, of.sequence, wish).await;
    noted.expect("the store answers")
}

/// A stream is parked and the checkpoint moved past its event in one step, or neither.
pub async fn parking_moves_the_checkpoint(a: &CheckpointHandle, b: &CheckpointHandle) {
    let work = work("printer");
    let mut tenure = take(a, &work, "one", HOUR).await;
    let mut twin = tenure.clone();
    let first = parked(&work, 1, 4);
    assert_eq!(park(a, &mut tenure, &first, 9).await, Hold::Held);
    assert_eq!(checkpoint(b, &work).await.at, place(9));
    // From where it is not.
    let other = park(b, &mut twin, &parked(&work, 2, 0), 10).await;
    assert_eq!(other, Hold::Lost);
    assert_eq!(all(b).await, std::slice::from_ref(&first));
    assert_eq!(checkpoint(a, &work).await.at, place(9));

    // One that its owner is going to try again by itself: no letter, and a wish from the beginning.
    let retried = ReactionLetter {
        id: None,
        decision: Some(wish(Verb::Resubmit)),
        ..parked(&work, 2, 0)
    };
    assert_eq!(park(a, &mut tenure, &retried, 10).await, Hold::Held);
    assert_eq!(all(b).await, [first, retried]);
}

/// All that an owner can write, a former one cannot.
pub async fn a_former_owner_parks_and_skips_nothing(a: &CheckpointHandle, b: &CheckpointHandle) {
    let work = work("printer");
    let mut former = take(a, &work, "one", std::time::Duration::ZERO).await;
    let kept = parked(&work, 1, 4);
    let to = place(9);
    let park_it = Update::Park(Box::new(kept.clone()), to);
    let hold = a.write(&former, &park_it, std::time::Duration::ZERO);
    assert_eq!(hold.await.unwrap(), Hold::Held);
    former.at = place(9);
    take(b, &work, "two", HOUR).await;

    let again = ReactionLetter {
        tries: 7,
        ..kept.clone()
    };
    let in_the_log = Advance::Checkpoint(place(12));
    let of_it = Advance::Parked {
        stream: stream(1),
        from: Sequence(4),
        to: Some(Sequence(5)),
    };
    let updates = [
        Update::Park(Box::new(parked(&work, 2, 0)), place(10)),
        Update::ParkAgain(Box::new(again)),
        Update::Skip(Box::new(skipped(&kept)), in_the_log),
        Update::Skip(Box::new(skipped(&kept)), of_it.clone()),
        Update::Advance(of_it),
        Update::Pause("it is tired".into()),
    ];
    for update in updates {
        assert_eq!(write(a, &former, &update).await, Hold::Lost, "{update:?}");
    }
    assert_eq!(advance(a, &former, 1, 4, None).await, Hold::Lost);
    assert_eq!(all(b).await, [kept]);
    assert_eq!(closed(b, &work, &LetterFilter::default()).await, []);
    let stands = checkpoint(b, &work).await;
    assert_eq!((stands.at.position, stands.paused), (Position(9), None));
}

/// A stream that is parked stays parked at the event that it was parked at: what is parked later is behind that.
pub async fn a_parked_stream_is_not_parked_further_on(a: &CheckpointHandle, b: &CheckpointHandle) {
    let work = work("printer");
    let mut tenure = take(a, &work, "one", HOUR).await;
    let first = parked(&work, 1, 4);
    assert_eq!(park(a, &mut tenure, &first, 9).await, Hold::Held);
    let later = parked(&work, 1, 6);
    assert_eq!(park(b, &mut tenure, &later, 15).await, Hold::Held);
    assert_eq!(all(a).await, [first]);
    assert_eq!(checkpoint(a, &work).await.at, place(15));
}

/// A parked stream moves only from the event where its owner believes it to be, until nothing of it is left.
pub async fn a_parked_stream_moves_only_from_where_it_was(
    a: &CheckpointHandle,
    b: &CheckpointHandle,
) {
    let work = work("printer");
    let mut tenure = take(a, &work, "one", HOUR).await;
    assert_eq!(
        park(a, &mut tenure, &parked(&work, 1, 4), 9).await,
        Hold::Held
    );
    assert_eq!(
        park(a, &mut tenure, &parked(&work, 2, 0), 10).await,
        Hold::Held
    );

    assert_eq!(advance(b, &tenure, 1, 4, Some(6)).await, Hold::Held);
    assert_eq!(advance(a, &tenure, 1, 4, Some(5)).await, Hold::Lost);
    assert_eq!(advance(a, &tenure, 1, 4, None).await, Hold::Lost);
    assert_eq!(advance(a, &tenure, 3, 0, None).await, Hold::Lost);
    let left: Vec<_> = (all(b).await.into_iter())
        .map(|parked| (parked.stream, parked.sequence, parked.tries))
        .collect();
    // Nobody has tried it at the new place.
    let expected = [(stream(1), Sequence(6), 0), (stream(2), Sequence(0), 3)];
    assert_eq!(left, expected);

    assert_eq!(advance(a, &tenure, 1, 6, None).await, Hold::Held);
    assert_eq!(all(b).await, [parked(&work, 2, 0)]);
    let stands = checkpoint(b, &work).await;
    assert_eq!(stands.at, place(10));
}

/// A write that is lost because the checkpoint or the stream is elsewhere does not extend the lease either.
pub async fn a_lost_write_extends_no_lease(a: &CheckpointHandle, b: &CheckpointHandle) {
    let work = work("printer");
    let mut tenure = take(a, &work, "one", HOUR).await;
    let behind = tenure.clone();
    let waiting = parked(&work, 1, 4);
    assert_eq!(park(a, &mut tenure, &waiting, 9).await, Hold::Held);
    let before = checkpoint(b, &work).await;
    let beside = |root, to| Advance::Parked {
        stream: stream(root),
        from: Sequence(3),
        to,
    };
    let skip = |past| Update::Skip(Box::new(skipped(&parked(&work, 1, 3))), past);
    let in_the_log = Advance::Checkpoint(place(10));
    let other = Box::new(parked(&work, 2, 0));
    let elsewhere = [
        (&tenure, Update::Advance(beside(1, Some(Sequence(5))))),
        (&tenure, Update::Advance(beside(1, None))),
        (&tenure, Update::Advance(beside(2, None))),
        (&tenure, skip(beside(1, Some(Sequence(5))))),
        (&tenure, skip(beside(1, None))),
        (&tenure, Update::ParkAgain(Box::new(waiting.clone()))),
        (&tenure, Update::ParkAgain(other.clone())),
        (&behind, Update::Advance(in_the_log.clone())),
        (&behind, Update::Park(other, place(10))),
        (&behind, skip(in_the_log)),
    ];
    for (tenure, update) in elsewhere {
        assert_eq!(write(a, tenure, &update).await, Hold::Lost, "{update:?}");
        assert_eq!(checkpoint(b, &work).await, before, "{update:?}");
    }
    assert_eq!(all(b).await, [waiting]);
    assert_eq!(closed(b, &work, &LetterFilter::default()).await, []);

    for to in [Some(5), None] {
        let from = to.map_or(5, |_| 4);
        let before = checkpoint(b, &work).await.leased_until;
        assert_eq!(advance(a, &tenure, 1, from, to).await, Hold::Held);
        assert!(checkpoint(b, &work).await.leased_until > before, "{to:?}");
    }
}

/// A wish is for the event that its author has seen, and the next is heard when it is fulfilled.
pub async fn a_wish_is_noted_once_and_for_one_event(a: &CheckpointHandle, b: &CheckpointHandle) {
    let work = work("printer");
    let mut tenure = take(a, &work, "one", HOUR).await;
    let at_four = parked(&work, 1, 4);
    assert_eq!(park(a, &mut tenure, &at_four, 9).await, Hold::Held);
    assert!(!decide(b, &parked(&work, 1, 3), &wish(Verb::Discard)).await);
    assert!(!decide(b, &parked(&work, 2, 4), &wish(Verb::Discard)).await);
    assert!(decide(b, &at_four, &wish(Verb::Discard)).await);
    let second = LetterDecision {
        actor: None,
        ..wish(Verb::Resubmit)
    };
    assert!(!decide(a, &at_four, &second).await);
    let wanted = ReactionLetter {
        decision: Some(wish(Verb::Discard)),
        ..at_four.clone()
    };
    assert_eq!(all(a).await, [wanted]);

    // Whatever was wanted for that event, those behind it are retried.
    assert_eq!(advance(a, &tenure, 1, 4, Some(5)).await, Hold::Held);
    let at_five = ReactionLetter {
        id: None,
        tries: 0,
        decision: Some(wish(Verb::Resubmit)),
        ..parked(&work, 1, 5)
    };
    assert_eq!(all(b).await, [at_five]);
    assert!(!decide(b, &parked(&work, 1, 5), &wish(Verb::Discard)).await);
}

/// Whatever people and components say, it stops nobody; the character 0 may be kept as another.
pub async fn texts_for_people_hold_any_character(a: &CheckpointHandle, b: &CheckpointHandle) {
    const ODD: &str = "a\0b \u{1b}[31m \u{202e} \u{10ffff} 'quoted' \\ Zoë 🦀";
    let is_odd = |text: &str| text.replace('\0', "\u{fffd}") == ODD.replace('\0', "\u{fffd}");
    let work = work("printer");
    let mut tenure = take(a, &work, ODD, HOUR).await;
    let at_four = ReactionLetter {
        failure: ODD.into(),
        ..parked(&work, 1, 4)
    };
    assert_eq!(park(a, &mut tenure, &at_four, 9).await, Hold::Held);
    let wanted = LetterDecision {
        actor: Some(ODD.into()),
        reason: Some(ODD.into()),
        ..wish(Verb::Discard)
    };
    assert!(decide(b, &at_four, &wanted).await);
    let by_hand = Component::new("odd").expect("it is a name");
    a.set_pause(&by_hand, Some(ODD)).await.expect("it is kept");
    let why = b.pause_of(&by_hand).await.expect("the store answers");
    assert!(why.as_deref().is_some_and(is_odd), "{why:?}");
    let held = write(a, &tenure, &Update::Pause(ODD.into())).await;
    assert_eq!(held, Hold::Held);

    let stands = checkpoint(b, &work).await;
    assert!(stands.owner.as_deref().is_some_and(is_odd), "{stands:?}");
    assert!(stands.paused.as_deref().is_some_and(is_odd), "{stands:?}");
    let found = all(b).await.remove(0);
    let said = found.decision.expect("it was noted");
    assert!(is_odd(&found.failure), "{}", found.failure);
    assert!(said.actor.as_deref().is_some_and(is_odd), "{said:?}");
    assert!(said.reason.as_deref().is_some_and(is_odd), "{said:?}");

    let letter = ReactionLetter {
        failure: ODD.into(),
        decision: Some(wanted),
        ..skipped(&parked(&work, 2, 7))
    };
    let past = Advance::Checkpoint(place(12));
    let skip = Update::Skip(Box::new(letter), past);
    assert_eq!(write(a, &tenure, &skip).await, Hold::Held);
    let kept = closed(b, &work, &LetterFilter::default()).await.remove(0);
    assert!(is_odd(&kept.failure), "{}", kept.failure);
}

/// A letter that failed again waits for a person anew, and shows what was tried.
pub async fn what_fails_again_waits_for_another_wish(a: &CheckpointHandle, b: &CheckpointHandle) {
    let work = work("printer");
    let mut tenure = take(a, &work, "one", HOUR).await;
    let first = parked(&work, 1, 4);
    assert_eq!(park(a, &mut tenure, &first, 9).await, Hold::Held);
    assert!(decide(b, &first, &wish(Verb::Resubmit)).await);
    let attempt = Attempt {
        at: Timestamp::from_micros(1_700_000_001_000_000),
        actor: Some("Zoë".into()),
        reason: Some("there is paper now".into()),
        result: "no paper 🖨".repeat(300),
        tried: None,
        closes: false,
    };
    let again = ReactionLetter {
        failure: "no paper".into(),
        tries: 4,
        attempts: vec![attempt.clone(), attempt],
        ..first.clone()
    };
    let elsewhere = ReactionLetter {
        sequence: Sequence(5),
        ..again.clone()
    };
    assert_eq!(
        write(a, &tenure, &Update::ParkAgain(Box::new(elsewhere.clone()))).await,
        Hold::Lost
    );
    assert_eq!(
        write(a, &tenure, &Update::ParkAgain(Box::new(again.clone()))).await,
        Hold::Held
    );
    assert_eq!(all(b).await, std::slice::from_ref(&again));
    assert!(decide(b, &first, &wish(Verb::Discard)).await);
    // Whoever was not told that it was noted does not wipe out what was decided since.
    let repeated = write(b, &tenure, &Update::ParkAgain(Box::new(again.clone()))).await;
    assert_eq!(repeated, Hold::Lost);
    let decided = Some(wish(Verb::Discard));
    assert_eq!(all(a).await[0].decision, decided);
}

/// Each piece of work has its own, listed in the order of the work and then of the streams.
pub async fn parked_streams_are_listed_in_order(a: &CheckpointHandle, b: &CheckpointHandle) {
    let mut expected = Vec::new();
    for name in ["emails", "printer", "printer.v2"] {
        let work = work(name);
        let mut tenure = take(a, &work, "one", HOUR).await;
        for (root, to) in [(u128::MAX, 1), (1, 2), (1 << 100, 3)] {
            let hold = park(a, &mut tenure, &parked(&work, root, 0), to).await;
            assert_eq!(hold, Hold::Held);
        }
        expected.extend([1, 1 << 100, u128::MAX].map(|root| parked(&work, root, 0)));
    }
    assert_eq!(all(b).await, expected);
    let of_one = b.parked(Some(&work("printer").component)).await.unwrap();
    assert_eq!(of_one, expected[3..6]);
}

/// With its progress a component's parked streams and letters are forgotten, and no other's.
pub async fn what_was_parked_is_forgotten_with_the_progress(
    a: &CheckpointHandle,
    b: &CheckpointHandle,
) {
    let (work, other) = (work("printer"), work("emails"));
    let mut former = take(a, &work, "one", HOUR).await;
    let mut untouched = take(a, &other, "one", HOUR).await;
    for (tenure, root) in [(&mut former, 1), (&mut untouched, 2)] {
        let first = parked(&tenure.work, root, 4);
        assert_eq!(park(a, tenure, &first, 9).await, Hold::Held);
        let letter = skipped(&parked(&tenure.work, root, 5));
        let to = Advance::Checkpoint(place(10));
        let hold = write(
            a,
            tenure,
            &Update::Skip(Box::new(letter.clone()), to.clone()),
        )
        .await;
        assert_eq!(hold, Hold::Held);
    }
    b.forget(&work.component).await.unwrap();
    assert_eq!(all(a).await, [parked(&other, 2, 4)]);
    let every = LetterFilter::default();
    assert_eq!(closed(a, &work, &every).await, []);
    assert_eq!(closed(a, &other, &every).await.len(), 1);
    take(b, &work, "two", HOUR).await;
    assert_eq!(advance(a, &former, 1, 4, None).await, Hold::Lost);
}

/// A pause by a person applies to every process that runs the component, until a person resumes it.
pub async fn a_pause_by_hand_is_kept_until_it_is_lifted(
    a: &CheckpointHandle,
    b: &CheckpointHandle,
) {
    let (printer, emails) = (work("printer").component, work("emails").component);
    let of = async |store: &CheckpointHandle| store.pause_of(&printer).await.unwrap();
    assert_eq!(of(a).await, None);
    assert!(!a.set_pause(&printer, None).await.unwrap());
    assert!(!a.set_pause(&printer, Some("no paper")).await.unwrap());
    assert_eq!(of(b).await.as_deref(), Some("no paper"));
    assert!(
        b.set_pause(&printer, Some("Zoë is on leave"))
            .await
            .unwrap()
    );
    assert_eq!(of(a).await.as_deref(), Some("Zoë is on leave"));
    assert_eq!(a.pause_of(&emails).await.unwrap(), None);

    take(a, &work("printer"), "one", HOUR).await;
    a.begin_anew(
        &printer,
        &[(LogPartition::FIRST, place(3))].into_iter().collect(),
    )
    .await
    .unwrap();
    assert_eq!(of(b).await.as_deref(), Some("Zoë is on leave"));
    assert!(a.set_pause(&printer, None).await.unwrap());
    assert_eq!(of(b).await, None);

    a.set_pause(&printer, Some("no paper")).await.unwrap();
    a.set_pause(&emails, Some("no paper")).await.unwrap();
    b.forget(&printer).await.unwrap();
    assert_eq!(of(a).await, None);
    assert!(a.pause_of(&emails).await.unwrap().is_some());
}

/// Everybody sees that work is paused and why, until it is resumed by anybody or taken by the next owner.
pub async fn paused_work_says_why_until_it_is_resumed(a: &CheckpointHandle, b: &CheckpointHandle) {
    let work = work("printer");
    let tenure = take(a, &work, "one", HOUR).await;
    assert!(!b.resume(&work).await.unwrap());
    let held = write(a, &tenure, &Update::Pause("no paper".into())).await;
    assert_eq!(held, Hold::Held);
    let paused = checkpoint(b, &work).await;
    assert_eq!(paused.paused.as_deref(), Some("no paper"));
    assert_eq!(paused.owner.as_deref(), Some("one"));
    assert!(b.resume(&work).await.unwrap());
    assert_eq!(checkpoint(a, &work).await.paused, None);
    // The owner still is the owner.
    let held = write(a, &tenure, &Update::Pause("no ink".into())).await;
    assert_eq!(held, Hold::Held);
    a.release(&tenure).await.unwrap();
    take(b, &work, "two", HOUR).await;
    assert_eq!(checkpoint(a, &work).await.paused, None);
}
