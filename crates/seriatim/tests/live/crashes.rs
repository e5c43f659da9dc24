//! What is lost between the client, the gateway and the store.

use std::sync::Arc;

use serde_json::{Value, json};
use seriatim::core::{Store, StoreErrorKind};
use seriatim::open_store;
use seriatim_testkit::faults::{Fault, FaultyStore, Interruption};

use crate::client::Client;
use crate::server::{Server, club};

fn post() -> Value {
    json!({"do": "post", "text": "hey"})
}

/// It dies after the commit and before the answer. The client repeats the command on another gateway, and on the same
/// one.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_whose_answer_was_lost_takes_effect_once() {
    let store = open_store("memory:").await.unwrap();
    let faulty = FaultyStore::new(Arc::clone(&store));
    let dies = Server::on(Arc::new(faulty.clone()) as Arc<dyn Store>).await;
    let lives = Server::on(store).await;
    let root = lives.club(&[]).await;
    let mut ann = Client::connect(&dies, "ann").await;
    faulty.interrupt("append events", 1, Interruption::DiesAfter);
    ann.submit(root, "msg_1", post()).await;
    seriatim_testkit::until("it is written", async || faulty.was_interrupted()).await;
    drop(ann);
    let mut ann = Client::connect(&lives, "ann").await;
    let mut accepted = Value::Null;
    seriatim_testkit::until("it is committed", async || {
        accepted = ann.ask(root, "msg_1", post()).await;
        accepted["type"] == "accepted"
    })
    .await;
    assert_eq!(
        (&accepted["outcome"], &accepted["first"]),
        (&json!("duplicate"), &json!(1))
    );
    assert_eq!(ann.join(root).await.last(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_repeated_until_there_is_an_answer() {
    let faulty = FaultyStore::new(open_store("memory:").await.unwrap());
    let server = Server::on(Arc::new(faulty.clone())).await;
    let root = server.club(&[]).await;
    let mut ann = Client::connect(&server, "ann").await;
    for (number, fault) in [
        Fault::UnknownButWritten,
        Fault::UnknownNotWritten,
        Fault::NotWritten(StoreErrorKind::Unavailable),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("msg_{number}");
        faulty.plan([Some(fault.clone()), Some(fault)]);
        let mut last = Value::Null;
        seriatim_testkit::until("it is accepted", async || {
            last = ann.ask(root, &id, post()).await;
            let is_open = last["reason"] == "unavailable" || last["reason"] == "busy";
            assert!(is_open || last["type"] == "accepted", "{last}");
            assert!(
                !is_open || last["retry_after_ms"].as_u64().is_some(),
                "{last}"
            );
            last["type"] == "accepted"
        })
        .await;
        assert_eq!(last["last"], number + 1);
    }
    assert_eq!(ann.join(root).await.last(), Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_store_is_down_nothing_is_lost() {
    let store = open_store("memory:").await.unwrap();
    let faulty = FaultyStore::new(Arc::clone(&store));
    let other = Server::on(store).await;
    let server = Server::on(Arc::new(faulty.clone()) as Arc<dyn Store>).await;
    let (root, another) = (other.club(&["bob"]).await, other.club(&["bob"]).await);
    let mut bob = Client::connect(&server, "bob").await;
    let mut transcript = bob.join(root).await;
    faulty.go_down(StoreErrorKind::Unavailable);
    for _ in 0..30 {
        other.post(root, "meanwhile").await;
    }
    let mut late = Client::connect(&server, "bob").await;
    late.ask_to_join(another, None).await;
    assert_eq!(
        late.next().await,
        json!({"type": "left", "stream": club(another), "why": "broken"})
    );
    let refused = late.ask(another, "msg", post()).await;
    assert_eq!(refused["reason"], "unavailable");
    let refused = bob.read(root, 0, 10).await;
    assert_eq!(refused["reason"], "unavailable", "{refused}");
    assert!(refused["retry_after_ms"].as_u64().is_some());
    faulty.come_back();
    let last = other.post(root, "after").await;
    bob.follow(&mut transcript, last).await;
    assert_eq!(late.join(another).await.last(), Some(1));
    seriatim_testkit::until("it is accepted", async || {
        late.ask(another, "msg", post()).await["type"] == "accepted"
    })
    .await;
}

/// The line is cut in the middle of a frame, without a farewell.
#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_cut_leaves_nothing_behind() {
    use tokio::io::AsyncWriteExt as _;
    let server = Server::memory().await;
    let root = server.club(&[]).await;
    for bytes in [0, 1, 3, 7] {
        let mut ann = Client::connect(&server, "ann").await;
        ann.join(root).await;
        let half = [0x81, 0xfe, 0x10, 0x00, 1, 2, 3, 4];
        ann.socket
            .get_mut()
            .write_all(&half[..bytes])
            .await
            .unwrap();
        drop(ann);
    }
    server.is_deserted().await;
}
