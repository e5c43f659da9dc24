//! Checks that requests beyond what can be done at once wait outside, are refused in time, and hold nobody up.

use std::time::Duration;

use futures::future::join_all;
use seriatim_core::{
    Component, EffectId, Metadata, Payload, Rejected, RejectedEffect, Sequence, StreamId,
    SubmitError,
};
use seriatim_proto::status::WireError;
use seriatim_proto::{convert, v1};
use tonic::{Code, Status};

use crate::raw::{Raw, framed};
use crate::rig::*;
use crate::shutdown::close_gate;

pub(crate) async fn rig_with(in_work: usize, waiting: usize, waiting_time: Duration) -> Rig {
    Rig::start_with(|server| {
        server.settings(ServerSettings {
            in_work,
            waiting,
            waiting_time,
            ..Default::default()
        })
    })
    .await
}

pub(crate) const LONG: Duration = Duration::from_secs(600);

fn fill() -> v1::SubmitRequest {
    ask(&till(), "Fill", r#"{"coins":1}"#)
}

#[track_caller]
fn assert_overloaded(status: &Status) {
    assert_code(status, Code::ResourceExhausted, "OVERLOADED");
    let error = SubmitError::from_status(status);
    let Some(SubmitError::Overloaded { retry_after }) = error else {
        panic!("{error:?}");
    };
    assert!(!retry_after.is_zero());
}

#[tokio::test]
async fn what_cannot_be_in_work_waits_and_is_done() {
    let rig = rig_with(1, 9, LONG).await;
    let gate = close_gate(&rig);
    let calls = join_all((0..5).map(|_| {
        let mut commands = rig.commands();
        async move { commands.submit(fill()).await }
    }));
    let calls = tokio::spawn(calls);
    soon(gate.reached.notified()).await;
    // A client that only asks does not wait.
    let request = v1::GetStateRequest {
        cover: Some(convert::cover(&till())),
        at: None,
    };
    soon(rig.queries().get_state(request)).await.unwrap();
    gate.open.notify_one();
    for answer in soon(calls).await.unwrap() {
        committed(&answer.unwrap().into_inner());
    }
    assert_eq!(rig.head().await.0, 5);
}

#[tokio::test]
async fn who_waits_in_vain_or_behind_too_many_is_refused_and_nothing_is_written() {
    for (waiting, waiting_time) in [(0, LONG), (9, Duration::from_millis(50))] {
        let rig = rig_with(1, waiting, waiting_time).await;
        let gate = close_gate(&rig);
        let mut commands = rig.commands();
        let first = tokio::spawn(async move { commands.submit(fill()).await });
        soon(gate.reached.notified()).await;
        assert_overloaded(&rig.refused(fill()).await);
        let fact = fact(&till(), "evt-1", "Flagged", "{}");
        assert_overloaded(&rig.facts().record(fact).await.unwrap_err());
        let handed_back = rig
            .commands()
            .hand_back(v1::HandBackRequest::default())
            .await;
        assert_overloaded(&handed_back.unwrap_err());
        gate.open.notify_one();
        soon(first).await.unwrap().unwrap();
        assert_eq!(rig.head().await.0, 1);
    }
}

/// A refused request is not decoded: not even bytes that are no message are noticed. The server does not wait for the
/// end of it either.
#[tokio::test]
async fn what_is_refused_is_not_read() {
    let rig = Rig::start_with(|server| {
        server.settings(ServerSettings {
            in_work: 1,
            waiting: 0,
            request_time: LONG,
            ..Default::default()
        })
    })
    .await;
    let gate = close_gate(&rig);
    let mut commands = rig.commands();
    let first = tokio::spawn(async move { commands.submit(fill()).await });
    soon(gate.reached.notified()).await;
    let address = rig.url.strip_prefix("http://").unwrap();
    let mut raw = Raw::connect(address, 65_535).await;
    let mut call = raw.call("CommandService/Submit").await;
    call.send(vec![7; 100]);
    assert_overloaded(&call.status().await);
    gate.open.notify_one();
    soon(first).await.unwrap().unwrap();
}

/// A client that does not read its answers keeps nobody else from work.
#[tokio::test]
async fn a_stream_whose_answers_nobody_reads_is_not_in_work() {
    let rig = rig_with(2, 9, LONG).await;
    let address = rig.url.strip_prefix("http://").unwrap();
    let mut raw = Raw::connect(address, 0).await;
    let mut calls = Vec::new();
    for _ in 0..5 {
        let mut call = raw.call("CommandService/SubmitStream").await;
        for tag in 0..20 {
            let request = Some(fill());
            call.send(framed(&v1::SubmitStreamRequest { tag, request }));
        }
        calls.push(call);
    }
    for _ in 0..10 {
        soon(rig.submit(fill())).await;
    }
}

/// Requests of a stream wait as well, and hold back their client.
#[tokio::test]
async fn a_stream_waits_for_its_turn_and_is_answered_whole() {
    let rig = rig_with(1, 0, LONG).await;
    let requests = (0..50).map(|tag| v1::SubmitStreamRequest {
        tag,
        request: Some(fill()),
    });
    let answers = rig
        .commands()
        .submit_stream(futures::stream::iter(requests))
        .await;
    let mut answers = answers.unwrap().into_inner();
    let mut tags = Vec::new();
    while let Some(answer) = soon(answers.message()).await.unwrap() {
        use v1::submit_stream_response::Result;
        assert!(matches!(answer.result, Some(Result::Response(_))));
        tags.push(answer.tag);
    }
    tags.sort_unstable();
    assert_eq!(tags, (0..50).collect::<Vec<_>>());
}

/// A sender that waits for a component keeps the store no busier.
#[tokio::test]
async fn a_sender_that_waits_for_a_component_is_not_in_work() {
    let settings = ServerSettings {
        in_work: 1,
        ..Default::default()
    };
    let (rig, permits) = crate::waiting::gated_with(0, settings).await;
    let mut commands = rig.commands();
    let waiting = v1::SubmitRequest {
        wait_for: Some(v1::WaitFor {
            components: vec!["gate".into()],
            limit: Some(prost_types::Duration {
                seconds: 3600,
                nanos: 0,
            }),
        }),
        ..fill()
    };
    let waiting = tokio::spawn(async move { commands.submit(waiting).await });
    soon(rig.submit(fill())).await;
    permits.add_permits(9);
    soon(waiting).await.unwrap().unwrap();
}

/// A client that sends a thousand requests but for their ends keeps nobody from work.
#[tokio::test]
async fn requests_that_are_still_arriving_are_not_in_work() {
    let rig = rig_with(1, 0, LONG).await;
    let address = rig.url.strip_prefix("http://").unwrap();
    let mut raw = Raw::connect(address, 65_535).await;
    let whole = framed(&fill());
    let mut begun = Vec::new();
    for sent in [0, 3, 20, whole.len()] {
        for method in ["CommandService/Submit", "FactService/Record"] {
            let mut call = raw.call(method).await;
            call.send(whole[..sent].to_vec());
            begun.push(call);
        }
    }
    for _ in 0..10 {
        soon(rig.submit(fill())).await;
    }
    // A request that becomes complete goes through the gate like any other.
    let gate = close_gate(&rig);
    let mut commands = rig.commands();
    let first = tokio::spawn(async move { commands.submit(fill()).await });
    soon(gate.reached.notified()).await;
    let mut ended = begun.remove(6);
    ended.end();
    assert_overloaded(&ended.status().await);
    gate.open.notify_one();
    soon(first).await.unwrap().unwrap();
}

/// A request that waits for its turn is in memory, so it counts as arriving.
#[tokio::test]
async fn requests_that_wait_are_bounded_in_bytes() {
    let rig = Rig::start_with(|server| {
        server.settings(ServerSettings {
            in_work: 1,
            waiting_time: LONG,
            arriving_bytes: 30_000,
            ..Default::default()
        })
    })
    .await;
    let gate = close_gate(&rig);
    let labels = || {
        let label = format!(r#"{{"label":"{}"}}"#, "x".repeat(10_000));
        ask(&till(), "Label", &label)
    };
    let mut commands = rig.commands();
    let first = tokio::spawn(async move { commands.submit(fill()).await });
    soon(gate.reached.notified()).await;
    let calls: Vec<_> = (0..5)
        .map(|_| {
            let mut commands = rig.commands();
            tokio::spawn(async move { commands.submit(labels()).await })
        })
        .collect();
    // There is room for two. The others are told at once; none of them is in work.
    soon(async {
        while calls.iter().filter(|call| call.is_finished()).count() < 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    gate.open.notify_one();
    soon(first).await.unwrap().unwrap();
    let mut done = 0;
    for call in calls {
        match soon(call).await.unwrap() {
            Ok(_) => done += 1,
            Err(status) => assert_overloaded(&status),
        }
    }
    assert_eq!(done, 2);
}

/// In streams, too, a request that was read and is not in work yet has its room until it is.
#[tokio::test]
async fn requests_of_streams_that_wait_are_bounded_in_bytes() {
    use v1::submit_stream_response::Result;
    let rig = Rig::start_with(|server| {
        server.settings(ServerSettings {
            in_work: 1,
            arriving_bytes: 4 * 1024 * 1024,
            ..Default::default()
        })
    })
    .await;
    let gate = close_gate(&rig);
    let mut commands = rig.commands();
    let first = tokio::spawn(async move { commands.submit(fill()).await });
    soon(gate.reached.notified()).await;
    let label = format!(r#"{{"label":"{}"}}"#, "x".repeat(1_000_000));
    let calls: Vec<_> = (0..10)
        .map(|tag| {
            let mut commands = rig.commands();
            let request = v1::SubmitStreamRequest {
                tag,
                request: Some(ask(&till(), "Label", &label)),
            };
            tokio::spawn(async move {
                let answers = commands
                    .submit_stream(futures::stream::iter([request]))
                    .await?;
                answers.into_inner().message().await
            })
        })
        .collect();
    // There is room for four.
    soon(async {
        while calls.iter().filter(|call| call.is_finished()).count() < 6 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    gate.open.notify_one();
    soon(first).await.unwrap().unwrap();
    let mut done = 0;
    for call in calls {
        match soon(call).await.unwrap() {
            Ok(answer) => {
                let result = answer.unwrap().result;
                assert!(matches!(result, Some(Result::Response(_))), "{result:?}");
                done += 1;
            }
            Err(status) => assert_overloaded(&status),
        }
    }
    assert_eq!(done, 4);
}

fn handed_back(source: &StreamId) -> v1::HandBackRequest {
    v1::HandBackRequest::from(&RejectedEffect {
        effect: EffectId {
            component: Component::new("refill").unwrap(),
            source: source.clone(),
            sequence: Sequence::FIRST,
            ordinal: 0,
        },
        target: till(),
        commands: vec![Payload::json("Take", r#"{"coins":5}"#)],
        rejected: Rejected {
            code: "TooFew".into(),
            message: "there are only 0 coins".into(),
            fields: vec![],
        },
        metadata: Metadata::default(),
    })
}

/// A request keeps the store as busy if its sender has left.
#[tokio::test]
async fn a_request_whose_sender_has_left_is_in_work_until_it_is_done() {
    let rig = Rig::start_with(|server| {
        server.settings(ServerSettings {
            in_work: 1,
            waiting: 0,
            accept_effects: true,
            ..Default::default()
        })
    })
    .await;
    let address = rig.url.strip_prefix("http://").unwrap();
    let submit = framed(&fill());
    let record = framed(&fact(&till(), "evt-1", "Flagged", "{}"));
    let source = rig.till_with(&[("Fill", r#"{"coins":5}"#)]).await;
    let hand_back = framed(&handed_back(&source));
    for (method, request) in [
        ("CommandService/Submit", submit),
        ("FactService/Record", record),
        ("CommandService/HandBack", hand_back),
    ] {
        let before = rig.head().await.0;
        let gate = close_gate(&rig);
        let mut raw = Raw::connect(address, 65_535).await;
        let mut call = raw.call(method).await;
        call.send(request);
        call.end();
        soon(gate.reached.notified()).await;
        drop(call);
        // By then the server has noticed that: it reads what comes on one connection in turn.
        for _ in 0..50 {
            let mut call = raw.call("CommandService/Submit").await;
            call.send(framed(&fill()));
            call.end();
            assert_overloaded(&call.status().await);
        }
        gate.open.notify_one();
        soon(async {
            while rig.head().await.0 == before {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
        // The permit is free a moment later.
        soon(async {
            while rig.commands().submit(fill()).await.is_err() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    }
}
