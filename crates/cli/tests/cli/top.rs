//! Components at a glance, as a program sees them that is no terminal.

use crate::stage::{ACCOUNT, Stage};

#[test]
fn where_nobody_watches_it_looks_once() {
    let stage = Stage::with_account();
    let deposit = [
        "send",
        ACCOUNT,
        "Deposit",
        r#"{"cents":1}"#,
        "--wait-for",
        "seen",
    ];
    stage.run(&deposit).succeeded();
    let ran = stage.run(&["top"]).succeeded();
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert!(lines[0].starts_with("COMPONENT"), "{ran:?}");
    let seen = lines
        .iter()
        .find(|line| line.starts_with("seen/0"))
        .unwrap();
    let words: Vec<_> = seen.split_whitespace().collect();
    assert_eq!(words[1..6], ["4", "-", "0", "-", "0"], "{ran:?}");
    assert!(!ran.stdout.contains("commands parked"), "{ran:?}");
    let park = ["send", ACCOUNT, "Rename", r#"{"owner":"Cid"}"#];
    let how = ["--expect", "0", "--merge", "manual"];
    let ran = stage.run(&[&park[..], &how].concat());
    assert_eq!(ran.code, Some(5));
    let ran = stage.run(&["top"]).succeeded();
    assert!(ran.stdout.contains("\n1 commands parked for"), "{ran:?}");
    let ran = stage.run(&["top", "--json"]).succeeded();
    let all = ran.json();
    let seen = all.iter().find(|one| one["work"]["component"] == "seen");
    assert_eq!(seen.unwrap()["behind_since"], serde_json::Value::Null);
}
