//! Going on after a lost connection, on any gateway.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use seriatim::core::Store;
use seriatim::prelude::*;
use seriatim::{LiveSettings, open_store};
use seriatim_testkit::faults::{FaultyStore, Interruption};
use seriatim_testkit::soon;

use crate::client::Client;
use crate::club::{Club, Do};
use crate::server::{Server, club, generous};

/// More than three pages are missing, and more comes while they are read.
async fn a_client_goes_on_on_any_gateway(url: &str) {
    let servers = [Server::at(url).await, Server::at(url).await];
    let root = servers[0].club(&["bob"]).await;
    let mut bob = Client::connect(&servers[0], "bob").await;
    let before = bob.join(root).await;
    drop(bob);
    servers[0].post_many(root, 700).await;
    let app = servers[1].app.clone();
    let writer = tokio::spawn(async move {
        for number in 0..150 {
            let (by, text) = ("ann".into(), number.to_string());
            app.of::<Club>(root)
                .send(Do::Post { by, text })
                .await
                .unwrap();
        }
    });
    let mut clients = Vec::new();
    for round in 0..6 {
        let mut bob = Client::connect(&servers[round % 2], "bob").await;
        let mut transcript = before.clone();
        let joined = bob.resume(root, &transcript.place()).await;
        transcript.resumed(&joined);
        // And once more, from the middle of what came. What is still on its way comes first.
        if round % 3 == 2 {
            bob.ask_to_join(root, Some(&transcript.place())).await;
            let joined = bob.until("joined").await;
            transcript.resumed(&joined);
        }
        clients.push((bob, transcript));
    }
    soon(writer).await.unwrap();
    for (mut bob, mut transcript) in clients {
        bob.follow(&mut transcript, 851).await;
        // The connection is lost at the end of the stream: nothing is missing.
        drop(bob);
        for server in &servers {
            let mut bob = Client::connect(server, "bob").await;
            let joined = bob.resume(root, &transcript.place()).await;
            assert_eq!(
                (&joined["recovered"], &joined["events"]),
                (&json!(true), &json!([]))
            );
        }
    }
}

crate::storage::on_every_storage! {
    a_client_goes_on_on_any_gateway
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_is_not_in_the_stream_is_never_recovered() {
    let server = Server::memory().await;
    let root = server.club(&["bob"]).await;
    server.post_many(root, 20).await;
    let mut bob = Client::connect(&server, "bob").await;
    let transcript = bob.join(root).await;
    let place = transcript.place();
    let with = |field: &str, value: Value| {
        let mut place = place.clone();
        place[field] = value;
        place
    };
    let another = json!(Uuid::now_v7());
    for (after, why) in [
        (with("epoch", another.clone()), "other_log"),
        (with("epoch", json!("")), "other_log"),
        (with("event", another), "unknown_place"),
        (with("sequence", json!(20)), "unknown_place"),
        (with("sequence", json!(22)), "unknown_place"),
        (with("sequence", json!(u32::MAX)), "unknown_place"),
    ] {
        let answer = bob.resume(root, &after).await;
        assert_eq!(
            answer,
            json!({"type": "resync", "stream": club(root), "why": why}),
            "{after}"
        );
    }
    // After a refusal it is not joined.
    let refused = bob.read(root, 0, 1).await;
    assert_eq!(refused["reason"], "denied");
    // A stream from which the user was removed says nothing, not even that the place is wrong.
    let (by, user) = ("ann".into(), "bob".into());
    server.act(root, Do::Remove { by, user }).await;
    for after in [
        place.clone(),
        with("epoch", json!("x")),
        with("sequence", json!(3)),
    ] {
        let answer = bob.resume(root, &after).await;
        assert_eq!(answer, json!({"type": "denied", "stream": club(root)}));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_backup_that_has_grown_anew_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let (file, backup) = (
        folder.path().join("club.db"),
        folder.path().join("backup.db"),
    );
    let url = format!("sqlite://{}", file.display());
    let server = Server::at(&url).await;
    let root = server.club(&["bob"]).await;
    server.post_many(root, 3).await;
    server.shutdown().await;
    std::fs::copy(&file, &backup).unwrap();

    let server = Server::at(&url).await;
    let mut bob = Client::connect(&server, "bob").await;
    let early = bob.join(root).await;
    server.post_many(root, 5).await;
    let mut late = early.clone();
    bob.follow(&mut late, 9).await;
    drop(bob);
    server.shutdown().await;

    std::fs::rename(&backup, &file).unwrap();
    let server = Server::at(&url).await;
    server.post_many(root, 7).await;
    let mut bob = Client::connect(&server, "bob").await;
    assert_eq!(
        bob.epoch(),
        early.place()["epoch"],
        "a backup has the same identity"
    );
    let answer = bob.resume(root, &late.place()).await;
    assert_eq!(answer["why"], "unknown_place", "{answer}");
    // What was in the backup is still the history.
    let mut again = early.clone();
    let joined = bob.resume(root, &early.place()).await;
    again.resumed(&joined);
    assert_eq!(again.last(), Some(11));
}

/// Two gateways on one store. What is recorded never reaches the second one through the log.
async fn one_that_is_behind() -> (Server, Server, Uuid, Client) {
    let store = open_store("memory:").await.unwrap();
    let deaf = FaultyStore::new(Arc::clone(&store));
    let first = Server::on(store).await;
    let second = Server::on(Arc::new(deaf.clone()) as Arc<dyn Store>).await;
    let root = first.club(&["bob"]).await;
    // Somebody keeps the room of the second one open.
    let mut bob = Client::connect(&second, "bob").await;
    bob.join(root).await;
    deaf.interrupt("read the log", 1, Interruption::DiesBefore);
    first.post(root, "nobody tells the second one").await;
    seriatim_testkit::until("it is deaf", async || deaf.was_interrupted()).await;
    (first, second, root, bob)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_knows_more_than_the_gateway_gets_nothing_twice() {
    let (first, second, root, _bob) = one_that_is_behind().await;
    let mut ann = Client::connect(&first, "ann").await;
    let mut transcript = ann.join(root).await;
    first.post_many(root, 2).await;
    ann.follow(&mut transcript, 4).await;
    drop(ann);
    let mut ann = Client::connect(&second, "ann").await;
    let joined = ann.resume(root, &transcript.place()).await;
    transcript.resumed(&joined);
    assert_eq!(
        (&joined["head"], &joined["events"]),
        (&json!(4), &json!([]))
    );
    ann.is_alive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_let_in_just_now_is_let_in_everywhere() {
    let (first, second, root, _bob) = one_that_is_behind().await;
    let (by, user) = ("ann".into(), "cid".into());
    first.act(root, Do::Invite { by, user }).await;
    let mut cid = Client::connect(&second, "cid").await;
    let transcript = cid.join(root).await;
    assert_eq!(transcript.last(), Some(3));
    let mut dan = Client::connect(&second, "dan").await;
    dan.ask_to_join(root, None).await;
    assert_eq!(dan.next().await["type"], "denied");
}

/// Others come and are refused, all the time, while somebody who is far behind catches up: the room stays.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_on_the_way_in_is_not_disturbed_by_others() {
    let settings = LiveSettings {
        page: 5,
        ..generous()
    };
    let server = Server::with(open_store("memory:").await.unwrap(), settings).await;
    let root = server.club(&["bob"]).await;
    let mut bob = Client::connect(&server, "bob").await;
    let before = bob.join(root).await;
    drop(bob);
    let last = server.post_many(root, 1_000).await;
    let mut outsider = Client::connect(&server, "outsider").await;
    let refused = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&refused);
    let others = tokio::spawn(async move {
        loop {
            outsider.ask_to_join(root, None).await;
            assert_eq!(outsider.next().await["type"], "denied");
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    for _ in 0..5 {
        let so_far = refused.load(Ordering::Relaxed);
        let mut bob = Client::connect(&server, "bob").await;
        let mut transcript = before.clone();
        let joined = bob.resume(root, &transcript.place()).await;
        transcript.resumed(&joined);
        bob.follow(&mut transcript, last).await;
        seriatim_testkit::until("somebody is refused", async || {
            refused.load(Ordering::Relaxed) > so_far
        })
        .await;
    }
    assert!(!others.is_finished());
    others.abort();
}
