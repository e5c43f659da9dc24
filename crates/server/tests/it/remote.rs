//! Checks that a gateway over the wire is like the coordinator behind it.

use seriatim_core::{
    CommandGateway, CommandRequest, ExpectedSequence, FactOrigin, FactRequest, MergeStrategy,
    Metadata, NewFact, Outcome, Payload, Receipt, Sequence, SubmitError, Unavailable,
};
use seriatim_proto::{Client, RemoteGateway};
use tonic::transport::Endpoint;
use uuid::Uuid;

use crate::rig::*;

fn command(stream: &seriatim_core::StreamId, name: &'static str, json: &str) -> CommandRequest {
    CommandRequest::new(stream.clone(), Payload::json(name, json.to_owned()))
}

/// Sends the same request to both, each on a till of its own with the same history. Returns both answers.
async fn both(
    change: impl Fn(&mut CommandRequest),
) -> (Result<Receipt, SubmitError>, Result<Receipt, SubmitError>) {
    let rig = Rig::start().await;
    let remote = RemoteGateway::new(rig.channel.clone());
    let history = [("Fill", r#"{"coins":5}"#), ("Label", r#"{"label":"a"}"#)];
    let mut answers = Vec::new();
    for gateway in [&rig.coordinator as &dyn CommandGateway, &remote] {
        let stream = rig.till_with(&history).await;
        let mut request = command(&stream, "Fill", r#"{"coins":1}"#);
        request.expected = ExpectedSequence::Exactly(Sequence(0));
        request.metadata.correlation_id = Some("checkout-7".into());
        change(&mut request);
        answers.push(gateway.submit(request).await);
    }
    let remote = answers.pop().unwrap();
    (answers.pop().unwrap(), remote)
}

#[tokio::test]
async fn the_same_receipts() {
    let (here, there) = both(|request| request.metadata.actor = Some("Zoë".into())).await;
    match (here.unwrap().outcome, there.unwrap().outcome) {
        (Outcome::Committed(here), Outcome::Committed(there)) => {
            assert_eq!((here.first, here.merged), (there.first, there.merged));
            assert_eq!(there.events[0].payload, here.events[0].payload);
            assert_eq!(there.events[0].metadata.actor.as_deref(), Some("Zoë"));
        }
        other => panic!("{other:?}"),
    }
    let (here, there) = both(|request| request.merge = Some(MergeStrategy::Manual)).await;
    match (here.unwrap().outcome, there.unwrap().outcome) {
        (Outcome::DeadLettered { reason, .. }, Outcome::DeadLettered { reason: other, .. }) => {
            assert_eq!(reason, other);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_same_errors() {
    let (here, there) = both(|request| request.merge = Some(MergeStrategy::Strict)).await;
    match (here, there) {
        (Err(SubmitError::Conflict(here)), Err(SubmitError::Conflict(there))) => {
            assert_eq!((here.reason, here.strategy), (there.reason, there.strategy));
            assert_eq!(here.conflict, there.conflict);
            assert_eq!(here.intervening.len(), there.intervening.len());
        }
        other => panic!("{other:?}"),
    }
    let (here, there) = both(|request| {
        request.expected = ExpectedSequence::Any;
        request.commands = vec![Payload::json("Take", r#"{"coins":99}"#)];
    })
    .await;
    assert_eq!(format!("{here:?}"), format!("{there:?}"));
    let (here, there) = both(|request| request.commands.clear()).await;
    assert!(matches!(here, Err(SubmitError::Invalid(_))), "{here:?}");
    assert!(matches!(there, Err(SubmitError::Invalid(_))), "{there:?}");
}

#[tokio::test]
async fn facts() {
    let rig = Rig::start().await;
    let remote = RemoteGateway::new(rig.channel.clone());
    let stream = till();
    let request = FactRequest {
        id: Uuid::now_v7(),
        stream: stream.clone(),
        facts: vec![NewFact {
            payload: Payload::json("Settled", r#"{"cents":5}"#),
            origin: FactOrigin {
                source: "stripe".into(),
                description: String::new(),
            },
        }],
        route_to_aggregate: Some(false),
        metadata: Metadata {
            external_id: Some("evt-1".into()),
            ..Metadata::default()
        },
        effect: None,
    };
    let receipt = remote.record(request.clone()).await.unwrap();
    assert_eq!(receipt.sequences(), Some((Sequence(0), Sequence(0))));
    let again = remote.record(request).await.unwrap();
    assert!(matches!(again.outcome, Outcome::Duplicate(_)), "{again:?}");
}

#[tokio::test]
async fn a_receipt_without_events_for_who_does_not_look_at_them() {
    let rig = Rig::start().await;
    let remote = RemoteGateway::new(rig.channel.clone()).without_events();
    let receipt = remote
        .submit(command(&till(), "Fill", r#"{"coins":1}"#))
        .await
        .unwrap();
    assert!(matches!(receipt.outcome, Outcome::Committed(commit) if commit.events.is_empty()));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let mut rig = Rig::start().await;
    let channel = Endpoint::from_shared(rig.url.clone())
        .unwrap()
        .connect_lazy();
    rig.begin_shutdown();
    rig.down().await;
    let remote = RemoteGateway::new(channel);
    let answer = remote
        .submit(command(&till(), "Fill", r#"{"coins":1}"#))
        .await;
    assert!(
        matches!(
            answer,
            Err(SubmitError::Unavailable {
                source: Unavailable::Remote(_),
                ..
            })
        ),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_message_that_is_too_large_is_invalid() {
    let rig = Rig::start().await;
    let remote = RemoteGateway::new(rig.channel.clone());
    let large = format!(r#"{{"label":"{}"}}"#, "x".repeat(5 * 1024 * 1024));
    let answer = remote.submit(command(&till(), "Label", &large)).await;
    assert!(matches!(answer, Err(SubmitError::Invalid(_))), "{answer:?}");
}

/// The libraries in between say it three times, one inside the other.
#[tokio::test]
async fn why_a_server_cannot_be_reached_is_told_once() {
    let mut rig = Rig::start().await;
    let timeout = std::time::Duration::from_secs(60);
    let client = Client::connect(&rig.url, timeout).await.unwrap();
    client.domains().await.unwrap();
    let url = rig.url.clone();
    rig.begin_shutdown();
    rig.down().await;
    let refused = std::net::TcpStream::connect(url.strip_prefix("http://").unwrap());
    let why = format!("tcp connect error: {}", refused.unwrap_err());
    let error = soon(async {
        loop {
            match client.domains().await.unwrap_err().to_string() {
                error if error.contains("tcp connect error") => break error,
                // This is the last message of the connection before.
                _ => {}
            }
        }
    })
    .await;
    assert_eq!(error, format!("the server cannot be reached: {why}"));
    let error = Client::connect(&url, timeout).await.unwrap_err();
    let expected = format!("no server answers at `{url}`: {why}");
    assert_eq!(error.to_string(), expected);
    let address = url.strip_prefix("http://").unwrap();
    let error = Client::connect(address, timeout).await.unwrap_err();
    assert!(
        error.to_string().contains("the scheme is missing"),
        "{error}"
    );
}
