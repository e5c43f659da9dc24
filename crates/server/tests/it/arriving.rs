//! Checks that requests that arrive in part are bounded in bytes and in time, and keep no others out.

use std::time::Duration;

use seriatim_core::SubmitError;
use seriatim_proto::status::WireError;
use seriatim_proto::v1;
use tonic::{Code, Status};
use v1::submit_stream_response::Result as Answer;

use crate::raw::{Raw, framed, header};
use crate::rig::*;

const MIB: usize = 1024 * 1024;

async fn rig_with(settings: ServerSettings) -> Rig {
    Rig::start_with(|server| server.settings(settings)).await
}

fn address(rig: &Rig) -> &str {
    rig.url.strip_prefix("http://").unwrap()
}

#[track_caller]
fn assert_overloaded(status: &Status) {
    assert_code(status, Code::ResourceExhausted, "OVERLOADED");
    let error = SubmitError::from_status(status);
    assert!(matches!(error, Some(SubmitError::Overloaded { .. })));
}

fn fill() -> v1::SubmitRequest {
    ask(&till(), "Fill", r#"{"coins":1}"#)
}

#[tokio::test]
async fn what_arrives_on_all_connections_is_bounded_too_and_given_back() {
    let settings = || ServerSettings {
        arriving_bytes: 5 * MIB,
        arriving_bytes_per_connection: 4 * MIB,
        ..Default::default()
    };
    let rig = rig_with(settings()).await;
    let mut one = Raw::connect(address(&rig), 65_535).await;
    let mut other = Raw::connect(address(&rig), 65_535).await;
    let mut begun = one.call("CommandService/Submit").await;
    begun.send(header(4 * MIB).to_vec());
    begun.send(vec![0; 100]);
    // Small requests pass, and a refusal ends no other call.
    rig.submit(fill()).await;
    let refused = async |raw: &mut Raw, bytes| {
        let mut call = raw.call("CommandService/Submit").await;
        call.send(header(bytes).to_vec());
        call.send(vec![0; 100]);
        call.status().await
    };
    assert_overloaded(&refused(&mut one, 4 * MIB).await);
    assert_overloaded(&refused(&mut other, 2 * MIB).await);
    drop(begun);
    // The room is given back a moment after the client has given up.
    soon(async {
        let mut call = other.call("CommandService/Submit").await;
        loop {
            call.send(header(4 * MIB).to_vec());
            call.send(vec![0; 4 * MIB]);
            call.end();
            let status = call.status().await;
            if status.code() == Code::InvalidArgument {
                break;
            }
            assert_overloaded(&status);
            call = other.call("CommandService/Submit").await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_request_has_a_time_in_which_it_must_be_complete() {
    let rig = rig_with(ServerSettings {
        request_time: Duration::from_millis(100),
        ..Default::default()
    })
    .await;
    let mut raw = Raw::connect(address(&rig), 65_535).await;
    let whole = framed(&fill());
    for sent in [0, 3, 20, whole.len()] {
        let mut call = raw.call("CommandService/Submit").await;
        call.send(whole[..sent].to_vec());
        // Nothing tells the server that this is the end.
        assert_eq!(faulty_fields(&call.status().await), ["request"], "{sent}");
    }
    assert_eq!(rig.head().await.0, 0);
}

#[tokio::test]
async fn between_the_requests_of_a_stream_there_may_be_any_time() {
    let rig = rig_with(ServerSettings {
        request_time: Duration::from_millis(100),
        ..Default::default()
    })
    .await;
    let (send, requests) = tokio::sync::mpsc::channel(1);
    let requests = futures::stream::unfold(requests, |mut requests| async {
        requests.recv().await.map(|request| (request, requests))
    });
    let answers = rig.commands().submit_stream(requests).await.unwrap();
    let mut answers = answers.into_inner();
    for tag in 0..3 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let request = Some(fill());
        send.send(v1::SubmitStreamRequest { tag, request })
            .await
            .unwrap();
        let answer = soon(answers.message()).await.unwrap().unwrap();
        assert!(matches!(answer.result, Some(Answer::Response(_))));
    }
    // A request that has begun must end.
    let mut raw = Raw::connect(address(&rig), 65_535).await;
    let mut call = raw.call("CommandService/SubmitStream").await;
    let whole = framed(&v1::SubmitStreamRequest {
        tag: 7,
        request: Some(fill()),
    });
    call.send(whole.clone());
    call.send(whole[..20].to_vec());
    assert_eq!(faulty_fields(&call.status().await), ["request"]);
}

/// This holds even if no request ends together with what was sent of it.
#[tokio::test]
async fn each_request_of_a_stream_has_a_time_of_its_own() {
    let rig = rig_with(ServerSettings {
        request_time: Duration::from_secs(2),
        ..Default::default()
    })
    .await;
    let mut raw = Raw::connect(address(&rig), 1 << 20).await;
    let mut call = raw.call("CommandService/SubmitStream").await;
    let whole = framed(&v1::SubmitStreamRequest {
        tag: 7,
        request: Some(fill()),
    });
    let (begin, end) = whole.split_at(20);
    call.send(begin.to_vec());
    for done in 1..=30 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        call.send([end, begin].concat());
        soon(async {
            while rig.head().await.0 < done {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn what_can_never_be_held_is_too_large() {
    for (all, one) in [(1000, usize::MAX), (usize::MAX, 1000)] {
        let rig = rig_with(ServerSettings {
            message_bytes: usize::MAX,
            arriving_bytes: all,
            arriving_bytes_per_connection: one,
            // A limit that is more than can be counted is none.
            in_work: usize::MAX,
            ..Default::default()
        })
        .await;
        rig.submit(fill()).await;
        let label = format!(r#"{{"label":"{}"}}"#, "x".repeat(2000));
        let refused = rig.refused(ask(&till(), "Label", &label)).await;
        assert_eq!(faulty_fields(&refused), ["request"]);
    }
}

/// The client of the library ends such a call by itself; a server must not rely on that.
#[tokio::test]
async fn a_call_ends_when_the_time_that_its_client_gave_it_is_over() {
    let rig = Rig::start().await;
    let gate = crate::shutdown::close_gate(&rig);
    let mut raw = Raw::connect(address(&rig), 65_535).await;
    let headers = [("grpc-timeout", "50m")];
    let mut call = raw.call_with("CommandService/Submit", &headers).await;
    call.send(framed(&fill()));
    call.end();
    assert_eq!(call.status().await.code(), Code::DeadlineExceeded);
    gate.open.notify_one();
}
