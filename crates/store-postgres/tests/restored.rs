//! A log that went back under a store that stayed: a backup was restored, or a standby became the primary that did not
//! have everything.

mod support;

use seriatim_core::{AppendOutcome, EventStore, LogPartition, Position, Sequence, StoreErrorKind};
use seriatim_store_postgres::PostgresStore;
use seriatim_testkit::conformance::new_stream;
use support::Schema;
use support::samples::{append, is_written};

/// After the loss another store may come to the very same revision by other writes. What the first remembers must not
/// pass for true then.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_remembered_is_not_taken_for_true_at_the_same_revision() {
    let schema = Schema::new();
    let (store, other) = (
        PostgresStore::open(&schema.url()).await.unwrap(),
        PostgresStore::open(&schema.url()).await.unwrap(),
    );
    let stream = new_stream();
    let copy = |from: &str, to: &str| {
        let name = schema.name();
        format!("CREATE TABLE {name}.{to} AS TABLE {name}.{from}")
    };
    let written = store.append(vec![append(&stream, None, 1)]).await.unwrap();
    assert!(is_written(&written[0]));
    let backup = copy("seriatim_log_head", "head_then");
    support::execute(&support::server(), &backup).await.unwrap();
    // The last that the store remembers.
    let lost = append(&stream, Some(Sequence(0)), 1);
    assert!(is_written(&store.append(vec![lost]).await.unwrap()[0]));

    let name = schema.name();
    let restore = format!(
        "DELETE FROM {name}.seriatim_events WHERE sequence = 1;
         UPDATE {name}.seriatim_log_head AS h SET position = t.position, recorded_at = t.recorded_at,
             revision = t.revision, batch = t.batch FROM {name}.head_then AS t"
    );
    support::execute(&support::server(), &restore)
        .await
        .unwrap();
    let instead = other.append(vec![append(&new_stream(), None, 1)]).await;
    assert!(is_written(&instead.unwrap()[0]));

    let next = append(&stream, Some(Sequence(1)), 1);
    let answers = store.append(vec![next]).await.unwrap();
    let current = Some(Sequence(0));
    assert_eq!(answers, [AppendOutcome::Conflict { part: 0, current }]);
    let log = store.read_log(LogPartition::FIRST, Default::default(), 10);
    assert_eq!(log.await.unwrap().events.len(), 2);
}

/// A change to an event is noticed when the event is read. A person who changes it on purpose says so by setting its
/// checksum to `NULL`.
#[tokio::test(flavor = "multi_thread")]
async fn content_that_was_changed_is_noticed_when_it_is_read() {
    let schema = Schema::new();
    let store = PostgresStore::open(&schema.url()).await.unwrap();
    let stream = new_stream();
    store.append(vec![append(&stream, None, 3)]).await.unwrap();
    let name = schema.name();
    let change = |set: &str| format!("UPDATE {name}.seriatim_events SET {set} WHERE sequence = 1");
    support::execute(&support::server(), &change("type = 'Another'"))
        .await
        .unwrap();
    // What precedes it is handed out.
    let before = store.read_log(LogPartition::FIRST, Default::default(), 10);
    assert_eq!(before.await.unwrap().events.len(), 1);
    let log = store.read_log(LogPartition::FIRST, Position(1), 10);
    let read = store.read_stream(&stream, Sequence::FIRST, 10);
    for read in [log.await.map(|page| page.events), read.await] {
        let error = read.unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Corrupt);
        let text = error.to_string();
        assert!(text.contains(&format!("event 1 of `{stream}`")), "{text}");
    }
    support::execute(&support::server(), &change("checksum = NULL"))
        .await
        .unwrap();
    let log = store.read_log(LogPartition::FIRST, Default::default(), 10);
    assert_eq!(log.await.unwrap().events.len(), 3);

    let without = format!("{}&checksums=off", schema.url());
    let store = PostgresStore::open(&without).await.unwrap();
    store
        .append(vec![append(&new_stream(), None, 2)])
        .await
        .unwrap();
    let sum = format!(
        "DO $$ BEGIN ASSERT (SELECT count(checksum) FROM {name}.seriatim_events) = 2; END $$"
    );
    support::execute(&support::server(), &sum).await.unwrap();
}
