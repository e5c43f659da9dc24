//! Checks that answers that nobody reads are bounded in bytes and in time, and that other clients do not feel them.

use std::time::Duration;

use prost::Message;
use seriatim_core::StreamId;
use seriatim_proto::{convert, v1};
use tonic::Code;
use tonic::transport::Endpoint;
use v1::query_service_client::QueryServiceClient;

use crate::raw::{Raw, RawCall, framed};
use crate::rig::*;

fn address(rig: &Rig) -> &str {
    rig.url.strip_prefix("http://").unwrap()
}

fn state_of(stream: &StreamId) -> v1::GetStateRequest {
    v1::GetStateRequest {
        cover: Some(convert::cover(stream)),
        at: None,
    }
}

fn from_the_first() -> v1::SubscribeRequest {
    use v1::begin::{At, First};
    v1::SubscribeRequest {
        begin: Some(v1::Begin {
            at: Some(At::First(First {})),
        }),
        ..Default::default()
    }
}

/// Returns a command whose event, and the state after it, take this many bytes.
fn label(stream: &StreamId, bytes: usize) -> v1::SubmitRequest {
    ask(
        stream,
        "Label",
        &format!(r#"{{"label":"{}"}}"#, "x".repeat(bytes)),
    )
}

async fn ask_raw(raw: &mut Raw, method: &str, request: &impl Message) -> RawCall {
    let mut call = raw.call(method).await;
    call.send(framed(request));
    call.end();
    call
}

async fn rig_with_patience(patience: Duration) -> Rig {
    Rig::start_with(|server| {
        server.settings(ServerSettings {
            answer_time: patience,
            connections: 2,
            ..Default::default()
        })
    })
    .await
}

/// A call whose client takes nothing is ended; the connection goes on, and what was held is given back.
#[tokio::test]
async fn a_call_whose_client_takes_nothing_is_ended() {
    let rig = rig_with_patience(Duration::from_millis(100)).await;
    let (large, small) = (till(), till());
    rig.submit(label(&large, 1_000_000)).await;
    rig.submit(label(&small, 10)).await;
    let mut raw = Raw::connect(address(&rig), 65_535).await;
    for request in 0..20 {
        let (method, message) = match request % 3 {
            0 => ("QueryService/GetState", framed(&state_of(&large))),
            1 => (
                "QueryService/GetEvents",
                framed(&v1::GetEventsRequest {
                    cover: Some(convert::cover(&large)),
                    ..Default::default()
                }),
            ),
            _ => ("SubscriptionService/Subscribe", framed(&from_the_first())),
        };
        let mut call = raw.call(method).await;
        call.send(message);
        call.end();
        // The answer begins, and then nobody asks for more of it.
        let answer = soon(call.answer).await.unwrap();
        let mut body = answer.into_body();
        let ended = soon(async {
            loop {
                match body.data().await {
                    Some(Ok(_)) => {}
                    other => break other,
                }
            }
        })
        .await;
        assert!(matches!(ended, Some(Err(_))), "{method}: {ended:?}");
    }
    let call = ask_raw(&mut raw, "QueryService/GetState", &state_of(&small)).await;
    assert_eq!(call.status().await.code(), Code::Ok);
    let call = ask_raw(&mut raw, "QueryService/GetState", &state_of(&large)).await;
    assert_eq!(call.status().await.code(), Code::Ok);
}

/// Reads what comes until the call ends, and gives no more room. Returns how many bytes that was, and whether it was
/// all.
async fn read_without_room(call: RawCall) -> (usize, bool) {
    let mut body = soon(call.answer).await.unwrap().into_body();
    let mut read = 0;
    loop {
        match soon(body.data()).await {
            Some(Ok(data)) => read += data.len(),
            Some(Err(_)) => return (read, false),
            None => return (read, true),
        }
    }
}

/// HTTP/2 takes the last piece of an answer when there is room for one byte of it.
#[tokio::test]
async fn a_call_whose_client_leaves_the_end_of_the_answer_is_ended() {
    let rig = Rig::start_with(|server| {
        server.settings(ServerSettings {
            answer_time: Duration::from_millis(100),
            ..Default::default()
        })
    })
    .await;
    for bytes in [10_000, 100_000] {
        let stream = till();
        rig.submit(label(&stream, bytes)).await;
        let ask_with = async |window| {
            let mut raw = Raw::connect(address(&rig), window).await;
            let call = ask_raw(&mut raw, "QueryService/GetState", &state_of(&stream)).await;
            read_without_room(call).await
        };
        let (whole, is_whole) = ask_with(1 << 20).await;
        assert!(is_whole && whole > bytes);
        for window in [1, whole - 1] {
            let read = ask_with(u32::try_from(window).unwrap()).await;
            assert_eq!(read, (window, false));
        }
    }
}

/// A stream that may have further answers ends too, while there are none.
#[tokio::test]
async fn a_stream_whose_client_leaves_the_end_of_an_answer_is_ended() {
    let rig = rig_with_patience(Duration::from_millis(100)).await;
    let mut raw = Raw::connect(address(&rig), 99_000).await;
    let mut call = raw.call("CommandService/SubmitStream").await;
    let request = v1::SubmitRequest {
        include_events: true,
        ..label(&till(), 100_000)
    };
    call.send(framed(&v1::SubmitStreamRequest {
        tag: 7,
        request: Some(request),
    }));
    assert_eq!(read_without_room(call).await, (99_000, false));
    let call = ask_raw(&mut raw, "SubscriptionService/Subscribe", &from_the_first()).await;
    assert_eq!(read_without_room(call).await, (99_000, false));
}

/// An answer counts until the last of it has left, however small it is and whether or not more may follow.
#[tokio::test]
async fn an_answer_in_pages_counts_until_it_has_left() {
    let settings = ServerSettings {
        unread_bytes_per_connection: 64 * 1024,
        ..Default::default()
    };
    let rig = Rig::start_with(|server| server.settings(settings)).await;
    let stream = till();
    rig.submit(label(&stream, 6_000)).await;
    let events = v1::GetEventsRequest {
        cover: Some(convert::cover(&stream)),
        ..Default::default()
    };
    let command = v1::SubmitStreamRequest {
        tag: 7,
        request: Some(v1::SubmitRequest {
            include_events: true,
            ..label(&till(), 6_000)
        }),
    };
    for (method, request) in [
        ("QueryService/GetEvents", framed(&events)),
        ("SubscriptionService/Subscribe", framed(&from_the_first())),
        ("CommandService/SubmitStream", framed(&command)),
    ] {
        let mut raw = Raw::connect(address(&rig), 1_000).await;
        let mut call = raw.call(method).await;
        call.send(request);
        if method != "CommandService/SubmitStream" {
            call.end();
        }
        let mut body = soon(call.answer).await.unwrap().into_body();
        let mut read = 0;
        while read < 1_000 {
            read += soon(body.data()).await.unwrap().unwrap().len();
        }
        // An answer of unknown size is not made before there is all the room of the connection.
        let mut other = ask_raw(&mut raw, "QueryService/GetEvents", &events).await;
        let answered = tokio::time::timeout(Duration::from_millis(300), &mut other.answer).await;
        assert!(answered.is_err(), "{method}");
        drop((body, call.message));
        soon(other.answer).await.unwrap();
    }
}

/// A client that is slow, but takes something, has all the time it needs.
#[tokio::test]
async fn a_slow_client_is_not_ended() {
    let rig = rig_with_patience(Duration::from_millis(400)).await;
    let stream = till();
    rig.submit(label(&stream, 400_000)).await;
    let mut raw = Raw::connect(address(&rig), 65_535).await;
    let call = ask_raw(&mut raw, "QueryService/GetState", &state_of(&stream)).await;
    let mut body = soon(call.answer).await.unwrap().into_body();
    let mut received = 0;
    while let Some(data) = soon(body.data()).await {
        let data = data.unwrap();
        received += data.len();
        tokio::time::sleep(Duration::from_millis(40)).await;
        body.flow_control().release_capacity(data.len()).unwrap();
    }
    assert!(received > 400_000);
}

/// A connection whose client reads nothing at all is closed, whatever its windows allow.
#[tokio::test]
async fn a_connection_that_takes_nothing_is_closed() {
    let rig = rig_with_patience(Duration::from_millis(100)).await;
    let stream = till();
    rig.submit(label(&stream, 1_000_000)).await;
    let stopped = Raw::connect_and_stop_reading(address(&rig), |raw| {
        (0..50)
            .map(|_| raw.begin("QueryService/GetState", framed(&state_of(&stream))))
            .collect::<Vec<_>>()
    })
    .await;
    // Two connections may be open, and the rig has one of them.
    let has_place = async || {
        let endpoint = Endpoint::from_shared(rig.url.clone()).unwrap();
        let Ok(channel) = endpoint.connect().await else {
            return false;
        };
        let mut queries = QueryServiceClient::new(channel);
        let answer = queries.list_domains(v1::ListDomainsRequest {}).await;
        answer.is_ok()
    };
    until(has_place).await;
    drop(stopped);
}

/// Returns how many commands on new streams have come to be decided.
fn loaded(rig: &Rig) -> usize {
    rig.store
        .calls()
        .get("load a stream")
        .copied()
        .unwrap_or_default()
}

/// Eight requests fit in 8 MiB, whether or not they are answered while the client takes nothing. After small answers
/// only a few more requests are read.
#[tokio::test]
async fn no_more_is_read_of_a_stream_than_may_be_unread() {
    for (include_events, most) in [(true, 8), (false, 11)] {
        let rig = Rig::start().await;
        let gate = crate::shutdown::close_gate(&rig);
        let mut raw = Raw::connect(address(&rig), 0).await;
        let mut call = raw.call("CommandService/SubmitStream").await;
        for tag in 0..50 {
            let request = v1::SubmitRequest {
                include_events,
                ..label(&till(), 1_000_000)
            };
            call.send(framed(&v1::SubmitStreamRequest {
                tag,
                request: Some(request),
            }));
        }
        until(async || loaded(&rig) == 8).await;
        let stays_at = async |most| {
            for _ in 0..50 {
                tokio::time::sleep(Duration::from_millis(10)).await;
                assert!(loaded(&rig) <= most, "{} of {most}", loaded(&rig));
            }
        };
        stays_at(8).await;
        gate.open.notify_one();
        until(async || rig.head().await.0 >= 8).await;
        stays_at(most).await;
    }
}

/// The requests that wait for an answer have all the room, and each answer is larger than its request.
#[tokio::test]
async fn the_answers_of_a_stream_do_not_wait_for_one_another() {
    let rig = Rig::start().await;
    let gate = crate::shutdown::close_gate(&rig);
    let requests = (0..9).map(|tag| v1::SubmitStreamRequest {
        tag,
        request: Some(v1::SubmitRequest {
            include_events: true,
            ..label(&till(), 1_000_000)
        }),
    });
    let requests = futures::stream::iter(requests.collect::<Vec<_>>());
    let mut answers = rig
        .commands()
        .max_decoding_message_size(2_000_000)
        .submit_stream(requests)
        .await
        .unwrap()
        .into_inner();
    until(async || loaded(&rig) == 8).await;
    gate.open.notify_one();
    let mut tags = Vec::new();
    while let Some(answer) = soon(answers.message()).await.unwrap() {
        use v1::submit_stream_response::Result;
        let Some(Result::Response(response)) = &answer.result else {
            panic!("{answer:?}");
        };
        assert!(committed(response).position > 0);
        tags.push(answer.tag);
    }
    tags.sort_unstable();
    assert_eq!(tags, (0..9).collect::<Vec<_>>());
}

/// A client that sends no request keeps no room from others for the answer to it.
#[tokio::test]
async fn a_question_that_is_still_arriving_holds_no_room() {
    let rig = Rig::start_with(|server| {
        server.settings(ServerSettings {
            request_time: Duration::from_secs(600),
            ..Default::default()
        })
    })
    .await;
    let stream = rig.till_with(&[("Fill", r#"{"coins":5}"#)]).await;
    let mut raw = Raw::connect(address(&rig), 65_535).await;
    let question = framed(&state_of(&stream));
    let mut begun = Vec::new();
    for sent in [0, 1, 10, question.len()] {
        let mut call = raw.call("QueryService/GetState").await;
        call.send(question[..sent].to_vec());
        begun.push(call);
    }
    let call = ask_raw(&mut raw, "QueryService/GetState", &state_of(&stream)).await;
    assert_eq!(call.status().await.code(), Code::Ok);
}

/// A command is run even if nobody reads the events that it leads to.
#[tokio::test]
async fn commands_are_run_though_nobody_reads_their_events() {
    let rig = Rig::start().await;
    let mut raw = Raw::connect(address(&rig), 0).await;
    let mut calls = Vec::new();
    for _ in 0..20 {
        let request = v1::SubmitRequest {
            include_events: true,
            ..label(&till(), 1_000_000)
        };
        calls.push(ask_raw(&mut raw, "CommandService/Submit", &request).await);
    }
    until(async || rig.head().await.0 == 20).await;
    // A client that reads is shown the events.
    let request = v1::SubmitRequest {
        include_events: true,
        ..label(&till(), 1_000_000)
    };
    let commit = committed(&rig.submit(request).await).clone();
    assert_eq!((commit.events.len(), commit.events_omitted), (1, false));
}
