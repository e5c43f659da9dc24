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
    crate::stage::until("its letters are so", || {
        is_so(&stage.run(&["dead-letters", "list", "--component", "picky", "--json"]))
    });
}

fn id(stage: &Stage) -> String {
    let list = ["dead-letters", "list", "--component", "picky", "--json"];
    let listed = stage.run(&list).succeeded();
    listed.json()[0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn what_a_component_gave_up_is_listed_and_shown() {
    let stage = parked();
    let list = ["dead-letters", "list", "--component", "picky"];
    let ran = stage.run(&list).succeeded();
    assert_eq!(
        ran.printed(),
        ["UUID  parked  TIME  picky  ACCOUNT  at 2: it is stuck"]
    );
    let ran = stage.run(&[&list[..], &["--json"]].concat()).succeeded();
    let letter = &ran.json()[0];
    assert_eq!(letter["kind"], "reaction");
    assert_eq!(letter["stream"], ACCOUNT);
    assert_eq!(letter["sequence"], 2);
    assert_eq!(letter["work"]["component"], "picky");
    assert_eq!(letter["decision"], json!(null));
    let ran = stage.run(&["dead-letters", "list", "--component", "seen"]);
    assert_eq!(ran.said(), ["there are none"]);
    let ran = stage
        .run(&["dead-letters", "show", &id(&stage)])
        .succeeded();
    assert_eq!(
        ran.printed(),
        [
            "dead letter     UUID",
            "status          parked",
            "component       picky/0",
            "stream          ACCOUNT",
            "sequence        2",
            "parked          TIME",
            "failure         it is stuck",
            "tries           1",
            "waiting behind  0 events",
            "",
            r#"    2  TIME  Renamed {"owner":"Bob"}"#,
        ]
    );
    let ran = stage.run(&["dead-letters", "show", &id(&stage), "--json"]);
    let shown = &ran.succeeded().json()[0];
    assert_eq!(shown["letter"]["failure"], "it is stuck");
    assert_eq!(shown["event"]["data"]["owner"], "Bob");
    assert_eq!(shown["followers"], 0);
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
fn an_event_is_discarded_for_a_reason_and_that_is_kept() {
    let stage = parked();
    let letter = id(&stage);
    let discard = ["dead-letters", "discard", &letter];
    stage.run(&discard).failed(2);
    let why = ["--reason", "told them by phone", "--actor", "zoe"];
    let ran = stage.run(&[&discard[..], &why].concat());
    assert_eq!(
        ran.printed(),
        ["UUID: picky will skip ACCOUNT at 2, and then handle what waits behind it"]
    );
    until(&stage, |ran| ran.stdout.is_empty());
    let list = ["dead-letters", "list", "--status", "discarded"];
    let ran = stage.run(&list).succeeded();
    assert_eq!(
        ran.printed(),
        ["UUID  discarded  TIME  picky  ACCOUNT  at 2: it is stuck"]
    );
    let ran = stage.run(&["dead-letters", "show", &letter]).succeeded();
    let decision = "decision     TIME, by zoe: discard: told them by phone".to_owned();
    assert!(ran.printed().contains(&decision), "{ran:?}");
    let ran = stage.run(&[&list[..], &["--json"]].concat());
    let kept = &ran.succeeded().json()[0];
    assert_eq!(kept["decision"]["reason"], "told them by phone");
    let ran = stage.run(&[&discard[..], &why].concat()).failed(4);
    assert!(ran.stderr.contains("is discarded already"), "{ran:?}");
}

/// If there are many letters, those that would be touched are shown first.
#[test]
fn letters_are_resubmitted_one_or_all() {
    let stage = parked();
    let attempts = |count: usize| {
        until(&stage, |ran| {
            let letter = &ran.json()[0];
            letter["attempts"].as_array().unwrap().len() == count && letter["decision"].is_null()
        });
    };
    let letter = id(&stage);
    let resubmitted = ["UUID: picky will handle ACCOUNT at 2, and then what waits behind it"];
    let ran = stage.run(&["dead-letters", "resubmit", &letter]);
    assert_eq!(ran.printed(), resubmitted);
    attempts(1);
    let all = ["dead-letters", "resubmit", "--component", "picky"];
    let ran = stage.run(&all);
    assert_eq!(ran.printed(), ["1 letter waits", "  picky  account"]);
    assert_eq!(
        ran.said(),
        [
            "nothing is done yet; `seriatim dead-letters list` shows them, and to resubmit them, say it again with --yes"
        ]
    );
    let ran = stage.run(&[&all[..], &["--yes"]].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(
        ran.printed(),
        ["UUID  handed  ACCOUNT  its component was told; the letter says what became of it"]
    );
    attempts(2);
    stage.run(&["dead-letters", "resubmit"]).failed(2);
    stage
        .run(&["dead-letters", "resubmit", &letter, "--yes"])
        .failed(2);
    let none = ["dead-letters", "resubmit", "--domain", "seen", "--yes"];
    stage.run(&none).failed(8);
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

#[test]
fn a_component_begins_anew_where_it_is_told_to() {
    let stage = parked();
    let begin = ["reactions", "begin", "picky", "--at"];
    let now = [&begin[..], &["now"]].concat();
    let ran = stage.run(&now).failed(2);
    let would = "this would forget picky/0 at position 3, 1 parked";
    assert!(ran.stderr.contains(would), "{ran:?}");
    assert!(ran.stderr.contains("nothing was done"), "{ran:?}");
    until(&stage, |ran| ran.json().len() == 1);
    let ran = stage.run(&[&now[..], &["--yes"]].concat());
    let begins = "picky: begins anew with what is recorded from now on";
    assert_eq!((ran.code, ran.printed()), (Some(0), vec![begins.into()]));
    until(&stage, |ran| ran.json().is_empty());

    let first = [&begin[..], &["first", "--yes", "--json"]].concat();
    let ran = stage.run(&first).succeeded();
    assert_eq!(ran.json()[0]["component"], "picky");
    let cursor = ran.json()[0]["cursor"].as_str().unwrap().to_owned();
    assert!(cursor.ends_with("/0"), "{cursor}");
    // It meets again what it cannot handle.
    until(&stage, |ran| ran.json().len() == 1);

    let ran = stage
        .run(&[&begin[..], &["99", "--yes"]].concat())
        .failed(6);
    assert!(ran.stderr.contains("came from this log"), "{ran:?}");
    until(&stage, |ran| ran.json().len() == 1);
    let nobody = ["reactions", "begin", "nobody", "--at", "now"];
    let ran = stage.run(&nobody).failed(8);
    assert!(ran.stderr.contains("name one of `seen`"), "{ran:?}");
}

#[test]
fn a_component_is_paused_by_hand_and_resumed() {
    let stage = parked();
    let pause = ["reactions", "pause", "seen"];
    let why = ["--reason", "the printer is moved", "--actor", "zoe"];
    let ran = stage.run(&[&pause[..], &why].concat()).succeeded();
    assert_eq!(ran.printed(), ["seen/0: pauses after the step it is at"]);
    let shown = |expected: &str| {
        let patience = std::time::Instant::now() + std::time::Duration::from_secs(60);
        loop {
            let ran = stage.run(&["reactions", "list"]).succeeded();
            let line = ran.stdout.lines().find(|line| line.starts_with("seen/0"));
            if line.unwrap().contains(expected) {
                return;
            }
            assert!(std::time::Instant::now() < patience, "{ran:?}");
        }
    };
    shown("paused: zoe has paused it: the printer is moved");
    let ran = stage.run(&["reactions", "resume", "seen"]).succeeded();
    assert_eq!(ran.printed(), ["seen/0: goes on"]);
    shown("done by process");
    let ran = stage.run(&["reactions", "resume", "seen"]);
    assert_eq!(ran.said(), ["nothing of it is paused"]);
    let ran = stage.run(&["reactions", "pause", "unseen"]).failed(8);
    assert!(
        ran.stderr.contains("there is no component `unseen`"),
        "{ran:?}"
    );
    let saga = ["reactions", "pause", "seen", "--actor", "saga:other"];
    stage.run(&saga).failed(6);
}
