//! Checks that each stream comes out in order and once, however a transport repeats, mixes up or loses events.

#[path = "support/resequencer_model.rs"]
mod model;
#[path = "support/vectors.rs"]
mod vectors;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use model::{Became, Happening, Model, happening};
use proptest::prelude::*;
use seriatim_core::{Domain, Gap, Offered, Resequencer, Sequence, StreamId};
use uuid::Uuid;

fn stream(number: u128) -> StreamId {
    StreamId::new(Domain::new("order").unwrap(), Uuid::from_u128(number))
}

/// Returns some streams of some events, each event at least once, in any order.
fn deliveries() -> impl Strategy<Value = Vec<(u128, u32)>> {
    proptest::collection::vec(1..12_u32, 1..4).prop_flat_map(|lengths| {
        let streams = lengths.into_iter().zip(0_u128..);
        let all: Vec<_> = streams
            .flat_map(|(length, stream)| (0..length).map(move |sequence| (stream, sequence)))
            .collect();
        let again = proptest::collection::vec(proptest::sample::select(all.clone()), 0..10);
        again.prop_flat_map(move |again| {
            let all: Vec<_> = all.iter().copied().chain(again).collect();
            Just(all).prop_shuffle()
        })
    })
}

/// What a receiver has seen of one stream.
#[derive(Debug, Default)]
struct Seen {
    returned: Vec<u32>,
    held: BTreeSet<u32>,
    highest: u32,
}

/// Delivers some events. Returns whether one was refused.
fn deliver(
    resequencer: &mut Resequencer<u32>,
    deliveries: &[(u128, u32)],
    seen: &mut BTreeMap<u128, Seen>,
) -> bool {
    let mut was_refused = false;
    for &(number, sequence) in deliveries {
        let seen = seen.entry(number).or_default();
        seen.highest = seen.highest.max(sequence);
        match resequencer.offer(&stream(number), Sequence(sequence), sequence) {
            Offered::Ready(events) => {
                seen.held.retain(|held| !events.contains(held));
                seen.returned.extend(events);
            }
            Offered::Held(_) => assert!(seen.held.insert(sequence)),
            Offered::Repeated => {}
            Offered::Refused(gap, event) => {
                assert!(event == sequence && gap.range().contains(&sequence));
                was_refused = true;
            }
        }
    }
    was_refused
}

proptest! {
    #[test]
    fn every_stream_comes_out_in_order_and_once(
        deliveries in deliveries(),
        limit in 0..40_usize,
    ) {
        let (mut resequencer, mut seen) = (Resequencer::new(limit), BTreeMap::new());
        // Each refusal is answered by a replay, as a receiver should.
        let mut rounds = 0;
        while deliver(&mut resequencer, &deliveries, &mut seen) {
            rounds += 1;
            prop_assert!(rounds <= deliveries.len(), "a replay got no further");
        }
        for (number, seen) in &seen {
            prop_assert_eq!(&seen.returned, &Vec::from_iter(0..=seen.highest));
            prop_assert_eq!(resequencer.last(&stream(*number)), Some(Sequence(seen.highest)));
        }
        prop_assert_eq!(resequencer.held(), 0);
        prop_assert_eq!(resequencer.gaps(), []);
    }

    #[test]
    fn what_was_returned_is_held_or_is_missing_is_everything_once(
        deliveries in deliveries(),
        delivered in 0..40_usize,
        limit in 0..10_usize,
    ) {
        let (mut resequencer, mut seen) = (Resequencer::new(limit), BTreeMap::new());
        deliver(&mut resequencer, &deliveries[..delivered.min(deliveries.len())], &mut seen);
        let gaps = resequencer.gaps();
        prop_assert!(gaps.is_sorted_by_key(|gap| (gap.stream.clone(), gap.from)));
        for (number, seen) in &seen {
            let missing = gaps.iter().filter(|gap| gap.stream == stream(*number)).flat_map(Gap::range);
            let mut all = seen.returned.clone();
            all.extend(&seen.held);
            all.extend(missing);
            all.sort_unstable();
            prop_assert_eq!(all, Vec::from_iter(0..=seen.highest));
        }
        let held: usize = seen.values().map(|seen| seen.held.len()).sum();
        prop_assert_eq!(resequencer.held(), held);
        prop_assert!(held <= limit && gaps.len() <= held + seen.len());
    }

    #[test]
    fn it_does_what_the_slow_and_obvious_one_does(
        steps in proptest::collection::vec((0..300_u64, happening()), 1..60),
        limit in 0..8_usize,
    ) {
        let mut resequencer = Resequencer::new(limit).patience(Duration::from_millis(500));
        let mut model = Model::new(limit, 500);
        let (start, mut now) = (Instant::now(), 0);
        for (later, happening) in steps {
            now += later;
            let at = start + Duration::from_millis(now);
            match happening {
                Happening::Offer(sequence) => {
                    let became = match resequencer.offer(&stream(1), Sequence(sequence), sequence) {
                        Offered::Ready(events) => Became::Ready(events),
                        Offered::Repeated => Became::Repeated,
                        Offered::Held(_) => Became::Held,
                        Offered::Refused(..) => Became::Refused,
                    };
                    prop_assert_eq!(became, model.offer(now, sequence));
                }
                Happening::Begin(next) => {
                    let ready = resequencer.begin_at(&stream(1), Sequence(next));
                    prop_assert_eq!(ready, model.begin(now, next));
                }
                Happening::ExpectThrough(last) => {
                    resequencer.expect_through(&stream(1), Sequence(last));
                    model.expect_through(now, last);
                }
                Happening::Ask => prop_assert_eq!(flat(&resequencer.overdue(at)), model.overdue(now)),
            }
            let gaps = resequencer.gaps();
            prop_assert_eq!(flat(&gaps), model.missing());
            prop_assert!(gaps.is_sorted_by(|a, b| a.through.0 + 1 < b.from.0), "gaps touch");
            prop_assert_eq!(resequencer.held(), model.held());
            prop_assert_eq!(resequencer.last(&stream(1)), model.last().map(Sequence));
            let deadline = model.next_deadline().map(|at| start + Duration::from_millis(at));
            prop_assert_eq!(resequencer.next_deadline(at), deadline);
        }
    }
}

fn flat(gaps: &[Gap]) -> Vec<u32> {
    gaps.iter().flat_map(Gap::range).collect()
}

#[test]
fn it_passes_the_test_vectors() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/resequencer");
    for vector in vectors::read(&folder) {
        vectors::check(&vector);
    }
}

#[test]
fn a_forgotten_stream_frees_its_room() {
    let mut resequencer = Resequencer::new(1);
    let mut offer = |number, sequence| resequencer.offer(&stream(number), Sequence(sequence), ());
    assert!(matches!(offer(1, 3), Offered::Held(_)));
    assert!(matches!(offer(2, 1), Offered::Refused(..)));
    resequencer.forget(&stream(1));
    assert_eq!(
        (resequencer.held(), resequencer.last(&stream(1))),
        (0, None)
    );
    assert_eq!(resequencer.gaps().len(), 1);
    let held = resequencer.offer(&stream(2), Sequence(1), ());
    assert!(matches!(held, Offered::Held(_)));
}

/// A resequencer with the gap 0..=0 of stream 1.
fn with_a_gap() -> Resequencer<()> {
    let mut resequencer = Resequencer::new(10);
    let held = resequencer.offer(&stream(1), Sequence(1), ());
    assert!(matches!(held, Offered::Held(_)));
    resequencer
}

#[test]
fn without_a_patience_nothing_is_ever_overdue() {
    let (now, later) = (Instant::now(), Instant::now() + Duration::from_secs(3600));
    // The second one ends after all instants.
    for mut resequencer in [with_a_gap(), with_a_gap().patience(Duration::MAX)] {
        assert_eq!(resequencer.next_deadline(now), None);
        assert_eq!(resequencer.overdue(later), []);
        assert_eq!(resequencer.next_deadline(later), None);
    }
}

#[test]
fn a_patience_is_not_rounded() {
    let (start, nano) = (Instant::now(), Duration::from_nanos(1));
    let mut resequencer = with_a_gap().patience(2 * nano);
    assert_eq!(resequencer.next_deadline(start), Some(start + 2 * nano));
    assert_eq!(resequencer.overdue(start + nano), []);
    assert_eq!(resequencer.overdue(start + 2 * nano).len(), 1);
}

#[test]
fn a_receiver_that_only_ticks_waits_at_least_its_patience() {
    let mut resequencer = with_a_gap().patience(Duration::from_millis(500));
    let start = Instant::now();
    let mut is_overdue = |tick: u32| {
        let now = start + tick * Duration::from_millis(200);
        !resequencer.overdue(now).is_empty()
    };
    let asked: Vec<_> = (1..=8).filter(|tick| is_overdue(*tick)).collect();
    // The gap is seen at the first tick, and asked for at the first that is at least half a second later.
    assert_eq!(asked, [4, 7]);
}

#[test]
fn looking_often_does_not_put_off_the_question() {
    let mut resequencer = with_a_gap().patience(Duration::from_millis(500));
    let start = Instant::now();
    let mut is_overdue = |millis: u64| {
        // Neither looking nor further events restart the time of a gap.
        let early = Sequence(u32::try_from(millis).unwrap() + 2);
        let offered = resequencer.offer(&stream(1), early, ());
        assert!(matches!(offered, Offered::Held(_) | Offered::Refused(..)));
        let now = start + Duration::from_millis(millis);
        resequencer.next_deadline(now);
        let overdue = resequencer.overdue(now);
        overdue.iter().any(|gap| gap.range() == (0..=0))
    };
    let asked: Vec<_> = (0..=1600).filter(|millis| is_overdue(*millis)).collect();
    assert_eq!(asked, [500, 1000, 1500]);
}
