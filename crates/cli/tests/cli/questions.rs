//! Questions and their answers.

use std::process::{Command, Stdio};

use serde_json::json;

use crate::stage::{ACCOUNT, Stage};

#[test]
fn events_are_listed_oldest_first() {
    let stage = Stage::with_account();
    let ran = stage.run(&["events", ACCOUNT]).succeeded();
    assert_eq!(
        ran.printed(),
        [
            r#"    0  TIME  Opened {"owner":"Ann"}"#,
            r#"    1  TIME  Deposited {"cents":100}"#,
            r#"    2  TIME  Renamed {"owner":"Bob"}"#
        ]
    );
    let ran = stage
        .run(&["events", ACCOUNT, "--from", "1", "--through", "1", "--json"])
        .succeeded();
    assert_eq!(ran.json().len(), 1);
    assert_eq!(ran.json()[0]["type"], "Deposited");
}

#[test]
fn the_last_events_are_listed_oldest_first() {
    let stage = Stage::with_account();
    let ran = stage.run(&["events", ACCOUNT, "--last", "2"]).succeeded();
    assert_eq!(
        ran.printed(),
        [
            r#"    1  TIME  Deposited {"cents":100}"#,
            r#"    2  TIME  Renamed {"owner":"Bob"}"#
        ]
    );
    let ran = stage
        .run(&["events", ACCOUNT, "--last", "99", "--json"])
        .succeeded();
    assert_eq!(ran.json().len(), 3);
    stage.run(&["events", ACCOUNT, "--last", "0"]).failed(2);
    let absent = "account/00000000-0000-0000-0000-000000000001";
    let ran = stage.run(&["events", absent, "--last", "5"]);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (Some(0), "there are none\n")
    );
}

#[test]
fn a_state_of_a_stream_that_does_not_exist_says_so() {
    let stage = Stage::with_account();
    let absent = "account/00000000-0000-0000-0000-000000000001";
    let ran = stage.run(&["state", absent]);
    assert_eq!(ran.code, Some(0));
    assert_eq!(
        ran.said(),
        [
            "there is no such stream yet: this is what it would begin with",
            "next: find streams with `seriatim streams account`"
        ]
    );
    let ran = stage.run(&["state", ACCOUNT, "--as-of", "2001-01-01T00:00:00Z"]);
    assert_eq!(ran.said()[0], "the stream had no events then");
}

#[test]
fn streams_are_listed_in_pages() {
    let stage = Stage::with_account();
    for number in 1..=3 {
        let account = format!("account/00000000-0000-0000-0000-00000000000{number}");
        stage
            .run(&["send", &account, "Open", r#"{"owner":"Ann"}"#])
            .succeeded();
    }
    let ran = stage.run(&["streams", "account", "--limit", "2", "--json"]);
    assert_eq!(ran.json().len(), 2);
    let second = ran.json()[1]["stream"].as_str().unwrap().to_owned();
    let ran = stage.run(&["streams", "--limit", "2"]);
    assert_eq!(
        ran.stderr,
        format!("there are more: go on with --after {second}, or list --all\n")
    );
    let ran = stage
        .run(&["streams", "--after", &second, "--json"])
        .succeeded();
    assert_eq!(ran.json().len(), 2);
    assert_eq!(stage.run(&["streams", "--all", "--json"]).json().len(), 4);
}

#[test]
fn a_stream_without_events_is_no_error() {
    let stage = Stage::new();
    let ran = stage.run(&["events", ACCOUNT]);
    assert_eq!(
        (ran.code, ran.stdout.as_str(), ran.stderr.as_str()),
        (Some(0), "", "there are none\n")
    );
    let ran = stage.run(&["events", ACCOUNT, "--json"]).succeeded();
    assert_eq!(ran.stdout, "");
}

#[test]
fn states_of_now_and_then() {
    let stage = Stage::with_account();
    let ran = stage.run(&["state", ACCOUNT]).succeeded();
    assert_eq!(
        ran.printed(),
        [
            "ACCOUNT at sequence 2",
            "{",
            r#"  "cents": 100,"#,
            r#"  "closed": false,"#,
            r#"  "owner": "Bob""#,
            "}"
        ]
    );
    let ran = stage
        .run(&["state", ACCOUNT, "--at", "0", "--json"])
        .succeeded();
    let state = json!({ "owner": "Ann", "cents": 0, "closed": false });
    assert_eq!(
        ran.json()[0],
        json!({ "stream": ACCOUNT, "sequence": 0, "state": state })
    );
    let ran = stage.run(&["state", ACCOUNT, "--as-of", "2001-01-01T00:00:00Z"]);
    assert_eq!(
        ran.printed(),
        [
            "ACCOUNT before its first event",
            "{",
            r#"  "cents": 0,"#,
            r#"  "closed": false,"#,
            r#"  "owner": """#,
            "}"
        ]
    );
}

#[test]
fn a_field_is_traced_to_the_events_that_made_it_so() {
    let stage = Stage::with_account();
    let ran = stage.run(&["why", ACCOUNT, "owner"]).succeeded();
    assert_eq!(
        ran.printed(),
        [
            r#"owner: "Bob""#,
            r#"    2  TIME  Renamed {"owner":"Bob"}"#,
            r#"       owner: "Ann" -> "Bob""#,
            r#"    0  TIME  Opened {"owner":"Ann"}"#,
            r#"       owner: "" -> "Ann""#,
        ]
    );
    let ran = stage
        .run(&["why", ACCOUNT, "--through", "1", "--limit", "1", "--json"])
        .succeeded();
    assert_eq!(ran.json().len(), 1);
    assert_eq!(ran.json()[0]["type"], "Deposited");
    let change = json!({ "field": "cents", "before": 0, "after": 100 });
    assert_eq!(ran.json()[0]["changes"], json!([change]));
    let ran = stage.run(&["why", ACCOUNT, "--limit", "1"]);
    assert_eq!(ran.stderr, "there are older ones; --limit shows more\n");
    let ran = stage.run(&["why", ACCOUNT, "onwer"]);
    assert_eq!(ran.code, Some(8));
    assert!(
        ran.stderr
            .contains("name one of `cents`, `closed`, `owner`"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_workflow_is_shown_with_its_letters() {
    let stage = Stage::with_account();
    let ran = stage.run(&[
        "send",
        ACCOUNT,
        "Deposit",
        r#"{"cents":5}"#,
        "--correlation-id",
        "till-7",
    ]);
    assert_eq!(ran.code, Some(0));
    let stale = [
        "--expect",
        "0",
        "--merge",
        "manual",
        "--correlation-id",
        "till-7",
    ];
    let parked = stage.run(&[&["send", ACCOUNT, "Deposit", r#"{"cents":6}"#][..], &stale].concat());
    assert_eq!(parked.code, Some(5), "{parked:?}");
    let ran = stage.run(&["workflow", "till-7"]).succeeded();
    assert!(
        ran.stdout.starts_with("  +0.000s  account/"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains(r#"Deposited {"cents":5}"#) && !ran.stdout.contains("Renamed"));
    assert!(ran.stdout.contains("dead letters:") && ran.stdout.contains(r#"Deposit {"cents":6}"#));
    let ran = stage.run(&["workflow", "till-7", "--json"]).succeeded();
    let kinds: Vec<_> = ran.json().iter().map(|line| line["kind"].clone()).collect();
    assert_eq!(kinds, ["event", "command"]);
    let ran = stage.run(&[
        "log",
        "tail",
        "--from",
        "first",
        "--until-caught-up",
        "--correlation-id",
        "till-7",
        "--json",
    ]);
    assert_eq!(ran.json().len(), 1, "{ran:?}");
    let ran = stage.run(&["workflow", "till-8"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""));
    assert!(
        ran.stderr
            .contains("nothing that you may see belongs to it"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_domain_that_nobody_knows_is_told_apart_from_one_without_streams() {
    let stage = Stage::new();
    let ran = stage.run(&["streams", "account"]);
    assert_eq!(
        (ran.code, ran.said()),
        (Some(0), vec!["there are none".into()])
    );
    let ran = stage.run(&["streams", "acount"]).failed(8);
    assert_eq!(
        ran.said(),
        [
            "error: there is no domain `acount` here; name one of `account`",
            "next: list them with `seriatim domains`",
        ]
    );
    let ran = stage.run(&["streams", "acount", "--json"]).failed(8);
    assert_eq!(ran.error()["details"]["known"], json!(["account"]));
}

#[test]
fn streams_and_domains_are_listed() {
    let stage = Stage::with_account();
    let ran = stage.run(&["streams"]).succeeded();
    assert_eq!(ran.printed(), ["ACCOUNT  sequence 2  TIME"]);
    let ran = stage.run(&["streams", "account", "--json"]).succeeded();
    assert_eq!(ran.json()[0]["current"], 2);
    let ran = stage.run(&["domains"]).succeeded();
    assert_eq!(
        ran.printed(),
        [
            "account  commands  Open, Rename, Deposit, Withdraw, Close (json)",
            "         events    Opened, Renamed, Deposited, Withdrawn, Closed (json)"
        ]
    );
    let ran = stage.run(&["domains", "--json"]).succeeded();
    assert_eq!(ran.json()[0]["commands"][0], "Open");
}

#[test]
fn completions_are_printed_without_a_server() {
    let ran = crate::stage::run("http://127.0.0.1:9", &["completions", "bash"], "").succeeded();
    assert!(ran.stdout.contains("dead-letters"));
}

#[test]
fn a_reader_who_has_seen_enough_is_no_error() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Command::new(env!("CARGO_BIN_EXE_seriatim"))
        .args(["completions", "bash"])
        .stdout(writer)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(0), b"".as_slice())
    );
}
