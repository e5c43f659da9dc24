//! The page of the protocol says what the gateway does: its examples are taken, and its tables are complete.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};
use seriatim::{LiveSettings, open_store};

use crate::client::Client;
use crate::club::Do;
use crate::server::{Server, club, generous};

fn page() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/live-protocol.md");
    std::fs::read_to_string(page).unwrap()
}

/// Returns the part of the page under a heading.
fn section<'p>(page: &'p str, heading: &str) -> &'p str {
    let (_, rest) = page.split_once(&format!("\n{heading}\n")).expect(heading);
    rest.split("\n#").next().unwrap()
}

/// Returns the JSON of all examples.
fn examples(section: &str) -> Vec<Value> {
    let blocks = section.split("```json\n").skip(1);
    let blocks = blocks.map(|block| block.split("```").next().unwrap());
    let values = blocks.flat_map(|block| serde_json::Deserializer::from_str(block).into_iter());
    values.map(|value| value.unwrap()).collect()
}

/// Returns the rows of a table by their first word, with the other cells of each.
fn rows(section: &str) -> BTreeMap<String, String> {
    let lines = section.lines().filter(|line| line.starts_with("| `"));
    let rows = lines.map(|line| line.trim_matches('|').split_once('|').unwrap());
    rows.map(|(name, rest)| (name.trim().trim_matches('`').to_owned(), rest.to_owned()))
        .collect()
}

fn words(cells: &str) -> BTreeSet<&str> {
    cells.split('`').skip(1).step_by(2).collect()
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_of_a_client_is_taken() {
    let page = page();
    let section = section(&page, "### From the client");
    let (examples, rows) = (examples(section), rows(section));
    let used: BTreeSet<_> = examples
        .iter()
        .map(|frame| frame["type"].as_str().unwrap())
        .collect();
    let named: BTreeSet<_> = rows.keys().map(String::as_str).collect();
    assert_eq!(used, named, "each frame has an example and a row");
    let server = Server::memory().await;
    let root = server.club(&[]).await;
    for example in examples {
        let kind = example["type"].as_str().unwrap();
        let fields = words(&rows[kind]);
        for field in keys(&example) {
            assert!(
                field == "type" || fields.contains(field),
                "`{field}` of `{kind}` is not in the table"
            );
        }
        let mut client = Client::silent(server.address).await;
        if kind == "hello" {
            client.send(example).await;
            assert_eq!(client.next().await["type"], "welcome");
            continue;
        }
        client.hello(json!({"user": "ann"})).await;
        client.send(example.clone()).await;
        client.is_alive().await;
        // And as it is meant, about something that is there.
        if example.get("stream").is_some() {
            client.join(root).await;
            let example = Value::Object(
                example
                    .as_object()
                    .unwrap()
                    .clone()
                    .into_iter()
                    .map(|(key, value)| match &*key {
                        "stream" => (key, club(root).into()),
                        _ => (key, value),
                    })
                    .collect(),
            );
            client.send(example).await;
            client.is_alive().await;
        }
    }
}

/// Frames of the server by type: the fields that they had, over a session that has them all.
async fn recorded() -> BTreeMap<String, BTreeSet<String>> {
    let settings = LiveSettings {
        sends_per_second: 2,
        ..generous()
    };
    let server = Server::with(open_store("memory:").await.unwrap(), settings).await;
    let (root, another) = (server.club(&["bob"]).await, server.club(&[]).await);
    let mut recorded: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut note = |frame: &Value| {
        let kind = frame["type"].as_str().unwrap().to_owned();
        let fields = keys(frame).into_iter().map(str::to_owned);
        recorded.entry(kind).or_default().extend(fields);
    };
    let mut bob = Client::connect(&server, "bob").await;
    bob.shows_presence = true;
    note(&bob.welcome.clone());
    let rename = json!({"do": "rename", "name": "us"});
    let place = json!({"epoch": bob.epoch(), "sequence": 1, "event": another});
    for frame in [
        json!({"type": "join", "stream": club(root)}),
        json!({"type": "join", "stream": club(another)}),
        json!({"type": "ping"}),
        json!({"type": "read", "ref": 101, "stream": club(root), "from": 0, "through": 1}),
        json!({"type": "send", "ref": 102, "stream": club(root), "id": "2", "command": {"do": "post", "text": "hey"}}),
        json!({"type": "send", "ref": 103, "stream": club(another), "id": "3", "command": rename}),
        json!({"type": "send", "ref": 104, "stream": club(root), "id": "4", "command": rename, "expect": 0}),
        json!({"type": "leave", "stream": club(another)}),
    ] {
        bob.send(frame).await;
    }
    let of_bob = async |bob: &mut Client,
                        last: &dyn Fn(&Value) -> bool,
                        note: &mut dyn FnMut(&Value)| loop {
        let frame = bob.next().await;
        note(&frame);
        if last(&frame) {
            return;
        }
    };
    of_bob(&mut bob, &|frame| frame["ref"] == 104, &mut note).await;
    let mut is_limited = false;
    for number in 10.. {
        if is_limited {
            break;
        }
        let post = json!({"do": "post", "text": "hey"});
        let sent = bob.submit(root, &number.to_string(), post).await;
        let is_answer = |frame: &Value| frame["ref"] == sent;
        let mut look = |frame: &Value| {
            is_limited |= frame["reason"] == "limited";
            note(frame);
        };
        of_bob(&mut bob, &is_answer, &mut look).await;
    }
    bob.ask_to_join(root, Some(&place)).await;
    of_bob(&mut bob, &|frame| frame["type"] == "resync", &mut note).await;
    bob.ask_to_join(root, None).await;
    of_bob(&mut bob, &|frame| frame["type"] == "present", &mut note).await;
    let (by, user) = ("ann".into(), "bob".into());
    server.act(root, Do::Remove { by, user }).await;
    of_bob(
        &mut bob,
        &|frame| frame["type"] == "left" && frame["why"] == "removed",
        &mut note,
    )
    .await;
    server.shutdown().await;
    recorded
}

/// Words among the fields of the table that are values of the field before them.
const VALUES: [&str; 7] = [
    "from",
    "asked",
    "removed",
    "broken",
    "too_many",
    "other_log",
    "unknown_place",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_frame_of_the_server_is_on_the_page() {
    let page = page();
    let section = section(&page, "### From the server");
    let (rows, recorded) = (rows(section), recorded().await);
    let named: BTreeSet<_> = rows.keys().collect();
    let used: BTreeSet<_> = recorded.keys().collect();
    assert_eq!(used, named, "each frame has a row, and each row a frame");
    for (kind, fields) in &recorded {
        let named = words(&rows[kind]);
        for field in fields {
            assert!(
                field == "type" || named.contains(&**field),
                "`{field}` of `{kind}` is not in the table"
            );
        }
    }
    // What the examples show is what there is.
    for example in examples(section) {
        let kind = example["type"].as_str().unwrap();
        for field in keys(&example) {
            assert!(
                recorded[kind].contains(field),
                "nothing has `{field}` of `{kind}`"
            );
        }
    }
    // The fields at the beginning of each row are all in use.
    let rare = ["more"];
    for (kind, cells) in &rows {
        let fields = cells.split(" | ").next().unwrap();
        let fields = fields
            .split('(')
            .map(|part| part.split(')').next_back().unwrap());
        for field in fields.flat_map(words).filter(|word| !VALUES.contains(word)) {
            let is_used = recorded[kind].contains(field) || rare.contains(&field);
            assert!(is_used, "nothing has `{field}` of `{kind}`");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_has_the_fields_of_its_example() {
    let page = page();
    let (before, _) = page.split_once("\n### From the client").unwrap();
    let [example] = &examples(before)[..] else {
        panic!("one example of an event")
    };
    let server = Server::memory().await;
    let root = server.club(&[]).await;
    let mut ann = Client::connect(&server, "ann").await;
    ann.ask(root, "msg_aaa", json!({"do": "post", "text": "hey"}))
        .await;
    let transcript = ann.join(root).await;
    assert_eq!(keys(&transcript.events[1]), keys(example));
    let [at, example_at] =
        [&transcript.events[1]["at"], &example["at"]].map(|at| at.as_str().unwrap());
    for (given, meant) in at.chars().zip(example_at.chars()).take(20) {
        assert!(
            given == meant || given.is_ascii_digit() && meant.is_ascii_digit(),
            "{at} like {example_at}"
        );
    }
    assert!(at.ends_with('Z'));
    // Nobody sent the first one over a connection.
    let mut without: BTreeSet<_> = keys(example);
    without.remove("actor");
    without.remove("external_id");
    assert_eq!(keys(&transcript.events[0]), without);
}

/// Each code with which the tests of this program see connections end.
#[test]
fn every_code_is_on_the_page() {
    let page = page();
    let section = section(&page, "## How a connection ends");
    let lines = section.lines().filter(|line| line.starts_with("| "));
    let codes: BTreeSet<_> = lines
        .filter_map(|line| line[2..6].parse::<u16>().ok())
        .collect();
    let used = [1009, 1012, 1013, 4400, 4401, 4403, 4408, 4429, 4508];
    assert_eq!(codes, BTreeSet::from(used));
}
