//! The end of a gateway: everybody is told to connect again, and whoever listens to nobody is not waited for.

use serde_json::json;
use seriatim::open_store;
use seriatim_testkit::soon;

use crate::client::Client;
use crate::server::Server;

#[tokio::test(flavor = "multi_thread")]
async fn everybody_is_told_and_goes_on_elsewhere() {
    let store = open_store("memory:").await.unwrap();
    let (server, other) = (Server::on(store.clone()).await, Server::on(store).await);
    let root = server.club(&["bob"]).await;
    let mut clients = Vec::new();
    for number in 0..20 {
        let mut bob = Client::connect(&server, "bob").await;
        let transcript = bob.join(root).await;
        // Some are in the middle of something.
        if number % 2 == 0 {
            bob.submit(
                root,
                &format!("msg {number}"),
                json!({"do": "post", "text": "hey"}),
            )
            .await;
        }
        clients.push((bob, transcript));
    }
    let mut greets_nobody = Client::silent(server.address).await;
    soon(server.app.shutdown()).await.unwrap();
    assert_eq!(server.live.connections(), 0);
    for (mut bob, mut transcript) in clients {
        let end = loop {
            match bob.frame().await {
                Ok(frame) if frame["type"] == "events" => transcript.add(&frame),
                Ok(_) => {}
                Err(end) => break end,
            }
        };
        assert_eq!(end, Some(1012));
        let mut bob = Client::connect(&other, "bob").await;
        let joined = bob.resume(root, &transcript.place()).await;
        transcript.resumed(&joined);
        assert_eq!(transcript.last().map(u64::from), joined["head"].as_u64());
    }
    assert_eq!(greets_nobody.end().await, Some(1012));
    let refused = tokio::net::TcpStream::connect(server.address).await;
    assert!(refused.is_err(), "nobody is let in");
    server.shutdown().await;
    other.shutdown().await;
}

/// It has joined, and reads nothing, so that the gateway waits for it to take a frame.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_nothing_is_not_waited_for() {
    let server = Server::memory().await;
    let root = server.club(&["bob"]).await;
    let mut deaf = Client::connect(&server, "bob").await;
    deaf.join(root).await;
    let text = "x".repeat(50_000);
    for _ in 0..150 {
        server.post(root, &text).await;
    }
    soon(server.live.close()).await;
    assert_eq!(server.live.connections(), 0, "it was cut off in time");
    soon(server.live.close()).await;
    server.shutdown().await;
}

/// The gateway ends with its last handle, though its router is still served.
#[tokio::test(flavor = "multi_thread")]
async fn a_closed_gateway_lets_nobody_in() {
    let server = Server::memory().await;
    server.live.close().await;
    match Client::with_headers(server.address, &[]).await {
        Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => {
            assert_eq!(answer.status(), 503);
        }
        other => panic!("{:?}", other.map(drop)),
    }
    assert_eq!(server.live.connections(), 0);
    server.shutdown().await;
}
