//! Checks that too much of anything gets a clear error, nothing is written, and the server stays up.

use seriatim_proto::v1;
use tonic::Code;

use crate::rig::*;

fn filled_with(bytes: usize) -> String {
    format!(r#"{{"label":"{}"}}"#, "x".repeat(bytes))
}

#[tokio::test]
async fn a_payload_over_the_limit() {
    let rig = Rig::start().await;
    let stream = till();
    let limit = rig.coordinator.limits().payload_bytes;
    let status = rig
        .refused(ask(&stream, "Label", &filled_with(limit)))
        .await;
    assert_eq!(faulty_fields(&status), ["pages[0].command"]);
    assert_eq!(rig.head().await.0, 0);
    // A label just under the limit is accepted.
    let just_under = filled_with(limit - r#"{"label":""}"#.len());
    rig.submit(ask(&stream, "Label", &just_under)).await;
}

#[tokio::test]
async fn a_message_over_the_limit() {
    let rig = Rig::start().await;
    let request = ask(&till(), "Label", &filled_with(5 * 1024 * 1024));
    let status = rig.refused(request).await;
    assert_eq!(faulty_fields(&status), ["request"]);
    let request = fact(&till(), "evt-1", "Labelled", &filled_with(5 * 1024 * 1024));
    let status = rig.facts().record(request).await.unwrap_err();
    assert_eq!(faulty_fields(&status), ["request"]);
    assert_eq!(rig.head().await.0, 0);
    rig.submit(ask(&till(), "Fill", r#"{"coins":1}"#)).await;
}

#[tokio::test]
async fn the_limit_of_messages_is_a_setting() {
    let rig = Rig::start_with(|server| {
        server.settings(ServerSettings {
            message_bytes: 1000,
            ..Default::default()
        })
    })
    .await;
    let status = rig.refused(ask(&till(), "Label", &filled_with(1000))).await;
    assert_eq!(faulty_fields(&status), ["request"]);
    rig.submit(ask(&till(), "Label", &filled_with(500))).await;
}

#[tokio::test]
async fn ten_thousand_pages() {
    let rig = Rig::start().await;
    let stream = till();
    let mut request = ask(&stream, "Fill", r#"{"coins":1}"#);
    let pages = &mut request.book.as_mut().unwrap().pages;
    *pages = vec![pages[0].clone(); 10_000];
    let status = rig.refused(request).await;
    assert_eq!(faulty_fields(&status), ["pages"]);
    assert!(status.message().contains("10000"), "{}", status.message());

    let mut request = fact(&stream, "evt-1", "Settled", r#"{"cents":1}"#);
    let pages = &mut request.book.as_mut().unwrap().pages;
    *pages = vec![pages[0].clone(); 10_000];
    let status = rig.facts().record(request).await.unwrap_err();
    assert_eq!(faulty_fields(&status), ["pages"]);
    assert_eq!(rig.head().await.0, 0);
    rig.submit(ask(&stream, "Fill", r#"{"coins":1}"#)).await;
}

/// If there are more faults than fit into one status, the first are named and the rest are counted.
#[tokio::test]
async fn ten_thousand_broken_pages() {
    let rig = Rig::start().await;
    let mut request = ask(&till(), "Fill", r#"{"coins":1}"#);
    request.book.as_mut().unwrap().pages = vec![v1::CommandPage::default(); 10_000];
    let status = rig.refused(request).await;
    let fields = faulty_fields(&status);
    assert_eq!(fields[0], "pages[0].command");
    assert_eq!(fields.last().unwrap(), "request");
}

#[tokio::test]
async fn names_over_the_limit() {
    let rig = Rig::start().await;
    let long = "x".repeat(257);
    let mut request = under(&long, ask(&till(), "Fill", r#"{"coins":1}"#));
    let cover = request.book.as_mut().unwrap().cover.as_mut().unwrap();
    cover.correlation_id = long.clone();
    let mut message = tonic::Request::new(request);
    message
        .metadata_mut()
        .insert("seriatim-actor", long.parse().unwrap());
    let status = rig.commands().submit(message).await.unwrap_err();
    assert_eq!(
        faulty_fields(&status),
        ["cover.external_id", "cover.correlation_id", "actor"]
    );
    let request = ask(&till(), &"x".repeat(257), "{}");
    assert_eq!(
        faulty_fields(&rig.refused(request).await),
        ["pages[0].command"]
    );
    assert_eq!(rig.head().await.0, 0);
}

/// A large conflict does not break the connection by its trailers.
#[tokio::test]
async fn a_conflict_over_many_large_events_arrives() {
    let rig = Rig::start().await;
    let stream = till();
    for _ in 0..40 {
        rig.submit(ask(&stream, "Label", &filled_with(2000))).await;
    }
    let request = ask(&stream, "Label", &filled_with(1));
    let request = stale(0, seriatim_core::MergeStrategy::Strict, request);
    let status = rig.refused(request).await;
    assert_code(&status, Code::Aborted, "SEQUENCE_CONFLICT");
    rig.submit(ask(&stream, "Fill", r#"{"coins":1}"#)).await;
}

/// The largest request that the limits allow also fits into a message.
#[tokio::test]
async fn the_largest_request_is_taken() {
    let rig = Rig::start().await;
    let limits = rig.coordinator.limits().clone();
    let name = "x".repeat(limits.name_bytes);
    let mut request = under(&name, ask(&till(), "Label", "{}"));
    let book = request.book.as_mut().unwrap();
    book.cover.as_mut().unwrap().correlation_id = name;
    let each = limits.request_bytes / limits.pages;
    let text = filled_with(each - r#"{"label":""}"#.len());
    book.pages[0].command = Some(json("Label", &text));
    book.pages = vec![book.pages[0].clone(); limits.pages];
    let response = rig.submit(request).await;
    assert_eq!(committed(&response).last, 255);
}
