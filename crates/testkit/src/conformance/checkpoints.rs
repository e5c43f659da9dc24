//! Rules of checkpoints: one owner at a time, and only the owner can move them.

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use seriatim_core::{
    Advance, Bookmark, Checkpoint, CheckpointStore, Component, Hold, LogId, LogPartition, Owner,
    Position, Share, Taking, Tenure, Update, Work,
};
use uuid::Uuid;

/// One handle on the storage that is examined.
pub type CheckpointHandle = Arc<dyn CheckpointStore>;

pub(super) const HOUR: Duration = Duration::from_secs(3600);

pub(super) fn work(name: &str) -> Work {
    Work {
        component: Component::new(name).expect("the rules name only components"),
        partition: LogPartition::FIRST,
        share: Share::WHOLE,
    }
}

/// A place with an event of its own; 0 is the start.
pub(super) fn place(position: u64) -> Bookmark {
    let named = |id: u128| (position > 0).then(|| Uuid::from_u128(id));
    Bookmark {
        log: named(1).map(LogId),
        position: Position(position),
        event: named(1000 + u128::from(position)),
    }
}

async fn try_to_take(
    store: &CheckpointHandle,
    work: &Work,
    owner: &str,
    lease: Duration,
) -> Taking {
    let owner = Owner::new(owner);
    let taking = store.take(work, &owner, lease);
    taking.await.expect("the store answers")
}

pub(super) async fn write(store: &CheckpointHandle, tenure: &Tenure, update: &Update) -> Hold {
    let hold = store.write(tenure, update, HOUR).await;
    hold.expect("the store answers")
}

pub(super) async fn take(
    store: &CheckpointHandle,
    work: &Work,
    owner: &str,
    lease: Duration,
) -> Tenure {
    match try_to_take(store, work, owner, lease).await {
        Taking::Taken(tenure) => tenure,
        Taking::Busy { owner, .. } => panic!("{work} should be free, but {owner} has it"),
    }
}

async fn advance(store: &CheckpointHandle, tenure: &mut Tenure, to: u64, lease: Duration) -> Hold {
    let advance = Update::Advance(Advance::Checkpoint(place(to)));
    let hold = store.write(tenure, &advance, lease).await;
    let hold = hold.expect("the store answers");
    if hold == Hold::Held {
        tenure.at = place(to);
    }
    hold
}

pub(super) async fn checkpoint(store: &CheckpointHandle, work: &Work) -> Checkpoint {
    let all = store.checkpoints(Some(&work.component)).await;
    let all = all.expect("the store answers");
    let found = all.into_iter().find(|checkpoint| checkpoint.work == *work);
    found.expect("it was taken before")
}

/// While a lease lasts nobody else gets the work, and they are told who has it.
pub async fn work_has_one_owner(a: &CheckpointHandle, b: &CheckpointHandle) {
    let work = work("balances");
    take(a, &work, "one", HOUR).await;
    let until = checkpoint(b, &work).await.leased_until;
    for store in [a, b] {
        let busy = Taking::Busy {
            owner: "one".into(),
            until,
        };
        assert_eq!(try_to_take(store, &work, "two", HOUR).await, busy);
    }
    assert_eq!(checkpoint(a, &work).await.owner.as_deref(), Some("one"));
}

/// Work whose lease ran out can be taken over, and nothing its former owner writes has an effect from then on.
pub async fn a_former_owner_changes_nothing(a: &CheckpointHandle, b: &CheckpointHandle) {
    let work = work("balances");
    let mut former = take(a, &work, "one", Duration::ZERO).await;
    assert_eq!(advance(a, &mut former, 5, Duration::ZERO).await, Hold::Held);
    let mut owner = take(b, &work, "two", HOUR).await;
    assert_eq!(owner.at, place(5));

    assert_eq!(advance(a, &mut former, 9, HOUR).await, Hold::Lost);
    a.release(&former).await.unwrap();
    let stands = checkpoint(a, &work).await;
    assert_eq!(stands.at, place(5));
    assert_eq!(stands.owner.as_deref(), Some("two"));
    assert_eq!(advance(b, &mut owner, 6, HOUR).await, Hold::Held);
}

/// A lease that ran out costs nothing as long as nobody takes over.
pub async fn an_overdue_owner_goes_on_if_nobody_came(a: &CheckpointHandle, b: &CheckpointHandle) {
    let work = work("balances");
    let mut tenure = take(a, &work, "one", Duration::ZERO).await;
    assert_eq!(advance(a, &mut tenure, 1, HOUR).await, Hold::Held);
    let busy = try_to_take(b, &work, "two", HOUR).await;
    assert!(matches!(busy, Taking::Busy { .. }), "{busy:?}");
}

/// A checkpoint that is not where its owner believes does not move.
pub async fn a_checkpoint_moves_only_from_where_it_was(a: &CheckpointHandle, b: &CheckpointHandle) {
    let work = work("balances");
    let mut tenure = take(a, &work, "one", HOUR).await;
    let mut twin = tenure.clone();
    assert_eq!(advance(a, &mut tenure, 10, HOUR).await, Hold::Held);
    assert_eq!(advance(b, &mut twin, 11, HOUR).await, Hold::Lost);
    assert_eq!(checkpoint(b, &work).await.at, place(10));
}

/// An owner renews its lease beside its work, wherever the checkpoint is by then; a former one cannot.
pub async fn a_lease_is_renewed_beside_the_work(a: &CheckpointHandle, b: &CheckpointHandle) {
    let work = work("balances");
    let taken = take(a, &work, "one", Duration::ZERO).await;
    let mut tenure = taken.clone();
    assert_eq!(advance(a, &mut tenure, 4, Duration::ZERO).await, Hold::Held);
    let before = checkpoint(b, &work).await;
    assert_eq!(write(b, &taken, &Update::Renew).await, Hold::Held);
    let after = checkpoint(b, &work).await;
    assert_eq!(
        (after.at.position, after.moved_at),
        (before.at.position, before.moved_at)
    );
    assert!(after.leased_until > before.leased_until);
    let busy = try_to_take(b, &work, "two", HOUR).await;
    assert!(matches!(busy, Taking::Busy { .. }), "{busy:?}");

    a.release(&tenure).await.unwrap();
    assert_eq!(write(a, &tenure, &Update::Renew).await, Hold::Lost);
    take(b, &work, "two", HOUR).await;
    assert_eq!(write(a, &tenure, &Update::Renew).await, Hold::Lost);
    assert_eq!(checkpoint(a, &work).await.owner.as_deref(), Some("two"));
}

/// Released work is free at once, and was not moved by it.
pub async fn released_work_is_free(a: &CheckpointHandle, b: &CheckpointHandle) {
    let work = work("balances");
    let mut tenure = take(a, &work, "one", HOUR).await;
    assert_eq!(advance(a, &mut tenure, 3, HOUR).await, Hold::Held);
    a.release(&tenure).await.unwrap();
    assert_eq!(checkpoint(b, &work).await.owner, None);
    // Who has let go has let go.
    assert_eq!(advance(a, &mut tenure, 4, HOUR).await, Hold::Lost);
    assert_eq!(take(b, &work, "two", HOUR).await.at, place(3));
}

/// If many owners ask at the same moment, one gets the work.
pub async fn of_simultaneous_takers_one_wins(a: &CheckpointHandle, b: &CheckpointHandle) {
    for round in 0..20 {
        let work = work(&format!("round-{round}"));
        let takers = (0..8).map(|taker| {
            let (store, work) = (if taker % 2 == 0 { a } else { b }.clone(), work.clone());
            tokio::spawn(async move {
                let taking = try_to_take(&store, &work, &format!("taker-{taker}"), HOUR).await;
                matches!(taking, Taking::Taken(_))
            })
        });
        let mut winners = 0;
        for taker in Vec::from_iter(takers) {
            winners += usize::from(taker.await.expect("a taker does not panic"));
        }
        assert_eq!(winners, 1);
        assert_eq!(checkpoint(b, &work).await.epoch, 1);
    }
}

/// Owners who take over from each other in mid-work: every step is counted exactly once.
pub async fn no_step_is_lost_or_doubled_between_owners(a: &CheckpointHandle, b: &CheckpointHandle) {
    const STEPS: u64 = 40;
    let work = work("balances");
    let workers = (0..4).map(|worker| {
        let (store, work) = (if worker % 2 == 0 { a } else { b }.clone(), work.clone());
        tokio::spawn(async move {
            let mut done = 0;
            loop {
                // Without a lease each may take the work from the others at any time.
                let owner = format!("worker-{worker}");
                let mut tenure = take(&store, &work, &owner, Duration::ZERO).await;
                while tenure.at.position.0 < STEPS {
                    let next = tenure.at.position.0 + 1;
                    match advance(&store, &mut tenure, next, Duration::ZERO).await {
                        Hold::Held => done += 1,
                        Hold::Lost => break,
                    }
                }
                if tenure.at.position.0 == STEPS {
                    return done;
                }
            }
        })
    });
    let mut done = 0;
    for worker in Vec::from_iter(workers) {
        done += worker.await.expect("a worker does not panic");
    }
    assert_eq!(done, STEPS);
    assert_eq!(checkpoint(a, &work).await.at, place(STEPS));
}

/// Components, partitions and shares are pieces of work of their own, and are listed in order.
pub async fn pieces_of_work_are_independent(a: &CheckpointHandle, b: &CheckpointHandle) {
    let three = NonZero::new(3).expect("3 is not 0");
    let mut pieces = Vec::new();
    for name in ["balances", "balances.v2", "emails"] {
        for partition in [0, 1, u16::MAX] {
            for share in std::iter::once(Share::WHOLE).chain(Share::all(three)) {
                pieces.push(Work {
                    partition: LogPartition(partition),
                    share,
                    ..work(name)
                });
            }
        }
    }
    for (number, work) in (1..).zip(pieces.iter().rev()) {
        let mut tenure = take(a, work, "one", HOUR).await;
        assert_eq!(advance(a, &mut tenure, number, HOUR).await, Hold::Held);
    }
    let listed = b.checkpoints(None).await.unwrap();
    let expected: Vec<_> = (pieces.iter().rev()).zip((1..).map(Position)).collect();
    let found = listed
        .iter()
        .map(|checkpoint| (&checkpoint.work, checkpoint.at.position));
    assert!(found.eq(expected.into_iter().rev()), "{listed:#?}");

    let one = b.checkpoints(Some(&pieces[0].component)).await.unwrap();
    assert!(
        one.iter()
            .map(|checkpoint| &checkpoint.work)
            .eq(&pieces[..12])
    );
}

/// Work that was forgotten begins anew, and those who were at it find that out.
pub async fn forgotten_work_begins_anew(a: &CheckpointHandle, b: &CheckpointHandle) {
    let (work, other) = (work("balances"), work("emails"));
    let mut former = take(a, &work, "one", HOUR).await;
    assert_eq!(advance(a, &mut former, 7, HOUR).await, Hold::Held);
    let mut untouched = take(a, &other, "one", HOUR).await;
    let begin = std::iter::once((LogPartition::FIRST, place(5))).collect();
    a.begin(&work.component, &begin).await.unwrap();
    b.forget(&work.component).await.unwrap();
    assert_eq!(a.checkpoints(Some(&work.component)).await.unwrap(), []);
    assert_eq!(a.begun(&work.component).await.unwrap(), None);

    let fresh = take(b, &work, "two", Duration::ZERO).await;
    assert_eq!(fresh.at, place(0));
    // It is the first owner again, as the former one was, and yet not the same.
    assert_eq!(advance(a, &mut former, 8, HOUR).await, Hold::Lost);
    assert_eq!(advance(a, &mut untouched, 1, HOUR).await, Hold::Held);
}

/// Positions and names as large as they can be.
pub async fn large_positions_and_long_names_are_kept(a: &CheckpointHandle, b: &CheckpointHandle) {
    // What a position column of eight bytes holds beside the number of a partition.
    let large = (1 << 48) - 1;
    let work = work(&format!("a{}", "-".repeat(63)));
    let owner = "Zoë's machine 🦀".repeat(20);
    let mut tenure = take(a, &work, &owner, HOUR).await;
    assert_eq!(advance(a, &mut tenure, large, HOUR).await, Hold::Held);
    let kept = checkpoint(b, &work).await;
    assert_eq!(
        (kept.at.position, kept.owner),
        (Position(large), Some(owner))
    );
}

/// Makes one test of each rule for what keeps checkpoints; the block gives two handles on one empty storage, and
/// what keeps it alive.
#[macro_export]
macro_rules! checkpoint_conformance {
    ($open:expr) => {
        $crate::checkpoint_conformance! { rules ($open)
            a_checkpoint_speaks_of_what_it_was_told_to
            only_an_owner_says_what_a_checkpoint_speaks_of
            what_a_checkpoint_speaks_of_goes_with_it

            where_a_component_begins_is_decided_once
            to_begin_at_the_first_event_is_a_decision
            of_simultaneous_beginnings_one_holds
            work_begins_where_its_component_does
            a_component_begins_anew_elsewhere
            nobody_begins_at_an_old_place
            work_has_one_owner
            a_former_owner_changes_nothing
            an_overdue_owner_goes_on_if_nobody_came
            a_checkpoint_moves_only_from_where_it_was
            a_lease_is_renewed_beside_the_work
            released_work_is_free
            of_simultaneous_takers_one_wins
            no_step_is_lost_or_doubled_between_owners
            pieces_of_work_are_independent
            forgotten_work_begins_anew
            large_positions_and_long_names_are_kept

            it_is_known_who_has_which_work
            the_lease_of_an_owner_that_died_is_ended
            a_lease_that_ran_out_has_no_owner
            work_is_asked_for_by_one_at_a_time
            what_nobody_has_is_not_asked_for
            who_takes_work_is_not_asked_for_it_any_more
            of_simultaneous_askers_one_is_noted

            parking_moves_the_checkpoint
            a_former_owner_parks_and_skips_nothing
            a_parked_stream_is_not_parked_further_on
            a_parked_stream_moves_only_from_where_it_was
            a_lost_write_extends_no_lease
            a_wish_is_noted_once_and_for_one_event
            texts_for_people_hold_any_character
            what_fails_again_waits_for_another_wish
            a_letter_is_closed_by_the_step_past_it
            a_skipped_event_is_kept_as_it_was_given
            one_letter_follows_another_on_a_stream
            letters_about_events_are_filtered
            letters_about_events_are_annotated_and_counted
            parked_streams_are_listed_in_order
            what_was_parked_is_forgotten_with_the_progress
            paused_work_says_why_until_it_is_resumed
            a_pause_by_hand_is_kept_until_it_is_lifted
        }
    };
    (rules ($open:expr) $($rule:ident)*) => {
        $(
            #[test]
            fn $rule() {
                $crate::conformance::run(async {
                    let opened = $open.await;
                    let (a, b): (
                        $crate::conformance::CheckpointHandle,
                        $crate::conformance::CheckpointHandle,
                    ) = (opened.0.clone(), opened.1.clone());
                    $crate::conformance::$rule(&a, &b).await;
                });
            }
        )*
    };
}
