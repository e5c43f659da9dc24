//! Rules for a storage whose clock jumps: a jump costs no more than the time that a lease lasts.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use seriatim_core::{
    Advance, Assignment, Hold, LONGEST_LEASE, Owner, Position, Store, Taking, Tenure, Work,
};

use super::checkpoints::work;

/// One handle on the storage that is examined.
pub type ClockedHandle = Arc<dyn Store>;

/// The clock of the storage that is examined.
#[async_trait]
pub trait StorageClock: Send + Sync {
    /// Lets it jump by so many seconds: ahead, or back if they are negative.
    async fn jump(&self, seconds: i64);
}

const DAY: i64 = 24 * 3600;
const MINUTE: Duration = Duration::from_secs(60);

async fn try_to_take(store: &ClockedHandle, work: &Work, owner: &Owner) -> Option<Tenure> {
    let taking = store.take(work, owner, MINUTE, Position::START).await;
    match taking.expect("the store answers") {
        Taking::Taken(tenure) => Some(tenure),
        Taking::Busy { .. } => None,
    }
}

async fn assigned(store: &ClockedHandle, work: &Work) -> Assignment {
    let all = store.assignments(&work.component).await;
    all.expect("the store answers").remove(0)
}

async fn shown_owner(store: &ClockedHandle, work: &Work) -> Option<String> {
    let all = store.checkpoints(Some(&work.component)).await;
    all.expect("the store answers").remove(0).owner
}

/// A clock that was a day ahead and is right again does not keep work for a day from those who are there.
pub async fn a_lease_of_a_clock_that_was_ahead_has_run_out(
    a: &ClockedHandle,
    b: &ClockedHandle,
    clock: &dyn StorageClock,
) {
    let (work, [one, two]) = (work("balances"), ["one", "two"].map(Owner::new));
    for ahead in [
        DAY,
        400 * DAY,
        2 * i64::try_from(LONGEST_LEASE.as_secs()).unwrap_or(DAY),
    ] {
        clock.jump(ahead).await;
        let mut former = try_to_take(a, &work, &one).await.expect("it is free");
        assert!(
            try_to_take(b, &work, &two).await.is_none(),
            "it has an owner"
        );
        clock.jump(-ahead).await;
        assert_eq!(assigned(b, &work).await.owner, None);
        assert_eq!(shown_owner(b, &work).await, None);
        // As long as nobody else has come it goes on, and has a lease of today.
        let advance = Advance::Checkpoint(Position(former.position.0 + 1));
        let held = a.advance(&former, &advance, MINUTE).await;
        assert_eq!(held.expect("the store answers"), Hold::Held);
        former.position.0 += 1;
        assert!(
            try_to_take(b, &work, &two).await.is_none(),
            "it has an owner"
        );

        clock.jump(ahead).await;
        let held = a.prolong(&former, MINUTE).await;
        assert_eq!(held.expect("the store answers"), Hold::Held);
        clock.jump(-ahead).await;
        let taken = try_to_take(b, &work, &two).await;
        let taken = taken.expect("the lease of the former owner has run out");
        assert_eq!(taken.position, former.position);
        let held = a.prolong(&former, MINUTE).await;
        assert_eq!(held.expect("the store answers"), Hold::Lost);
        b.release(&taken).await.expect("the store answers");
    }
}

/// Neither does a request of then keep it from others.
pub async fn a_request_of_a_clock_that_was_ahead_is_over(
    a: &ClockedHandle,
    b: &ClockedHandle,
    clock: &dyn StorageClock,
) {
    let (work, [owner, one, two]) = (work("balances"), ["owner", "one", "two"].map(Owner::new));
    let ask = async |asker: &Owner| {
        let noted = b.ask(&work, asker.id, MINUTE).await;
        noted.expect("the store answers")
    };
    clock.jump(DAY).await;
    let tenure = try_to_take(a, &work, &owner).await.expect("it is free");
    assert!(ask(&one).await);
    assert_eq!(assigned(a, &work).await.asked_by, Some(one.id));
    clock.jump(-DAY).await;
    assert!(!ask(&two).await, "nobody has it by the clock of today");
    let held = a.prolong(&tenure, MINUTE).await;
    assert_eq!(held.expect("the store answers"), Hold::Held);
    assert_eq!(assigned(a, &work).await.asked_by, None);
    assert!(ask(&two).await);
    assert_eq!(assigned(b, &work).await.asked_by, Some(two.id));
}

/// A clock that jumps ahead ends leases early. Whoever was slow finds out by its next write.
pub async fn a_clock_that_jumps_ahead_ends_leases(
    a: &ClockedHandle,
    b: &ClockedHandle,
    clock: &dyn StorageClock,
) {
    let (work, [one, two]) = (work("balances"), ["one", "two"].map(Owner::new));
    let former = try_to_take(a, &work, &one).await.expect("it is free");
    clock.jump(DAY).await;
    assert_eq!(assigned(b, &work).await.owner, None);
    try_to_take(b, &work, &two)
        .await
        .expect("its lease is over");
    let advance = Advance::Checkpoint(Position(1));
    let held = a.advance(&former, &advance, MINUTE).await;
    assert_eq!(held.expect("the store answers"), Hold::Lost);
}

/// Makes one test of each rule for a store whose clock can be made to jump; the block gives two handles on one empty
/// storage, its clock, and what keeps it alive.
#[macro_export]
macro_rules! clock_conformance {
    ($open:expr) => {
        $crate::clock_conformance! { rules ($open)
            a_lease_of_a_clock_that_was_ahead_has_run_out
            a_request_of_a_clock_that_was_ahead_is_over
            a_clock_that_jumps_ahead_ends_leases
        }
    };
    (rules ($open:expr) $($rule:ident)*) => {
        $(
            #[test]
            fn $rule() {
                $crate::conformance::run(async {
                    let opened = $open.await;
                    let (a, b): (
                        $crate::conformance::ClockedHandle,
                        $crate::conformance::ClockedHandle,
                    ) = (opened.0.clone(), opened.1.clone());
                    $crate::conformance::$rule(&a, &b, &opened.2).await;
                });
            }
        )*
    };
}
