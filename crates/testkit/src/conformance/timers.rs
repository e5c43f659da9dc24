//! Rules of timers: never too early, for one caller at a time, and again until they are cleared.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use seriatim_core::{
    ClearedTimer, Domain, NewTimer, Overdue, Sequence, StreamId, Timer, TimerStore, Timestamp,
};
use uuid::Uuid;

/// One handle on the storage that is examined.
pub type TimerHandle = Arc<dyn TimerStore>;

const HOUR: Duration = Duration::from_secs(3600);
const MANY: usize = 1000;

fn domain(name: &str) -> Domain {
    Domain::new(name).expect("the rules name only domains")
}

fn stream(name: &str) -> StreamId {
    StreamId::new(domain(name), Uuid::now_v7())
}

/// Far enough in the past for any two clocks.
fn yesterday() -> Timestamp {
    let day = 24 * 3600 * 1_000_000;
    Timestamp::from_micros(Timestamp::now().as_micros() - day)
}

fn timer(stream: &StreamId, name: &str, set_at: u32, due: Timestamp) -> Timer {
    Timer {
        stream: stream.clone(),
        name: name.into(),
        set_at: Sequence(set_at),
        ordinal: 0,
        due,
    }
}

fn cleared(stream: &StreamId, name: &str, through: u32) -> ClearedTimer {
    ClearedTimer {
        stream: stream.clone(),
        name: name.into(),
        through: Sequence(through),
    }
}

/// Sets timers as they are expected to be kept: by events of long ago.
async fn set(store: &TimerHandle, timers: &[Timer]) {
    let new = timers.iter().map(|timer| {
        let recorded_at = timer.due.min(yesterday());
        NewTimer {
            stream: timer.stream.clone(),
            name: timer.name.clone(),
            set_at: timer.set_at,
            ordinal: timer.ordinal,
            recorded_at,
            after: timer.due.since(recorded_at),
        }
    });
    let done = store.set_timers(&Vec::from_iter(new)).await;
    done.expect("the store answers");
}

async fn clear(store: &TimerHandle, timers: &[ClearedTimer]) {
    let done = store.clear_timers(timers).await;
    done.expect("the store answers");
}

async fn ring(store: &TimerHandle, of: &str, silence: Duration) -> Vec<Timer> {
    let ringing = store.ring_timers(&domain(of), MANY, silence).await;
    ringing.expect("the store answers")
}

async fn next(store: &TimerHandle, of: &str) -> Option<Duration> {
    let next = store.next_timer(&domain(of)).await;
    next.expect("the store answers")
}

/// A timer that is due rings as it was set; one that is not due does not ring.
pub async fn a_timer_rings_when_it_is_due(a: &TimerHandle, b: &TimerHandle) {
    let stream = stream("till");
    let due = Timer {
        ordinal: 3,
        ..timer(&stream, "close", 7, yesterday())
    };
    let later = timer(&stream, "open", 7, Timestamp::now().later_by(HOUR));
    set(a, &[later, due.clone()]).await;
    assert_eq!(ring(b, "till", HOUR).await, [due]);
}

/// A timer rings for one caller; a second caller does not get it.
pub async fn a_timer_rings_for_one_caller(a: &TimerHandle, b: &TimerHandle) {
    set(a, &[timer(&stream("till"), "close", 0, yesterday())]).await;
    assert_eq!(ring(a, "till", HOUR).await.len(), 1);
    for store in [b, a] {
        assert_eq!(ring(store, "till", HOUR).await, []);
    }
    let silent = next(b, "till").await.expect("it was not cleared");
    assert!(
        Duration::ZERO < silent && silent <= HOUR,
        "silent for {silent:?}"
    );
}

/// The caller that it rang for may be gone, so it rings again.
pub async fn a_timer_rings_again_after_its_silence(a: &TimerHandle, b: &TimerHandle) {
    let timer = timer(&stream("till"), "close", 0, yesterday());
    set(a, std::slice::from_ref(&timer)).await;
    for store in [a, b, a] {
        let ringing = ring(store, "till", Duration::ZERO).await;
        assert_eq!(ringing, std::slice::from_ref(&timer));
    }
}

/// A timer that was cleared is gone, whether it has rung or not.
pub async fn a_cleared_timer_does_not_ring(a: &TimerHandle, b: &TimerHandle) {
    let stream = stream("till");
    let names = ["rung", "silent", "left"];
    let timers = names.map(|name| timer(&stream, name, 4, yesterday()));
    set(a, &timers[..1]).await;
    assert_eq!(ring(a, "till", HOUR).await.len(), 1);
    set(a, &timers[1..]).await;
    let gone = ["rung", "silent", "unknown"].map(|name| cleared(&stream, name, 4));
    clear(b, &gone).await;
    assert_eq!(ring(a, "till", HOUR).await, timers[2..]);
    clear(a, &[cleared(&stream, "left", 5)]).await;
    assert_eq!(next(b, "till").await, None);
}

/// A later event sets a timer anew; an earlier one, or the same again, changes nothing.
pub async fn a_timer_is_that_of_the_latest_event(a: &TimerHandle, b: &TimerHandle) {
    let stream = stream("till");
    let due = yesterday();
    let set_by = |sequence| timer(&stream, "close", sequence, due);
    set(a, &[set_by(5)]).await;
    set(b, &[set_by(3)]).await;
    assert_eq!(ring(b, "till", HOUR).await, [set_by(5)]);
    set(b, &[set_by(5)]).await;
    assert_eq!(ring(a, "till", HOUR).await, [], "it is silent still");
    set(b, &[set_by(6)]).await;
    assert_eq!(ring(a, "till", HOUR).await, [set_by(6)], "it is a new one");

    let later = timer(&stream, "close", 8, Timestamp::now().later_by(HOUR));
    set(a, &[set_by(7), later, set_by(6)]).await;
    assert_eq!(ring(b, "till", HOUR).await, [], "the last one is not due");
}

/// Clearing a timer does not clear a later one of the same name.
pub async fn clearing_leaves_what_was_set_later(a: &TimerHandle, b: &TimerHandle) {
    let stream = stream("till");
    let timer = timer(&stream, "close", 5, yesterday());
    set(a, std::slice::from_ref(&timer)).await;
    clear(b, &[cleared(&stream, "close", 4)]).await;
    assert_eq!(ring(b, "till", HOUR).await, [timer]);
}

/// Neither streams nor domains have to do with each other's timers.
pub async fn timers_belong_to_their_stream(a: &TimerHandle, b: &TimerHandle) {
    let (one, other) = (stream("till"), stream("till"));
    let elsewhere = StreamId::new(domain("till-2"), one.root);
    let streams = [&one, &other, &elsewhere];
    let timers = streams.map(|stream| timer(stream, "close", 1, yesterday()));
    set(a, &timers).await;
    clear(b, &[cleared(&other, "close", 1)]).await;
    assert_eq!(next(b, "nobody").await, None);
    assert_eq!(ring(b, "till", HOUR).await, timers[..1]);
    assert_eq!(ring(b, "till-2", HOUR).await, timers[2..]);
}

/// It is known how long nothing will ring.
pub async fn the_next_timer_is_known(a: &TimerHandle, b: &TimerHandle) {
    let stream = stream("till");
    assert_eq!(next(a, "till").await, None);
    let in_hours = |hours| Timestamp::now().later_by(HOUR * hours);
    let timers = [("second", 2), ("first", 1)];
    let timers = timers.map(|(name, hours)| timer(&stream, name, 0, in_hours(hours)));
    set(a, &timers).await;
    let wait = next(b, "till").await.expect("there are two");
    assert!(wait <= HOUR && HOUR / 2 < wait, "{wait:?}");
    set(a, &[timer(&stream, "now", 1, yesterday())]).await;
    assert_eq!(next(b, "till").await, Some(Duration::ZERO));
}

/// The timers that are due and were not cleared are counted, and it is known for how long they have been due.
pub async fn overdue_timers_are_counted(a: &TimerHandle, b: &TimerHandle) {
    let overdue = async |store: &TimerHandle, silence| {
        let overdue = store.overdue(&domain("till"), silence).await;
        overdue.expect("the store answers")
    };
    assert_eq!(overdue(a, HOUR).await, Overdue::default());
    let (one, other) = (stream("till"), stream("till"));
    let recent = timer(&one, "recent", 0, yesterday().later_by(HOUR));
    let timers = [
        timer(&one, "close", 0, yesterday()),
        recent,
        timer(&one, "open", 0, Timestamp::now().later_by(HOUR / 2)),
        timer(&stream("till-2"), "close", 0, Timestamp::MIN),
    ];
    set(a, &timers).await;
    let found = overdue(b, Duration::ZERO).await;
    let day = HOUR * 24;
    assert_eq!(found.count, 2);
    assert!((day..day + HOUR).contains(&found.longest), "{found:?}");

    assert_eq!(ring(a, "till", HOUR / 2).await.len(), 2);
    set(a, &[timer(&other, "close", 0, yesterday().later_by(HOUR))]).await;
    let found = overdue(b, Duration::ZERO).await;
    assert_eq!(found.count, 1, "the others are silent");
    assert!(found.longest < day, "{found:?}");
    for silence in [HOUR, Duration::MAX] {
        assert_eq!(overdue(b, silence).await.count, 3);
    }
    clear(a, &[cleared(&other, "close", 0)]).await;
    assert_eq!(overdue(b, HOUR).await.count, 2);
}

/// Those that have waited longest ring first, and none is left out.
pub async fn timers_ring_in_pages(a: &TimerHandle, b: &TimerHandle) {
    let first = yesterday();
    let due = |index: u64| first.later_by(Duration::from_secs(index));
    let timers: Vec<_> = (0..MANY as u64)
        .map(|index| timer(&stream("till"), "close", 0, due(index)))
        .collect();
    let shuffled: Vec<_> = (0..MANY).map(|n| timers[n * 7 % MANY].clone()).collect();
    set(a, &shuffled).await;
    let mut rung = Vec::new();
    for store in [a, b].into_iter().cycle().take(MANY) {
        let page = store.ring_timers(&domain("till"), 300, HOUR).await;
        let page = page.expect("the store answers");
        rung.extend(page.iter().cloned());
        if page.len() < 300 {
            break;
        }
    }
    assert!(rung == timers, "{} of them in another order", rung.len());
}

/// However many ring them at once, each rings for one.
pub async fn of_simultaneous_callers_each_timer_has_one(a: &TimerHandle, b: &TimerHandle) {
    let timers: Vec<_> = (0..MANY)
        .map(|_| timer(&stream("till"), "close", 0, yesterday()))
        .collect();
    set(a, &timers).await;
    let callers = (0..8).map(|caller| {
        let store = if caller % 2 == 0 { a } else { b }.clone();
        tokio::spawn(async move {
            let mut rung = Vec::new();
            // More than there are is wrong, and would never end.
            while rung.len() <= MANY && next(&store, "till").await == Some(Duration::ZERO) {
                let page = store.ring_timers(&domain("till"), 20, HOUR).await;
                rung.extend(page.expect("the store answers"));
            }
            rung
        })
    });
    let mut rung = Vec::new();
    for caller in Vec::from_iter(callers) {
        rung.extend(caller.await.expect("a caller does not panic"));
    }
    let roots: BTreeSet<_> = rung.iter().map(|timer| timer.stream.root).collect();
    assert_eq!((rung.len(), roots.len()), (MANY, MANY));
}

/// Those who set, ring and clear the same timers at once are not in each other's way.
pub async fn simultaneous_changes_all_succeed(a: &TimerHandle, b: &TimerHandle) {
    let streams: Arc<[_]> = (0..50).map(|_| stream("till")).collect();
    let workers = (0..6).map(|worker| {
        let store = if worker % 2 == 0 { a } else { b }.clone();
        let streams = Arc::clone(&streams);
        tokio::spawn(async move {
            for round in 0..20 {
                // Each goes through them in another order.
                let mut mixed = streams.to_vec();
                mixed.rotate_left(worker * 5 + round);
                if worker % 3 == 1 {
                    mixed.reverse();
                }
                let at = u32::try_from(round).expect("it is small");
                let timers: Vec<_> = (mixed.iter())
                    .map(|stream| timer(stream, "close", at, yesterday()))
                    .collect();
                match worker % 3 {
                    0 => set(&store, &timers).await,
                    1 => {
                        let timers = mixed.iter().map(|stream| cleared(stream, "close", at));
                        clear(&store, &Vec::from_iter(timers)).await;
                    }
                    _ => drop(ring(&store, "till", Duration::ZERO).await),
                }
            }
        })
    });
    for worker in Vec::from_iter(workers) {
        worker.await.expect("every call succeeds");
    }
    let all: Vec<_> = (streams.iter())
        .map(|stream| cleared(stream, "close", 20))
        .collect();
    clear(a, &all).await;
    assert_eq!(next(b, "till").await, None);
}

/// Names and times as strange as they can be.
pub async fn long_names_and_far_times_are_kept(a: &TimerHandle, b: &TimerHandle) {
    let stream = StreamId::new(domain(&"t".repeat(64)), Uuid::max());
    let odd = Timer {
        ordinal: i32::MAX as u32,
        ..timer(
            &stream,
            &"Zoë's 🦀 \"alarm\" ".repeat(10),
            i32::MAX as u32,
            Timestamp::MIN,
        )
    };
    let never = timer(&stream, "never", 0, Timestamp::MAX);
    set(a, &[odd.clone(), never]).await;
    let rung = ring(b, stream.domain.as_str(), Duration::MAX).await;
    assert_eq!(rung, std::slice::from_ref(&odd));
    clear(b, &[cleared(&stream, &odd.name, odd.set_at.0)]).await;
    let wait = next(a, stream.domain.as_str()).await;
    assert!(wait > Some(HOUR), "{wait:?}");
}

/// Nothing to do is no error.
pub async fn no_timers_are_no_error(a: &TimerHandle, b: &TimerHandle) {
    set(a, &[]).await;
    clear(b, &[]).await;
    assert_eq!(ring(a, "till", HOUR).await, []);
}

/// All are listed, due or not, silent or not; pages follow one another whatever they end with.
pub async fn timers_are_listed_in_order_and_in_pages(a: &TimerHandle, b: &TimerHandle) {
    assert_eq!(b.timers(None, 10).await.expect("the store answers"), []);
    let mut expected = Vec::new();
    for of in ["b", "a"] {
        for root in [Uuid::max(), Uuid::nil()] {
            let stream = StreamId::new(domain(of), root);
            let due = [yesterday(), Timestamp::now().later_by(HOUR)];
            let timers = ["ä", "close", "Close"].map(|name| timer(&stream, name, 4, due[0]));
            set(a, &timers).await;
            let later = timer(&stream, "open", 9, due[1]);
            set(a, std::slice::from_ref(&later)).await;
            expected.extend(timers);
            expected.push(later);
        }
    }
    expected.sort_by_key(|timer| (timer.stream.clone(), timer.name.clone()));
    ring(a, "a", HOUR).await;
    for size in [1, 3, 100] {
        let mut pages: Vec<Timer> = Vec::new();
        loop {
            let after = pages.last().map(|last| (&last.stream, &*last.name));
            let page = b.timers(after, size).await.expect("the store answers");
            assert!(page.len() <= size);
            if page.is_empty() {
                break;
            }
            pages.extend(page);
        }
        assert_eq!(pages, expected, "in pages of {size}");
    }
}

/// Makes one test of each rule for what keeps timers; the block gives two handles on one empty storage, and what keeps
/// it alive.
#[macro_export]
macro_rules! timer_conformance {
    ($open:expr) => {
        $crate::timer_conformance! { rules ($open)
            a_timer_rings_when_it_is_due
            a_timer_rings_for_one_caller
            a_timer_rings_again_after_its_silence
            a_cleared_timer_does_not_ring
            a_timer_is_that_of_the_latest_event
            clearing_leaves_what_was_set_later
            timers_belong_to_their_stream
            the_next_timer_is_known
            overdue_timers_are_counted
            timers_ring_in_pages
            of_simultaneous_callers_each_timer_has_one
            simultaneous_changes_all_succeed
            long_names_and_far_times_are_kept
            no_timers_are_no_error
            timers_are_listed_in_order_and_in_pages
        }
    };
    (rules ($open:expr) $($rule:ident)*) => {
        $(
            #[test]
            fn $rule() {
                $crate::conformance::run(async {
                    let opened = $open.await;
                    let (a, b): (
                        $crate::conformance::TimerHandle,
                        $crate::conformance::TimerHandle,
                    ) = (opened.0.clone(), opened.1.clone());
                    $crate::conformance::$rule(&a, &b).await;
                });
            }
        )*
    };
}
