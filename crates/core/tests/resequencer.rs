//! Checks that each stream comes out in order and once, however a transport repeats and mixes up events.

use std::collections::HashMap;

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

/// Delivers until nothing is missing. It answers each refusal by a replay, as a caller should.
fn deliver(
    limit: usize,
    deliveries: &[(u128, u32)],
) -> (HashMap<u128, Vec<u32>>, Resequencer<u32>) {
    let mut resequencer = Resequencer::new(limit);
    let mut handed_out: HashMap<u128, Vec<u32>> = HashMap::new();
    for round in 0.. {
        assert!(round <= deliveries.len(), "a replay got no further");
        let mut refused = false;
        for &(number, sequence) in deliveries {
            match resequencer.offer(&stream(number), Sequence(sequence), sequence) {
                Offered::Ready(events) => handed_out.entry(number).or_default().extend(events),
                Offered::Repeated | Offered::Held(_) => {}
                Offered::Refused(gap, event) => {
                    assert_eq!(event, sequence);
                    let next = handed_out.get(&number).map_or(0, Vec::len);
                    assert_eq!(gap.from.0 as usize, next);
                    refused = true;
                }
            }
            assert!(resequencer.held() <= limit);
        }
        if !refused {
            break;
        }
    }
    (handed_out, resequencer)
}

proptest! {
    #[test]
    fn every_stream_comes_out_in_order_and_once(
        deliveries in deliveries(),
        limit in 0..40_usize,
    ) {
        let (handed_out, resequencer) = deliver(limit, &deliveries);
        for (number, events) in &handed_out {
            let sent = deliveries.iter().filter(|(of, _)| of == number);
            let last = sent.map(|(_, sequence)| *sequence).max().unwrap();
            prop_assert_eq!(events, &(0..=last).collect::<Vec<_>>());
            prop_assert_eq!(resequencer.last(&stream(*number)), Some(Sequence(last)));
        }
        prop_assert_eq!(resequencer.held(), 0);
        prop_assert_eq!(resequencer.gaps(), vec![]);
    }

    #[test]
    fn a_gap_names_exactly_what_is_missing_first(
        present in proptest::collection::btree_set(0..30_u32, 1..20),
    ) {
        let mut resequencer = Resequencer::new(100);
        for sequence in present.iter().rev() {
            resequencer.offer(&stream(1), Sequence(*sequence), ());
        }
        let missing = |sequence: &u32| !present.contains(sequence);
        let from = (0..).find(missing).unwrap();
        let through = (from..30).take_while(missing).last().unwrap();
        let open = present.iter().any(|sequence| *sequence > from);
        let expected = open.then(|| Gap {
            stream: stream(1),
            from: Sequence(from),
            through: Sequence(through),
        });
        prop_assert_eq!(resequencer.gaps(), Vec::from_iter(expected));
    }
}

#[test]
fn who_begins_in_the_middle_takes_the_first_event_as_the_beginning() {
    let mut resequencer = Resequencer::from_anywhere(10);
    let mut offer = |sequence| resequencer.offer(&stream(1), Sequence(sequence), sequence);
    assert_eq!(offer(7), Offered::Ready(vec![7]));
    assert_eq!(offer(6), Offered::Repeated);
    assert!(matches!(offer(9), Offered::Held(gap) if gap.from == Sequence(8)));
    assert_eq!(offer(8), Offered::Ready(vec![8, 9]));
}

#[test]
fn a_resumed_stream_goes_on_after_what_was_handled() {
    let mut resequencer = Resequencer::new(10);
    for sequence in [3, 4, 6] {
        resequencer.offer(&stream(1), Sequence(sequence), sequence);
    }
    // The event that was kept and is next now comes with it.
    assert_eq!(resequencer.resume(&stream(1), Sequence(2)), [3, 4]);
    assert_eq!(resequencer.last(&stream(1)), Some(Sequence(4)));
    // The event that was handled elsewhere is dropped.
    resequencer.offer(&stream(1), Sequence(7), 7);
    assert_eq!(resequencer.resume(&stream(1), Sequence(6)), [7]);
    assert_eq!(resequencer.held(), 0);
    let offered = resequencer.offer(&stream(1), Sequence(8), 8);
    assert_eq!(offered, Offered::Ready(vec![8]));
}

#[test]
fn a_forgotten_stream_frees_its_room() {
    let mut resequencer = Resequencer::new(1);
    resequencer.offer(&stream(1), Sequence(3), ());
    let refused = resequencer.offer(&stream(2), Sequence(1), ());
    assert!(matches!(refused, Offered::Refused(..)));
    resequencer.forget(&stream(1));
    assert_eq!(
        (resequencer.held(), resequencer.last(&stream(1))),
        (0, None)
    );
    let held = resequencer.offer(&stream(2), Sequence(1), ());
    assert!(matches!(held, Offered::Held(_)));
}

#[test]
fn nothing_follows_the_last_sequence() {
    let mut resequencer = Resequencer::new(1);
    let nothing = resequencer.resume(&stream(1), Sequence(u32::MAX - 1));
    assert_eq!(nothing, []);
    let last = resequencer.offer(&stream(1), Sequence::MAX, ());
    assert_eq!(last, Offered::Ready(vec![()]));
    assert_eq!(resequencer.last(&stream(1)), Some(Sequence::MAX));
    let again = resequencer.offer(&stream(1), Sequence::MAX, ());
    assert_eq!(again, Offered::Repeated);
}
