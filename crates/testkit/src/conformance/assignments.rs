//! Rules about owners of work and requests for work, by which processes find their fair part.

use std::num::NonZero;
use std::time::Duration;

use seriatim_core::{Assignment, Hold, Owner, Share, Taking, Tenure, Update, Work};
use uuid::Uuid;

use super::checkpoints::{CheckpointHandle, HOUR, checkpoint, work, write};

async fn take(
    store: &CheckpointHandle,
    work: &Work,
    owner: &Owner,
    lease: Duration,
) -> Option<Tenure> {
    let taking = store.take(work, owner, lease).await;
    match taking.expect("the store answers") {
        Taking::Taken(tenure) => Some(tenure),
        Taking::Busy { .. } => None,
    }
}

async fn ask(store: &CheckpointHandle, work: &Work, asker: &Owner, lasts: Duration) -> bool {
    let noted = store.ask(work, asker.id, lasts).await;
    noted.expect("the store answers")
}

async fn assigned(store: &CheckpointHandle, work: &Work) -> Assignment {
    let all = store.assignments(&work.component).await;
    let mut all = all.expect("the store answers").into_iter();
    let found = all.find(|assignment| assignment.work == *work);
    found.expect("it was taken before")
}

async fn asked_by(store: &CheckpointHandle, work: &Work) -> Option<Uuid> {
    assigned(store, work).await.asked_by
}

/// Every reader sees which process has which piece of a component's work, and nothing of other components.
pub async fn it_is_known_who_has_which_work(a: &CheckpointHandle, b: &CheckpointHandle) {
    let three = NonZero::new(3).expect("3 is not 0");
    let [first, second, third] = Vec::from_iter(Share::all(three))[..] else {
        unreachable!("there are three shares of three");
    };
    let of = |share| Work {
        share,
        ..work("balances")
    };
    // Two processes of one name are two.
    let two = Owner::new("worker");
    let one = Owner {
        process: Some("a boot, a namespace and 2 numbers".into()),
        ..Owner::new("worker")
    };
    take(a, &of(third), &two, HOUR).await;
    take(b, &of(first), &one, HOUR).await;
    take(b, &work("emails"), &one, HOUR).await;
    let taken = take(a, &of(second), &one, HOUR).await;
    let tenure = taken.expect("nobody had it");
    a.release(&tenure).await.unwrap();
    let assignment = |share, owner| Assignment {
        work: of(share),
        owner,
        asked_by: None,
        is_paused: false,
    };
    for store in [a, b] {
        let found = store.assignments(&tenure.work.component).await.unwrap();
        let expected = [
            assignment(first, Some(one.clone())),
            assignment(second, None),
            assignment(third, Some(two.clone())),
        ];
        assert_eq!(found, expected);
    }
}

/// Work of an owner that has died is free at once, and that owner's writes count until another has taken it. Nobody else's
/// lease ends with it.
pub async fn the_lease_of_an_owner_that_died_is_ended(a: &CheckpointHandle, b: &CheckpointHandle) {
    let (work, one, two) = (work("balances"), Owner::new("one"), Owner::new("two"));
    let taken = take(a, &work, &one, HOUR).await;
    let tenure = taken.expect("nobody had it");
    assert!(!b.end_lease(&work, two.id).await.unwrap());
    assert_eq!(assigned(b, &work).await.owner, Some(one.clone()));
    assert!(take(b, &work, &two, HOUR).await.is_none());

    assert!(b.end_lease(&work, one.id).await.unwrap());
    assert_eq!(assigned(a, &work).await.owner, None);
    assert_eq!(checkpoint(a, &work).await.owner, None);
    assert!(!b.end_lease(&work, one.id).await.unwrap());
    // It may have been alive all the same.
    assert_eq!(write(a, &tenure, &Update::Renew).await, Hold::Held);
    assert!(b.end_lease(&work, one.id).await.unwrap());
    assert!(take(b, &work, &two, HOUR).await.is_some());
    assert_eq!(write(a, &tenure, &Update::Renew).await, Hold::Lost);
    assert!(!a.end_lease(&work, one.id).await.unwrap());
    assert_eq!(assigned(a, &work).await.owner, Some(two));
}

/// Nobody is said to have work whose lease ran out, though an owner that comes back has it still.
pub async fn a_lease_that_ran_out_has_no_owner(a: &CheckpointHandle, b: &CheckpointHandle) {
    let (work, one) = (work("balances"), Owner::new("one"));
    let taken = take(a, &work, &one, Duration::ZERO).await;
    let tenure = taken.expect("nobody had it");
    assert_eq!(assigned(b, &work).await.owner, None);
    assert_eq!(checkpoint(b, &work).await.owner, None);
    assert_eq!(write(a, &tenure, &Update::Renew).await, Hold::Held);
    assert_eq!(assigned(b, &work).await.owner, Some(one));
    assert_eq!(checkpoint(b, &work).await.owner.as_deref(), Some("one"));
}

/// The first request is noted until it expires, and the requester may renew it; only after that another request is
/// noted.
pub async fn work_is_asked_for_by_one_at_a_time(a: &CheckpointHandle, b: &CheckpointHandle) {
    let work = work("balances");
    let [owner, one, two] = ["owner", "one", "two"].map(Owner::new);
    take(a, &work, &owner, HOUR).await;
    assert!(ask(b, &work, &one, Duration::ZERO).await);
    assert_eq!(asked_by(a, &work).await, None);
    assert!(ask(a, &work, &two, HOUR).await);
    assert!(!ask(b, &work, &one, HOUR).await);
    assert!(ask(b, &work, &two, HOUR).await);
    assert_eq!(asked_by(b, &work).await, Some(two.id));
    // It is a request and no more.
    assert_eq!(assigned(b, &work).await.owner, Some(owner));
}

/// Work that is free is taken and not asked for, and one's own work is not asked for either. Paused work stays where it
/// is.
pub async fn what_nobody_has_is_not_asked_for(a: &CheckpointHandle, b: &CheckpointHandle) {
    let work = work("balances");
    let [owner, asker] = ["owner", "asker"].map(Owner::new);
    assert!(!ask(b, &work, &asker, HOUR).await, "it was never begun");
    take(a, &work, &owner, Duration::ZERO).await;
    assert!(!ask(b, &work, &asker, HOUR).await, "the lease ran out");
    let taken = take(a, &work, &owner, HOUR).await;
    let tenure = taken.expect("the lease ran out");
    assert!(!ask(a, &work, &owner, HOUR).await, "it has it");

    let held = write(a, &tenure, &Update::Pause("no paper".into())).await;
    assert_eq!(held, Hold::Held);
    assert!(assigned(b, &work).await.is_paused);
    assert!(!ask(b, &work, &asker, HOUR).await, "it is paused");
    assert!(b.resume(&work).await.unwrap());
    assert!(ask(b, &work, &asker, HOUR).await);

    b.forget(&work.component).await.unwrap();
    let taken = take(a, &work, &owner, HOUR).await;
    assert_eq!(asked_by(b, &work).await, None, "it was forgotten");
    a.release(&taken.expect("it was forgotten")).await.unwrap();
    assert!(!ask(b, &work, &asker, HOUR).await, "it was released");
}

/// Released work is still kept for the process that asked for it. Taking it clears the request.
pub async fn who_takes_work_is_not_asked_for_it_any_more(
    a: &CheckpointHandle,
    b: &CheckpointHandle,
) {
    let work = work("balances");
    let [owner, asker, other] = ["owner", "asker", "other"].map(Owner::new);
    let taken = take(a, &work, &owner, HOUR).await;
    let tenure = taken.expect("nobody had it");
    assert!(ask(b, &work, &asker, HOUR).await);
    assert_eq!(write(a, &tenure, &Update::Renew).await, Hold::Held);
    assert_eq!(asked_by(a, &work).await, Some(asker.id));
    a.release(&tenure).await.unwrap();
    let free = assigned(b, &work).await;
    assert_eq!((free.owner, free.asked_by), (None, Some(asker.id)));
    // Also if it is another: to leave it to the asker is a matter of manners.
    for taker in [&other, &asker] {
        let taken = take(b, &work, taker, HOUR).await;
        let tenure = taken.expect("it was free");
        let now = assigned(a, &work).await;
        assert_eq!((now.owner, now.asked_by), (Some(taker.clone()), None));
        b.release(&tenure).await.unwrap();
    }
}

/// If many owners ask at the same moment, one is recorded, and the others are told that they were not.
pub async fn of_simultaneous_askers_one_is_noted(a: &CheckpointHandle, b: &CheckpointHandle) {
    for round in 0..10 {
        let work = work(&format!("round-{round}"));
        take(a, &work, &Owner::new("owner"), HOUR).await;
        let askers = (0..8).map(|number| {
            let (store, work) = (if number % 2 == 0 { a } else { b }.clone(), work.clone());
            let asker = Owner::new("asker");
            tokio::spawn(async move { (ask(&store, &work, &asker, HOUR).await, asker.id) })
        });
        let mut noted = Vec::new();
        for asker in Vec::from_iter(askers) {
            let (was_noted, id) = asker.await.expect("an asker does not panic");
            noted.extend(was_noted.then_some(id));
        }
        assert_eq!(noted, Vec::from_iter(asked_by(b, &work).await));
        assert_eq!(noted.len(), 1);
    }
}
