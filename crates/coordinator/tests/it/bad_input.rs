//! Checks that bad input gets a clear error, nothing is written, and the next command works.

use std::sync::Arc;

use seriatim_core::{
    CommandGateway, CommandRequest, Domain, ExpectedSequence, Limits, Payload, Store, StreamId,
    SubmitError,
};
use uuid::Uuid;

use crate::cart::*;

/// Sends a request. Checks that it is refused because of these fields, and that nothing was written. Returns the
/// message.
async fn refused(request: CommandRequest, fields: &[&str]) -> String {
    let (coordinator, store) = coordinator();
    let stream = request.stream.clone();
    let answer = coordinator.submit(request).await;
    let Err(SubmitError::Invalid(violations)) = answer else {
        panic!("{answer:?}")
    };
    let found: Vec<_> = violations
        .iter()
        .map(|violation| violation.field.as_str())
        .collect();
    assert_eq!(found, fields);
    still_works(&store, &coordinator, &stream).await;
    SubmitError::Invalid(violations).to_string()
}

async fn still_works(
    store: &Arc<dyn Store>,
    coordinator: &seriatim_coordinator::Coordinator,
    stream: &StreamId,
) {
    assert!(history(store, stream).await.is_empty());
    accept(coordinator, stream, Do::Open).await;
}

#[tokio::test]
async fn an_empty_book() {
    let mut request = ask(&cart(), &Do::Open);
    request.commands.clear();
    let message = refused(request, &["pages"]).await;
    assert!(message.contains("at least one page"), "{message}");
}

#[tokio::test]
async fn ten_thousand_pages() {
    let mut request = ask(&cart(), &Do::Open);
    request.commands = vec![request.commands[0].clone(); 10_000];
    let message = refused(request, &["pages"]).await;
    assert!(message.contains("at most 256"), "{message}");
}

#[tokio::test]
async fn a_payload_over_the_limit() {
    let long = "x".repeat(Limits::default().payload_bytes);
    let message = refused(ask(&cart(), &name(&long)), &["pages[0].command"]).await;
    assert!(message.contains("at most 1048576"), "{message}");
}

#[tokio::test]
async fn an_unknown_command_type_lists_the_known_ones() {
    let request = CommandRequest::new(cart(), Payload::json("Destroy", "{}"));
    let message = refused(request, &["pages[0].command"]).await;
    assert!(
        message.contains("`Destroy`") && message.contains("`AddMany`"),
        "{message}"
    );
}

#[tokio::test]
async fn a_payload_that_does_not_decode_says_where() {
    for text in [
        "",
        "nonsense",
        "{}",
        r#"{"count":"three"}"#,
        r#"{"count":1}}"#,
    ] {
        let request = CommandRequest::new(cart(), Payload::json("Add", text));
        refused(request, &["pages[0].command"]).await;
    }
    let request = CommandRequest::new(cart(), Payload::protobuf("Add", vec![8, 1]));
    refused(request, &["pages[0].command"]).await;
}

#[tokio::test]
async fn a_premise_that_names_no_field() {
    let mut request = ask(&cart(), &Do::Open);
    request.expected = ExpectedSequence::NoStream;
    request.premises = vec!["name".parse().unwrap(), "adress.city".parse().unwrap()];
    let message = refused(request, &["premises[1]"]).await;
    assert!(message.contains("it has `count`"), "{message}");
}

#[tokio::test]
async fn a_premise_about_no_state_in_particular() {
    let mut request = ask(&cart(), &Do::Open);
    request.premises = vec!["name".parse().unwrap()];
    let message = refused(request, &["premises"]).await;
    assert!(
        message.contains("at which sequence you looked"),
        "{message}"
    );
}

#[tokio::test]
async fn names_that_are_empty_or_too_long() {
    let mut request = under("", ask(&cart(), &Do::Open));
    request.metadata.correlation_id = Some("c".repeat(257));
    refused(request, &["cover.external_id", "cover.correlation_id"]).await;
}

#[tokio::test]
async fn an_unknown_domain_lists_the_known_ones() {
    let (coordinator, _) = coordinator();
    let stream = StreamId::new(Domain::new("kart").unwrap(), Uuid::now_v7());
    let answer = coordinator.submit(ask(&stream, &Do::Open)).await;
    let Err(SubmitError::UnknownDomain { known, .. }) = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(known, [Domain::of::<Cart>()]);
}

#[tokio::test]
async fn an_event_is_not_a_command_and_a_command_is_not_a_fact() {
    refused(
        CommandRequest::new(cart(), Payload::json("Added", r#"{"count":1}"#)),
        &["pages[0].command"],
    )
    .await;
    let (coordinator, _) = coordinator();
    let mut request = fact(&cart(), "k", &added(1));
    request.facts[0].payload = Payload::json("Add", r#"{"count":1}"#);
    assert!(matches!(
        coordinator.record(request).await,
        Err(SubmitError::Invalid(_))
    ));
}

#[tokio::test]
async fn a_book_whose_payloads_are_too_large_together() {
    let long = "x".repeat(Limits::default().payload_bytes - 100);
    let mut request = ask(&cart(), &name(&long));
    request.commands = vec![request.commands[0].clone(); 5];
    let message = refused(request, &["pages"]).await;
    assert!(message.contains("at most 4194304"), "{message}");
}
