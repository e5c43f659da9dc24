//! Measures what a server takes in memory while clients ask for more than they should. The server is a process of its
//! own.

use std::time::Duration;

use futures::future::join_all;
use futures::stream::{FuturesUnordered, StreamExt};
use prost::Message;
use seriatim_core::StreamId;
use seriatim_proto::{convert, v1};
use tonic::Status;
use tonic::codegen::Bytes;
use tonic::transport::{Channel, Endpoint};
use v1::command_service_client::CommandServiceClient;
use v1::query_service_client::QueryServiceClient;

use crate::own_process::OwnProcess;
use crate::raw::{Raw, RawCall, framed, header};
use crate::rig::*;

const MIB: usize = 1024 * 1024;

async fn connect(server: &OwnProcess) -> Channel {
    let endpoint = Endpoint::from_shared(server.url.clone()).unwrap();
    endpoint.connect().await.unwrap()
}

/// Returns a command whose event, and the state after it, take this many bytes.
fn label(stream: &StreamId, bytes: usize) -> v1::SubmitRequest {
    let text = "x".repeat(bytes);
    ask(stream, "Label", &format!(r#"{{"label":"{text}"}}"#))
}

async fn ask_raw(raw: &mut Raw, method: &str, request: &impl Message) -> RawCall {
    let mut call = raw.call(method).await;
    call.send(framed(request));
    call.end();
    call
}

#[track_caller]
fn assert_grown_by_less_than(server: &OwnProcess, before: usize, most: usize) {
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(grown < most, "{} MiB", grown / MIB);
}

/// A thousand messages of 4 MiB, each without its last byte, took 4 GB.
#[tokio::test]
async fn of_requests_that_arrive_in_part() {
    let server = OwnProcess::start(":");
    let mut raw = Raw::connect(server.address(), 65_535).await;
    let before = server.resident_bytes();
    let large = Bytes::from(vec![0; 4 * MIB - 1]);
    let mut begun = Vec::new();
    let mut answers = FuturesUnordered::new();
    for _ in 0..1000 {
        let mut call = raw.call("CommandService/Submit").await;
        call.send(header(4 * MIB).to_vec());
        call.send(large.clone());
        answers.push(call.answer);
        begun.push(call.message);
    }
    // Eight messages are 32 MiB. The client cannot begin to send some of the others because it has no window.
    for _ in 0..900 {
        let answer = soon(answers.next()).await.unwrap().unwrap();
        let status = Status::from_header_map(answer.headers()).unwrap();
        assert_code(&status, tonic::Code::ResourceExhausted, "OVERLOADED");
    }
    assert_grown_by_less_than(&server, before, 128 * MIB);
}

/// A thousand states of 1 MB each were made at once, and took a gigabyte.
#[tokio::test]
async fn of_states_that_nobody_reads() {
    let server = OwnProcess::start(":");
    let mut commands = CommandServiceClient::new(connect(&server).await);
    let stream = till();
    commands.submit(label(&stream, 1_000_000)).await.unwrap();
    let before = server.resident_bytes();
    let mut raw = Raw::connect(server.address(), 0).await;
    let mut calls = Vec::new();
    for _ in 0..1000 {
        calls.push(ask_raw(&mut raw, "QueryService/GetState", &state_of(&stream)).await);
    }
    // Other clients are served meanwhile, also with states.
    for _ in 0..20 {
        commands.submit(label(&till(), 10)).await.unwrap();
        let mut queries = QueryServiceClient::new(connect(&server).await);
        soon(queries.get_state(state_of(&stream))).await.unwrap();
    }
    assert_grown_by_less_than(&server, before, 100 * MIB);
}

fn state_of(stream: &StreamId) -> v1::GetStateRequest {
    v1::GetStateRequest {
        cover: Some(convert::cover(stream)),
        at: None,
    }
}

/// Each of a thousand subscribers held two pages of 4 MiB.
#[tokio::test]
async fn of_subscriptions_that_nobody_reads() {
    let server = OwnProcess::start(":");
    let mut commands = CommandServiceClient::new(connect(&server).await);
    let stream = till();
    for _ in 0..10 {
        commands.submit(label(&stream, 1_000_000)).await.unwrap();
    }
    let before = server.resident_bytes();
    let mut raw = Raw::connect(server.address(), 65_535).await;
    let from_the_first = v1::SubscribeRequest {
        begin: Some(v1::Begin {
            at: Some(v1::begin::At::First(v1::begin::First {})),
        }),
        ..Default::default()
    };
    let mut calls = Vec::new();
    for _ in 0..1000 {
        calls.push(ask_raw(&mut raw, "SubscriptionService/Subscribe", &from_the_first).await);
    }
    for _ in 0..20 {
        commands.submit(label(&till(), 10)).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_grown_by_less_than(&server, before, 100 * MIB);
}

/// The cache of states was bounded by their number: 1,200 of 900 kB took more than a gigabyte.
#[tokio::test]
async fn of_large_states_that_are_kept() {
    let server = OwnProcess::start(":");
    let mut commands = CommandServiceClient::new(connect(&server).await);
    commands.submit(label(&till(), 900_000)).await.unwrap();
    let before = server.resident_bytes();
    for _ in 0..200 {
        commands.submit(label(&till(), 900_000)).await.unwrap();
    }
    // The limit covers 16 MiB of states, and what SQLite keeps of its file.
    assert_grown_by_less_than(&server, before, 120 * MIB);
}

/// 25,600 commands of 40 kB in flight took 1.7 GB, though only 128 MiB may be in the queue, which are 838 of them.
#[tokio::test]
async fn of_commands_that_wait() {
    let mut server = OwnProcess::start_held();
    let channels = join_all((0..8).map(|_| connect(&server))).await;
    let before = server.resident_bytes();
    let mut calls: FuturesUnordered<_> = (0..8_000)
        .map(|number| {
            let mut commands = CommandServiceClient::new(channels[number % 8].clone());
            async move { commands.submit(label(&till(), 40_000)).await }
        })
        .collect();
    // Nothing is written, so all answers are refusals.
    let mut largest = 0;
    while calls.len() > 838 {
        let status = soon(calls.next()).await.unwrap().unwrap_err();
        assert_code(&status, tonic::Code::ResourceExhausted, "OVERLOADED");
        if calls.len() % 100 == 0 {
            largest = largest.max(server.resident_bytes());
        }
    }
    let grown = largest.saturating_sub(before);
    assert!(grown < 300 * MIB, "{} MiB", grown / MIB);
    server.go_on();
    while let Some(answer) = soon(calls.next()).await {
        committed(&answer.unwrap().into_inner());
    }
}
