//! Components that fail, and what a person does about them.

use serde_json::json;

use crate::stage::{ACCOUNT, Ran, Stage};

/// With a stream that `picky` has parked at its third event.
fn parked() -> Stage {
    let stage = Stage::with_account();
    until(&stage, |ran| ran.json().len() == 1);
    stage
}

fn until(stage: &Stage, is_so: impl Fn(&Ran) -> bool) {
    loop {
        let ran = stage.run(&["reactions", "parked", "picky", "--json"]);
        if is_so(&ran) {
            return;
        }
    }
}

#[test]
fn parked_streams_are_listed() {
    let stage = parked();
    let ran = stage.run(&["reactions", "parked"]).succeeded();
    assert_eq!(
        ran.printed(),
        ["picky  ACCOUNT  at 2  1 tries  TIME  waits for a person  it is stuck"]
    );
    let ran = stage.run(&["reactions", "parked", "--json"]).succeeded();
    let letter = &ran.json()[0];
    assert_eq!(letter["stream"], ACCOUNT);
    assert_eq!(letter["sequence"], 2);
    assert_eq!(letter["work"]["component"], "picky");
    assert_eq!(letter["wish"], json!(null));
    let ran = stage.run(&["reactions", "parked", "seen"]);
    assert_eq!(ran.said(), ["nothing is parked"]);
}

#[test]
fn components_are_listed_with_their_lag() {
    let stage = parked();
    let ran = stage.run(&["reactions", "list", "--json"]).succeeded();
    let all = ran.json();
    let picky = all.iter().find(|one| one["work"]["component"] == "picky");
    let picky = picky.unwrap();
    assert_eq!(picky["parked"], 1);
    assert_eq!(picky["head"], 3);
    assert_eq!(picky["paused"], json!(null));
    let ran = stage.run(&["reactions", "list"]).succeeded();
    let line = ran.stdout.lines().find(|line| line.starts_with("picky/0"));
    assert!(
        line.unwrap().contains("1 parked  done by process"),
        "{ran:?}"
    );
}

#[test]
fn an_event_is_skipped_for_a_reason() {
    let stage = parked();
    let skip = ["reactions", "skip", "picky", ACCOUNT, "--at", "2"];
    stage.run(&skip).failed(2);
    let wrong = ["reactions", "skip", "picky", ACCOUNT, "--at", "1"];
    let why = ["--reason", "told them by phone", "--actor", "zoe"];
    let ran = stage.run(&[&wrong[..], &why].concat()).failed(4);
    assert!(ran.stderr.contains("is parked at 2, not at 1"), "{ran:?}");
    let ran = stage.run(&[&skip[..], &why].concat());
    assert_eq!(
        ran.printed(),
        ["ACCOUNT: 2 will be skipped, and what follows it retried"]
    );
    until(&stage, |ran| ran.stdout.is_empty());
    let ran = stage.run(&["reactions", "skipped"]).succeeded();
    assert_eq!(
        ran.printed(),
        ["picky  ACCOUNT  at 2  TIME  zoe  told them by phone"]
    );
    let ran = stage.run(&["reactions", "skipped", "picky", "--json"]);
    let skipped = &ran.json()[0];
    assert_eq!(
        (&skipped["actor"], &skipped["failure"]),
        (&json!("zoe"), &json!("it is stuck"))
    );
}

#[test]
fn streams_are_retried_one_or_all() {
    let stage = parked();
    let attempts = |count: usize| {
        until(&stage, |ran| {
            let letter = &ran.json()[0];
            letter["attempts"].as_array().unwrap().len() == count && letter["wish"].is_null()
        });
    };
    let ran = stage.run(&["reactions", "retry", "picky", ACCOUNT]);
    assert_eq!(ran.printed(), ["ACCOUNT: will be retried from 2 on"]);
    attempts(1);
    let ran = stage.run(&["reactions", "retry", "picky", "--all"]);
    assert_eq!(ran.printed(), ["1 stream will be retried"]);
    attempts(2);
    stage.run(&["reactions", "retry", "picky"]).failed(2);
}

#[test]
fn whom_nobody_knows_and_what_is_not_paused_is_said() {
    let stage = parked();
    let ran = stage.run(&["reactions", "resume", "nobody"]).failed(8);
    assert!(ran.stderr.contains("name one of `seen`"), "{ran:?}");
    let ran = stage.run(&["reactions", "resume", "picky"]);
    assert_eq!(ran.code, Some(0));
    assert_eq!(ran.said(), ["nothing of it is paused"]);
}
