//! Faults that users have reported of other gateways, tried here. Each names the report.

use serde_json::json;
use seriatim::prelude::*;

use crate::client::Client;
use crate::server::{Server, club};
use crate::transcript::Transcript;

/// phoenixframework/phoenix#1579, #2035: joins that came twice were answered forever, and delivered twice.
#[tokio::test(flavor = "multi_thread")]
async fn joining_twice_is_being_in_once() {
    let server = Server::memory().await;
    let root = server.club(&[]).await;
    let mut ann = Client::connect(&server, "ann").await;
    for _ in 0..5 {
        ann.ask_to_join(root, None).await;
    }
    let mut transcript = ann.join(root).await;
    for _ in 0..5 {
        assert_eq!(ann.next().await["type"], "joined");
    }
    let last = server.post(root, "once").await;
    ann.follow(&mut transcript, last).await;
    ann.send(json!({"type": "ping"})).await;
    assert_eq!(ann.next().await["type"], "pong", "it came more than once");
    // To leave once is to leave.
    ann.send(json!({"type": "leave", "stream": club(root)}))
        .await;
    ann.until("left").await;
    server.post(root, "unheard").await;
    ann.send(json!({"type": "ping"})).await;
    assert_eq!(ann.next().await, json!({"type": "pong", "heads": {}}));
}

/// rails/rails#44652, #38668; phoenixframework/phoenix#3349, #1483: join, leave and join in a hurry left a client that
/// believed it had joined, or a server that did.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_word_counts_however_fast_it_comes() {
    let server = Server::memory().await;
    let root = server.club(&[]).await;
    let mut ann = Client::connect(&server, "ann").await;
    let leave = json!({"type": "leave", "stream": club(root)});
    for is_in in [true, false].repeat(10) {
        for _ in 0..3 {
            ann.ask_to_join(root, None).await;
            ann.send(leave.clone()).await;
        }
        if is_in {
            ann.ask_to_join(root, None).await;
        }
        for _ in 0..3 {
            assert_eq!(ann.next().await["type"], "joined");
            assert_eq!(ann.next().await["type"], "left");
        }
        if is_in {
            assert_eq!(ann.next().await["type"], "joined");
        }
        assert_eq!(server.live.streams(), usize::from(is_in));
        let last = server.post(root, "hey").await;
        if is_in {
            assert_eq!(ann.next().await["events"][0]["sequence"], last);
        }
        ann.is_alive().await;
    }
}

/// rails/rails#25333, rails/actioncable#74: what was said while a subscription began came before its confirmation, or
/// not at all.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_comes_before_the_answer_to_a_join() {
    let server = Server::memory().await;
    for round in 0..50 {
        let root = server.club(&[]).await;
        let mut ann = Client::connect(&server, "ann").await;
        // The page reloads after the post, and the post is on its way.
        let mut sent = Vec::new();
        for number in 0..5 {
            sent.push(
                ann.submit(
                    root,
                    &format!("{round} {number}"),
                    json!({"do": "post", "text": "hey"}),
                )
                .await,
            );
        }
        ann.ask_to_join(root, None).await;
        let mut transcript: Option<Transcript> = None;
        while !sent.is_empty()
            || transcript
                .as_ref()
                .is_none_or(|transcript| transcript.last() < Some(5))
        {
            let frame = ann.next().await;
            match (frame["type"].as_str().unwrap(), &mut transcript) {
                ("accepted", _) => assert_eq!(frame["ref"], sent.remove(0)),
                ("joined", None) => {
                    transcript = Some(Transcript::of(&frame, &ann.epoch()));
                }
                ("events", Some(transcript)) => transcript.add(&frame),
                _ => panic!("{frame}"),
            }
        }
    }
}

/// socketio/socket.io#5538: a client that had got nothing yet when it lost its connection could not recover.
/// centrifugal/centrifugo#165: it was not told that more was missing than it got.
#[tokio::test(flavor = "multi_thread")]
async fn who_had_nothing_yet_gets_everything() {
    let server = Server::memory().await;
    let root = Uuid::now_v7();
    let mut ann = Client::connect(&server, "ann").await;
    // The stream is not there yet.
    ann.ask_to_join(root, None).await;
    ann.until("denied").await;
    drop(ann);
    server.found(root, &[]).await;
    server.post_many(root, 300).await;
    let mut ann = Client::connect(&server, "ann").await;
    let mut transcript = ann.join(root).await;
    // It sees by the first sequence that there is more, and reads back to the beginning.
    while let Some(first) = transcript.first().filter(|first| *first > 0) {
        let page = ann.read(root, first.saturating_sub(100), first - 1).await;
        let mut events = page["events"].as_array().unwrap().clone();
        assert_eq!(events.last().unwrap()["sequence"], first - 1);
        events.append(&mut transcript.events);
        transcript.events = events;
    }
    let sequences = transcript
        .events
        .iter()
        .map(|event| event["sequence"].as_u64().unwrap());
    assert!(sequences.eq(0..=300));
}

/// socketio/socket.io#4880, #5282: recovery worked only once, or not after a connection that was open for long.
/// centrifugal/centrifuge-js#37: after a long time messages came twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_recovers_again_and_again_from_any_age() {
    let server = Server::memory().await;
    let root = server.club(&["bob"]).await;
    let mut bob = Client::connect(&server, "bob").await;
    let mut transcript = bob.join(root).await;
    let oldest = transcript.clone();
    for _ in 0..30 {
        drop(bob);
        server.post_many(root, 7).await;
        bob = Client::connect(&server, "bob").await;
        let joined = bob.resume(root, &transcript.place()).await;
        transcript.resumed(&joined);
        let last = server.post(root, "live").await;
        bob.follow(&mut transcript, last).await;
    }
    let mut again = oldest;
    let mut late = Client::connect(&server, "bob").await;
    let joined = late.resume(root, &again.place()).await;
    again.resumed(&joined);
    late.follow(&mut again, transcript.last().unwrap()).await;
    assert_eq!(again.events, transcript.events);
}

/// faye/faye#32: what was published while the server was away was published many times when it came back.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_repeats_everything_after_each_loss_publishes_once() {
    let server = Server::memory().await;
    let root = server.club(&[]).await;
    for _ in 0..10 {
        let mut ann = Client::connect(&server, "ann").await;
        for number in 0..5 {
            ann.submit(
                root,
                &format!("msg {number}"),
                json!({"do": "post", "text": "hey"}),
            )
            .await;
        }
        // It is lost before, while or after they take effect.
    }
    let mut ann = Client::connect(&server, "ann").await;
    for number in 0..5 {
        let accepted = ann
            .ask(
                root,
                &format!("msg {number}"),
                json!({"do": "post", "text": "hey"}),
            )
            .await;
        assert_eq!(accepted["type"], "accepted");
    }
    assert_eq!(ann.join(root).await.texts().len(), 5);
}
