//! Rules about where components begin: this is decided once for all of their work.

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use seriatim_core::{
    Advance, Cursor, Hold, LetterFilter, LogPartition, Owner, Position, Share, Taking, Update, Work,
};

use super::CheckpointHandle;
use super::checkpoints::{HOUR, place, take, work, write};
use super::parking::{parked, skipped};

/// One place for each partition, in their order.
fn places(positions: &[u64]) -> Cursor {
    let partitions = (0..).map(LogPartition);
    partitions
        .zip(positions.iter().map(|at| place(*at)))
        .collect()
}

/// The first decision holds for all who ask later, with all its places; other components have one of their own.
pub async fn where_a_component_begins_is_decided_once(a: &CheckpointHandle, b: &CheckpointHandle) {
    let (component, other) = (work("balances").component, work("emails").component);
    assert_eq!(b.begun(&component).await.unwrap(), None);
    let (first, second) = (places(&[17, 0, 4]), places(&[18, 5, 0]));
    assert_eq!(a.begin(&component, &first).await.unwrap(), first);
    assert_eq!(b.begin(&component, &second).await.unwrap(), first);
    assert_eq!(a.begun(&component).await.unwrap(), Some(first));
    assert_eq!(a.begun(&other).await.unwrap(), None);
    assert_eq!(b.begin(&other, &second).await.unwrap(), second);
}

/// Also the first event is a decision.
pub async fn to_begin_at_the_first_event_is_a_decision(a: &CheckpointHandle, b: &CheckpointHandle) {
    let component = work("balances").component;
    a.begin(&component, &places(&[0, 0])).await.unwrap();
    let begun = b.begin(&component, &places(&[7, 7])).await.unwrap();
    assert!(begun.positions().eq([Position::START; 2]), "{begun}");
}

/// If many decide at once, all are told the same.
pub async fn of_simultaneous_beginnings_one_holds(a: &CheckpointHandle, b: &CheckpointHandle) {
    let component = work("balances").component;
    let deciders = (1..=16).map(|number| {
        let store = Arc::clone(if number % 2 == 0 { a } else { b });
        let component = component.clone();
        tokio::spawn(async move {
            let wanted = places(&[number; 8]);
            store.begin(&component, &wanted).await.unwrap()
        })
    });
    let deciders: Vec<_> = deciders.collect();
    let mut told = Vec::new();
    for decider in deciders {
        told.push(decider.await.expect("it does not panic"));
    }
    told.dedup();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(a.begun(&component).await.unwrap().as_ref(), told.first());
}

/// Work that nobody ever had begins there; later owners go on where it stands.
pub async fn work_begins_where_its_component_does(a: &CheckpointHandle, b: &CheckpointHandle) {
    let first = work("balances");
    let component = &first.component;
    a.begin(component, &places(&[17, 4])).await.unwrap();
    let half = Share::all(NonZero::new(2).expect("2 is not 0"));
    for (partition, expected) in [(0, 17), (1, 4), (2, 0)] {
        for share in std::iter::once(Share::WHOLE).chain(half.clone()) {
            let partition = LogPartition(partition);
            let work = Work {
                partition,
                share,
                ..first.clone()
            };
            let tenure = take(b, &work, "one", Duration::ZERO).await;
            assert_eq!(tenure.at.position, Position(expected), "{work}");
            assert_eq!(tenure.at.event, place(expected).event, "{work}");
        }
    }
    let tenure = take(a, &first, "two", HOUR).await;
    let on = Advance::Checkpoint(place(20));
    assert_eq!(
        write(a, &tenure, &Update::Advance(on.clone())).await,
        Hold::Held
    );
    a.release(&tenure).await.unwrap();
    assert_eq!(take(b, &first, "three", HOUR).await.at, place(20));
}

/// Nothing is left of a component that begins anew but its closed letters, and the owner that was at it finds that out.
pub async fn a_component_begins_anew_elsewhere(a: &CheckpointHandle, b: &CheckpointHandle) {
    let (old, other) = (work("balances"), work("emails"));
    a.begin(&old.component, &places(&[3, 5])).await.unwrap();
    let mut former = take(a, &old, "one", HOUR).await;
    let (waits, given_up) = (parked(&old, 1, 0), parked(&old, 2, 0));
    let (first, second) = (place(7), Advance::Checkpoint(place(8)));
    let held = write(a, &former, &Update::Park(Box::new(waits.clone()), first)).await;
    assert_eq!(held, Hold::Held);
    former.at = first;
    let letter = skipped(&given_up);
    let held = write(
        a,
        &former,
        &Update::Skip(Box::new(letter.clone()), second.clone()),
    )
    .await;
    assert_eq!(held, Hold::Held);
    former.at = place(8);
    let untouched = take(a, &other, "one", HOUR).await;

    let anew = places(&[40]);
    b.begin_anew(&old.component, &anew).await.unwrap();
    b.begin_anew(&old.component, &anew).await.unwrap();
    // Nothing of the former place is left.
    let begun = a.begun(&old.component).await.unwrap();
    assert_eq!(begun.as_ref(), Some(&anew));
    assert_eq!(a.checkpoints(Some(&old.component)).await.unwrap(), []);
    assert_eq!(a.parked(None).await.unwrap(), []);
    let all = LetterFilter::default();
    let closed = a.reaction_letters(&all, 9).await.unwrap();
    assert_eq!(closed, [letter]);
    assert_eq!(a.begin(&old.component, &places(&[9])).await.unwrap(), anew);
    assert_eq!(write(a, &former, &Update::Renew).await, Hold::Lost);
    assert_eq!(take(b, &old, "two", HOUR).await.at, place(40));
    assert_eq!(write(a, &former, &Update::Renew).await, Hold::Lost);
    assert_eq!(write(a, &untouched, &Update::Renew).await, Hold::Held);
    // One that nobody has decided about.
    b.begin_anew(&other.component, &anew).await.unwrap();
    assert_eq!(take(a, &other, "two", HOUR).await.at, place(40));
}

/// Work that is taken while its component begins anew is forgotten, or begins at the new place.
pub async fn nobody_begins_at_an_old_place(a: &CheckpointHandle, b: &CheckpointHandle) {
    let component = work("balances").component;
    let shares = NonZero::new(16).expect("16 is not 0");
    a.begin(&component, &places(&[1])).await.unwrap();
    for round in 2..12 {
        let takers = Share::all(shares).map(|share| {
            let store = Arc::clone(if share.index() % 2 == 0 { a } else { b });
            let work = Work {
                share,
                ..work("balances")
            };
            tokio::spawn(async move {
                let owner = Owner::new("one");
                let taking = store.take(&work, &owner, HOUR).await;
                assert!(matches!(taking, Ok(Taking::Taken(_))), "{taking:?}");
            })
        });
        let takers: Vec<_> = takers.collect();
        b.begin_anew(&component, &places(&[round])).await.unwrap();
        for taker in takers {
            taker.await.expect("it does not panic");
        }
        for checkpoint in a.checkpoints(Some(&component)).await.unwrap() {
            assert_eq!(checkpoint.at, place(round), "{}", checkpoint.work);
        }
        b.begin_anew(&component, &places(&[round])).await.unwrap();
    }
}
