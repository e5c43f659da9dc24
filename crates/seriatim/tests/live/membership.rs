//! Whoever may not read a stream gets nothing of it.

use std::sync::Arc;

use serde_json::{Value, json};
use seriatim::core::Store;
use seriatim::open_store;
use seriatim::prelude::*;
use seriatim_testkit::faults::{FaultyStore, Interruption};

use crate::client::Client;
use crate::club::Do;
use crate::server::{Server, club};

#[tokio::test(flavor = "multi_thread")]
async fn an_outsider_cannot_tell_a_stream_from_none() {
    let server = Server::memory().await;
    let (existing, absent) = (server.club(&[]).await, Uuid::now_v7());
    server.post_many(existing, 3).await;
    let mut eve = Client::connect(&server, "eve").await;
    let ann = &mut Client::connect(&server, "ann").await;
    ann.join(existing).await;
    let hidden = |frame: &Value, root: Uuid| frame.to_string().replace(&club(root), "");
    let mut answers = Vec::new();
    for root in [existing, absent] {
        let mut of_this = Vec::new();
        eve.ask_to_join(root, None).await;
        of_this.push(hidden(&eve.next().await, root));
        let place = json!({"epoch": eve.epoch(), "sequence": 0, "event": Uuid::now_v7()});
        of_this.push(hidden(&eve.resume(root, &place).await, root));
        for command in [
            json!({"do": "post", "text": "hi"}),
            json!({"do": "rename", "name": "x"}),
        ] {
            let id = Uuid::now_v7().to_string();
            let mut answer = eve.ask(root, &id, command).await;
            answer["ref"] = Value::Null;
            assert_eq!(answer["reason"], "rejected");
            of_this.push(hidden(&answer, root));
        }
        // The expectation is beyond a stream that is absent, and behind one that exists.
        let command = json!({"do": "rename", "name": "x"});
        let id = Uuid::now_v7().to_string();
        let sent = eve
            .submit_with(root, &id, command, json!({"expect": 1}))
            .await;
        let mut answer = eve.answer(sent).await;
        answer["ref"] = Value::Null;
        of_this.push(hidden(&answer, root));
        let mut answer = eve.read(root, 0, 3).await;
        answer["ref"] = Value::Null;
        of_this.push(hidden(&answer, root));
        eve.send(
            json!({"type": "signal", "stream": club(root), "signal": "typing", "for_ms": 100}),
        )
        .await;
        answers.push(of_this);
    }
    assert_eq!(answers[0], answers[1]);
    eve.send(json!({"type": "ping"})).await;
    assert_eq!(eve.next().await, json!({"type": "pong", "heads": {}}));
    // A domain that is not there is like one that may not be followed.
    for stream in ["nothing", "clubs"] {
        eve.send(json!({"type": "join", "stream": format!("{stream}/{absent}")}))
            .await;
        assert_eq!(eve.next().await["type"], "denied");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_removed_gets_that_and_not_a_byte_more() {
    let server = Server::memory().await;
    let sentinel = server.club(&["bob"]).await;
    let mut bob = Client::connect(&server, "bob").await;
    let mut ann = Client::connect(&server, "ann").await;
    let mut tail = bob.join(sentinel).await;
    for round in 0..20 {
        let root = server.club(&["bob"]).await;
        let (mut of_bob, mut of_ann) = (bob.join(root).await, ann.join(root).await);
        let (by, user, text) = ("ann".into(), "bob".into(), "secret".into());
        let last = match round % 2 {
            // In one append, and in two.
            0 => server.act(root, Do::RemoveAndPost { by, user, text }).await,
            _ => {
                server.act(root, Do::Remove { by, user }).await;
                server.post(root, &text).await
            }
        };
        bob.follow(&mut of_bob, 2).await;
        assert_eq!(of_bob.events[2]["type"], "Removed");
        assert_eq!(
            bob.next().await,
            json!({"type": "left", "stream": club(root), "why": "removed"})
        );
        server.post(root, "secret too").await;
        let mark = server.post(sentinel, "sentinel").await;
        // Nothing else comes before it.
        bob.follow(&mut tail, mark).await;
        ann.follow(&mut of_ann, last + 1).await;
        assert_eq!(of_ann.texts(), ["secret", "secret too"]);
    }
}

/// He asks for the history all the time, also between the event that removes him and the end of his membership.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_removed_reads_nothing_of_what_follows() {
    let server = Server::memory().await;
    for _ in 0..10 {
        let root = server.club(&["bob"]).await;
        let mut bob = Client::connect(&server, "bob").await;
        bob.join(root).await;
        for number in 0..100 {
            let read = json!({"type": "read", "ref": number, "stream": club(root), "from": 0, "through": 1000});
            bob.send(read).await;
        }
        let (by, user, text) = ("ann".into(), "bob".into(), "secret".into());
        server.act(root, Do::RemoveAndPost { by, user, text }).await;
        for number in 100..200 {
            let read = json!({"type": "read", "ref": number, "stream": club(root), "from": 0, "through": 1000});
            bob.send(read).await;
        }
        let mut answers = 0;
        while answers < 200 {
            let frame = bob.next().await;
            answers += usize::from(frame["type"] == "page" || frame["type"] == "refused");
            assert!(!frame.to_string().contains("secret"), "{frame}");
        }
    }
}

/// The gateway has not heard yet that he is removed. The answer to his command must not tell him what followed.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_behind_shows_nothing_that_it_should_not() {
    let store = open_store("memory:").await.unwrap();
    let deaf = FaultyStore::new(Arc::clone(&store));
    let first = Server::on(store).await;
    let second = Server::on(Arc::new(deaf.clone()) as Arc<dyn Store>).await;
    let root = first.club(&["bob"]).await;
    let mut bob = Client::connect(&second, "bob").await;
    bob.join(root).await;
    let rename = json!({"do": "rename", "name": "mine"});
    let sent = bob
        .submit_with(root, "1", rename.clone(), json!({"expect": 0}))
        .await;
    let refused = bob.answer(sent).await;
    assert_eq!(
        (&refused["reason"], &refused["intervening"][0]["type"]),
        (&json!("conflict"), &json!("Invited"))
    );

    deaf.interrupt("read the log", 1, Interruption::DiesBefore);
    let (by, user, text) = ("ann".into(), "bob".into(), "secret".into());
    first.act(root, Do::RemoveAndPost { by, user, text }).await;
    seriatim_testkit::until("it is deaf", async || deaf.was_interrupted()).await;
    let sent = bob
        .submit_with(root, "2", rename, json!({"expect": 1}))
        .await;
    let refused = bob.answer(sent).await;
    assert_eq!(
        (&refused["reason"], &refused["intervening"]),
        (&json!("conflict"), &json!([]))
    );
    assert!(!refused.to_string().contains("Posted"), "{refused}");
    let page = bob.read(root, 0, 1000).await;
    assert_eq!(page["events"].as_array().unwrap().len(), 2);
    assert_eq!(bob.read(root, 2, 1000).await["events"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_gets_everything() {
    let server = Server::memory().await;
    let root = server.club(&["bob"]).await;
    let mut bob = Client::connect(&server, "bob").await;
    let mut transcript = bob.join(root).await;
    let (by, user, text) = ("ann".into(), "bob".into(), "meanwhile".into());
    server.act(root, Do::RemoveAndPost { by, user, text }).await;
    bob.follow(&mut transcript, 2).await;
    assert_eq!(bob.next().await["why"], "removed");
    let (by, user) = ("ann".into(), "bob".into());
    server.act(root, Do::Invite { by, user }).await;
    let joined = bob.resume(root, &transcript.place()).await;
    transcript.resumed(&joined);
    assert_eq!(
        (transcript.last(), transcript.texts()),
        (Some(4), vec!["meanwhile"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_joined_stream_is_read() {
    let server = Server::memory().await;
    let root = server.club(&[]).await;
    server.post_many(root, 500).await;
    let mut ann = Client::connect(&server, "ann").await;
    assert_eq!(ann.read(root, 0, 3).await["reason"], "denied");
    ann.join(root).await;
    let sequences = |page: &Value| {
        let events = page["events"].as_array().unwrap().iter();
        let sequences: Vec<_> = events
            .map(|event| event["sequence"].as_u64().unwrap())
            .collect();
        (sequences.first().copied(), sequences.last().copied())
    };
    for (from, through, first, last) in [
        (0, 3, Some(0), Some(3)),
        (7, 7, Some(7), Some(7)),
        (0, 1000, Some(0), Some(199)),
        (450, u32::MAX, Some(450), Some(500)),
        (501, 600, None, None),
        (u32::MAX, u32::MAX, None, None),
    ] {
        assert_eq!(
            sequences(&ann.read(root, from, through).await),
            (first, last)
        );
    }
    assert_eq!(ann.read(root, 5, 4).await["reason"], "invalid");
    ann.send(json!({"type": "leave", "stream": club(root)}))
        .await;
    ann.until("left").await;
    assert_eq!(ann.read(root, 0, 3).await["reason"], "denied");
}
