//! Checks that a server that shuts down finishes and answers what was admitted, and takes nothing new.

use std::sync::Arc;
use std::time::Duration;

use seriatim_core::{EventStore, LogPartition, SubmitError};
use seriatim_proto::status::WireError;
use seriatim_proto::{convert, v1};
use seriatim_testkit::faults::Fault;
use tokio::sync::{Notify, mpsc};
use tonic::Code;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::rig::*;

/// A gate that holds the next append until it is told to go on.
pub(crate) struct Gate {
    pub(crate) reached: Arc<Notify>,
    pub(crate) open: Arc<Notify>,
}

pub(crate) fn close_gate(rig: &Rig) -> Gate {
    let gate = Gate {
        reached: Arc::default(),
        open: Arc::default(),
    };
    let (reached, open) = (Arc::clone(&gate.reached), Arc::clone(&gate.open));
    rig.store.fail_next(Fault::held(move || {
        let (reached, open) = (Arc::clone(&reached), Arc::clone(&open));
        async move {
            reached.notify_one();
            open.notified().await;
        }
    }));
    gate
}

#[tokio::test]
async fn a_call_that_was_admitted_is_finished_and_answered() {
    let mut rig = Rig::start().await;
    let gate = close_gate(&rig);
    let mut commands = rig.commands();
    let call = tokio::spawn(async move {
        let request = ask(&till(), "Fill", r#"{"coins":1}"#);
        commands
            .submit(request)
            .await
            .map(tonic::Response::into_inner)
    });
    soon(gate.reached.notified()).await;
    rig.begin_shutdown();
    let coordinator = rig.coordinator.clone();
    gate.open.notify_one();
    assert_eq!(committed(&soon(call).await.unwrap().unwrap()).position, 1);
    rig.down().await;
    assert_eq!(
        coordinator
            .store()
            .head(LogPartition::FIRST)
            .await
            .unwrap()
            .0,
        1
    );
    assert!(!coordinator.is_open());
}

#[tokio::test]
async fn a_stream_of_requests_is_answered_and_then_told_why_it_ends() {
    let mut rig = Rig::start().await;
    let gate = close_gate(&rig);
    let (send, requests) = mpsc::channel(1);
    let requests = futures::stream::unfold(requests, |mut requests| async {
        requests.recv().await.map(|request| (request, requests))
    });
    send.send(v1::SubmitStreamRequest {
        tag: 7,
        request: Some(ask(&till(), "Fill", r#"{"coins":1}"#)),
    })
    .await
    .unwrap();
    let mut answers = rig
        .commands()
        .submit_stream(requests)
        .await
        .unwrap()
        .into_inner();
    soon(gate.reached.notified()).await;
    rig.begin_shutdown();
    gate.open.notify_one();
    let answer = soon(answers.message()).await.unwrap().unwrap();
    assert_eq!(answer.tag, 7);
    assert!(matches!(
        answer.result,
        Some(v1::submit_stream_response::Result::Response(_))
    ));
    // The sender has not closed its side, and need not.
    let status = soon(answers.message()).await.unwrap_err();
    assert_code(&status, Code::Unavailable, "SHUTTING_DOWN");
    assert!(matches!(
        SubmitError::from_status(&status),
        Some(SubmitError::ShuttingDown)
    ));
    rig.down().await;
}

#[tokio::test]
async fn watching_the_health_does_not_keep_the_server_up() {
    let mut rig = Rig::start_with(|server| {
        server.settings(ServerSettings {
            health_interval: Duration::from_secs(3600),
            ..Default::default()
        })
    })
    .await;
    let mut health = HealthClient::new(rig.channel.clone());
    let request = HealthCheckRequest::default();
    let mut watch = health.watch(request).await.unwrap().into_inner();
    let serving = soon(watch.message()).await.unwrap().unwrap();
    rig.begin_shutdown();
    let mut last = serving;
    while let Some(status) = soon(watch.message()).await.unwrap() {
        last = status;
    }
    assert_ne!(last, serving, "it is told that the server goes down");
    rig.down().await;
}

/// Without the grace this would wait for ever: the client takes nothing, so the call does not end.
#[tokio::test]
async fn a_call_whose_client_does_not_read_is_cut_off_after_the_grace() {
    let mut rig = Rig::start_with(|server| {
        server.settings(ServerSettings {
            grace: Duration::from_millis(1),
            ..Default::default()
        })
    })
    .await;
    let stream = till();
    for _ in 0..4 {
        let label = format!(r#"{{"label":"{}"}}"#, "x".repeat(1_000_000));
        rig.submit(ask(&stream, "Label", &label)).await;
    }
    let request = v1::GetEventsRequest {
        cover: Some(convert::cover(&stream)),
        ..Default::default()
    };
    let unread = rig.queries().get_events(request).await.unwrap();
    rig.begin_shutdown();
    rig.down().await;
    drop(unread);
}

#[tokio::test]
async fn what_was_admitted_is_finished_even_after_the_grace() {
    let mut rig = Rig::start_with(|server| {
        server.settings(ServerSettings {
            grace: Duration::from_millis(1),
            ..Default::default()
        })
    })
    .await;
    let gate = close_gate(&rig);
    let mut commands = rig.commands();
    let call = tokio::spawn(async move {
        let request = ask(&till(), "Fill", r#"{"coins":1}"#);
        commands.submit(request).await.map(drop)
    });
    soon(gate.reached.notified()).await;
    rig.begin_shutdown();
    let store = rig.store.clone();
    let down = tokio::spawn(rig.down());
    gate.open.notify_one();
    soon(down).await.unwrap();
    assert_eq!(store.head(LogPartition::FIRST).await.unwrap().0, 1);
    drop(call);
}

#[tokio::test]
async fn nobody_is_let_in_afterwards() {
    let mut rig = Rig::start().await;
    let url = rig.url.clone();
    rig.begin_shutdown();
    rig.down().await;
    assert!(Endpoint::from_shared(url).unwrap().connect().await.is_err());
}
