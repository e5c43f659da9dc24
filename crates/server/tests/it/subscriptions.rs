//! Checks `SubscriptionService` as any client sees it.

use std::num::NonZero;
use std::sync::Arc;

use prost::Message;
use rusqlite::Connection;
use seriatim_core::{
    Bookmark, Cursor, EventStore, LogPartition, Store, StoreErrorKind, SubscribeError,
};
use seriatim_proto::status::WireError;
use seriatim_proto::v1;
use seriatim_proto::v1::Begin;
use seriatim_store_memory::MemoryStore;
use seriatim_store_sqlite::SqliteStore;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt;
use v1::begin::{At, First, Now};
use v1::event_page::SequenceType;
use v1::subscription_service_client::SubscriptionServiceClient;

use crate::log::{append, fill, stream};
use crate::rig::*;

const FIRST: Begin = Begin {
    at: Some(At::First(First {})),
};
const NOW: Begin = Begin {
    at: Some(At::Now(Now {})),
};

fn after(cursor: &str) -> Begin {
    Begin {
        at: Some(At::After(cursor.into())),
    }
}

fn domain(name: &str) -> v1::EventFilter {
    v1::EventFilter {
        domains: vec![name.into()],
        ..Default::default()
    }
}

async fn call(
    rig: &Rig,
    begin: Begin,
    filter: Option<v1::EventFilter>,
) -> Result<Streaming<v1::SubscribeResponse>, Status> {
    let request = v1::SubscribeRequest {
        begin: Some(begin),
        filter,
    };
    let answer = rig.subscriptions().subscribe(request).await;
    answer.map(tonic::Response::into_inner)
}

/// Subscribes. Checks that the subscription begins at the place that was asked for.
async fn begun(
    rig: &Rig,
    begin: Begin,
    filter: Option<v1::EventFilter>,
    cursor: &str,
) -> Streaming<v1::SubscribeResponse> {
    let mut responses = call(rig, begin, filter).await.unwrap();
    let first = next(&mut responses).await;
    assert_eq!(seen(&first), (vec![], places(cursor), false));
    responses
}

async fn next(responses: &mut Streaming<v1::SubscribeResponse>) -> v1::SubscribeResponse {
    soon(responses.message()).await.unwrap().unwrap()
}

/// Waits until a subscription ends. Returns the status.
async fn end(responses: &mut Streaming<v1::SubscribeResponse>) -> Status {
    loop {
        if let Err(status) = soon(responses.message()).await {
            return status;
        }
    }
}

/// Returns the positions of the events, those of the cursor, and whether that was all.
fn seen(response: &v1::SubscribeResponse) -> (Vec<u64>, String, bool) {
    let page = |event: &v1::SubscribedEvent| event.page.clone().unwrap().position;
    let positions = response.events.iter().map(page).collect();
    (positions, places(&response.cursor), response.caught_up)
}

/// Returns the positions of a cursor.
fn places(cursor: &str) -> String {
    let cursor: Cursor = cursor.parse().unwrap();
    let positions: Vec<_> = cursor.positions().map(|one| one.to_string()).collect();
    positions.join(",")
}

#[tokio::test]
async fn what_is_recorded_comes_first_and_then_what_is_added() {
    let rig = Rig::start().await;
    let stream = rig.till_with(&[("Fill", r#"{"coins":1}"#); 2]).await;
    let mut responses = begun(&rig, FIRST, None, "0").await;
    let recorded = next(&mut responses).await;
    assert_eq!(seen(&recorded).0, [1, 2]);
    assert_eq!(places(&recorded.cursor), "2");
    let event = &recorded.events[1];
    let (cover, page) = (event.cover.clone().unwrap(), event.page.clone().unwrap());
    assert_eq!(
        seriatim_proto::convert::stream(Some(&cover)).unwrap(),
        stream
    );
    assert_eq!(page.sequence_type, Some(SequenceType::Sequence(1)));
    if !recorded.caught_up {
        assert_eq!(
            seen(&next(&mut responses).await),
            (vec![], "2".into(), true)
        );
    }
    rig.submit(ask(&stream, "Label", r#"{"label":"a"}"#)).await;
    assert_eq!(
        seen(&next(&mut responses).await),
        (vec![3], "3".into(), true)
    );
    rig.submit(ask(&stream, "Label", r#"{"label":"b"}"#)).await;
    assert_eq!(
        seen(&next(&mut responses).await),
        (vec![4], "4".into(), true)
    );
}

#[tokio::test]
async fn it_begins_where_it_is_told_to() {
    let rig = Rig::start().await;
    let stream = rig.till_with(&[("Fill", r#"{"coins":1}"#); 3]).await;
    let mut now = begun(&rig, NOW, None, "3").await;
    let mut later = begun(&rig, after("1"), None, "1").await;
    assert_eq!(seen(&next(&mut now).await), (vec![], "3".into(), true));
    assert_eq!(seen(&next(&mut later).await).0, [2, 3]);
    rig.submit(ask(&stream, "Label", r#"{"label":"a"}"#)).await;
    assert_eq!(seen(&next(&mut now).await), (vec![4], "4".into(), true));
}

#[tokio::test]
async fn a_filter_leaves_out_what_is_not_wanted() {
    let rig = Rig::start().await;
    let (order, account) = (stream("order", 1), stream("account", 2));
    append(&rig.store, &order, 0, "Placed", (2, 0)).await;
    append(&rig.store, &account, 0, "Opened", (1, 0)).await;
    append(&rig.store, &order, 2, "Shipped", (1, 0)).await;
    append(&rig.store, &stream("order", 3), 0, "Placed", (1, 0)).await;
    let roots = vec![order.root.into(), account.root.into()];
    for (filter, expected) in [
        (domain("account"), vec![3]),
        (domain("nobody"), vec![]),
        (
            v1::EventFilter {
                types: vec!["Placed".into(), "Opened".into()],
                ..Default::default()
            },
            vec![1, 2, 3, 5],
        ),
        (
            v1::EventFilter {
                domains: vec!["order".into()],
                types: vec!["Placed".into(), "Shipped".into(), "Opened".into()],
                roots,
                ..Default::default()
            },
            vec![1, 2, 4],
        ),
    ] {
        let mut responses = begun(&rig, FIRST, Some(filter), "0").await;
        let mut positions = Vec::new();
        loop {
            let response = next(&mut responses).await;
            positions.extend(seen(&response).0);
            if response.caught_up {
                assert_eq!(places(&response.cursor), "5");
                break;
            }
        }
        assert_eq!(positions, expected);
    }
}

#[tokio::test]
async fn the_cursor_moves_over_what_is_not_wanted_and_a_client_is_told_now_and_then() {
    let rig = Rig::start().await;
    let (order, account) = (stream("order", 1), stream("account", 1));
    let mut responses = begun(&rig, FIRST, Some(domain("account")), "0").await;
    assert_eq!(
        seen(&next(&mut responses).await),
        (vec![], "0".into(), true)
    );
    // These are too few to be worth a message.
    append(&rig.store, &order, 0, "Noted", (999, 0)).await;
    append(&rig.store, &account, 0, "Opened", (1, 0)).await;
    let wanted = next(&mut responses).await;
    assert_eq!(
        (seen(&wanted).0, places(&wanted.cursor)),
        (vec![1000], "1000".into())
    );
    append(&rig.store, &order, 999, "Noted", (1500, 0)).await;
    let moved = next(&mut responses).await;
    assert!(moved.events.is_empty());
    let cursor: u64 = places(&moved.cursor).parse().unwrap();
    assert!((2000..=2500).contains(&cursor), "{cursor}");
}

/// Otherwise a client that is told of the end waits for it for ever.
#[tokio::test]
async fn the_end_is_told_even_if_nothing_on_the_way_was_wanted() {
    let rig = Rig::start().await;
    fill(&rig.store, 1, 120).await;
    let mut responses = begun(&rig, FIRST, Some(domain("account")), "0").await;
    assert_eq!(
        seen(&next(&mut responses).await),
        (vec![], "120".into(), true)
    );
}

#[tokio::test]
async fn large_events_come_in_responses_that_every_client_takes() {
    let rig = Rig::start().await;
    let large = stream("order", 1);
    append(&rig.store, &large, 0, "Noted", (20, 300_000)).await;
    append(&rig.store, &large, 20, "Noted", (2, 1_000_000)).await;
    append(&rig.store, &large, 22, "Noted", (5, 10)).await;
    let mut responses = begun(&rig, FIRST, None, "0").await;
    let (mut positions, mut pieces) = (Vec::new(), 0);
    while positions.len() < 27 {
        let response = next(&mut responses).await;
        assert!(
            response.encoded_len() < 1_600_000,
            "{}",
            response.encoded_len()
        );
        positions.extend(seen(&response).0);
        // Each piece says where to go on after it.
        let last = positions.last().unwrap().to_string();
        assert_eq!(places(&response.cursor), last);
        pieces += 1;
    }
    assert_eq!(positions, (1..=27).collect::<Vec<_>>());
    assert!(pieces >= 10, "{pieces}");
}

#[tokio::test]
async fn no_page_is_read_ahead_of_a_client_that_does_not_take_what_was_sent() {
    let rig = Rig::start().await;
    let large = stream("order", 1);
    // 20 MB are a first page and several more.
    for before in (0..400).step_by(100) {
        append(&rig.store, &large, before, "Noted", (100, 50_000)).await;
    }
    let endpoint = Endpoint::from_shared(rig.url.clone()).unwrap();
    let slow: Channel = endpoint
        .initial_stream_window_size(64 * 1024)
        .connect()
        .await
        .unwrap();
    let request = v1::SubscribeRequest {
        begin: Some(FIRST),
        filter: None,
    };
    let before = rig.store.log_reads();
    let mut client = SubscriptionServiceClient::new(slow);
    let mut responses = client.subscribe(request).await.unwrap().into_inner();
    next(&mut responses).await;
    let taken = next(&mut responses).await;
    // The server has time enough to read ahead.
    for _ in 0..300 {
        rig.queries()
            .list_domains(v1::ListDomainsRequest {})
            .await
            .unwrap();
    }
    assert_eq!(rig.store.log_reads() - before, 1);
    let mut positions = seen(&taken).0;
    while positions.len() < 400 {
        positions.extend(seen(&next(&mut responses).await).0);
    }
    assert_eq!(positions, (1..=400).collect::<Vec<_>>());
    assert!(rig.store.log_reads() - before > 3);
}

#[tokio::test]
async fn a_server_that_goes_down_says_so_to_subscribers_and_does_not_wait_for_them() {
    let mut rig = Rig::start().await;
    fill(&rig.store, 1, 3).await;
    let mut waiting = begun(&rig, FIRST, None, "0").await;
    while !next(&mut waiting).await.caught_up {}
    rig.begin_shutdown();
    let status = end(&mut waiting).await;
    assert_code(&status, Code::Unavailable, "SHUTTING_DOWN");
    assert!(status.get_details_retry_info().is_some());
    rig.down().await;
}

/// There would be much more to send.
#[tokio::test]
async fn a_subscriber_far_behind_does_not_keep_the_server_up_either() {
    let mut rig = Rig::start().await;
    let large = stream("order", 1);
    for before in (0..400).step_by(100) {
        append(&rig.store, &large, before, "Noted", (100, 50_000)).await;
    }
    let mut behind = begun(&rig, FIRST, None, "0").await;
    let first = next(&mut behind).await;
    rig.begin_shutdown();
    let mut positions = seen(&first).0;
    let status = loop {
        match soon(behind.message()).await {
            Ok(response) => positions.extend(seen(&response.unwrap()).0),
            Err(status) => break status,
        }
    };
    assert_code(&status, Code::Unavailable, "SHUTTING_DOWN");
    assert!(
        positions.len() < 400,
        "what is on the way comes, and no more"
    );
    assert_eq!(positions, (1..=positions.len() as u64).collect::<Vec<_>>());
    rig.down().await;
}

#[tokio::test]
async fn what_is_malformed_is_refused_at_the_door() {
    let rig = Rig::start().await;
    let reads = rig.store.log_reads();
    let refused = async |request: v1::SubscribeRequest| {
        let answer = rig.subscriptions().subscribe(request).await;
        faulty_fields(&answer.unwrap_err())
    };
    let nowhere = v1::SubscribeRequest::default();
    assert_eq!(refused(nowhere).await, ["begin"]);
    let filtered = |filter| v1::SubscribeRequest {
        begin: Some(FIRST),
        filter: Some(filter),
    };
    for cursor in ["", "soon", "-1", "1,"] {
        let request = v1::SubscribeRequest {
            begin: Some(after(cursor)),
            filter: None,
        };
        assert_eq!(refused(request).await, ["begin.after"], "{cursor}");
    }
    assert_eq!(
        refused(filtered(domain("Order"))).await,
        ["filter.domains[0]"]
    );
    let root = v1::EventFilter {
        roots: vec![v1::Uuid { value: vec![1; 15] }],
        ..Default::default()
    };
    assert_eq!(refused(filtered(root)).await, ["filter.roots[0].value"]);
    let types = v1::EventFilter {
        types: vec![String::new()],
        ..Default::default()
    };
    assert_eq!(refused(filtered(types)).await, ["filter.types[0]"]);
    let many = v1::EventFilter {
        domains: vec!["order".into(); 257],
        ..Default::default()
    };
    assert_eq!(refused(filtered(many)).await, ["filter.domains"]);
    let huge = v1::EventFilter {
        types: vec!["x".repeat(5 * 1024 * 1024)],
        ..Default::default()
    };
    assert_eq!(refused(filtered(huge)).await, ["request"]);
    assert_eq!(rig.store.log_reads(), reads);
}

#[tokio::test]
async fn a_cursor_with_other_partitions_and_one_beyond_the_end_are_refused() {
    let rig = Rig::start().await;
    fill(&rig.store, 1, 3).await;
    let other = call(&rig, after("1,2"), None).await.unwrap_err();
    assert_code(&other, Code::InvalidArgument, "OTHER_PARTITIONS");
    assert!(matches!(
        SubscribeError::from_status(&other),
        Some(SubscribeError::OtherPartitions {
            given: 2,
            partitions: 1
        })
    ));
    let ahead = call(&rig, after("4"), None).await.unwrap_err();
    assert_code(&ahead, Code::FailedPrecondition, "LOG_REPLACED");
    begun(&rig, after("3"), None, "3").await;
}

#[tokio::test]
async fn a_cursor_of_another_log_is_answered_with_both_logs_and_no_event() {
    let (one, other) = (Rig::start().await, Rig::start().await);
    fill(&one.store, 1, 3).await;
    fill(&other.store, 1, 5).await;
    let mut responses = call(&one, FIRST, None).await.unwrap();
    let mut seen = next(&mut responses).await;
    while !seen.caught_up {
        seen = next(&mut responses).await;
    }
    let cursor: Cursor = seen.cursor.parse().unwrap();
    // This is the same log in another state: another event is at the position.
    let mut earlier = Cursor::start(other.store.log_id(), NonZero::<u16>::MIN);
    let place = cursor.get(LogPartition::FIRST);
    earlier.set(LogPartition::FIRST, Bookmark { log: None, ..place });
    for cursor in [&cursor, &earlier] {
        let status = call(&other, after(&cursor.to_string()), None).await;
        let status = status.unwrap_err();
        assert_code(&status, Code::FailedPrecondition, "LOG_REPLACED");
        let Some(SubscribeError::Replaced(replaced)) = SubscribeError::from_status(&status) else {
            panic!("{status}")
        };
        assert_eq!(replaced.expected, cursor.get(LogPartition::FIRST));
        assert_eq!(replaced.found.log, Some(other.store.log_id()));
        assert!(
            replaced
                .found
                .event
                .is_some_and(|found| Some(found) != place.event)
        );
    }
    begun(&one, after(&cursor.to_string()), None, &cursor.to_string()).await;
}

/// A subscription that is open while the log is replaced ends in the same way.
#[tokio::test]
async fn a_log_that_is_replaced_ends_the_call() {
    let rig = Rig::start().await;
    fill(&rig.store, 1, 3).await;
    let mut waiting = begun(&rig, FIRST, None, "0").await;
    while !next(&mut waiting).await.caught_up {}
    let other: Arc<dyn Store> = Arc::new(MemoryStore::new());
    fill(&*other, 1, 5).await;
    rig.store.replace(other);
    let status = soon(waiting.message()).await.unwrap_err();
    assert_code(&status, Code::FailedPrecondition, "LOG_REPLACED");
}

#[tokio::test]
async fn a_store_that_does_not_answer_ends_the_call_with_a_word_on_when_to_come_back() {
    let rig = Rig::start().await;
    fill(&rig.store, 1, 3).await;
    let mut waiting = begun(&rig, FIRST, None, "0").await;
    while !next(&mut waiting).await.caught_up {}
    rig.store.go_down(StoreErrorKind::Unavailable);
    let refused = call(&rig, NOW, None).await.unwrap_err();
    // A subscriber that is behind finds out by reading.
    let mut behind = call(&rig, FIRST, None).await.unwrap();
    for status in [refused, end(&mut behind).await] {
        assert_code(&status, Code::Unavailable, "STORE_UNAVAILABLE");
        assert!(status.get_details_retry_info().is_some());
    }
    rig.store.come_back();
    let order = stream("order", 0);
    append(&rig.store, &order, 3, "Noted", (1, 0)).await;
    // A subscriber that waits for more need not have noticed.
    assert_eq!(seen(&next(&mut waiting).await), (vec![4], "4".into(), true));
}

#[tokio::test]
async fn a_damaged_log_is_a_refusal_and_not_a_skip() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open_file(&path).await.unwrap());
    fill(&*store, 3, 3).await;
    Connection::open(&path)
        .unwrap()
        .execute("DELETE FROM seriatim_events WHERE position = 5", [])
        .unwrap();
    let rig = Rig::start_on_store(store, |server| server).await;
    let mut responses = begun(&rig, FIRST, None, "0").await;
    assert_eq!(
        seen(&next(&mut responses).await),
        (vec![1, 2, 3, 4], "4".into(), false)
    );
    let status = end(&mut responses).await;
    assert_code(&status, Code::DataLoss, "LOG_DAMAGED");
    assert!(matches!(
        SubscribeError::from_status(&status),
        Some(SubscribeError::PositionMissing { .. })
    ));
}

#[tokio::test]
async fn each_partition_has_a_place_in_the_cursor() {
    let store = MemoryStore::with_partitions(4.try_into().unwrap());
    let rig = Rig::start_on_store(Arc::new(store), |server| server).await;
    fill(&rig.store, 20, 2).await;
    let mut responses = begun(&rig, FIRST, None, "0,0,0,0").await;
    let (mut count, mut cursor) = (0, String::new());
    while count < 25 {
        let response = next(&mut responses).await;
        count += response.events.len();
        cursor = response.cursor;
    }
    drop(responses);
    let mut rest = begun(&rig, after(&cursor), None, &cursor).await;
    while count < 40 {
        count += next(&mut rest).await.events.len();
    }
    assert_eq!(count, 40);
}
