//! Who is here, and what they show.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use seriatim::prelude::*;
use seriatim::{SharePresence, Shown, open_store};

use crate::client::Client;
use crate::club::Club;
use crate::server::{Server, club, generous};

async fn connect(server: &Server, user: &str) -> Client {
    let mut client = Client::connect(server, user).await;
    client.shows_presence = true;
    client
}

impl Client {
    /// Waits until exactly these users are present.
    async fn sees(&mut self, root: Uuid, users: Value) {
        loop {
            let frame = self.next().await;
            if frame["type"] == "present"
                && frame["stream"] == club(root)
                && frame["users"] == users
            {
                return;
            }
        }
    }

    async fn signal(&mut self, root: Uuid, signal: &str, for_ms: u64) {
        let frame =
            json!({"type": "signal", "stream": club(root), "signal": signal, "for_ms": for_ms});
        self.send(frame).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_here_until_their_last_connection_leaves() {
    let server = Server::memory().await;
    let root = server.club(&["bob"]).await;
    let mut ann = connect(&server, "ann").await;
    ann.join(root).await;
    ann.sees(root, json!({"ann": ["here"]})).await;
    let (mut one, mut two) = (
        Client::connect(&server, "bob").await,
        Client::connect(&server, "bob").await,
    );
    one.join(root).await;
    ann.sees(root, json!({"ann": ["here"], "bob": ["here"]}))
        .await;
    two.join(root).await;
    // He joins again and again, and is one.
    two.join(root).await;
    one.signal(root, "typing", 20_000).await;
    ann.sees(root, json!({"ann": ["here"], "bob": ["here", "typing"]}))
        .await;
    drop(one);
    one = Client::connect(&server, "bob").await;
    seriatim_testkit::until("the first is gone", async || server.live.connections() == 3).await;
    // A signal is taken back, or runs out.
    two.signal(root, "typing", 0).await;
    ann.sees(root, json!({"ann": ["here"], "bob": ["here"]}))
        .await;
    two.signal(root, "recording", 200).await;
    ann.sees(root, json!({"ann": ["here"], "bob": ["here", "recording"]}))
        .await;
    ann.sees(root, json!({"ann": ["here"], "bob": ["here"]}))
        .await;
    two.send(json!({"type": "leave", "stream": club(root)}))
        .await;
    ann.sees(root, json!({"ann": ["here"]})).await;
    // Nobody shows anything on a stream that he has not joined.
    two.signal(root, "typing", 20_000).await;
    one.signal(root, "typing", 20_000).await;
    two.is_alive().await;
    one.is_alive().await;
    one.join(root).await;
    ann.sees(root, json!({"ann": ["here"], "bob": ["here"]}))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_removed_is_not_present_and_sees_nobody() {
    let server = Server::memory().await;
    let root = server.club(&["bob"]).await;
    let (mut ann, mut bob) = (connect(&server, "ann").await, connect(&server, "bob").await);
    ann.join(root).await;
    bob.ask_to_join(root, None).await;
    ann.sees(root, json!({"ann": ["here"], "bob": ["here"]}))
        .await;
    let (by, user) = ("ann".into(), "bob".into());
    server.act(root, crate::club::Do::Remove { by, user }).await;
    bob.until("left").await;
    ann.sees(root, json!({"ann": ["here"]})).await;
    ann.signal(root, "typing", 20_000).await;
    ann.sees(root, json!({"ann": ["here", "typing"]})).await;
    bob.send(json!({"type": "ping"})).await;
    assert_eq!(bob.next().await["type"], "pong", "he was told of somebody");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_is_a_short_word() {
    let server = Server::memory().await;
    let root = server.club(&[]).await;
    let long = "x".repeat(33);
    for signal in [
        "",
        "here",
        "<b>",
        "two words",
        "\u{1b}[31m",
        "tippt\u{e4}",
        &long,
    ] {
        let mut ann = Client::connect(&server, "ann").await;
        ann.join(root).await;
        ann.signal(root, signal, 1_000).await;
        assert_eq!(ann.end().await, Some(4400), "{signal:?}");
    }
    let mut ann = connect(&server, "ann").await;
    ann.ask_to_join(root, None).await;
    // It does not last longer than it may, however long is asked for.
    ann.signal(root, "typing", u64::MAX).await;
    ann.sees(root, json!({"ann": ["here", "typing"]})).await;
}

/// What gateways have shared, in the memory of the test.
#[derive(Clone, Default)]
struct Table(Arc<Mutex<HashMap<&'static str, Rows>>>);

/// What one gateway shows, and until when.
type Rows = Vec<(Instant, Shown)>;

struct Row {
    table: Table,
    gateway: &'static str,
}

impl SharePresence for Row {
    async fn exchange(&self, ours: Vec<Shown>) -> Result<Vec<Shown>, Box<dyn Error + Send + Sync>> {
        let now = Instant::now();
        let mut rows = self.table.0.lock().unwrap();
        let ours = ours.into_iter().map(|shown| (now + shown.lasts, shown));
        rows.insert(self.gateway, ours.collect());
        let others = rows.iter().filter(|(gateway, _)| **gateway != self.gateway);
        let shown = others
            .flat_map(|(_, shown)| shown)
            .filter(|(until, _)| *until > now);
        Ok(shown
            .map(|(until, shown)| Shown {
                lasts: *until - now,
                ..shown.clone()
            })
            .collect())
    }
}

/// A table of somebody who does not know when to stop.
struct Endless;

impl SharePresence for Endless {
    async fn exchange(&self, ours: Vec<Shown>) -> Result<Vec<Shown>, Box<dyn Error + Send + Sync>> {
        let theirs = ours.into_iter().map(|shown| Shown {
            user: "eve".into(),
            lasts: Duration::MAX,
            ..shown
        });
        Ok(theirs.collect())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_see_one_another_and_a_dead_one_runs_out() {
    let store = open_store("memory:").await.unwrap();
    let table = Table::default();
    let start = async |gateway| {
        let app = App::on(store.clone())
            .aggregate::<Club>()
            .start()
            .await
            .unwrap();
        let row = Row {
            table: table.clone(),
            gateway,
        };
        let live = |live: seriatim::LiveBuilder| {
            live.room::<Club>().settings(generous()).share_presence(row)
        };
        Server::of(app, live).await
    };
    let (one, other) = (start("one").await, start("other").await);
    let root = one.club(&["bob"]).await;
    let (mut ann, mut bob) = (connect(&one, "ann").await, connect(&other, "bob").await);
    ann.ask_to_join(root, None).await;
    bob.ask_to_join(root, None).await;
    let both = json!({"ann": ["here"], "bob": ["here"]});
    tokio::join!(ann.sees(root, both.clone()), bob.sees(root, both.clone()));
    bob.signal(root, "typing", 10_000).await;
    ann.sees(root, json!({"ann": ["here"], "bob": ["here", "typing"]}))
        .await;
    // It dies: nobody takes its users out of the table.
    other.live.close().await;
    ann.sees(root, json!({"ann": ["here"]})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_makes_no_sense_harms_nobody() {
    let app = App::open("memory:").await.unwrap().aggregate::<Club>();
    let app = app.start().await.unwrap();
    let server = Server::of(app, |live| live.room::<Club>().share_presence(Endless)).await;
    let root = server.club(&[]).await;
    let mut ann = connect(&server, "ann").await;
    ann.ask_to_join(root, None).await;
    ann.sees(root, json!({"ann": ["here"], "eve": ["here"]}))
        .await;
    ann.signal(root, "typing", 1_000).await;
    ann.sees(root, json!({"ann": ["here", "typing"], "eve": ["here"]}))
        .await;
}
