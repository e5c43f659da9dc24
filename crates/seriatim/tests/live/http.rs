//! What is asked over HTTP before there is a connection.

use std::net::SocketAddr;

use seriatim::prelude::*;
use seriatim::security::{Access, Policy, Tokens};
use seriatim::{LiveSettings, open_store};
use seriatim_testkit::soon;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error;

use crate::client::Client;
use crate::club::Club;
use crate::server::{Server, generous};

/// Returns the head of the answer to a request.
async fn ask(address: SocketAddr, path: &str, headers: &str) -> String {
    let mut line = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n");
    line.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon(line.read_to_string(&mut answer)).await.unwrap();
    answer
}

const UPGRADE: &str = concat!(
    "Connection: Upgrade\r\nUpgrade: websocket\r\n",
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
);

/// Returns the status of the answer to a page that wants to connect.
async fn status(address: SocketAddr, host: &str, origin: Option<&str>) -> u16 {
    let mut line = TcpStream::connect(address).await.unwrap();
    let origin = origin
        .map(|origin| format!("Origin: {origin}\r\n"))
        .unwrap_or_default();
    let request = format!("GET /live HTTP/1.1\r\nHost: {host}\r\n{origin}{UPGRADE}\r\n");
    line.write_all(request.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    soon(line.read_exact(&mut answer)).await.unwrap();
    let answer = std::str::from_utf8(&answer).unwrap();
    answer.strip_prefix("HTTP/1.1 ").unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_no_upgrade_is_told_so() {
    let server = Server::memory().await;
    let host = format!("Host: {}\r\n", server.address);
    let answer = ask(server.address, "/live", &host).await;
    let code = answer.split(' ').nth(1).unwrap();
    assert!(["400", "426"].contains(&code), "{answer}");
    for module in ["/live/live.js", "/live/resequencer.js"] {
        let answer = ask(server.address, module, &host).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer:.80}");
        assert!(
            answer.contains("content-type: text/javascript"),
            "{answer:.200}"
        );
    }
    assert!(
        ask(server.address, "/live/none.js", &host)
            .await
            .starts_with("HTTP/1.1 404")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_origins_are_kept_out() {
    let unasked = Server::memory().await;
    let asking = {
        let access = Access::new(Policy::default(), Tokens::default());
        Server::asking(open_store("memory:").await.unwrap(), access).await
    };
    let app = App::open("memory:")
        .await
        .unwrap()
        .aggregate::<Club>()
        .start()
        .await
        .unwrap();
    let allowing = Server::of(app, |live| {
        live.room::<Club>().allow_origin("https://chat.example")
    })
    .await;
    for (server, host, origin, expected) in [
        // Programs say nothing.
        (&unasked, "x", None, 101),
        (&unasked, "127.0.0.1:1", Some("http://127.0.0.1:1"), 101),
        (&unasked, "localhost:1", Some("http://localhost:1"), 101),
        (&unasked, "[::1]:1", Some("http://[::1]:1"), 101),
        (&unasked, "127.0.0.1:1", Some("http://127.0.0.1:2"), 403),
        (&unasked, "127.0.0.1:1", Some("http://evil.example"), 403),
        (&unasked, "127.0.0.1:1", Some("null"), 403),
        (&unasked, "127.0.0.1:1", Some(""), 403),
        (
            &unasked,
            "127.0.0.1:1",
            Some("http://127.0.0.1:1.evil.example"),
            403,
        ),
        (
            &unasked,
            "127.0.0.1:1",
            Some("http://user@127.0.0.1:1"),
            403,
        ),
        // A name that somebody has pointed at this machine.
        (&unasked, "evil.example", Some("http://evil.example"), 403),
        (
            &unasked,
            "localhost.evil.example:1",
            Some("http://localhost.evil.example:1"),
            403,
        ),
        // Where users are asked, that page has nothing to show.
        (&asking, "chat.example", Some("https://chat.example"), 101),
        (&asking, "chat.example", Some("https://evil.example"), 403),
        (&allowing, "127.0.0.1:1", Some("https://chat.example"), 101),
        (&allowing, "127.0.0.1:1", Some("HTTPS://Chat.example"), 101),
        (&allowing, "127.0.0.1:1", Some("http://chat.example"), 403),
        (
            &allowing,
            "127.0.0.1:1",
            Some("https://chat.example.evil.example"),
            403,
        ),
        (
            &allowing,
            "chat.example",
            Some("https://chat.example:444"),
            403,
        ),
    ] {
        assert_eq!(
            status(server.address, host, origin).await,
            expected,
            "{host} {origin:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_make_room_for_those_who_come_after_them() {
    let settings = LiveSettings {
        connections: 2,
        ..generous()
    };
    let server = Server::with(open_store("memory:").await.unwrap(), settings).await;
    let mut first = Client::silent(server.address).await;
    let second = Client::silent(server.address).await;
    let mut ann = Client::connect(&server, "ann").await;
    assert_eq!(first.end().await, Some(1013));
    let mut bob = Client::connect(&server, "bob").await;
    // Those who are known keep their places.
    assert!(Client::with_headers(server.address, &[]).await.is_err());
    ann.is_alive().await;
    bob.is_alive().await;
    drop((first, second));
    drop((ann, bob));
    seriatim_testkit::until("all are gone", async || server.live.connections() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_connections_are_open() {
    let settings = LiveSettings {
        connections: 3,
        connections_of_user: 2,
        ..generous()
    };
    let server = Server::with(open_store("memory:").await.unwrap(), settings).await;
    let ann = Client::connect(&server, "ann").await;
    let _another = Client::connect(&server, "ann").await;
    let mut third = Client::silent(server.address).await;
    third.say_hello(serde_json::json!({"user": "ann"})).await;
    assert_eq!(third.end().await, Some(4429));
    drop(third);
    seriatim_testkit::until("the third is gone", async || server.live.connections() == 2).await;
    let _bob = Client::connect(&server, "bob").await;
    match Client::with_headers(server.address, &[]).await {
        Err(Error::Http(answer)) => {
            assert_eq!(answer.status(), 503);
            assert_eq!(answer.headers()["retry-after"], "1");
        }
        other => panic!("{:?}", other.map(drop)),
    }
    // Whoever goes makes room, for itself too.
    drop(ann);
    seriatim_testkit::until("one is gone", async || server.live.connections() == 2).await;
    Client::connect(&server, "ann").await.is_alive().await;
}
