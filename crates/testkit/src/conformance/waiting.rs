//! Rules of waiting: waiters are woken by every commit, through whichever handle.

use std::time::Duration;

use seriatim_core::{LogPartition, Position, RecordedEvent, Sequence};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::samples::*;

/// Far longer than a store takes between two checks. A waiter that is not woken by then never will be.
const TOO_LONG: Duration = Duration::from_secs(60);

/// Events that are there need not be waited for, also if the handle has never heard of them.
pub async fn what_is_there_is_not_waited_for(a: &Handle, b: &Handle) {
    for stream in one_stream_for_each_partition(a) {
        write(a, append(&stream, None, events(3))).await;
        let partition = home(a, &stream);
        for (handle, seen) in [(a, 0), (b, 0), (b, 2)] {
            must_end(handle.wait_past(partition, Position(seen))).await;
        }
    }
}

/// Somebody who waits at the end of a partition comes to know of an event that is committed there, over the same
/// handle or another.
pub async fn a_commit_wakes_those_who_wait(a: &Handle, b: &Handle) {
    for stream in one_stream_for_each_partition(a) {
        let partition = home(a, &stream);
        let waiters = [a, b].map(|handle| wait(handle, partition, Position::START));
        tokio::task::yield_now().await;
        write(a, append(&stream, None, events(1))).await;
        for waiter in waiters {
            must_end(waiter).await.unwrap();
        }
    }
}

/// Many wait on one handle, also for different partitions, and all come to know.
pub async fn many_can_wait(a: &Handle, b: &Handle) {
    let streams = one_stream_for_each_partition(a);
    let waiters: Vec<_> = (0..50)
        .flat_map(|_| LogPartition::all(b.partitions()))
        .map(|partition| wait(b, partition, Position(1)))
        .collect();
    for stream in &streams {
        write(a, append(stream, None, events(1))).await;
        write(a, append(stream, at(0), events(1))).await;
    }
    for waiter in waiters {
        must_end(waiter).await.unwrap();
    }
}

/// Those who stop waiting, before or after they were woken, take nobody along.
pub async fn a_dropped_waiter_harms_nobody(a: &Handle, b: &Handle) {
    for (round, stream) in one_stream_for_each_partition(a).iter().enumerate() {
        let partition = home(a, stream);
        let (dropped, waiters): (Vec<_>, Vec<_>) = (0..20)
            .map(|_| wait(b, partition, Position::START))
            .enumerate()
            .partition(|(n, _)| n % 2 == round % 2);
        // Dropped after one poll, which may be in the middle of a look at the storage.
        assert!(futures::poll!(b.wait_past(partition, Position::START)).is_pending());
        tokio::task::yield_now().await;
        dropped.iter().for_each(|(_, waiter)| waiter.abort());
        write(a, append(stream, None, events(1))).await;
        for (_, waiter) in waiters {
            must_end(waiter).await.unwrap();
        }
    }
}

/// An event between the last read and the wait is not missed: a follower that the writer waits for sees all.
pub async fn no_event_is_missed_between_reading_and_waiting(a: &Handle, b: &Handle) {
    const COUNT: u32 = 30;
    for (writer, follower) in [(a, b), (a, a)] {
        let stream = one_stream_for_each_partition(a).pop().unwrap();
        let partition = home(a, &stream);
        let (seen, mut news) = mpsc::unbounded_channel();
        let following = {
            let (store, last) = (follower.clone(), Sequence(COUNT - 1));
            let stream = stream.clone();
            tokio::spawn(async move {
                let mut after = Position::START;
                loop {
                    let page = store.read_log(partition, after, 10).await.unwrap().events;
                    for event in page.iter().filter(|event| event.stream == stream) {
                        seen.send(event.clone()).unwrap();
                        if event.sequence == last {
                            return;
                        }
                    }
                    match page.last() {
                        Some(last) => after = last.position,
                        None => store.wait_past(partition, after).await,
                    }
                }
            })
        };
        for sequence in 0..COUNT {
            let after = sequence.checked_sub(1).and_then(at);
            write(writer, append(&stream, after, events(1))).await;
            let event: RecordedEvent = must_end(news.recv()).await.unwrap();
            assert_eq!(event.sequence, Sequence(sequence));
        }
        must_end(following).await.unwrap();
    }
}

fn wait(store: &Handle, partition: LogPartition, position: Position) -> JoinHandle<()> {
    let store = store.clone();
    tokio::spawn(async move {
        loop {
            // Being woken too early is allowed.
            store.wait_past(partition, position).await;
            if store.head(partition).await.unwrap() > position {
                return;
            }
        }
    })
}

async fn must_end<T>(waiting: impl Future<Output = T>) -> T {
    let ended = tokio::time::timeout(TOO_LONG, waiting).await;
    ended.expect("nobody was woken")
}
