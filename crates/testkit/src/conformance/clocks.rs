//! Rules for a storage whose clock jumps: a jump costs no more time than a lease lasts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use seriatim_core::{
    Advance, Assignment, ClearedTimer, Domain, Hold, LONGEST_LEASE, NewTimer, Owner, Sequence,
    Store, StreamId, Taking, Tenure, Timestamp, Update, Work,
};
use uuid::Uuid;

use super::checkpoints::{place, work};

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
    let taking = store.take(work, owner, MINUTE).await;
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
        let advance = Advance::Checkpoint(place(former.at.position.0 + 1));
        let held = a
            .write(&former, &Update::Advance(advance.clone()), MINUTE)
            .await;
        assert_eq!(held.expect("the store answers"), Hold::Held);
        former.at = place(former.at.position.0 + 1);
        assert!(
            try_to_take(b, &work, &two).await.is_none(),
            "it has an owner"
        );

        clock.jump(ahead).await;
        let held = a.write(&former, &Update::Renew, MINUTE).await;
        assert_eq!(held.expect("the store answers"), Hold::Held);
        clock.jump(-ahead).await;
        let taken = try_to_take(b, &work, &two).await;
        let taken = taken.expect("the lease of the former owner has run out");
        assert_eq!(taken.at, former.at);
        let held = a.write(&former, &Update::Renew, MINUTE).await;
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
    let held = a.write(&tenure, &Update::Renew, MINUTE).await;
    assert_eq!(held.expect("the store answers"), Hold::Held);
    assert_eq!(assigned(a, &work).await.asked_by, None);
    assert!(ask(&two).await);
    assert_eq!(assigned(b, &work).await.asked_by, Some(two.id));
}

/// A clock that jumps ahead ends leases early. A slow owner is told so by its next write.
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
    let advance = Advance::Checkpoint(place(1));
    let held = a
        .write(&former, &Update::Advance(advance.clone()), MINUTE)
        .await;
    assert_eq!(held.expect("the store answers"), Hold::Lost);
}

const HOUR: Duration = Duration::from_secs(3600);
const SHORT: Duration = Duration::from_millis(300);

fn till() -> Domain {
    Domain::new("till").expect("it is a name")
}

/// Returns a timer of an event that is in a stream of its own and was recorded so many seconds from now.
fn timer(recorded_in: i64, after: Duration) -> NewTimer {
    let now = Timestamp::now().as_micros();
    NewTimer {
        stream: StreamId::new(till(), Uuid::now_v7()),
        name: "close".into(),
        set_at: Sequence(0),
        ordinal: 0,
        recorded_at: Timestamp::from_micros(now + recorded_in * 1_000_000),
        after,
    }
}

async fn set(store: &ClockedHandle, timer: &NewTimer) {
    let done = store.set_timers(std::slice::from_ref(timer)).await;
    done.expect("the store answers");
}

async fn next(store: &ClockedHandle) -> Duration {
    let next = store.next_timer(&till()).await;
    next.expect("the store answers").expect("there is a timer")
}

async fn ring(store: &ClockedHandle) -> usize {
    let rung = store.ring_timers(&till(), 10, MINUTE).await;
    rung.expect("the store answers").len()
}

async fn clear(store: &ClockedHandle, timer: &NewTimer) {
    let cleared = ClearedTimer {
        stream: timer.stream.clone(),
        name: timer.name.clone(),
        through: timer.set_at,
    };
    let done = store.clear_timers(&[cleared]).await;
    done.expect("the store answers");
}

/// As an alarm does it: it rings when the time is over, and not before.
async fn assert_rings_after(store: &ClockedHandle, begun: Instant, after: Duration) {
    let ringing = async {
        loop {
            tokio::time::sleep(next(store).await.min(SHORT)).await;
            if ring(store).await == 1 {
                return begun.elapsed();
            }
        }
    };
    let rung = tokio::time::timeout(MINUTE, ringing).await;
    let rung = rung.expect("it rings today");
    assert!(rung >= after, "too early: {rung:?}");
}

/// Events of a clock that was a day ahead lie a day in the future, and so does every event behind them. Timers do not.
pub async fn a_timer_of_an_event_of_the_future_counts_from_now(
    a: &ClockedHandle,
    b: &ClockedHandle,
    _: &dyn StorageClock,
) {
    let (begun, timer) = (Instant::now(), timer(DAY, SHORT));
    set(a, &timer).await;
    // Whoever rings may not be there for a while.
    let kept = b.timers(None, 1).await.expect("the store answers");
    assert!(kept[0].due < Timestamp::now().later_by(MINUTE), "{kept:?}");
    assert_rings_after(b, begun, SHORT).await;
}

/// Neither do those that were set while the clock was ahead, or before it went back.
pub async fn timers_of_a_clock_that_was_ahead_count_anew(
    a: &ClockedHandle,
    b: &ClockedHandle,
    clock: &dyn StorageClock,
) {
    clock.jump(DAY).await;
    let (begun, timer) = (Instant::now(), timer(DAY, SHORT));
    set(a, &timer).await;
    clock.jump(-DAY).await;
    assert_rings_after(b, begun, SHORT).await;
    clear(a, &timer).await;

    for (before, after) in [(DAY, -DAY), (0, -DAY)] {
        clock.jump(before).await;
        let timer = self::timer(before, HOUR);
        set(a, &timer).await;
        clock.jump(after).await;
        let wait = next(b).await;
        assert!(HOUR / 2 < wait && wait <= HOUR, "{wait:?}");
        // Whoever sets it again changes nothing.
        set(b, &timer).await;
        let again = next(a).await;
        assert!(HOUR / 2 < again && again <= wait, "{again:?}");
        assert_eq!(ring(a).await, 0);
        clear(a, &timer).await;
        clock.jump(-before - after).await;
    }
}

/// A timer that rang while the clock was ahead is not silent for a day; nor does it ring before it is due.
pub async fn timers_that_a_clock_made_ring_that_was_ahead_are_not_silent(
    a: &ClockedHandle,
    b: &ClockedHandle,
    clock: &dyn StorageClock,
) {
    let due = timer(-DAY, Duration::ZERO);
    set(a, &due).await;
    clock.jump(DAY).await;
    assert_eq!(ring(a).await, 1);
    clock.jump(-DAY).await;
    assert_eq!(next(b).await, Duration::ZERO);
    assert_eq!(ring(b).await, 1);
    assert_eq!(ring(a).await, 0, "it is silent for others");
    clear(a, &due).await;

    let later = timer(0, HOUR);
    set(a, &later).await;
    clock.jump(DAY).await;
    assert_eq!(ring(a).await, 1, "by this clock it is due");
    clock.jump(-DAY).await;
    let wait = next(b).await;
    assert!(HOUR / 2 < wait && wait <= HOUR, "{wait:?}");
    assert_eq!(ring(b).await, 0);
}

/// A clock that jumps ahead makes what is due by it ring.
pub async fn a_clock_that_jumps_ahead_makes_timers_ring(
    a: &ClockedHandle,
    b: &ClockedHandle,
    clock: &dyn StorageClock,
) {
    let timer = timer(0, HOUR);
    set(a, &timer).await;
    assert_eq!(ring(b).await, 0);
    clock.jump(DAY).await;
    assert_eq!(next(b).await, Duration::ZERO);
    assert_eq!(ring(b).await, 1);
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
            a_timer_of_an_event_of_the_future_counts_from_now
            timers_of_a_clock_that_was_ahead_count_anew
            a_timer_for_a_time_keeps_it
            the_lease_of_an_owner_that_died_ends_by_the_clock_of_the_storage
            timers_that_a_clock_made_ring_that_was_ahead_are_not_silent
            a_clock_that_jumps_ahead_makes_timers_ring
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

/// A lease ends by the clock of the storage: if the store was told that the owner has ended, nobody waits for the lease.
pub async fn the_lease_of_an_owner_that_died_ends_by_the_clock_of_the_storage(
    a: &ClockedHandle,
    b: &ClockedHandle,
    clock: &dyn StorageClock,
) {
    let [one, two] = ["one", "two"].map(Owner::new);
    for (number, ahead) in [DAY, -DAY].into_iter().enumerate() {
        clock.jump(ahead).await;
        let work = work(["balances", "emails"][number]);
        try_to_take(a, &work, &one).await.expect("it is free");
        let ended = b.end_lease(&work, one.id).await;
        assert!(ended.expect("the store answers"), "it had the work");
        assert!(try_to_take(b, &work, &two).await.is_some());
        clock.jump(-ahead).await;
    }
}

/// A timer for a time rings at that time, whatever the clock says meanwhile.
pub async fn a_timer_for_a_time_keeps_it(
    a: &ClockedHandle,
    b: &ClockedHandle,
    clock: &dyn StorageClock,
) {
    let at = |time: Timestamp| NewTimer {
        recorded_at: Timestamp::EPOCH,
        after: time.since(Timestamp::EPOCH),
        ..timer(0, HOUR)
    };
    let tomorrow = at(Timestamp::now().later_by(24 * HOUR));
    set(a, &tomorrow).await;
    let rings_in = async |expected: Duration| {
        let wait = next(b).await;
        assert!(expected - HOUR < wait && wait <= expected, "{wait:?}");
        assert_eq!(ring(b).await, 0);
    };
    rings_in(24 * HOUR).await;
    clock.jump(DAY / 2).await;
    rings_in(12 * HOUR).await;
    clock.jump(-DAY).await;
    rings_in(36 * HOUR).await;
    clock.jump(DAY / 2).await;
    // A clock that is ahead makes it ring; when that is right again it is due tomorrow as before.
    clock.jump(2 * DAY).await;
    assert_eq!(ring(b).await, 1);
    clock.jump(-2 * DAY).await;
    rings_in(24 * HOUR).await;
    clear(a, &tomorrow).await;

    set(a, &at(Timestamp::now())).await;
    assert_eq!(ring(b).await, 1, "its time is over");
}
