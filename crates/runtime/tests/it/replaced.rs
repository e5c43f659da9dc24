//! Tests logs that were replaced by another log, or by an earlier state of themselves. It is noticed whatever the
//! length of the new log, and nobody who has read the former log gets its events.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use seriatim_core::{
    Begin, Bookmark, Component, EventFilter, EventStore, Log, LogPartition, Position, Store,
    SubscribeError,
};
use seriatim_runtime::{
    AtLeastOnce, Auditor, Enrolled, Feed, Finding, ReactionSettings, Reactions,
};
use seriatim_store_memory::MemoryStore;
use seriatim_store_sqlite::SqliteStore;
use seriatim_testkit::faults::FaultyStore;
use seriatim_testkit::soon;

use crate::reactions::tally::{NAME, Tally, is_paused, only, until};
use crate::support::{append, fill, stream};

const OLD: u32 = 20;

/// Lengths of the new log: shorter than the former one, as long, and longer.
const LENGTHS: [u32; 4] = [0, 7, OLD, 50];

/// Returns a log that can be replaced, and a feed of it.
async fn log() -> (FaultyStore, Feed) {
    let store = FaultyStore::new(Arc::new(MemoryStore::new()));
    fill(&store, 1, OLD).await;
    let feed = Feed::new(Log::as_stored(Arc::new(store.clone())));
    (store, feed)
}

async fn replace(store: &FaultyStore, length: u32) {
    let other = MemoryStore::new();
    fill(&other, 1, length).await;
    store.replace(Arc::new(other));
}

#[tokio::test]
async fn a_subscriber_that_waits_at_the_end_is_told_and_gets_none_of_its_events() {
    for length in LENGTHS {
        let (store, feed) = log().await;
        let all = EventFilter::default();
        let mut events = feed.subscribe(Begin::Now, all.clone()).await.unwrap();
        assert!(soon(events.next()).await.unwrap().caught_up());
        let waiting = tokio::spawn(async move { (events.next().await, events) });
        // The subscriber has waited for a while, or is just about to wait. Both must work.
        tokio::time::sleep(Duration::from_millis(u64::from(length))).await;
        replace(&store, length).await;
        let (told, mut events) = soon(waiting).await.unwrap();
        match told.unwrap_err() {
            SubscribeError::Replaced(replaced) => {
                assert_eq!(replaced.expected.position, Position(OLD.into()));
                assert_eq!(replaced.found.log, Some(store.log_id()));
            }
            other => panic!("{other}"),
        }
        assert!(matches!(
            soon(events.next()).await,
            Err(SubscribeError::Replaced(_))
        ));
        // A subscriber that begins in the new log gets all of it, including events to come.
        append(&store, &stream("order", 0), length, &["Noted"]).await;
        let mut anew = feed.subscribe(Begin::AtTheFirst, all).await.unwrap();
        let mut seen = 0;
        while seen < length as usize + 1 {
            seen += soon(anew.next()).await.unwrap().events().count();
        }
        append(&store, &stream("order", 0), length + 1, &["Noted"]).await;
        while seen < length as usize + 2 {
            seen += soon(anew.next()).await.unwrap().events().count();
        }
    }
}

#[tokio::test]
async fn a_subscriber_that_is_behind_is_told_and_so_is_a_cursor() {
    for length in LENGTHS {
        let (store, feed) = log().await;
        let mut first = feed
            .subscribe(Begin::AtTheFirst, EventFilter::default())
            .await
            .unwrap();
        let batch = soon(first.next()).await.unwrap();
        let mut half_way = batch.cursor().clone();
        let tenth = batch.events().nth(9).unwrap();
        half_way.set(LogPartition::FIRST, Bookmark::of(store.log_id(), tenth));
        let begin = || Begin::After(half_way.clone());
        let mut behind = feed
            .subscribe(begin(), EventFilter::default())
            .await
            .unwrap();
        replace(&store, length).await;
        assert!(matches!(
            soon(behind.next()).await,
            Err(SubscribeError::Replaced(_))
        ));
        let refused = feed.subscribe(begin(), EventFilter::default()).await;
        assert!(matches!(refused, Err(SubscribeError::Replaced(_))));
    }
}

fn checkpoints() -> FaultyStore {
    FaultyStore::new(Arc::new(MemoryStore::new()))
}

/// Starts a projector whose checkpoint is in another store than the log.
fn start(feed: &Feed, checkpoints: &FaultyStore, tally: &Tally) -> Reactions {
    let reaction = AtLeastOnce::new(
        Component::new(NAME).unwrap(),
        EventFilter::default(),
        Arc::new(checkpoints.clone()),
        tally.clone(),
    );
    let settings = ReactionSettings {
        owner: "one".into(),
        lease: Duration::from_millis(300),
        ..ReactionSettings::default()
    };
    Reactions::start(feed, vec![Enrolled::new(Arc::new(reaction))], &settings)
}

#[tokio::test]
async fn a_component_is_paused_and_stays_so_whatever_is_tried() {
    for length in LENGTHS {
        let (store, feed) = log().await;
        let (checkpoints, tally) = (checkpoints(), Tally::new());
        let reactions = start(&feed, &checkpoints, &tally);
        until("all is handled", || tally.count() == OLD as usize).await;
        replace(&store, length).await;
        until("it is paused", || is_paused(&only(&reactions))).await;

        let name = Component::new(NAME).unwrap();
        let progress = reactions.progress().await.unwrap();
        let [progress] = &progress[..] else {
            panic!("{progress:?}")
        };
        assert_eq!(progress.lag(), u64::from(length));
        let why = progress.checkpoint.paused.as_ref().unwrap();
        assert!(why.starts_with("the log was replaced"), "{why}");
        assert!(
            why.contains("`seriatim reactions begin tally --at first`"),
            "{why}"
        );

        let pauses = || checkpoints.calls().get("pause a piece of work").copied();
        until("the pause is recorded", || pauses() == Some(1)).await;
        reactions.resume(&name).await.unwrap();
        until("it was looked at again", || pauses() == Some(2)).await;
        assert!(is_paused(&only(&reactions)));
        reactions.shutdown().await;
        let again = start(&feed, &checkpoints, &tally);
        until("it is paused again", || is_paused(&only(&again))).await;
        assert_eq!(tally.count(), OLD as usize, "nothing new was handled");
        again.begin(&name, &Begin::AtTheFirst).await.unwrap();
        let all = (OLD + length) as usize;
        until("all of the new log is handled", || tally.count() == all).await;
        until("it is not paused any more", || !is_paused(&only(&again))).await;
        let progress = again.progress().await.unwrap();
        assert_eq!(progress[0].checkpoint.paused, None);
        again.shutdown().await;
    }
}

/// The log is reset to an earlier state and gets new events, so its identity is the same.
#[tokio::test]
async fn a_backup_that_has_grown_past_what_was_handled_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let store = SqliteStore::open_file(&path).await.unwrap();
    fill(&store, 1, OLD).await;
    let feed = || Feed::new(Log::as_stored(Arc::new(store.clone())));
    let (checkpoints, tally) = (checkpoints(), Tally::new());
    let reactions = start(&feed(), &checkpoints, &tally);
    until("all is handled", || tally.count() == OLD as usize).await;
    reactions.shutdown().await;

    let before = store.log_id();
    Connection::open(&path)
        .unwrap()
        .execute_batch(
            "DELETE FROM seriatim_events WHERE position > 5;
             UPDATE seriatim_log_head SET position = 5",
        )
        .unwrap();
    for sequence in 5..30 {
        append(&store, &stream("order", 0), sequence, &["Noted"]).await;
    }
    for _ in 0..2 {
        let reactions = start(&feed(), &checkpoints, &tally);
        until("it is paused", || is_paused(&only(&reactions))).await;
        reactions.shutdown().await;
    }
    assert_eq!(tally.count(), OLD as usize, "nothing new was handled");
    let auditor = Auditor::new(Arc::new(store)).beside(Arc::new(checkpoints));
    let found = auditor.audit(|_| {}).await.unwrap().findings;
    let [Finding::LogReplaced { replaced, .. }] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!(replaced.expected.log, Some(before));
    assert_eq!(replaced.found.log, Some(before));
    assert!(replaced.found.event.is_some());
}

/// A program that recorded only the position has left such a place.
#[tokio::test]
async fn a_place_without_an_event_is_taken_on_trust_until_the_next_move() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let store = SqliteStore::open_file(&path).await.unwrap();
    let shared: Arc<dyn Store> = Arc::new(store.clone());
    fill(&store, 1, 3).await;
    let tally = Tally::new();
    let run = |count| {
        let (store, tally) = (store.clone(), tally.clone());
        async move {
            let feed = Feed::new(Log::as_stored(Arc::new(store.clone())));
            let reaction = AtLeastOnce::new(
                Component::new(NAME).unwrap(),
                EventFilter::default(),
                Arc::new(store),
                tally.clone(),
            );
            let enrolled = vec![Enrolled::new(Arc::new(reaction))];
            let reactions = Reactions::start(&feed, enrolled, &ReactionSettings::default());
            until("all is handled", || tally.count() == count).await;
            reactions.shutdown().await;
        }
    };
    run(3).await;
    Connection::open(&path)
        .unwrap()
        .execute_batch("UPDATE seriatim_checkpoints SET log = NULL, event = NULL")
        .unwrap();
    let at = async || shared.checkpoints(None).await.unwrap()[0].at;
    assert_eq!(at().await, Bookmark::at(Position(3)));
    append(&store, &stream("order", 0), 3, &["Noted"]).await;
    run(4).await;
    let last = shared
        .read_log(LogPartition::FIRST, Position(3), 1)
        .await
        .unwrap();
    assert_eq!(at().await, Bookmark::of(store.log_id(), &last.events[0]));
}
