//! Checks a log with missing events: the events before the gap are handed out, and none beyond it.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use seriatim_core::{Begin, Position, RecordedEvent, Sequence, Store, SubscribeError};
use seriatim_store_sqlite::SqliteStore;
use seriatim_testkit::soon;

use crate::support::{append, fill, stream, subscribe};

async fn log_of_nine_events(path: &Path) -> Arc<dyn Store> {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open_file(path).await.unwrap());
    fill(&*store, 3, 3).await;
    store
}

async fn read_to_the_fault(store: &Arc<dyn Store>) -> (Vec<RecordedEvent>, SubscribeError) {
    let mut subscription = subscribe(store, Begin::AtTheFirst).await;
    let mut seen = Vec::new();
    let fault = loop {
        match soon(subscription.next()).await {
            Ok(batch) => seen.extend(batch.events().cloned()),
            Err(fault) => break fault,
        }
    };
    // The next call finds the gap again.
    let again = soon(subscription.next()).await.unwrap_err();
    assert_eq!(again.to_string(), fault.to_string());
    (seen, fault)
}

#[tokio::test]
async fn a_lost_event_is_a_refusal_and_not_a_skip() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let store = log_of_nine_events(&path).await;
    let direct = Connection::open(&path).unwrap();
    direct
        .execute("DELETE FROM seriatim_events WHERE position = 5", [])
        .unwrap();
    let (seen, fault) = read_to_the_fault(&store).await;
    assert_eq!(seen.len(), 4);
    assert!(
        matches!(
            fault,
            SubscribeError::PositionMissing {
                expected: Position(5),
                found: Position(6),
                ..
            }
        ),
        "{fault}"
    );
}

#[tokio::test]
async fn a_stream_that_leaves_out_a_sequence_is_a_refusal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let store = log_of_nine_events(&path).await;
    let direct = Connection::open(&path).unwrap();
    // This is the last event of the second stream.
    let change = "UPDATE seriatim_events SET sequence = 7, checksum = NULL WHERE position = 8";
    direct.execute(change, []).unwrap();
    let (seen, fault) = read_to_the_fault(&store).await;
    assert_eq!(seen.len(), 7);
    assert!(
        matches!(
            fault,
            SubscribeError::SequenceMissing {
                expected: 2,
                found: Sequence(7),
                ..
            }
        ),
        "{fault}"
    );
}

#[tokio::test]
async fn damage_at_the_end_stops_those_who_have_caught_up_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let store = log_of_nine_events(&path).await;
    let mut subscription = subscribe(&store, Begin::Now).await;
    assert!(soon(subscription.next()).await.unwrap().caught_up());
    let direct = Connection::open(&path).unwrap();
    direct
        .execute("UPDATE seriatim_log_head SET position = 10", [])
        .unwrap();
    // The head was changed by other means than the store's.
    let store = SqliteStore::open_file(&path).await.unwrap();
    append(&store, &stream("order", 1), 3, &["Noted"]).await;
    let fault = soon(subscription.next()).await.unwrap_err();
    assert!(
        matches!(
            fault,
            SubscribeError::PositionMissing {
                expected: Position(10),
                found: Position(11),
                ..
            }
        ),
        "{fault}"
    );
}
