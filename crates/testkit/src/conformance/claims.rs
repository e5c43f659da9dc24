//! Rules of external ids: each can be used once, and keeps its result.

use seriatim_core::{
    AppendOutcome, ClaimRecord, ContentHash, FirstResult, KeyedClaim, Position, Sequence, StreamId,
};

use uuid::Uuid;

use super::samples::*;

/// A sender that repeats an external id gets its first result, and nothing is written.
pub async fn the_first_to_claim_wins_and_the_second_learns_its_result(a: &Handle, b: &Handle) {
    let stream = stream_of(a, 1).await;
    write(a, claimed(append(&stream, at(0), events(2)), "k", 1)).await;
    let expected = ClaimRecord {
        content: ContentHash([1; 32]),
        first: FirstResult::Committed {
            first: Sequence(1),
            last: Sequence(2),
            position: Position(3),
        },
    };
    let same = append_one(b, claimed(append(&stream, at(2), events(1)), "k", 1)).await;
    assert_eq!(claim_record(same), expected);
    let other = append_one(b, claimed(append(&stream, at(2), events(1)), "k", 2)).await;
    assert_eq!(claim_record(other), expected, "the first content stays");
    assert_eq!(b.find_claim(&stream, "k").await.unwrap(), Some(expected));
    assert_eq!(read_stream(a, &stream).await.len(), 3);
}

/// Two keys stand for one result: both are spent, or none, also if only one of them was spent before.
pub async fn two_keys_are_spent_together_or_not_at_all(a: &Handle, b: &Handle) {
    let stream = stream_of(a, 1).await;
    let both = |after, count, first, second| {
        with_claim(
            claimed(append(&stream, after, events(count)), first, 1),
            second,
            2,
        )
    };
    write(a, both(at(0), 2, "letter", "fact")).await;
    for (key, content) in [("letter", 1), ("fact", 2)] {
        let record = b.find_claim(&stream, key).await.unwrap().unwrap();
        assert_eq!(record.content, ContentHash([content; 32]));
        let first = FirstResult::Committed {
            first: Sequence(1),
            last: Sequence(2),
            position: Position(3),
        };
        assert_eq!(record.first, first);
    }
    // Wherever the stream stands, and whichever of the two is known.
    for after in [at(2), at(0)] {
        for (first, second, content) in [
            ("letter", "new", 1),
            ("new", "letter", 1),
            ("new", "fact", 2),
            ("fact", "letter", 2),
        ] {
            let refused = append_one(b, both(after, 1, first, second)).await;
            assert_eq!(claim_record(refused).content, ContentHash([content; 32]));
            assert_eq!(b.find_claim(&stream, "new").await.unwrap(), None);
        }
    }
    let moved = append_one(b, both(at(1), 1, "new", "other")).await;
    assert!(matches!(moved, AppendOutcome::Conflict { .. }), "{moved:?}");
    for key in ["new", "other"] {
        assert_eq!(a.find_claim(&stream, key).await.unwrap(), None);
    }
    assert_eq!(read_stream(a, &stream).await.len(), 3);
    // In one call, and without events.
    let call = vec![
        both(at(2), 0, "x", "y"),
        both(at(2), 0, "y", "z"),
        both(at(2), 0, "z", "w"),
    ];
    let outcomes = a.append(call).await.unwrap();
    let written = |outcome: &AppendOutcome| matches!(outcome, AppendOutcome::Written { .. });
    assert_eq!(
        outcomes.iter().map(written).collect::<Vec<_>>(),
        [true, false, true]
    );
}

/// Of many who spend a key together with another one, at the same time, one wins.
pub async fn one_of_many_spends_two_keys(a: &Handle, b: &Handle) {
    let stream = stream_of(a, 1).await;
    let calls = (0..8).map(|number| {
        let own = format!("own-{number}");
        let of_one = claimed(append(&stream, at(0), events(0)), &own, 1);
        let call = vec![with_claim(of_one, "shared", 2)];
        if number % 2 == 0 {
            a.append(call)
        } else {
            b.append(call)
        }
    });
    let outcomes = futures::future::join_all(calls).await;
    let written = outcomes
        .iter()
        .filter(|outcome| matches!(&outcome.as_ref().unwrap()[0], AppendOutcome::Written { .. }));
    assert_eq!(written.count(), 1);
    let mut spent = 0;
    for number in 0..8 {
        let found = b.find_claim(&stream, &format!("own-{number}")).await;
        spent += usize::from(found.unwrap().is_some());
    }
    assert_eq!(spent, 1, "who was refused has spent neither");
}

/// A repetition learns so even when the stream has moved on since, or its sender never saw it.
pub async fn a_claim_is_looked_at_before_the_sequence(a: &Handle, b: &Handle) {
    let stream = new_stream();
    write(a, claimed(append(&stream, None, events(1)), "k", 1)).await;
    write(a, append(&stream, at(0), events(1))).await;
    for after in [None, at(0), at(9)] {
        let again = append_one(b, claimed(append(&stream, after, events(1)), "k", 1)).await;
        claim_record(again);
    }
}

/// A claim whose decision gave no events tells which sequence that was decided at.
pub async fn a_claim_can_stand_for_no_events(a: &Handle, b: &Handle) {
    let (old, new) = (stream_of(a, 2).await, new_stream());
    write(a, claimed(append(&old, at(1), events(0)), "k", 1)).await;
    write(a, claimed(append(&new, None, events(0)), "k", 1)).await;
    for (stream, current) in [(old, at(1)), (new, None)] {
        let record = b.find_claim(&stream, "k").await.unwrap().unwrap();
        assert_eq!(record.first, FirstResult::Unchanged { current });
    }
    assert_eq!(b.streams(None, None, 10).await.unwrap().len(), 1);
}

/// A claim that was spent on a "no" tells which, also when a later append would be accepted.
pub async fn a_claim_can_stand_for_a_rejection(a: &Handle, b: &Handle) {
    let (old, new) = (stream_of(a, 2).await, new_stream());
    for (stream, after) in [(&old, at(1)), (&new, None)] {
        let refused = refusing(claimed(append(stream, after, events(0)), "k", 1));
        write(a, refused).await;
        let expected = ClaimRecord {
            content: ContentHash([1; 32]),
            first: FirstResult::Rejected(rejected().into()),
        };
        assert_eq!(
            b.find_claim(stream, "k").await.unwrap(),
            Some(expected.clone())
        );
        let again = claimed(append(stream, after, events(1)), "k", 2);
        assert_eq!(claim_record(append_one(b, again).await), expected);
    }
    assert_eq!(read_stream(a, &old).await.len(), 2);
    assert_eq!(b.streams(None, None, 10).await.unwrap().len(), 1);
}

/// A "no" that was said on another state than the current one is not kept.
pub async fn a_rejection_checks_the_sequence(a: &Handle, b: &Handle) {
    let stream = stream_of(a, 2).await;
    let stale = refusing(claimed(append(&stream, at(0), events(0)), "k", 1));
    let conflict = seriatim_core::AppendOutcome::Conflict {
        part: 0,
        current: at(1),
    };
    assert_eq!(append_one(b, stale).await, conflict);
    assert_eq!(a.find_claim(&stream, "k").await.unwrap(), None);
}

/// No claim is spent on a view of the stream that is not current.
pub async fn a_claim_for_no_events_checks_the_sequence(a: &Handle, b: &Handle) {
    let stream = stream_of(a, 2).await;
    let stale = claimed(append(&stream, at(0), events(0)), "k", 1);
    let outcome = append_one(a, stale).await;
    let conflict = seriatim_core::AppendOutcome::Conflict {
        part: 0,
        current: at(1),
    };
    assert_eq!(outcome, conflict);
    assert_eq!(b.find_claim(&stream, "k").await.unwrap(), None);
}

/// A claim that was spent on a letter names it; the stream needs no events for that.
pub async fn a_claim_can_stand_for_a_letter(a: &Handle, b: &Handle) {
    let stream = new_stream();
    let first = letter(&stream);
    write(a, claimed(parked(&first), "k", 1)).await;
    let again = append_one(b, claimed(parked(&letter(&stream)), "k", 1)).await;
    assert_eq!(
        claim_record(again).first,
        FirstResult::DeadLettered { id: first.id }
    );
    write(b, append(&stream, None, events(1))).await;
    let late = claimed(append(&stream, at(0), events(1)), "k", 1);
    claim_record(append_one(a, late).await);
    assert_log_is_sound(a).await;
}

/// The key is stream and external id together.
pub async fn one_external_id_on_two_streams_is_two_claims(a: &Handle, b: &Handle) {
    let (one, two) = (new_stream(), new_stream());
    write(a, claimed(append(&one, None, events(1)), "k", 1)).await;
    assert_eq!(b.find_claim(&two, "k").await.unwrap(), None);
    write(b, claimed(append(&two, None, events(1)), "k", 2)).await;
    let record = a.find_claim(&two, "k").await.unwrap().unwrap();
    assert_eq!(record.content, ContentHash([2; 32]));
}

/// External ids are compared byte by byte.
pub async fn similar_external_ids_are_different_claims(a: &Handle, b: &Handle) {
    let stream = new_stream();
    let similar = [
        "k\0", "k\0x", "k", "K", " k", "k ", "1", "01", "1.0", "%", "ä", "a\u{308}",
    ];
    for (n, external_id) in similar.iter().enumerate() {
        let content = u8::try_from(n).unwrap();
        let empty = append(&stream, None, events(0));
        write(a, claimed(empty, external_id, content)).await;
    }
    for (n, external_id) in similar.iter().enumerate() {
        let record = b.find_claim(&stream, external_id).await.unwrap().unwrap();
        assert_eq!(record.content.0[0] as usize, n, "{external_id}");
    }
    assert_eq!(b.find_claim(&stream, "").await.unwrap(), None);
}

/// Appends of one batch race like any others: the earlier one wins.
pub async fn a_claim_made_twice_in_one_batch_is_spent_once(a: &Handle, b: &Handle) {
    let (one, two) = (new_stream(), new_stream());
    let batch = vec![
        claimed(append(&one, at(4), events(1)), "k", 7),
        claimed(append(&two, None, events(1)), "k", 1),
        claimed(append(&two, at(0), events(1)), "k", 2),
        claimed(parked(&letter(&two)), "k", 3),
        claimed(parked(&letter(&one)), "k", 4),
    ];
    let outcomes = append_all(a, batch).await;
    assert_eq!(position(&outcomes[1]), Position(1));
    assert_eq!(position(&outcomes[4]), Position(1));
    for (stream, first) in [(&one, 4), (&two, 1)] {
        let record = b.find_claim(stream, "k").await.unwrap().unwrap();
        assert_eq!(record.content, ContentHash([first; 32]));
    }
    for outcome in &outcomes[2..4] {
        assert_eq!(claim_record(outcome.clone()).content, ContentHash([1; 32]));
    }
    assert_log_is_sound(b).await;
}

/// Whatever a claim stands for, it is listed under its stream and its key, in their order, with or without events there.
pub async fn claims_are_listed_in_order(a: &Handle, b: &Handle) {
    assert_eq!(b.claims(None, 10).await.unwrap(), []);
    let streams = claims_of_three_domains(a).await;
    let mut expected = Vec::new();
    for stream in streams {
        let mut keys = KEYS;
        keys.sort_unstable();
        expected.extend(keys.map(|key| (stream.clone(), key.to_owned())));
    }
    let listed = b.claims(None, 100).await.unwrap();
    for KeyedClaim {
        stream,
        external_id,
        record,
    } in &listed
    {
        let found = a.find_claim(stream, external_id).await.unwrap();
        assert_eq!(found.as_ref(), Some(record));
    }
    let places = listed
        .into_iter()
        .map(|claim| (claim.stream, claim.external_id));
    assert_eq!(places.collect::<Vec<_>>(), expected);
}

/// Pages follow one another whatever they end with, and also after a key that is not there.
pub async fn claims_are_listed_in_pages(a: &Handle, b: &Handle) {
    claims_of_three_domains(a).await;
    let whole = b.claims(None, 100).await.unwrap();
    for size in [1, 2, 5] {
        let mut pages: Vec<KeyedClaim> = Vec::new();
        loop {
            let after = pages.last().map(|last| (&last.stream, &*last.external_id));
            let page = b.claims(after, size).await.unwrap();
            assert!(page.len() <= size);
            if page.is_empty() {
                break;
            }
            pages.extend(page);
        }
        assert_eq!(pages, whole, "in pages of {size}");
    }
    let nil = StreamId::new(domain("b"), Uuid::nil());
    let between = b.claims(Some((&nil, "k1")), 1).await.unwrap();
    assert_eq!(between[0].external_id, "k2");
    let none = StreamId::new(domain("bb"), Uuid::nil());
    let next = b.claims(Some((&none, "k")), 1).await.unwrap();
    assert_eq!(next[0].stream.domain, domain("c"));
    let last = StreamId::new(domain("z"), Uuid::max());
    assert_eq!(b.claims(Some((&last, "k")), 9).await.unwrap(), []);
    assert_eq!(b.claims(None, 0).await.unwrap(), []);
}

const KEYS: [&str; 4] = ["k2", "\0saga/order", "k", "ä"];

/// Two streams of each, in the order of their ids; the domains are first used in another.
async fn claims_of_three_domains(store: &Handle) -> Vec<StreamId> {
    let roots = [Uuid::nil(), Uuid::max()];
    for name in ["c", "a", "b"] {
        for root in roots {
            let stream = StreamId::new(domain(name), root);
            let [first, rest @ ..] = KEYS;
            write(store, claimed(append(&stream, None, events(1)), first, 1)).await;
            for key in rest {
                let refused = refusing(claimed(append(&stream, at(0), events(0)), key, 2));
                write(store, refused).await;
            }
        }
    }
    let streams = ["a", "b", "c"].map(|name| roots.map(|root| StreamId::new(domain(name), root)));
    streams.into_iter().flatten().collect()
}
