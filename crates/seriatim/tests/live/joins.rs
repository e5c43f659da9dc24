//! Joining while others write: a page, and every event after it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use seriatim::prelude::*;
use seriatim_testkit::soon;

use crate::client::Client;
use crate::club::{Club, Do};
use crate::server::{Server, club};
use crate::transcript::Transcript;

const STREAMS: usize = 3;
const POSTS: usize = 120;
const ROUNDS: usize = 10;

/// Writers post as fast as they can in two processes' applications, while clients join again and again.
async fn a_join_misses_nothing_and_repeats_nothing(url: &str) {
    let servers = [Server::at(url).await, Server::at(url).await];
    let mut roots = Vec::new();
    for _ in 0..STREAMS {
        let root = servers[0].club(&["bob"]).await;
        servers[0].post_many(root, 60).await;
        roots.push(root);
    }
    let posted = Arc::new(AtomicUsize::new(0));
    let writers = servers
        .iter()
        .flat_map(|server| roots.iter().map(|root| (server.app.clone(), *root)));
    let writers: Vec<_> = writers
        .map(|(app, root)| tokio::spawn(write(app, root, posted.clone())))
        .collect();
    let mut clients = Vec::new();
    for round in 0..ROUNDS {
        // They join all along the writing.
        let before = STREAMS * POSTS * round / ROUNDS;
        seriatim_testkit::until("some more is written", async || {
            posted.load(Ordering::Relaxed) >= before
        })
        .await;
        let mut client = Client::connect(&servers[round % 2], "bob").await;
        let mut transcripts = Vec::new();
        for root in &roots {
            client.ask_to_join(*root, None).await;
            let joined = joined(&mut client, &mut transcripts).await;
            let head = joined["head"].as_u64().unwrap() as u32;
            let transcript = Transcript::of(&joined, &client.epoch());
            assert_eq!(
                (transcript.first(), transcript.last()),
                (Some(head - 49), Some(head))
            );
            assert_eq!(joined["view"]["posts"], head - 1, "the view is of the head");
            transcripts.push(transcript);
        }
        clients.push((client, transcripts));
    }
    for writer in writers {
        soon(writer).await.unwrap();
    }
    let last = 1 + 60 + (2 * POSTS) as u32;
    for (mut client, mut transcripts) in clients {
        while transcripts
            .iter()
            .any(|transcript| transcript.last() < Some(last))
        {
            let frame = client.next().await;
            add(&frame, &mut transcripts);
        }
        assert!(
            transcripts
                .iter()
                .all(|transcript| transcript.last() == Some(last))
        );
    }
}

async fn write(app: App, root: Uuid, posted: Arc<AtomicUsize>) {
    for number in 0..POSTS {
        let (by, text) = ("ann".into(), number.to_string());
        app.of::<Club>(root)
            .send(Do::Post { by, text })
            .await
            .unwrap();
        posted.fetch_add(1, Ordering::Relaxed);
    }
}

/// Returns the answer to a join; what comes meanwhile belongs to the others.
async fn joined(client: &mut Client, others: &mut [Transcript]) -> serde_json::Value {
    loop {
        let frame = client.next().await;
        if frame["type"] == "joined" {
            return frame;
        }
        add(&frame, others);
    }
}

fn add(frame: &serde_json::Value, transcripts: &mut [Transcript]) {
    let transcript = transcripts
        .iter_mut()
        .find(|transcript| frame["stream"] == *transcript.stream);
    transcript.unwrap_or_else(|| panic!("{frame}")).add(frame);
}

crate::storage::on_every_storage! {
    a_join_misses_nothing_and_repeats_nothing
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_begins_with_as_much_as_was_asked_for() {
    let server = Server::memory().await;
    let root = server.club(&[]).await;
    server.post_many(root, 300).await;
    let mut ann = Client::connect(&server, "ann").await;
    for (limit, first) in [
        (0, None),
        (1, Some(300)),
        (120, Some(181)),
        (9999, Some(101)),
    ] {
        ann.send(json!({"type": "join", "stream": club(root), "limit": limit}))
            .await;
        let joined = ann.next().await;
        assert_eq!(joined["head"], 300);
        let events = joined["events"].as_array().unwrap();
        assert_eq!(
            events
                .first()
                .map(|event| event["sequence"].as_u64().unwrap()),
            first
        );
        assert_eq!(
            events
                .last()
                .map(|event| event["sequence"].as_u64().unwrap()),
            first.map(|_| 300)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_history_comes_in_parts() {
    let server = Server::memory().await;
    let root = server.club(&[]).await;
    let text = "x".repeat(50_000);
    for _ in 0..30 {
        server.post(root, &text).await;
    }
    let mut ann = Client::connect(&server, "ann").await;
    // All of it is more than a frame takes, but the newest event is always there.
    let transcript = ann.join(root).await;
    assert_eq!(transcript.last(), Some(30));
    let mut next = 0;
    while next <= 30 {
        let page = ann.read(root, next, 30).await;
        let events = page["events"].as_array().unwrap();
        assert_eq!(events[0]["sequence"], next);
        next += events.len() as u32;
    }
}

/// A stream without events has no head, and the first event comes live. A stream may be founded after somebody joined
/// another one with the same connection.
#[tokio::test(flavor = "multi_thread")]
async fn who_founds_a_club_can_join_it_at_once() {
    let server = Server::memory().await;
    let mut ann = Client::connect(&server, "ann").await;
    for _ in 0..20 {
        let root = Uuid::now_v7();
        let sent = ann.submit(root, "found", json!({"do": "found"})).await;
        assert_eq!(ann.answer(sent).await["outcome"], "committed");
        assert_eq!(ann.join(root).await.last(), Some(0));
        ann.send(json!({"type": "leave", "stream": club(root)}))
            .await;
        assert_eq!(
            ann.next().await,
            json!({"type": "left", "stream": club(root), "why": "asked"})
        );
    }
}
