//! Calls that stay open end when the right ends.

use std::time::{Duration, SystemTime};

use seriatim_proto::v1;
use seriatim_security::{Limits, Verb};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};
use v1::command_service_client::CommandServiceClient;
use v1::subscription_service_client::SubscriptionServiceClient;

use super::callers::{Asking, Shown, all_events, by, reason, word};
use crate::raw::{Raw, framed};
use crate::rig::*;

async fn subscribe(channel: &Channel, shown: &Shown) -> Streaming<v1::SubscribeResponse> {
    let mut client = SubscriptionServiceClient::new(channel.clone());
    let request = by(shown, all_events());
    let mut answer = client.subscribe(request).await.unwrap().into_inner();
    // The place where it begins.
    answer.message().await.unwrap().unwrap();
    answer
}

/// Reads to the end, which must come.
async fn end<M>(mut answer: Streaming<M>) -> Status {
    let reading = async {
        loop {
            match answer.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("it has ended as if there were no more"),
                Err(status) => return status,
            }
        }
    };
    soon(reading).await
}

#[derive(Clone, Copy, Debug)]
enum What {
    Expires,
    IsRevoked,
    LosesTheRight,
}

#[tokio::test]
async fn a_subscription_ends_when_the_right_ends() {
    for what in [What::Expires, What::IsRevoked, What::LosesTheRight] {
        let server = Asking::start(|server| server).await;
        let rights = [(Verb::Subscribe, "*")];
        let ann = server.principal("ann", &rights);
        let other = server.principal("other", &rights);
        let ours = subscribe(&server.rig.channel, &ann).await;
        let mut others = subscribe(&server.rig.channel, &other).await;
        match what {
            What::Expires => server.expire(&ann),
            What::IsRevoked => server.revoke(&ann),
            What::LosesTheRight => server.grant("ann", &[(Verb::Read, "*")], Limits::default()),
        }
        let status = end(ours).await;
        match what {
            What::Expires => {
                assert_eq!(status.code(), Code::Unauthenticated);
                assert_eq!(word(&status, "why"), "expired");
            }
            What::IsRevoked | What::LosesTheRight => {
                assert_eq!(
                    status.code(),
                    Code::PermissionDenied,
                    "{what:?}: {status:?}"
                );
                assert_eq!(reason(&status), "DENIED");
            }
        }
        // Others go on.
        let owner = server.principal("owner", &[(Verb::Submit, "*")]);
        let mut commands = CommandServiceClient::new(server.rig.channel.clone());
        let fill = ask(&till(), "Fill", r#"{"coins":1}"#);
        commands.submit(by(&owner, fill)).await.unwrap();
        let news = async { while others.message().await.unwrap().unwrap().events.is_empty() {} };
        soon(news).await;
    }
}

/// Nothing else happens at that time: no reload, no new token, no event.
#[tokio::test]
async fn a_subscription_ends_by_itself_at_the_time_when_its_token_expires() {
    let server = Asking::start(|server| server).await;
    let expires = SystemTime::now() + Duration::from_secs(5);
    let rights = [(Verb::Subscribe, "*")];
    let ann = server.principal_with("ann", &rights, Limits::default(), Some(expires));
    let status = end(subscribe(&server.rig.channel, &ann).await).await;
    assert_eq!(status.code(), Code::Unauthenticated, "{status:?}");
    assert!(SystemTime::now() >= expires);
}

#[tokio::test]
async fn a_stream_of_commands_ends_when_the_right_ends_and_nothing_is_lost() {
    let server = Asking::start(|server| server).await;
    let ann = server.principal("ann", &[(Verb::Submit, "*")]);
    let mut client = CommandServiceClient::new(server.rig.channel.clone());
    let (send, requests) = mpsc::channel(1);
    let stream = till();
    let fill = |tag| v1::SubmitStreamRequest {
        tag,
        request: Some(ask(&stream, "Fill", r#"{"coins":1}"#)),
    };
    send.send(fill(1)).await.unwrap();
    let request = by(&ann, ReceiverStream::new(requests));
    let mut answers = client.submit_stream(request).await.unwrap().into_inner();
    assert_eq!(answers.message().await.unwrap().unwrap().tag, 1);
    server.revoke(&ann);
    let status = end(answers).await;
    assert_eq!(status.code(), Code::PermissionDenied, "{status:?}");
    assert_eq!(server.rig.history(&stream).await.len(), 1);
}

/// A right for one domain that is taken away ends neither the call nor the right for another.
#[tokio::test]
async fn rights_follow_the_policy_while_a_stream_of_commands_is_open() {
    use v1::submit_stream_response::Result as Answer;
    let server = Asking::start(|server| server).await;
    let rights = [(Verb::Submit, "till"), (Verb::Submit, "meter")];
    let ann = server.principal("ann", &rights);
    let mut client = CommandServiceClient::new(server.rig.channel.clone());
    let (send, requests) = mpsc::channel(1);
    let mut answers = client
        .submit_stream(by(&ann, ReceiverStream::new(requests)))
        .await
        .unwrap()
        .into_inner();
    let mut submit = async || {
        let request = Some(ask(&till(), "Fill", r#"{"coins":1}"#));
        let request = v1::SubmitStreamRequest { tag: 1, request };
        send.send(request).await.unwrap();
        soon(answers.message())
            .await
            .unwrap()
            .unwrap()
            .result
            .unwrap()
    };
    assert!(matches!(submit().await, Answer::Response(_)));
    server.grant("ann", &rights[1..], Limits::default());
    let Answer::Status(status) = submit().await else {
        panic!("the right is gone")
    };
    assert_eq!(Code::from_i32(status.code), Code::PermissionDenied);
    server.grant("ann", &rights[..1], Limits::default());
    assert!(matches!(submit().await, Answer::Response(_)));
}

/// What is remembered of a connection's caller does not outlive a change, however often the caller tries.
#[tokio::test]
async fn a_caller_that_was_served_is_refused_for_good_once_its_right_is_gone() {
    for what in [What::Expires, What::IsRevoked, What::LosesTheRight] {
        let server = Asking::start(|server| server).await;
        let ann = server.principal("ann", &[(Verb::Submit, "*")]);
        let mut client = CommandServiceClient::new(server.rig.channel.clone());
        let mut submit = async || {
            let fill = ask(&till(), "Fill", r#"{"coins":1}"#);
            client.submit(by(&ann, fill)).await
        };
        submit().await.unwrap();
        match what {
            What::Expires => server.expire(&ann),
            What::IsRevoked => server.revoke(&ann),
            What::LosesTheRight => server.grant("ann", &[(Verb::Read, "*")], Limits::default()),
        }
        for _ in 0..3 {
            let status = submit().await.unwrap_err();
            let expected = match what {
                What::Expires | What::IsRevoked => "UNAUTHENTICATED",
                What::LosesTheRight => "DENIED",
            };
            assert_eq!(reason(&status), expected, "{what:?}");
        }
        // Another change lets it in again.
        server.grant("ann", &[(Verb::Submit, "*")], Limits::default());
        assert_eq!(submit().await.is_ok(), matches!(what, What::LosesTheRight));
    }
}

/// A request that is held back until the right is gone is not run.
#[tokio::test]
async fn a_request_that_arrives_after_its_right_has_gone_is_refused() {
    let server = Asking::start(|server| server).await;
    let ann = server.principal("ann", &[(Verb::Submit, "*")]);
    let address = server.rig.url.strip_prefix("http://").unwrap();
    let mut raw = Raw::connect(address, 1 << 20).await;
    let method = "CommandService/Submit";
    let stream = till();
    let header = [("authorization", &ann.header[..])];
    let mut call = raw.call_with(method, &header).await;
    // The server has the headers once it has answered a later call of the same connection.
    let other = raw.call(method).await;
    assert_eq!(other.status().await.code(), Code::Unauthenticated);
    server.revoke(&ann);
    call.send(framed(&ask(&stream, "Fill", r#"{"coins":1}"#)));
    call.end();
    let status = call.status().await;
    assert_eq!(reason(&status), "UNAUTHENTICATED", "{status:?}");
    assert!(server.rig.history(&stream).await.is_empty());
}
