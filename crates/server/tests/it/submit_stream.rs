//! Checks many commands of one call in flight.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use futures::StreamExt;
use seriatim_coordinator::Coordinator;
use seriatim_core::{Prepare, PrepareError};
use seriatim_proto::status::from_message;
use seriatim_proto::v1;
use seriatim_store_memory::MemoryStore;
use seriatim_testkit::faults::FaultyStore;
use tokio::sync::mpsc;
use tonic::{Code, Status, Streaming};
use v1::submit_stream_response::Result as Answer;

use crate::rig::*;
use crate::till::{Do, No, Till};

fn tagged(tag: u64, request: v1::SubmitRequest) -> v1::SubmitStreamRequest {
    v1::SubmitStreamRequest {
        tag,
        request: Some(request),
    }
}

/// Sends all requests at once.
async fn send_all(
    rig: &Rig,
    requests: Vec<v1::SubmitStreamRequest>,
) -> Streaming<v1::SubmitStreamResponse> {
    let requests = futures::stream::iter(requests);
    rig.commands()
        .submit_stream(requests)
        .await
        .unwrap()
        .into_inner()
}

/// Returns all answers, and how the call ended.
async fn all(
    mut answers: Streaming<v1::SubmitStreamResponse>,
) -> (BTreeMap<u64, Answer>, Result<(), Status>) {
    let mut all = BTreeMap::new();
    loop {
        match answers.message().await {
            Ok(Some(answer)) => {
                let twice = all.insert(answer.tag, answer.result.unwrap());
                assert!(twice.is_none(), "tag {} is answered twice", answer.tag);
            }
            Ok(None) => return (all, Ok(())),
            Err(status) => return (all, Err(status)),
        }
    }
}

#[tokio::test]
async fn a_thousand_in_flight_with_a_bad_one_among_them() {
    let rig = Rig::start().await;
    let streams: Vec<_> = (0..100).map(|_| till()).collect();
    let requests = (0..1000u64).map(|tag| {
        let stream = &streams[usize::try_from(tag % 100).unwrap()];
        match tag {
            500 => tagged(tag, ask(stream, "Fil", "{}")),
            501 => v1::SubmitStreamRequest { tag, request: None },
            502 => tagged(tag, ask(stream, "Take", r#"{"coins":1000000}"#)),
            _ => tagged(tag, ask(stream, "Fill", r#"{"coins":1}"#)),
        }
    });
    let (answers, end) = all(send_all(&rig, requests.collect()).await).await;
    end.unwrap();
    assert_eq!(answers.len(), 1000);
    let mut positions = BTreeSet::new();
    for (tag, answer) in &answers {
        match answer {
            Answer::Response(response) => {
                positions.insert(committed(response).position);
            }
            Answer::Status(status) => {
                let status = from_message(status);
                match tag {
                    500 => assert_eq!(faulty_fields(&status), ["pages[0].command"]),
                    501 => assert_eq!(faulty_fields(&status), ["request"]),
                    502 => assert_code(&status, Code::FailedPrecondition, "REJECTED"),
                    _ => panic!("{tag}: {status:?}"),
                }
            }
        }
    }
    assert_eq!(positions, (1..=997).collect());
    assert_eq!(rig.head().await.0, 997);
}

#[tokio::test]
async fn answers_come_while_requests_are_still_sent() {
    let rig = Rig::start().await;
    let (send, requests) = mpsc::channel(1);
    let requests = futures::stream::unfold(requests, |mut requests| async {
        requests.recv().await.map(|request| (request, requests))
    });
    let stream = till();
    send.send(tagged(0, ask(&stream, "Fill", r#"{"coins":1}"#)))
        .await
        .unwrap();
    let mut answers = rig
        .commands()
        .submit_stream(requests)
        .await
        .unwrap()
        .into_inner();
    for tag in 1..4 {
        assert_eq!(answers.next().await.unwrap().unwrap().tag, tag - 1);
        send.send(tagged(tag, ask(&stream, "Fill", r#"{"coins":1}"#)))
            .await
            .unwrap();
    }
    drop(send);
    let (rest, end) = all(answers).await;
    end.unwrap();
    assert_eq!(rest.len(), 1);
}

#[tokio::test]
async fn a_message_that_is_too_large_ends_the_call_after_the_answers() {
    let rig = Rig::start_with(|server| {
        server.settings(ServerSettings {
            message_bytes: 1000,
            ..Default::default()
        })
    })
    .await;
    let large = format!(r#"{{"label":"{}"}}"#, "x".repeat(2000));
    let requests = vec![
        tagged(1, ask(&till(), "Fill", r#"{"coins":1}"#)),
        tagged(2, ask(&till(), "Label", &large)),
        tagged(3, ask(&till(), "Fill", r#"{"coins":1}"#)),
    ];
    let (answers, end) = all(send_all(&rig, requests).await).await;
    assert_eq!(answers.keys().collect::<Vec<_>>(), [&1]);
    assert_eq!(faulty_fields(&end.unwrap_err()), ["request"]);
}

/// The number of commands that are being prepared at once, and the largest that it was.
#[derive(Debug, Default)]
struct Crowd {
    here: AtomicUsize,
    most: AtomicUsize,
}

/// A step that counts the commands that are being prepared.
struct Counting(Arc<Crowd>);

impl Prepare<Till> for Counting {
    async fn prepare(&self, command: Do) -> Result<Do, PrepareError<No>> {
        let here = self.0.here.fetch_add(1, SeqCst) + 1;
        self.0.most.fetch_max(here, SeqCst);
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        self.0.here.fetch_sub(1, SeqCst);
        Ok(command)
    }
}

#[tokio::test]
async fn no_more_is_read_than_may_be_in_flight() {
    let crowd = Arc::new(Crowd::default());
    let store = FaultyStore::new(Arc::new(MemoryStore::new()));
    let coordinator = Coordinator::builder(Arc::new(store.clone()))
        .aggregate_with::<Till>(Counting(Arc::clone(&crowd)))
        .start()
        .unwrap();
    let rig = Rig::start_on(store, coordinator, |server| {
        server.settings(ServerSettings {
            in_flight_per_stream: 4,
            ..Default::default()
        })
    })
    .await;
    let requests = (0..200).map(|tag| tagged(tag, ask(&till(), "Fill", r#"{"coins":1}"#)));
    let (answers, end) = all(send_all(&rig, requests.collect()).await).await;
    end.unwrap();
    assert_eq!(answers.len(), 200);
    let most = crowd.most.load(SeqCst);
    assert!((2..=4).contains(&most), "{most} at once");
}
