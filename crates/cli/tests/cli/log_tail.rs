//! Following the log from a terminal or a script.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::stage::{ACCOUNT, Stage, normalise, run};

const OTHER: &str = "account/0192d3a4-5b6c-7d8e-9f00-112233445577";

/// The binary while it runs.
struct Tail {
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
    stderr: BufReader<ChildStderr>,
}

impl Tail {
    fn begin(stage: &Stage, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_seriatim"))
            .args(["log", "tail"])
            .args(arguments)
            .env("SERIATIM_SERVER", stage.server())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            stdout: child.stdout.take().map(BufReader::new),
            stderr: BufReader::new(child.stderr.take().unwrap()),
            child,
        }
    }

    /// The next line of what it prints.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.as_mut().unwrap().read_line(&mut line).unwrap();
        normalise(&line).join("\n")
    }

    /// The next line of what it says.
    fn said(&mut self) -> String {
        let mut line = String::new();
        self.stderr.read_line(&mut line).unwrap();
        normalise(&line).join("\n")
    }

    /// Ctrl-C.
    fn interrupt(&self) {
        let id = self.child.id().to_string();
        let kill = Command::new("kill").args(["-INT", &id]).status();
        assert!(kill.unwrap().success());
    }

    /// Waits until it has ended. Returns its exit code, and the rest of what it said.
    fn ended(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        let mut rest = String::new();
        self.stderr.read_to_string(&mut rest).unwrap();
        (code, rest)
    }
}

impl Drop for Tail {
    /// A test that fails leaves nothing behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn deposit(stage: &Stage, stream: &str, cents: u32) {
    let content = format!(r#"{{"cents":{cents}}}"#);
    stage
        .run(&["send", stream, "Deposit", &content])
        .succeeded();
}

fn until_caught_up(stage: &Stage, arguments: &[&str]) -> crate::stage::Ran {
    let tail = ["log", "tail", "--until-caught-up"];
    stage.run(&[&tail, arguments].concat())
}

#[test]
fn what_is_recorded_is_printed_and_where_to_go_on() {
    let stage = Stage::with_account();
    deposit(&stage, OTHER, 7);
    let ran = until_caught_up(&stage, &["--from", "first"]);
    assert_eq!(ran.code, Some(0));
    assert_eq!(
        ran.printed(),
        [
            r#"    1  TIME  ACCOUNT      0  Opened {"owner":"Ann"}"#,
            r#"    2  TIME  ACCOUNT      1  Deposited {"cents":100}"#,
            r#"    3  TIME  ACCOUNT      2  Renamed {"owner":"Bob"}"#,
            r#"    4  TIME  account/0192d3a4-5b6c-7d8e-9f00-112233445577      0  Deposited {"cents":7}"#,
        ]
    );
    assert_eq!(
        ran.said(),
        ["next: go on from here with --from LOG/4:EVENT"]
    );
    let ran = until_caught_up(&stage, &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""));
    let ran = until_caught_up(&stage, &["--from", "3"]);
    assert_eq!(ran.printed().len(), 1);
}

#[test]
fn only_what_is_wanted_is_printed() {
    let stage = Stage::with_account();
    deposit(&stage, OTHER, 7);
    let root = OTHER.strip_prefix("account/").unwrap();
    for (options, expected) in [
        (&["--domain", "account"][..], vec![1, 2, 3, 4]),
        (&["--domain", "order"], vec![]),
        (
            &["--domain", "order", "--domain", "account"],
            vec![1, 2, 3, 4],
        ),
        (&["--type", "Deposited"], vec![2, 4]),
        (&["--type", "Opened", "--type", "Renamed"], vec![1, 3]),
        (&["--root", root], vec![4]),
        (&["--root", root, "--type", "Opened"], vec![]),
    ] {
        let arguments = [&["--from", "first", "--json"], options].concat();
        let ran = until_caught_up(&stage, &arguments).succeeded();
        let positions: Vec<_> = ran
            .json()
            .iter()
            .map(|event| event["position"].clone())
            .collect();
        assert_eq!(positions, expected, "{options:?}");
    }
}

#[test]
fn each_object_has_the_cursor_to_go_on_after_it() {
    let stage = Stage::with_account();
    let ran = until_caught_up(&stage, &["--from", "first", "--json"]).succeeded();
    let events = ran.json();
    let plain = stage.run(&["events", ACCOUNT, "--json"]).succeeded().json();
    for (mut event, plain) in events.clone().into_iter().zip(plain) {
        let cursor = event.as_object_mut().unwrap().remove("cursor").unwrap();
        let (_, place) = cursor.as_str().unwrap().split_once('/').unwrap();
        assert!(
            place.starts_with(&format!("{}:", event["position"])),
            "{cursor}"
        );
        assert_eq!(event, plain);
    }
    let cursor = events[1]["cursor"].as_str().unwrap();
    let rest = until_caught_up(&stage, &["--from", cursor, "--json"]).succeeded();
    assert_eq!(rest.json(), events[2..]);
}

#[test]
fn what_is_printed_begins_at_a_time() {
    let stage = Stage::with_account();
    let all = until_caught_up(&stage, &["--from", "first", "--json"])
        .succeeded()
        .json();
    let since = all[1]["recorded_at"].as_str().unwrap();
    let ran = until_caught_up(&stage, &["--from", since, "--json"]).succeeded();
    // Written alike, times are ordered as texts are.
    let not_before = |event: &&Value| event["recorded_at"].as_str().unwrap() >= since;
    let expected: Vec<_> = all.iter().filter(not_before).cloned().collect();
    assert_eq!(ran.json(), expected);
    let ran = until_caught_up(&stage, &["--from", "2020-01-01T00:00:00Z", "--json"]);
    assert_eq!(ran.json(), all);
    let ran = stage.run(&["log", "tail", "--from", "yesterday"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("a time as RFC 3339"), "{}", ran.stderr);
}

#[test]
fn a_log_of_several_partitions_is_followed_too() {
    let stage = Stage::on("memory:?partitions=4");
    for cents in 1..=10 {
        deposit(&stage, "account/new", cents);
    }
    let ran = until_caught_up(&stage, &["--from", "first", "--json"]).succeeded();
    let events = ran.json();
    assert_eq!(events.len(), 10);
    for (at, event) in (1..).zip(&events) {
        let cursor = event["cursor"].as_str().unwrap();
        assert_eq!(cursor.split(',').count(), 4, "{cursor}");
        let rest = until_caught_up(&stage, &["--from", cursor, "--json"]).succeeded();
        let mut all = [&events[..at], &rest.json()].concat();
        all.sort_by_key(|event| event["event_id"].to_string());
        all.dedup_by_key(|event| event["event_id"].to_string());
        assert_eq!((all.len(), rest.json().len()), (10, 10 - at));
    }
}

#[test]
fn it_follows_through_a_restart_and_ends_with_ctrl_c() {
    let mut stage = Stage::with_account();
    let mut tail = Tail::begin(&stage, &[]);
    assert_eq!(
        tail.said(),
        "following the log after LOG/3:EVENT; Ctrl-C ends it"
    );
    deposit(&stage, ACCOUNT, 1);
    assert_eq!(
        tail.line(),
        r#"    4  TIME  ACCOUNT      3  Deposited {"cents":1}"#
    );
    stage.restart();
    assert_eq!(
        tail.said(),
        "the server cannot be reached: the server is shutting down; send it to another, or again later; trying until it works"
    );
    deposit(&stage, ACCOUNT, 2);
    assert_eq!(tail.said(), "connected again; nothing was missed");
    assert_eq!(
        tail.line(),
        r#"    5  TIME  ACCOUNT      4  Deposited {"cents":2}"#
    );
    tail.interrupt();
    let (code, said) = tail.ended();
    let next = "next: go on from here with --from LOG/5:EVENT";
    assert_eq!((code, normalise(&said)), (Some(0), vec![next.to_owned()]));
}

#[test]
fn programs_get_objects_and_nothing_else() {
    let stage = Stage::with_account();
    let mut tail = Tail::begin(&stage, &["--json", "--from", "2"]);
    let event: Value = serde_json::from_str(&tail.line()).unwrap();
    assert!(event["cursor"].as_str().unwrap().contains("/3:"));
    tail.interrupt();
    assert_eq!(tail.ended(), (Some(0), String::new()));
}

#[test]
fn a_reader_who_has_seen_enough_is_no_error() {
    let stage = Stage::with_account();
    let mut tail = Tail::begin(&stage, &["--from", "2", "--json"]);
    tail.line();
    tail.stdout = None;
    deposit(&stage, ACCOUNT, 1);
    assert_eq!(tail.ended(), (Some(0), String::new()));
}

#[test]
fn a_cursor_that_is_no_place_in_this_log_is_refused() {
    let stage = Stage::with_account();
    let ran = stage.run(&["log", "tail", "--from", "4"]).failed(6);
    assert_eq!(
        ran.said(),
        [
            "error: the log was replaced, by a backup for example: it was read up to position 4 of partition 0, and ends before that; undo what was made of the events that are gone, or make it anew, and begin at the first event",
            "next: see what there is with --from first"
        ]
    );
    let ran = stage
        .run(&["log", "tail", "--from", "1,2", "--json"])
        .failed(6);
    assert_eq!(ran.error()["error"], "invalid");
    let many = ["--type", "Deposited"].repeat(257);
    let ran = stage
        .run(&[&["log", "tail"], many.as_slice()].concat())
        .failed(6);
    assert!(ran.stderr.contains("filter.types"), "{ran:?}");
}

#[test]
fn a_server_that_is_not_there_is_unavailable() {
    let ran = run("http://127.0.0.1:9", &["log", "tail"], "").failed(7);
    assert!(
        ran.stderr.starts_with("error: no server answers at"),
        "{ran:?}"
    );
}
