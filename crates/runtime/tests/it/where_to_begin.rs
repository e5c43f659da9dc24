//! Tests where a subscription begins, and where it must not.

use std::sync::Arc;
use std::time::Duration;

use seriatim_core::{
    Begin, Bookmark, Cursor, EventFilter, Log, LogPartition, Position, RecordedEvent,
    SubscribeError, Timestamp,
};
use seriatim_runtime::Feed;
use seriatim_testkit::soon;

use crate::support::{all_kinds, append, fill, memory, stream, subscribe, take};

#[tokio::test]
async fn now_is_after_what_is_recorded_already() {
    for storage in all_kinds().await {
        fill(&*storage.store, 3, 2).await;
        let mut subscription = subscribe(&storage.store, Begin::Now).await;
        assert!(soon(subscription.next()).await.unwrap().caught_up());
        append(&*storage.store, &stream("order", 1), 2, &["Later"]).await;
        let events = take(&mut subscription, 1).await;
        assert_eq!(events[0].payload.type_name, "Later");
    }
}

#[tokio::test]
async fn after_a_cursor_is_the_next_event_of_each_partition() {
    for storage in all_kinds().await {
        fill(&*storage.store, 8, 5).await;
        let mut first = subscribe(&storage.store, Begin::AtTheFirst).await;
        let all = take(&mut first, 40).await;
        let mut cursor = Cursor::start(storage.store.log_id(), storage.store.partitions());
        let partitions = storage.store.partitions();
        let partition = |event: &RecordedEvent| LogPartition::of(&event.stream, partitions);
        for event in &all[..17] {
            cursor.pass(event);
        }
        let mut second = subscribe(&storage.store, Begin::After(cursor.clone())).await;
        let rest = take(&mut second, 40 - 17).await;
        let is_new =
            |event: &&RecordedEvent| event.position > cursor.get(partition(event)).position;
        assert_eq!(all.iter().filter(is_new).count(), rest.len());
        assert!(rest.iter().all(|event| is_new(&event)));
    }
}

#[tokio::test]
async fn since_a_time_is_what_was_recorded_then_or_later() {
    for storage in all_kinds().await {
        for before in 0..4 {
            for root in 0..10 {
                append(&*storage.store, &stream("order", root), before, &["Noted"]).await;
            }
            // Later events get later times. If two times are equal, the test tells fewer cases apart and still holds.
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let all = take(&mut subscribe(&storage.store, Begin::AtTheFirst).await, 40).await;
        let micro = Duration::from_micros(1);
        let times = all.iter().map(|event| event.recorded_at);
        let beside = times.flat_map(|time| [time, time.later_by(micro)]);
        for time in beside.chain([Timestamp::MIN, Timestamp::MAX]) {
            let mut subscription = subscribe(&storage.store, Begin::Since(time)).await;
            let expected = all.iter().filter(|event| event.recorded_at >= time);
            let mut expected: Vec<_> = expected.map(|event| event.id).collect();
            let events = take(&mut subscription, expected.len()).await;
            let mut found: Vec<_> = events.iter().map(|event| event.id).collect();
            expected.sort_unstable();
            found.sort_unstable();
            assert_eq!(found, expected, "{time}");
        }
    }
}

#[tokio::test]
async fn a_cursor_with_other_partitions_is_refused() {
    let storage = memory(4);
    let feed = Feed::new(Log::as_stored(Arc::clone(&storage.store) as _));
    for cursor in ["0,0", "0,0,0,0,0"] {
        let begin = Begin::After(cursor.parse().unwrap());
        let refused = feed.subscribe(begin, EventFilter::default()).await;
        assert!(matches!(
            refused,
            Err(SubscribeError::OtherPartitions { partitions: 4, .. })
        ));
    }
}

#[tokio::test]
async fn a_position_beyond_the_end_of_the_log_is_refused() {
    let storage = memory(1);
    fill(&*storage.store, 1, 3).await;
    let feed = Feed::new(Log::as_stored(Arc::clone(&storage.store) as _));
    for (position, expected) in [(3, true), (4, false)] {
        let begin = Begin::After(position.to_string().parse().unwrap());
        match feed.subscribe(begin, EventFilter::default()).await {
            Ok(_) => assert!(expected),
            Err(SubscribeError::Replaced(replaced)) => {
                assert!(!expected);
                assert_eq!(replaced.expected, Bookmark::at(Position(4)));
                assert_eq!(replaced.found.event, None);
            }
            Err(other) => panic!("{other}"),
        }
    }
}

/// The start is in every log; any other place is in one log alone.
#[tokio::test]
async fn a_cursor_of_another_log_is_refused_wherever_it_has_read() {
    let other = memory(4).store.log_id();
    let storage = memory(2);
    fill(&*storage.store, 4, 3).await;
    let feed = Feed::new(Log::as_stored(Arc::clone(&storage.store) as _));
    for (places, place) in [
        ("0,0,0,0", None),
        ("0,1,0,0", Some(1)),
        ("0,0,0,1", Some(3)),
    ] {
        let cursor = format!("{other}/{places}").parse().unwrap();
        match feed
            .subscribe(Begin::After(cursor), EventFilter::default())
            .await
        {
            Ok(_) => assert_eq!(place, None),
            Err(SubscribeError::Replaced(replaced)) => {
                assert_eq!(Some(replaced.partition), place.map(LogPartition));
                assert_eq!(replaced.expected.log, Some(other));
            }
            Err(fault) => panic!("{fault}"),
        }
    }
}
