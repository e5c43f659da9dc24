//! Checks that text from outside does nothing to a terminal, whichever field it is in and whichever verb shows it.

use std::collections::BTreeMap;
use std::error::Error;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use seriatim::core::{EventFilter, RecordedEvent};
use seriatim::prelude::*;
use seriatim::{AppBuilder, BackOff, FailurePolicy, Projector};

use crate::stage::{Ran, Stage, run, until};

/// Clears a screen, rings, goes back to the begin of a line, forges a line, does the same in 8-bit codes, turns the
/// direction of writing, and cannot be seen.
const HOSTILE: &str =
    "\u{1b}[2J\u{7}\rx\nforged: yes\u{9b}2J\u{202e}\u{2028}\u{2066}\u{7f}\u{200b}\u{e0041}";

const STREAM: &str = "rumour/0192d3a4-5b6c-7d8e-9f00-112233445566";

fn deceptive(character: char) -> bool {
    let hidden = ['\u{202e}', '\u{2028}', '\u{2066}', '\u{200b}', '\u{e0041}'];
    character != '\n' && (character.is_control() || hidden.contains(&character))
}

/// For people, and for programs: neither has anything in it that a terminal acts upon.
#[track_caller]
fn harmless(ran: &Ran) {
    for text in [&ran.stdout, &ran.stderr] {
        assert!(!text.contains(deceptive), "{text:?}");
        assert!(
            !text.lines().any(|line| line.starts_with("forged")),
            "{text}"
        );
    }
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    assert!(ran.code.is_some_and(|code| code != 101), "{ran:?}");
}

struct Hostile {
    stage: Stage,
}

impl Hostile {
    fn on(url: &str) -> Self {
        Self {
            stage: Stage::with(url, components),
        }
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> Ran {
        let ran = self.stage.run(arguments);
        harmless(&ran);
        ran
    }

    /// Checks both forms of an answer. Returns what the one for programs says, but an error in a command line is reported
    /// in words.
    #[track_caller]
    fn both(&self, arguments: &[&str]) -> Vec<Value> {
        self.run(arguments);
        let json = self.run(&[arguments, &["--json"]].concat());
        let errors = if json.code == Some(2) {
            ""
        } else {
            &json.stderr
        };
        let answers = json.stdout.lines().chain(errors.lines());
        answers
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[track_caller]
    fn letter(&self, filter: &[&str]) -> String {
        let list = [&["dead-letters", "list", "--json"], filter].concat();
        until("a letter waits", || !self.run(&list).json().is_empty());
        self.run(&list).json()[0]["id"].as_str().unwrap().to_owned()
    }
}

/// The options that say who sends something, and why.
const COVER: [&str; 4] = ["--actor", HOSTILE, "--correlation-id", HOSTILE];

fn said(text: &str) -> String {
    json!({ "text": text }).to_string()
}

#[test]
fn what_senders_say_is_shown_without_harm() {
    let hostile = Hostile::on("memory:");
    let content = said(HOSTILE);
    let send = ["send", STREAM, "Say", &content];
    let answers = hostile.both(&[&send[..], &COVER].concat());
    let events = &answers[0]["events"];
    assert_eq!(events[0]["data"]["text"], HOSTILE);
    assert_eq!(events[0]["actor"], HOSTILE);
    let named = ["--external-id", HOSTILE];
    hostile.both(&[&send[..], &named].concat());
    let other = said("something else");
    let reused = ["send", STREAM, "Say", &other];
    hostile.both(&[&reused[..], &named].concat());
    hostile.both(&[&["simulate"], &reused[1..], &named].concat());
    for merge in ["strict", "commutative", "aggregate", "manual"] {
        let stale = ["--expect", "0", "--merge", merge];
        hostile.both(&[&["simulate"], &send[1..], &stale].concat());
        hostile.both(&[&send[..], &stale].concat());
    }
    hostile.both(&["send", STREAM, "Refuse", &content]);
    hostile.both(&["simulate", STREAM, "Refuse", &content]);
    hostile.both(&["send", STREAM, HOSTILE, &content]);
    hostile.both(&["send", STREAM, "Say", HOSTILE]);
    hostile.both(&["send", STREAM, "Say", &format!("@{HOSTILE}")]);
    hostile.both(&[&send[..], &["--premise", HOSTILE]].concat());
    hostile.both(&[&send[..], &["--wait-for", HOSTILE]].concat());
    hostile.both(&["send", HOSTILE, "Say", &content]);
    let origin = ["--source", HOSTILE, "--description", HOSTILE];
    let fact = ["record", STREAM, "Said", &content];
    hostile.both(&[&fact[..], &origin, &["--external-id", "other"], &COVER].concat());
    hostile.both(&[
        "record",
        STREAM,
        HOSTILE,
        "{}",
        "--source",
        "a",
        "--external-id",
        "b",
    ]);

    let shown = hostile.both(&["events", STREAM]);
    assert_eq!(shown.last().unwrap()["origin"]["description"], HOSTILE);
    let shown = hostile.both(&["state", STREAM]);
    assert_eq!(shown[0]["state"]["said"], json!({ HOSTILE: HOSTILE }));
    let all = ["log", "tail", "--from", "first", "--until-caught-up"];
    hostile.both(&all);
    hostile.both(&[&all[..], &["--type", HOSTILE]].concat());
    hostile.both(&["streams"]);
    hostile.both(&["domains"]);
}

#[test]
fn what_waits_for_a_person_is_shown_without_harm() {
    let hostile = Hostile::on("memory:");
    let content = said(HOSTILE);
    hostile.both(&[&["send", STREAM, "Say", &content][..], &COVER].concat());
    for merge in ["manual", "aggregate"] {
        let stale = ["--expect", "none", "--merge", merge];
        let send = ["send", STREAM, "Say", &content];
        hostile.run(&[&send[..], &stale, &COVER, &["--external-id", merge]].concat());
    }
    hostile.letter(&["--component", "deaf"]);
    let why = ["--reason", HOSTILE, "--actor", HOSTILE];
    for kind in [&["--kind", "command"][..], &["--component", "deaf"]] {
        let list = ["dead-letters", "list"];
        hostile.both(&[&list[..], kind].concat());
        let id = hostile.letter(kind);
        hostile.both(&["dead-letters", "show", &id]);
        hostile.both(&[&["dead-letters", "resubmit", &id][..], &why].concat());
        until("it was tried", || {
            let shown = hostile.both(&["dead-letters", "show", &id]);
            shown[0]["letter"]["attempts"] != json!([])
        });
    }
    for kind in [&["--kind", "command"][..], &["--component", "deaf"]] {
        let discard = [&["dead-letters", "discard", "--yes"], kind, &why].concat();
        let closed = ["dead-letters", "list", "--status", "discarded", "--json"];
        let closed = [&closed[..], kind].concat();
        until("it is discarded", || {
            hostile.both(&discard);
            !hostile.run(&closed).json().is_empty()
        });
    }
    hostile.both(&["dead-letters", "list", "--status", "any"]);
    hostile.both(&["dead-letters", "show", HOSTILE]);
    hostile.both(&["dead-letters", "list", "--component", HOSTILE]);
}

#[test]
fn what_components_say_is_shown_without_harm() {
    let hostile = Hostile::on("memory:");
    hostile.run(&["send", STREAM, "Say", &said(HOSTILE)]);
    until("it is paused", || {
        let all = hostile.run(&["reactions", "list", "--json"]).json();
        all.iter().any(|one| one["paused"] != Value::Null)
    });
    hostile.both(&["reactions", "list"]);
    hostile.both(&["top"]);
    let wait = ["send", STREAM, "Say", "{\"text\":\"a\"}", "--wait-for"];
    for component in ["sulking", "deaf"] {
        let ran = hostile.both(&[&wait[..], &[component]].concat());
        let message = ran[0]["not_handled"]["message"].as_str().unwrap();
        assert!(message.contains(HOSTILE), "{message:?}");
    }
    hostile.both(&["reactions", "resume", HOSTILE]);
    for verb in ["progress", "compare", "switch", "drop", "list"] {
        hostile.both(&["read-models", verb, HOSTILE]);
    }
}

#[test]
fn what_is_typed_is_shown_without_harm() {
    for arguments in [
        &[HOSTILE][..],
        &["events", STREAM, HOSTILE],
        &["events", STREAM, "--from", HOSTILE],
        &["state", STREAM, "--as-of", HOSTILE],
        &["state", STREAM, "--at", HOSTILE],
        &["domains", "--server", HOSTILE],
        &["domains", "--server", &format!("http://{HOSTILE}")],
        &["domains", "--timeout", HOSTILE],
        &["migrate", HOSTILE],
        &["migrate", &format!("sqlite://{HOSTILE}/{HOSTILE}")],
        &[
            "migrate",
            &format!("postgres://{HOSTILE}@127.0.0.1:1/{HOSTILE}?{HOSTILE}"),
        ],
        &["audit", HOSTILE],
        &["completions", HOSTILE],
    ] {
        harmless(&run("http://127.0.0.1:1", arguments, ""));
        let json = [arguments, &["--json"]].concat();
        harmless(&run("http://127.0.0.1:1", &json, ""));
    }
}

#[test]
fn what_an_audit_finds_is_shown_without_harm() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rumours.db");
    let url = format!("sqlite://{}", path.display());
    let hostile = Hostile::on(&url);
    hostile.run(&["send", STREAM, "Say", &said(HOSTILE)]);
    hostile.run(&["send", STREAM, "Say", &said("a"), "--external-id", HOSTILE]);
    let direct = Connection::open(&path).unwrap();
    direct
        .execute_batch("DELETE FROM seriatim_events WHERE sequence = 1")
        .unwrap();
    let ran = hostile.run(&["audit", &url]);
    assert_eq!(ran.code, Some(12), "{ran:?}");
    assert!(ran.stdout.contains("forged"), "{}", ran.stdout);
    hostile.run(&["audit", &url, "--json"]);
}

/// The error that a component fails with may be as long as it likes, and hides nothing else.
#[test]
fn a_long_text_is_shown_whole_and_hides_nothing() {
    let hostile = Hostile::on("memory:");
    let long = "x".repeat(70_000);
    let send = ["send", STREAM, "Say", "-"];
    let ran = hostile.stage.run_with(&send, &said(&long)).succeeded();
    assert!(ran.stdout.contains(&long));
    hostile.run(&["send", STREAM, "Say", r#"{"text":"short"}"#]);
    let stale = ["--expect", "0", "--merge", "manual"];
    let park = [&send[..], &stale].concat();
    assert_eq!(hostile.stage.run_with(&park, &said(&long)).code, Some(5));
    let events = hostile.run(&["events", STREAM]);
    let tail = hostile.run(&["log", "tail", "--from", "first", "--until-caught-up"]);
    for ran in [events, tail] {
        assert!(ran.stdout.contains(&long) && ran.stdout.contains("short"));
        // No other line is as long as that one.
        assert!(ran.stdout.len() < 75_000);
    }
    let id = hostile.letter(&["--kind", "command"]);
    let list = hostile.run(&["dead-letters", "list", "--kind", "command"]);
    assert!(list.stdout.contains(&id), "{}", list.stdout);
    let line = list.stdout.lines().next().unwrap();
    assert!(line.len() < 400 && line.ends_with("x ..."), "{line}");
    let shown = hostile.run(&["dead-letters", "show", &id]);
    assert!(shown.stdout.contains(&long));
}

fn components(app: AppBuilder) -> AppBuilder {
    let at_once = |policy| FailurePolicy {
        back_off: BackOff {
            retries: 0,
            ..BackOff::default()
        },
        ..policy
    };
    app.aggregate::<Rumour>()
        .projector("deaf", EventFilter::default(), FailsWithIt)
        .projector("sulking", EventFilter::default(), FailsWithIt)
        .failure_policy("deaf", at_once(FailurePolicy::park()))
        .failure_policy("sulking", at_once(FailurePolicy::pause()))
}

/// Fails with what was said as its reason.
struct FailsWithIt;

impl Projector for FailsWithIt {
    async fn project(&self, events: &[&RecordedEvent]) -> Result<(), Box<dyn Error + Send + Sync>> {
        match events[0].of::<Rumour>() {
            Some(event) => Err(event?.text.into()),
            None => Ok(()),
        }
    }
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Said {
    text: String,
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
enum Do {
    Say { text: String },
    Refuse { text: String },
}

#[derive(Rejection, Debug)]
enum No {
    Because { text: String },
}

impl std::fmt::Display for No {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self::Because { text } = self;
        f.write_str(text)
    }
}

impl Error for No {}

/// Repeats what it is told wherever it can.
#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Rumour {
    said: BTreeMap<String, String>,
}

impl Aggregate for Rumour {
    const DOMAIN: &'static str = "rumour";
    type Command = Do;
    type Event = Said;
    type Rejection = No;

    fn decide(&self, command: &Do) -> Result<Vec<Said>, No> {
        match command.clone() {
            Do::Say { text } => Ok(vec![Said { text }]),
            Do::Refuse { text } => Err(No::Because { text }),
        }
    }

    fn evolve(&mut self, Said { text }: &Said) {
        self.said.insert(text.clone(), text.clone());
    }

    fn merge(&self, command: &Do, _: &Self, _: &[Said]) -> Merge<Self> {
        let (Do::Say { text } | Do::Refuse { text }) = command.clone();
        Merge::Manual(text)
    }
}
