//! Frames that no client should send. Each ends its own connection with a reason, or is answered, and nobody else
//! notices.

use std::time::Duration;

use serde_json::json;
use seriatim::{LiveSettings, open_store};
use tokio_tungstenite::tungstenite::Message;

use crate::client::Client;
use crate::server::{Server, club, generous};

/// Sends a text to a server that knows us already. Returns how the connection ends.
async fn end_after(server: &Server, text: &str) -> Option<(u16, String)> {
    let mut client = Client::connect(server, "ann").await;
    // The server may end it while a large frame is on its way.
    let _ = client.message(Message::text(text)).await;
    client.end_with_reason().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_frame_ends_its_connection_and_no_other() {
    let server = Server::memory().await;
    let root = server.club(&[]).await;
    let mut bystander = Client::connect(&server, "ann").await;
    let mut transcript = bystander.join(root).await;
    let stream = club(root);
    let place = json!({"epoch": "x", "sequence": -1, "event": root});
    let nested = format!(
        r#"{{"type":"ping","x":{}{}}}"#,
        "[".repeat(20_000),
        "]".repeat(20_000)
    );
    let objects = r#"{"a":"#.repeat(10_000);
    let mut posted = 0;
    for text in [
        String::new(),
        " ".into(),
        "hello".into(),
        "{".into(),
        "null".into(),
        "[]".into(),
        "\"ping\"".into(),
        "7".into(),
        "{}".into(),
        r#"{"type":"dance"}"#.into(),
        r#"{"type":"Ping"}"#.into(),
        r#"{"type":7}"#.into(),
        r#"{"type":null}"#.into(),
        r#"{"type":"ping"} {"type":"ping"}"#.into(),
        r#"{"type":"ping","type":"ping"}"#.into(),
        "{\"type\":\"ping\u{0}\"}".into(),
        "\u{feff}{\"type\":\"ping\"}".into(),
        nested,
        objects,
        json!({"type": "hello", "protocol": 1, "user": "ann"}).to_string(),
        json!({"type": "welcome"}).to_string(),
        json!({"type": "join"}).to_string(),
        json!({"type": "join", "stream": null}).to_string(),
        json!({"type": "join", "stream": 7}).to_string(),
        json!({"type": "join", "stream": [stream]}).to_string(),
        json!({"type": "join", "stream": stream, "limit": -1}).to_string(),
        json!({"type": "join", "stream": stream, "limit": "all"}).to_string(),
        json!({"type": "join", "stream": stream, "after": place}).to_string(),
        json!({"type": "join", "stream": stream, "after": {}}).to_string(),
        json!({"type": "join", "stream": stream, "after": {"epoch": "x", "sequence": 1, "event": "x"}}).to_string(),
        json!({"type": "read", "ref": 1, "stream": stream, "from": 0}).to_string(),
        json!({"type": "read", "ref": -1, "stream": stream, "from": 0, "through": 1}).to_string(),
        json!({"type": "read", "ref": 1, "stream": stream, "from": 0, "through": 4_294_967_296u64}).to_string(),
        json!({"type": "send", "ref": 1, "stream": stream, "id": "1"}).to_string(),
        json!({"type": "send", "ref": 1, "stream": stream, "id": 1, "command": {}}).to_string(),
        json!({"type": "send", "stream": stream, "id": "1", "command": {}}).to_string(),
        json!({"type": "send", "ref": 1, "stream": stream, "id": "1", "command": {}, "expect": -1}).to_string(),
        json!({"type": "signal", "stream": stream, "signal": "typing"}).to_string(),
        json!({"type": "signal", "stream": stream, "signal": "typing", "for_ms": -5}).to_string(),
    ] {
        let (code, reason) = end_after(&server, &text).await.unwrap_or_else(|| panic!("cut: {text:.80}"));
        assert_eq!(code, 4400, "{text:.80}");
        assert!(!reason.is_empty() && reason.len() <= 123, "{text:.80}");
        posted += 1;
        server.post(root, "life goes on").await;
    }
    for stream in [
        "",
        "/",
        "club",
        "club/",
        "club/1",
        "/0192f0c1-7d2b-7c3a-8f11-5b0a4c6d7e8f",
        "club/club/x",
        "../etc/passwd",
        "\u{1b}[31mclub/0192f0c1-7d2b-7c3a-8f11-5b0a4c6d7e8f",
        "club/0192f0c1-7d2b-7c3a-8f11-5b0a4c6d7e8f\n",
    ] {
        for kind in ["join", "leave"] {
            let frame = json!({"type": kind, "stream": stream}).to_string();
            let (code, reason) = end_after(&server, &frame).await.unwrap();
            assert_eq!(code, 4400, "{stream:?}");
            assert!(!reason.chars().any(char::is_control), "{reason:?}");
        }
    }
    bystander.follow(&mut transcript, posted).await;
    bystander.is_alive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_receiver_does_not_know_is_ignored() {
    let server = Server::memory().await;
    let root = server.club(&[]).await;
    let mut ann = Client::silent(server.address).await;
    ann.hello(json!({"user": "ann", "token": "who cares", "client": {"name": "x"}}))
        .await;
    ann.send(
        json!({"type": "join", "stream": club(root), "after": null, "limit": null, "why": [1]}),
    )
    .await;
    assert_eq!(ann.next().await["head"], 0);
    ann.text(" \n{ \"x\" : 1e400 , \"type\":\"ping\"}").await;
    let _ = ann.end().await;
    let mut ann = Client::connect(&server, "ann").await;
    ann.text(" \n{ \"x\" : 1.5e300 , \"type\":\"ping\"}\n")
        .await;
    assert_eq!(ann.next().await["type"], "pong");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_has_a_largest_size_and_kind() {
    let server = Server::memory().await;
    let padded = |bytes: usize| {
        let frame = r#"{"type":"ping","x":""}"#;
        frame.replace(r#""""#, &format!("\"{}\"", "x".repeat(bytes - frame.len())))
    };
    let mut ann = Client::connect(&server, "ann").await;
    ann.text(padded(64 * 1024)).await;
    assert_eq!(ann.next().await["type"], "pong");
    drop(ann);
    let (code, reason) = end_after(&server, &padded(64 * 1024 + 1)).await.unwrap();
    assert_eq!(
        (code, reason.as_str()),
        (1009, "a frame has at most 65536 bytes")
    );
    // Somebody who sends that much does not even get an answer, and the server does not keep it.
    for bytes in [300_000, 5_000_000] {
        assert_eq!(end_after(&server, &padded(bytes)).await, None);
    }
    let mut ann = Client::connect(&server, "ann").await;
    ann.message(Message::binary(&br#"{"type":"ping"}"#[..]))
        .await
        .unwrap();
    assert_eq!(ann.end().await, Some(4400));
    server.is_deserted().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hello_comes_first_and_once() {
    let server = Server::memory().await;
    let root = server.club(&[]).await;
    for first in [
        json!({"type": "ping"}),
        json!({"type": "join", "stream": club(root)}),
    ] {
        let mut client = Client::silent(server.address).await;
        client.send(first).await;
        let (code, reason) = client.end_with_reason().await.unwrap();
        assert_eq!(
            (code, reason.as_str()),
            (4400, "the first frame must be `hello`")
        );
    }
    let mut client = Client::connect(&server, "ann").await;
    client.say_hello(json!({"user": "ann"})).await;
    assert_eq!(
        client.end_with_reason().await.unwrap(),
        (4400, "`hello` was said already".into())
    );
    for protocol in [json!(0), json!(2), json!(-1), json!("1"), json!(null)] {
        let mut client = Client::silent(server.address).await;
        client
            .send(json!({"type": "hello", "protocol": protocol, "user": "ann"}))
            .await;
        assert_eq!(client.end().await, Some(4400), "{protocol}");
    }
    let long = "x".repeat(10_000);
    for user in [
        "",
        " ",
        "ann bob",
        "ann\n",
        "\u{1b}[31mann",
        "a\u{0}b",
        "ann\u{202e}",
        "saga:payments",
        &long,
    ] {
        let mut client = Client::silent(server.address).await;
        client.say_hello(json!({"user": user})).await;
        let (code, reason) = client.end_with_reason().await.unwrap();
        assert_eq!(code, 4400, "{user:.20}");
        assert!(!reason.chars().any(char::is_control), "{reason:?}");
    }
    let mut client = Client::silent(server.address).await;
    client.say_hello(json!({})).await;
    assert_eq!(client.end().await, Some(4400));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_say_hello_is_sent_away() {
    let settings = LiveSettings {
        hello_within: Duration::from_millis(50),
        ..generous()
    };
    let server = Server::with(open_store("memory:").await.unwrap(), settings).await;
    let mut silent = Client::silent(server.address).await;
    assert_eq!(silent.end().await, Some(4408));
    // Signs of life do not make up for it.
    let mut pings = Client::silent(server.address).await;
    while pings
        .message(Message::Ping(Vec::new().into()))
        .await
        .is_ok()
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.is_deserted().await;
}
