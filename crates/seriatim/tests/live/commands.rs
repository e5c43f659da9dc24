//! Commands over a connection: each takes effect once, in order, or is refused with a reason.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use seriatim::{LiveSettings, open_store};
use seriatim_testkit::faults::{Fault, FaultyStore};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use crate::client::Client;
use crate::server::{Server, club, generous};

fn post(text: &str) -> Value {
    json!({"do": "post", "text": text})
}

#[tokio::test(flavor = "multi_thread")]
async fn one_id_is_one_command_however_often_it_is_sent() {
    let server = Server::memory().await;
    let root = server.club(&[]).await;
    let (mut one, mut other) = (
        Client::connect(&server, "ann").await,
        Client::connect(&server, "ann").await,
    );
    for round in 0..10 {
        let id = format!("msg_{round}");
        let (first, second) = tokio::join!(
            one.ask(root, &id, post("hey")),
            other.ask(root, &id, post("hey"))
        );
        let mut outcomes = [
            first["outcome"].as_str().unwrap(),
            second["outcome"].as_str().unwrap(),
        ];
        outcomes.sort_unstable();
        assert_eq!(outcomes, ["committed", "duplicate"]);
        assert_eq!(
            (&first["first"], &first["last"]),
            (&second["first"], &second["last"])
        );
        assert_eq!(first["first"], round + 1);
    }
    let refused = one.ask(root, "msg_0", post("something else")).await;
    assert_eq!(refused["reason"], "reused");
    assert_eq!(one.join(root).await.last(), Some(10));
    let external = one.read(root, 10, 10).await;
    assert_eq!(external["events"][0]["external_id"], "msg_9");
    assert_eq!(external["events"][0]["actor"], "ann");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_has_its_reason() {
    let server = Server::memory().await;
    let root = server.club(&["bob"]).await;
    let mut bob = Client::connect(&server, "bob").await;
    let mut eve = Client::connect(&server, "eve").await;

    let refused = eve.ask(root, "1", post("hey")).await;
    assert_eq!(
        (&refused["reason"], &refused["code"]),
        (&json!("rejected"), &json!("NotAMember"))
    );
    assert_eq!(refused["details"], json!({"user": "eve"}));
    assert_eq!(refused["message"], "eve is not a member");

    let rename = json!({"do": "rename", "name": "us"});
    let sent = bob
        .submit_with(root, "2", rename.clone(), json!({"expect": 0}))
        .await;
    let refused = bob.answer(sent).await;
    assert_eq!(refused["reason"], "conflict");
    assert_eq!(refused["intervening"][0]["data"], json!({"user": "bob"}));
    let sent = bob
        .submit_with(root, "3", rename.clone(), json!({"expect": 7}))
        .await;
    assert_eq!(bob.answer(sent).await["reason"], "invalid");
    let sent = bob
        .submit_with(root, "3", rename, json!({"expect": 1}))
        .await;
    assert_eq!(bob.answer(sent).await["first"], 2);

    for (command, says) in [
        (post(""), "say something"),
        (json!({"do": "dance"}), "unknown variant"),
        (json!({"do": "post"}), "missing field"),
        (json!({"do": "post", "text": 3}), "invalid type"),
        (json!(null), ""),
        (json!([1, 2]), ""),
        (json!("post"), ""),
    ] {
        let refused = bob.ask(root, "4", command.clone()).await;
        assert_eq!(refused["reason"], "invalid", "{command}");
        assert!(
            refused["message"].as_str().unwrap().contains(says),
            "{refused}"
        );
    }
    for id in ["", "0", &"x".repeat(10_000)] {
        let refused = bob.ask(root, id, post("hey")).await;
        let is_taken = refused["outcome"] == "committed";
        assert_eq!(is_taken, id == "0", "{id:.20} {refused}");
        if !is_taken {
            assert_eq!(refused["reason"], "invalid", "{id:.20}");
        }
    }
    let stream = format!("nothing/{root}");
    bob.send(
        json!({"type": "send", "ref": 77, "stream": stream, "id": "5", "command": post("hey")}),
    )
    .await;
    assert_eq!(bob.answer(77).await["reason"], "denied");
    bob.is_alive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_take_effect_in_the_order_in_which_they_came() {
    let server = Server::memory().await;
    let root = server.club(&[]).await;
    let mut ann = Client::connect(&server, "ann").await;
    for burst in 0..5 {
        let mut sent = Vec::new();
        for number in 0..60 {
            let text = format!("{burst}-{number}");
            sent.push(ann.submit(root, &text, post(&text)).await);
        }
        for (number, sent) in sent.into_iter().enumerate() {
            let accepted = ann.next().await;
            assert_eq!(accepted["ref"], sent);
            assert_eq!(accepted["first"], 1 + burst * 60 + number);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_commands_wait() {
    let store = FaultyStore::new(open_store("memory:").await.unwrap());
    let server = Server::on(Arc::new(store.clone())).await;
    let root = server.club(&[]).await;
    let (gate, begun) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (held, told) = (Arc::clone(&gate), Arc::clone(&begun));
    store.fail_next(Fault::held(move || {
        let (held, told) = (Arc::clone(&held), Arc::clone(&told));
        async move {
            told.add_permits(1);
            held.acquire().await.unwrap().forget();
        }
    }));
    let mut ann = Client::connect(&server, "ann").await;
    let first = ann.submit(root, "first", post("first")).await;
    begun.acquire().await.unwrap().forget();
    let mut waiting = Vec::new();
    for number in 0..64 {
        waiting.push(ann.submit(root, &format!("id {number}"), post("hey")).await);
    }
    let refused = ann.ask(root, "id 64", post("hey")).await;
    assert_eq!(refused["reason"], "busy");
    assert!(refused["retry_after_ms"].as_u64() > Some(0));
    // It is alive meanwhile, and so is everything else of the connection.
    ann.is_alive().await;
    gate.add_permits(1);
    for sent in [first].into_iter().chain(waiting) {
        let accepted = ann.next().await;
        assert_eq!(
            (&accepted["ref"], &accepted["outcome"]),
            (&json!(sent), &json!("committed"))
        );
    }
    assert_eq!(
        ann.ask(root, "id 64", post("hey")).await["outcome"],
        "committed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_too_often_is_told_when_to_come_back() {
    let settings = LiveSettings {
        sends_per_second: 2,
        ..generous()
    };
    let server = Server::with(open_store("memory:").await.unwrap(), settings).await;
    let root = server.club(&[]).await;
    let mut ann = Client::connect(&server, "ann").await;
    let (mut limited, mut sent) = (0, 0);
    while limited < 3 {
        sent += 1;
        let id = format!("msg_{sent}");
        let refused = ann.ask(root, &id, post("hey")).await;
        if refused["reason"] != "limited" {
            continue;
        }
        limited += 1;
        let wait = refused["retry_after_ms"].as_u64().unwrap();
        assert!((1..=501).contains(&wait), "{wait}");
        // The limit is of the user, not of the connection.
        let mut another = Client::connect(&server, "ann").await;
        let accepted = another.ask(root, "another", post("another")).await;
        assert!(accepted["reason"] == "limited" || sent > 11, "{accepted}");
        sleep(Duration::from_millis(wait)).await;
        let again = ann.ask(root, &id, post("hey")).await;
        assert!(
            again["outcome"] == "committed" || accepted["type"] == "accepted",
            "{again}"
        );
    }
    assert!(sent >= 11, "ten may come at once: {sent}");
    // Signals count too, and are dropped without a word; reading does not count.
    ann.join(root).await;
    for _ in 0..50 {
        ann.send(json!({"type": "signal", "stream": club(root), "signal": "typing", "for_ms": 10}))
            .await;
    }
    ann.is_alive().await;
}
