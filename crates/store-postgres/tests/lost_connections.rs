//! A connection that is lost in the middle of a commit: what was written is known before anybody is told.

mod support;

use std::sync::Arc;

use seriatim_core::{AppendError, AppendOutcome, EventStore, LogPartition, Position, Sequence};
use seriatim_store_postgres::PostgresStore;
use seriatim_testkit::conformance::{Handle, assert_log_is_sound, new_stream};
use support::Schema;
use support::proxy::{Fault, Proxy};
use support::samples::{append, is_written};
use tokio::sync::Notify;

struct Rig {
    schema: Schema,
    proxy: Proxy,
    store: PostgresStore,
}

/// Its next batch is one request.
async fn start() -> Rig {
    let schema = Schema::new();
    let proxy = Proxy::before(&schema.url()).await;
    let store = PostgresStore::open(proxy.url()).await.unwrap();
    for _ in 0..3 {
        let batch = vec![append(&new_stream(), None, 1)];
        store.append(batch).await.unwrap();
    }
    Rig {
        schema,
        proxy,
        store,
    }
}

async fn log_length(rig: &Rig) -> usize {
    let store = PostgresStore::open(&rig.schema.url()).await.unwrap();
    let store: Handle = Arc::new(store);
    assert_log_is_sound(&store).await.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_found_to_be_written() {
    let rig = start().await;
    let stream = new_stream();
    rig.proxy.inject(Fault::LoseAnswer);
    let outcomes = rig.store.append(vec![append(&stream, None, 2)]).await;
    let [AppendOutcome::Written { recorded_at, .. }] = outcomes.unwrap()[..] else {
        panic!("it is written");
    };
    // Only the server knew it, and its answer was lost.
    let found = rig.store.read_stream(&stream, Sequence::FIRST, 1).await;
    assert_eq!(found.unwrap()[0].recorded_at, recorded_at);
    assert_eq!(log_length(&rig).await, 5);
    let next = vec![append(&stream, Some(Sequence(1)), 1)];
    assert!(is_written(&rig.store.append(next).await.unwrap()[0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_request_is_sent_again() {
    let rig = start().await;
    rig.proxy.inject(Fault::LoseRequest);
    let outcomes = rig.store.append(vec![append(&new_stream(), None, 2)]).await;
    assert!(is_written(&outcomes.unwrap()[0]));
    assert_eq!(log_length(&rig).await, 5);
}

/// The old server process gets the request after the store has given it up and has sent it again.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_arrives_too_late_writes_nothing() {
    let rig = start().await;
    let (release, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    rig.proxy
        .inject(Fault::Delay(release.clone(), done.clone()));
    let outcomes = rig.store.append(vec![append(&new_stream(), None, 2)]).await;
    assert!(is_written(&outcomes.unwrap()[0]));
    release.notify_one();
    done.notified().await;
    assert_eq!(log_length(&rig).await, 5);
}

/// The same without claims, whose keys would have refused a second write.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_request_without_claims_writes_nothing() {
    let rig = start().await;
    let (release, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let stream = new_stream();
    let mut first = append(&stream, None, 1);
    first.claim = None;
    rig.store.append(vec![first]).await.unwrap();
    rig.proxy
        .inject(Fault::Delay(release.clone(), done.clone()));
    let mut second = append(&stream, Some(Sequence(0)), 1);
    second.claim = None;
    let outcomes = rig.store.append(vec![second]).await;
    assert!(is_written(&outcomes.unwrap()[0]));
    release.notify_one();
    done.notified().await;
    assert_eq!(log_length(&rig).await, 5);
}

/// One without events collides with no key: only the revision keeps it from setting the head back.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_request_without_events_leaves_the_head_alone() {
    let rig = start().await;
    let (release, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let stream = new_stream();
    let first = vec![append(&stream, None, 1)];
    rig.store.append(first).await.unwrap();
    let mut check = append(&stream, Some(Sequence(0)), 0);
    check.claim = None;
    // Its statement is prepared before: that would be the request that is late.
    rig.store.append(vec![check.clone()]).await.unwrap();
    rig.proxy
        .inject(Fault::Delay(release.clone(), done.clone()));
    assert!(is_written(&rig.store.append(vec![check]).await.unwrap()[0]));
    let next = vec![append(&stream, Some(Sequence(0)), 1)];
    assert!(is_written(&rig.store.append(next).await.unwrap()[0]));
    release.notify_one();
    done.notified().await;
    assert_eq!(log_length(&rig).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_that_others_have_covered_up_is_said_to_be_unknown() {
    let rig = start().await;
    let release = Arc::new(Notify::new());
    rig.proxy.inject(Fault::LoseAnswerAndHold(release.clone()));
    let lost = append(&new_stream(), None, 2);
    let (store, batch) = (rig.store.clone(), vec![lost.clone()]);
    let appending = tokio::spawn(async move { store.append(batch).await });
    let other = PostgresStore::open(&rig.schema.url()).await.unwrap();
    while other.head(LogPartition::FIRST).await.unwrap() < Position(5) {
        tokio::task::yield_now().await;
    }
    let batch = vec![append(&new_stream(), None, 1)];
    other.append(batch).await.unwrap();
    release.notify_one();
    let outcome = appending.await.unwrap();
    assert!(
        matches!(outcome, Err(AppendError::Unknown(_))),
        "{outcome:?}"
    );
    let claim = lost.claim.as_ref().unwrap();
    let found = other.find_claim(&lost.stream, &claim.external_id).await;
    assert!(found.unwrap().is_some(), "whoever looks finds it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_asked_again_on_a_new_connection() {
    let rig = start().await;
    assert_eq!(
        rig.store.head(LogPartition::FIRST).await.unwrap(),
        Position(3)
    );
    rig.proxy.inject(Fault::LoseAnswer);
    assert_eq!(
        rig.store.head(LogPartition::FIRST).await.unwrap(),
        Position(3)
    );
}
