//! Clients that do not read, do not answer, or send too much: they lose their connection, and nobody else waits.

use std::time::Duration;

use serde_json::json;
use seriatim::prelude::*;
use seriatim::{LiveSettings, open_store};
use seriatim_testkit::soon;
use tokio::io::AsyncReadExt as _;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::client::Client;
use crate::club::{Do, SLOTH, SLOWNESS};
use crate::server::{Server, club, generous};

async fn with(settings: LiveSettings) -> Server {
    Server::with(open_store("memory:").await.unwrap(), settings).await
}

/// Its queue holds one frame, and three come at once: on one thread nothing is written between them.
#[tokio::test]
async fn a_slow_reader_is_disconnected_and_can_resume() {
    let store = open_store("memory:").await.unwrap();
    let patient = Server::on(store.clone()).await;
    let settings = LiveSettings {
        queue: 1,
        ..generous()
    };
    let server = Server::with(store, settings).await;
    let root = server.club(&["bob"]).await;
    let mut ann = Client::connect(&patient, "ann").await;
    let mut of_ann = ann.join(root).await;
    let mut bob = Client::connect(&server, "bob").await;
    let mut transcript = bob.join(root).await;
    bob.is_alive().await;
    let (by, text, count) = ("ann".into(), "x".repeat(70_000), 3);
    let last = server.act(root, Do::PostMany { by, text, count }).await;
    let end = loop {
        match bob.frame().await {
            Ok(frame) => transcript.add(&frame),
            Err(end) => break end,
        }
    };
    assert_eq!(end, Some(4508));
    assert!(transcript.last() < Some(last), "nothing was left out");
    ann.follow(&mut of_ann, last).await;
    let mut bob = Client::connect(&server, "bob").await;
    let joined = bob.resume(root, &transcript.place()).await;
    transcript.resumed(&joined);
    bob.follow(&mut transcript, last).await;
    assert_eq!(transcript.events, of_ann.events);
}

/// The kernel buffers some megabytes for it. Then the gateway waits for it, while the other one gets everything.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_never_reads_does_not_hold_the_others_up() {
    let server = with(LiveSettings {
        queue: 8,
        write_within: Duration::from_millis(100),
        ..generous()
    })
    .await;
    let root = server.club(&["bob"]).await;
    let mut never = Client::connect(&server, "bob").await;
    let mut transcript = never.join(root).await;
    let mut ann = Client::connect(&server, "ann").await;
    let mut of_ann = ann.join(root).await;
    let text = "x".repeat(50_000);
    seriatim_testkit::until("it is cut off", async || {
        let last = server.post(root, &text).await;
        ann.follow(&mut of_ann, last).await;
        server.live.connections() == 1
    })
    .await;
    // What it has got it keeps, and it goes on from there.
    while let Ok(frame) = never.frame().await {
        transcript.add(&frame);
    }
    let mut bob = Client::connect(&server, "bob").await;
    let joined = bob.resume(root, &transcript.place()).await;
    transcript.resumed(&joined);
    bob.follow(&mut transcript, of_ann.last().unwrap()).await;
}

/// It keeps the line open, and never says a word.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_a_sign_of_life_is_disconnected() {
    let server = with(LiveSettings {
        heartbeat: Duration::from_millis(50),
        ..generous()
    })
    .await;
    let root = server.club(&["bob"]).await;
    // A client that reads answers pings by itself, and stays.
    let mut alive = Client::connect(&server, "ann").await;
    let mut transcript = alive.join(root).await;
    let mut dead = Client::connect(&server, "bob").await;
    dead.join(root).await;
    let listening = tokio::spawn(async move {
        alive.follow(&mut transcript, 2).await;
        alive.is_alive().await;
    });
    seriatim_testkit::until("the dead one is gone", async || {
        server.live.connections() == 1
    })
    .await;
    let mut bytes = Vec::new();
    soon(dead.socket.get_mut().read_to_end(&mut bytes))
        .await
        .unwrap();
    let close = [&4408_u16.to_be_bytes()[..], b"nothing came for too long"].concat();
    assert!(bytes.ends_with(&close), "{bytes:?}");
    server.post(root, "still here").await;
    listening.await.unwrap();
}

/// It listens and answers, but the server is too busy to hear it.
#[tokio::test(flavor = "multi_thread")]
async fn a_busy_server_does_not_take_its_clients_for_silent() {
    let server = with(LiveSettings {
        heartbeat: SLOWNESS / 6,
        ..generous()
    })
    .await;
    let root = server.club(&[SLOTH]).await;
    let mut sloth = Client::connect(&server, SLOTH).await;
    for _ in 0..10 {
        sloth.join(root).await;
    }
    sloth.is_alive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_goodbye_is_answered() {
    let server = Server::memory().await;
    let mut ann = Client::connect(&server, "ann").await;
    let goodbye = CloseFrame {
        code: CloseCode::Normal,
        reason: "".into(),
    };
    ann.message(Message::Close(Some(goodbye))).await.unwrap();
    assert_eq!(ann.end().await, Some(1000));
    server.is_deserted().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_ends_its_connection() {
    let server = with(LiveSettings {
        frames_per_second: 1,
        ..generous()
    })
    .await;
    let leave = json!({"type": "leave", "stream": club(Uuid::nil())});
    let floods = [
        Message::Ping(Vec::new().into()),
        Message::Pong(Vec::new().into()),
        Message::text(r#"{"type":"ping"}"#),
        Message::text(leave.to_string()),
    ];
    let flooded = floods.map(async |flood| {
        let mut client = Client::connect(&server, "ann").await;
        // Ten may come at once, and one more in each second.
        for _ in 0..100 {
            client.message(flood.clone()).await.unwrap();
        }
        assert_eq!(client.end().await, Some(4429), "{flood:?}");
    });
    futures::future::join_all(flooded).await;
    server.is_deserted().await;
}
