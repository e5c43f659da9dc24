//! One principal that takes much does not take what others need.

use seriatim_proto::v1;
use seriatim_security::{Limits, Verb};
use tonic::Code;
use v1::command_service_client::CommandServiceClient;
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
    let mut refused = 0;
    for _ in 0..50 {
        let fill = ask(&till(), "Fill", r#"{"coins":1}"#);
        client.submit(by(&other, fill.clone())).await.unwrap();
        if let Err(status) = client.submit(by(&greedy, fill)).await {
            assert_eq!(status.code(), Code::ResourceExhausted);
            assert_eq!(reason(&status), "OVERLOADED");
            refused += 1;
        }
    }
    // However slow this machine is, somebody was refused, or it took ten seconds.
    assert!(refused > 0);
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
