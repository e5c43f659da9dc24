//! Events that mean nothing any more, that cannot be read, that are no JSON, and a log that is replaced.

use std::sync::Arc;

use serde_json::{Value, json};
use seriatim::core::{Append, AppendOutcome, NewEvent, Payload, Store, Write};
use seriatim::open_store;
use seriatim::prelude::*;
use seriatim_testkit::faults::FaultyStore;

use crate::client::Client;
use crate::club::{Do, PANICS};
use crate::meter::Meter;
use crate::server::{Server, club, generous};

/// Appends an event of a type to a club, behind the back of the application.
async fn append(store: &dyn Store, root: Uuid, after: u32, kind: &'static str) {
    let event = NewEvent {
        id: Uuid::now_v7(),
        payload: Payload::json(kind, "{}"),
        metadata: Arc::default(),
    };
    let append = Append {
        stream: club(root).parse().unwrap(),
        write: Write::Events {
            after: Some(Sequence(after)),
            last: None,
            events: [event].into(),
        },
        claim: None,
        beside: Vec::new(),
    };
    let outcome = store.append(vec![append]).await.unwrap();
    assert!(
        matches!(outcome[0], AppendOutcome::Written { .. }),
        "{outcome:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_means_nothing_any_more_keeps_its_place() {
    let store = open_store("memory:").await.unwrap();
    let server = Server::on(Arc::clone(&store)).await;
    let root = server.club(&["bob"]).await;
    let mut live = Client::connect(&server, "bob").await;
    let mut transcript = live.join(root).await;
    let place = transcript.place();
    for after in [1, 2] {
        append(&*store, root, after, "Greeted").await;
    }
    server.post(root, "four").await;
    append(&*store, root, 4, "Greeted").await;
    server.post(root, "six").await;
    live.follow(&mut transcript, 6).await;
    let of_nothing = |event: &Value| {
        event["type"] == "" && event.get("data").is_none() && event.get("base64").is_none()
    };
    let nothings: Vec<_> = transcript
        .events
        .iter()
        .filter(|event| of_nothing(event))
        .collect();
    let sequences: Vec<_> = nothings
        .iter()
        .map(|event| event["sequence"].as_u64().unwrap())
        .collect();
    assert_eq!(sequences, [2, 3, 5]);
    // History, a part of it, and what comes after a place are the same events.
    let mut late = Client::connect(&server, "bob").await;
    assert_eq!(late.join(root).await.events, transcript.events);
    assert_eq!(
        late.read(root, 0, 9).await["events"],
        json!(transcript.events)
    );
    let resumed = late.resume(root, &place).await;
    assert_eq!(resumed["events"], json!(transcript.events[2..]));
    // One can go on after such an event too.
    let nothing = &transcript.events[3];
    let place = json!({"epoch": late.epoch(), "sequence": 3, "event": nothing["id"]});
    assert_eq!(
        late.resume(root, &place).await["events"],
        json!(transcript.events[4..])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_read_ends_its_stream_and_no_other() {
    let store = open_store("memory:").await.unwrap();
    let server = Server::on(Arc::clone(&store)).await;
    let (root, other) = (server.club(&["bob"]).await, server.club(&["bob"]).await);
    let mut bob = Client::connect(&server, "bob").await;
    let (mut broken, mut whole) = (bob.join(root).await, bob.join(other).await);
    server.post(root, "two").await;
    bob.follow(&mut broken, 2).await;
    append(&*store, root, 2, "Nonsense").await;
    let left = json!({"type": "left", "stream": club(root), "why": "broken"});
    assert_eq!(bob.next().await, left);
    for _ in 0..2 {
        bob.ask_to_join(root, None).await;
        assert_eq!(bob.next().await, left);
    }
    let last = server.post(other, "goes on").await;
    bob.follow(&mut whole, last).await;
    bob.send(json!({"type": "leave", "stream": club(other)}))
        .await;
    bob.until("left").await;
    assert_eq!(server.live.streams(), 0);
}

/// The application's code panics when it is asked about one club. That is the fault of this club.
#[tokio::test(flavor = "multi_thread")]
async fn code_that_panics_ends_its_stream_and_no_other() {
    let server = Server::memory().await;
    let (root, other) = (server.club(&["bob"]).await, server.club(&["bob"]).await);
    let mut bob = Client::connect(&server, "bob").await;
    let (mut broken, mut whole) = (bob.join(root).await, bob.join(other).await);
    let (by, name) = ("ann".into(), PANICS.into());
    server.act(root, Do::Rename { by, name }).await;
    bob.follow(&mut broken, 2).await;
    assert_eq!(bob.next().await["type"], "left");
    bob.ask_to_join(root, None).await;
    assert_eq!(bob.next().await["type"], "denied");
    let last = server.post(other, "goes on").await;
    bob.follow(&mut whole, last).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_no_json_comes_as_base64() {
    let app = App::open("memory:").await.unwrap().aggregate::<Meter>();
    let app = app.start().await.unwrap();
    let server = Server::of(app, |live| live.room::<Meter>().settings(generous())).await;
    let stream = format!("meter/{}", Uuid::now_v7());
    let mut ann = Client::connect(&server, "ann").await;
    ann.send(json!({"type": "join", "stream": stream})).await;
    let joined = ann.next().await;
    assert_eq!(
        (&joined["head"], &joined["view"], &joined["events"]),
        (&json!(null), &json!(0), &json!([]))
    );
    ann.send(json!({"type": "send", "ref": 1, "stream": stream, "id": "1", "command": 5}))
        .await;
    let events = ann.until("events").await;
    let event = &events["events"][0];
    assert_eq!(
        (&event["type"], &event["base64"]),
        (&json!("meter.v1.Counted"), &json!("CAU="))
    );
    assert!(event.get("data").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_replaced_is_told_to_everybody() {
    let store = FaultyStore::new(open_store("memory:").await.unwrap());
    let server = Server::on(Arc::new(store.clone())).await;
    let root = server.club(&["bob"]).await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut bob = Client::connect(&server, "bob").await;
        let transcript = bob.join(root).await;
        clients.push((bob, transcript));
    }
    // The other log has as many events, and one more.
    let new = open_store("memory:").await.unwrap();
    let beside = Server::on(Arc::clone(&new)).await;
    beside.found(root, &["bob"]).await;
    beside.post(root, "in the new log").await;
    store.replace(new);
    for (bob, transcript) in &mut clients {
        assert_eq!(
            bob.next().await,
            json!({"type": "left", "stream": club(root), "why": "broken"})
        );
        let resync = bob.resume(root, &transcript.place()).await;
        assert_eq!(
            resync,
            json!({"type": "resync", "stream": club(root), "why": "other_log"})
        );
        *transcript = bob.join(root).await;
        assert_eq!(transcript.texts(), ["in the new log"]);
    }
    let last = beside.post(root, "more").await;
    for (bob, transcript) in &mut clients {
        bob.follow(transcript, last).await;
    }
    let mut bob = Client::connect(&server, "bob").await;
    assert_ne!(bob.epoch(), clients[0].0.epoch());
    bob.is_alive().await;
}
