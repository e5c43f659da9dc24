//! One principal that takes much does not take what others need.

use std::time::{Duration, Instant};

use futures::FutureExt as _;
use seriatim_proto::v1;
use seriatim_security::{Limits, Verb};
use tonic::Code;
use v1::command_service_client::CommandServiceClient;
use v1::submit_stream_response::Result as Answer;
use v1::subscription_service_client::SubscriptionServiceClient;

use super::callers::{Asking, all_events, by, reason};
use crate::rig::*;

#[tokio::test]
async fn who_sends_more_than_its_share_is_told_when_to_come_again() {
    let server = Asking::start(|server| server).await;
    let limits = Limits {
        per_second: Some(5),
        ..Limits::default()
    };
    let rights = [(Verb::Submit, "*")];
    let greedy = server.principal_with("greedy", &rights, limits, None);
    let other = server.principal("other", &rights);
    let mut client = CommandServiceClient::new(server.rig.channel.clone());
    // All are sent at once. Five may pass, and one more each fifth of a second that they take together.
    let start = Instant::now();
    let sent = (0..50).map(|_| {
        let mut client = client.clone();
        let fill = by(&greedy, ask(&till(), "Fill", r#"{"coins":1}"#));
        async move { client.submit(fill).await }
    });
    let mut passed = 0;
    for answer in futures::future::join_all(sent).await {
        match answer {
            Ok(_) => passed += 1,
            Err(status) => {
                assert_eq!(status.code(), Code::ResourceExhausted);
                assert_eq!(reason(&status), "OVERLOADED");
            }
        }
    }
    let most = 5.0 + start.elapsed().as_secs_f64() * 5.0;
    assert!(
        passed >= 5 && f64::from(passed) <= most + 1.0,
        "{passed} of {most}"
    );
    let fill = ask(&till(), "Fill", r#"{"coins":1}"#);
    client.submit(by(&other, fill)).await.unwrap();
}

#[tokio::test]
async fn subscriptions_of_one_principal_are_counted_over_all_its_connections() {
    let server = Asking::start(|server| server).await;
    let limits = Limits {
        subscriptions: Some(2),
        ..Limits::default()
    };
    let rights = [(Verb::Subscribe, "*")];
    let ann = server.principal_with("ann", &rights, limits, None);
    let other = server.principal("other", &rights);
    let connect = async || {
        let endpoint = tonic::transport::Endpoint::from_shared(server.rig.url.clone()).unwrap();
        SubscriptionServiceClient::new(endpoint.connect().await.unwrap())
    };
    let request = all_events();
    let mut open = Vec::new();
    for _ in 0..2 {
        open.push(
            connect()
                .await
                .subscribe(by(&ann, request.clone()))
                .await
                .unwrap(),
        );
    }
    let refused = connect().await.subscribe(by(&ann, request.clone())).await;
    assert_eq!(refused.unwrap_err().code(), Code::ResourceExhausted);
    connect()
        .await
        .subscribe(by(&other, request.clone()))
        .await
        .unwrap();
    open.pop();
    until(async || {
        connect()
            .await
            .subscribe(by(&ann, request.clone()))
            .await
            .is_ok()
    })
    .await;
}

/// What a call takes is given back when its client goes away in the middle.
#[tokio::test]
async fn a_call_that_is_cancelled_gives_back_what_it_took() {
    let server = Asking::start(|server| server).await;
    let limits = Limits {
        in_flight: Some(1),
        ..Limits::default()
    };
    let ann = server.principal_with("ann", &[(Verb::Submit, "*")], limits, None);
    let mut client = CommandServiceClient::new(server.rig.channel.clone());
    let fill = || by(&ann, ask(&till(), "Fill", r#"{"coins":1}"#));
    for _ in 0..50 {
        // It is polled once, so it may have left, and is dropped.
        let call = client.submit(fill());
        assert!(call.now_or_never().is_none());
    }
    until(async || client.clone().submit(fill()).await.is_ok()).await;
}

/// The requests of a stream of commands are counted one by one, and are late rather than refused.
#[tokio::test]
async fn a_stream_of_commands_does_not_pass_by_the_limits() {
    let server = Asking::start(|server| server).await;
    let limits = Limits {
        per_second: Some(20),
        ..Limits::default()
    };
    let ann = server.principal_with("ann", &[(Verb::Submit, "*")], limits, None);
    let mut client = CommandServiceClient::new(server.rig.channel.clone());
    let requests = (0..50).map(|tag| v1::SubmitStreamRequest {
        tag,
        request: Some(ask(&till(), "Fill", r#"{"coins":1}"#)),
    });
    let start = Instant::now();
    let requests = by(&ann, futures::stream::iter(requests));
    let mut answers = client.submit_stream(requests).await.unwrap().into_inner();
    let mut answered = 0;
    while let Some(answer) = soon(answers.message()).await.unwrap() {
        assert!(matches!(answer.result, Some(Answer::Response(_))));
        answered += 1;
    }
    assert_eq!(answered, 50);
    // Twenty at once, and then one each twentieth of a second.
    assert!(
        start.elapsed() >= Duration::from_millis(1450),
        "{:?}",
        start.elapsed()
    );
}
