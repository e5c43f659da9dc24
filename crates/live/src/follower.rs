//! Follows the log, and tells the open rooms what is recorded.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use seriatim_core::{Begin, EventFilter, RecordedEvent, StoreError, StreamId, SubscribeError};
use seriatim_runtime::{Batch, Feed, Subscription};
use tokio::time::sleep;

use crate::rooms::Rooms;

/// The time after which a store that does not answer is asked again.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// Begins at the end of the log. Rooms that are opened from now on miss nothing.
pub(crate) async fn subscribe(feed: &Feed, rooms: &Rooms) -> Result<Subscription, SubscribeError> {
    let filter = EventFilter {
        domains: rooms.domains(),
        ..EventFilter::default()
    };
    feed.subscribe(Begin::Now, filter).await
}

/// Tells the rooms what is recorded. It never ends.
pub(crate) async fn follow(feed: Feed, rooms: Arc<Rooms>, mut events: Subscription) {
    loop {
        match events.next().await {
            Ok(batch) => {
                while let Err(error) = tell(&rooms, &batch).await {
                    say(&error.to_string());
                    sleep(RETRY_AFTER).await;
                }
            }
            Err(SubscribeError::Store(error)) if error.kind.is_transient() => {
                say(&error.to_string());
                sleep(RETRY_AFTER).await;
            }
            // The log was replaced, or cannot be read from here on.
            Err(error) => {
                tracing::error!(error = error.to_string(), "everybody must join again");
                events = begin_again(&feed, &rooms).await;
                rooms.close_all();
            }
        }
    }
}

async fn begin_again(feed: &Feed, rooms: &Rooms) -> Subscription {
    loop {
        match subscribe(feed, rooms).await {
            Ok(events) => return events,
            Err(error) => say(&error.to_string()),
        }
        sleep(RETRY_AFTER).await;
    }
}

fn say(error: &str) {
    tracing::warn!(error, "the log cannot be followed now; it is tried again");
}

/// Rooms leave out what they were told before, so this can be repeated.
async fn tell(rooms: &Rooms, batch: &Batch) -> Result<(), StoreError> {
    let mut by_stream: HashMap<&StreamId, Vec<RecordedEvent>> = HashMap::new();
    for event in batch.events() {
        if rooms.get(&event.stream).is_some() {
            by_stream
                .entry(&event.stream)
                .or_default()
                .push(event.clone());
        }
    }
    for (stream, events) in by_stream {
        match rooms.deliver(stream, &events).await {
            // The others do not wait for a stream that cannot be read.
            Err(error) if !error.kind.is_transient() => rooms.give_up(stream, &error.to_string()),
            delivered => delivered?,
        }
    }
    Ok(())
}
