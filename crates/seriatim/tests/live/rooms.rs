//! What is kept of streams and users that are gone: nothing.

use serde_json::json;
use seriatim::core::StoreErrorKind;
use seriatim::open_store;
use seriatim::prelude::*;
use seriatim_testkit::faults::FaultyStore;
use std::sync::Arc;

use crate::client::Client;
use crate::server::{Server, club, generous};

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_rounds_leave_nothing_behind() {
    let server = Server::memory().await;
    let roots = [server.club(&["bob"]).await, server.club(&["bob"]).await];
    let (mut ann, mut bob) = (
        Client::connect(&server, "ann").await,
        Client::connect(&server, "bob").await,
    );
    for round in 0..1_000 {
        let root = roots[round % 2];
        let rounds = [&mut ann, &mut bob].map(async |client| {
            client.join(root).await;
            client
                .send(json!({"type": "leave", "stream": club(root)}))
                .await;
            client.until("left").await;
        });
        futures::future::join_all(rounds).await;
    }
    assert_eq!(server.live.streams(), 0);
    assert_eq!(
        format!("{:?}", server.live),
        "Live { connections: 2, streams: 0, .. }"
    );
    // Streams that are not there, or that one may not read, leave nothing either.
    let mut eve = Client::connect(&server, "eve").await;
    for _ in 0..200 {
        eve.ask_to_join(Uuid::now_v7(), None).await;
        eve.ask_to_join(roots[0], None).await;
        eve.until("denied").await;
        eve.until("denied").await;
    }
    assert_eq!(server.live.streams(), 0);
    // Whoever goes without a word leaves all its streams.
    ann.join(roots[0]).await;
    bob.join(roots[0]).await;
    bob.join(roots[1]).await;
    assert_eq!(server.live.streams(), 2);
    drop((ann, bob, eve));
    server.is_deserted().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_cannot_be_opened_is_not_kept() {
    let store = FaultyStore::new(open_store("memory:").await.unwrap());
    let server = Server::on(Arc::new(store.clone())).await;
    let root = server.club(&[]).await;
    let mut ann = Client::connect(&server, "ann").await;
    for kind in [StoreErrorKind::Unavailable, StoreErrorKind::Corrupt] {
        store.go_down(kind);
        ann.ask_to_join(root, None).await;
        assert_eq!(ann.next().await["why"], "broken");
        assert_eq!(server.live.streams(), 0);
        store.come_back();
    }
    seriatim_testkit::until("it is joined", async || {
        ann.ask_to_join(root, None).await;
        ann.next().await["type"] == "joined"
    })
    .await;
    drop(ann);
    server.is_deserted().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_joins_only_so_many_streams() {
    let settings = seriatim::LiveSettings {
        streams: 2,
        ..generous()
    };
    let server = Server::with(open_store("memory:").await.unwrap(), settings).await;
    let mut roots = Vec::new();
    for _ in 0..3 {
        roots.push(server.club(&[]).await);
    }
    let mut ann = Client::connect(&server, "ann").await;
    ann.join(roots[0]).await;
    ann.join(roots[1]).await;
    ann.ask_to_join(roots[2], None).await;
    assert_eq!(
        ann.next().await,
        json!({"type": "left", "stream": club(roots[2]), "why": "too_many"})
    );
    // Joining one of them again takes no more room, and leaving makes some.
    ann.join(roots[1]).await;
    ann.send(json!({"type": "leave", "stream": club(roots[0])}))
        .await;
    ann.until("left").await;
    ann.join(roots[2]).await;
}

/// Limits of zero are not taken at their word where nothing would work.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_works_with_the_smallest_limits() {
    let settings = seriatim::LiveSettings {
        page: 0,
        queue: 0,
        sends_per_second: 0,
        ..generous()
    };
    let server = Server::with(open_store("memory:").await.unwrap(), settings).await;
    let root = server.club(&[]).await;
    let mut ann = Client::connect(&server, "ann").await;
    assert_eq!(ann.welcome["limits"]["page"], 1);
    let mut transcript = ann.join(root).await;
    ann.send(json!({"type": "leave", "stream": club(root)}))
        .await;
    ann.until("left").await;
    let last = server.post_many(root, 3).await;
    let joined = ann.resume(root, &transcript.place()).await;
    transcript.resumed(&joined);
    ann.follow(&mut transcript, last).await;
}

/// Nobody sends something that often, but others than the one who does not are served.
#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_of_nothing_is_the_shortest_one() {
    let settings = seriatim::LiveSettings {
        heartbeat: std::time::Duration::ZERO,
        ..generous()
    };
    let server = Server::with(open_store("memory:").await.unwrap(), settings).await;
    let ann = Client::connect(&server, "ann").await;
    assert_eq!(ann.welcome["heartbeat_ms"], 1);
    seriatim_testkit::until("it is too slow", async || server.live.connections() == 0).await;
}
