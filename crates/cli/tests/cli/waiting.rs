//! Commands and facts that are waited for.

use crate::stage::{ACCOUNT, Stage};

#[test]
fn a_command_and_a_fact_are_answered_when_they_are_handled() {
    let stage = Stage::with_account();
    let deposit = ["send", ACCOUNT, "Deposit", r#"{"cents":1}"#];
    let ran = stage
        .run(&[&deposit[..], &["--wait-for", "seen", "--json"]].concat())
        .succeeded();
    assert_eq!(ran.json()[0]["not_handled"], serde_json::Value::Null);
    let fact = ["record", ACCOUNT, "Deposited", r#"{"cents":2}"#];
    let cover = ["--source", "till", "--external-id", "7"];
    let waiting = ["--wait-for", "seen", "--wait-limit", "3600"];
    stage
        .run(&[&fact[..], &cover, &waiting].concat())
        .succeeded();
}

#[test]
fn who_waited_in_vain_is_told_and_sees_the_outcome() {
    let stage = Stage::with_account();
    let deposit = ["send", ACCOUNT, "Deposit", r#"{"cents":1}"#];
    let waiting = [
        "--wait-for",
        "seen",
        "--wait-for",
        "stuck",
        "--wait-limit",
        "1",
    ];
    let ran = stage.run(&[&deposit[..], &waiting].concat());
    assert_eq!(ran.code, Some(11), "{ran:?}");
    assert_eq!(
        ran.printed()[0],
        "ACCOUNT: committed, sequence 3, position 4"
    );
    let said = "it is recorded, but `stuck` has not handled it yet: it stood at position 0 after 1000 ms; \
                wait again, or look at its lag";
    assert_eq!(ran.said(), [said]);
    let ran = stage.run(&[&deposit[..], &waiting, &["--json"]].concat());
    assert_eq!(ran.code, Some(11), "{ran:?}");
    let answer = &ran.json()[0];
    assert_eq!(answer["outcome"], "committed");
    assert_eq!(answer["not_handled"]["component"], "stuck");
    assert_eq!(answer["not_handled"]["why"], "time_passed");
}

#[test]
fn whom_nobody_knows_is_refused() {
    let stage = Stage::with_account();
    let deposit = ["send", ACCOUNT, "Deposit", r#"{"cents":1}"#];
    let ran = stage.run(&[&deposit[..], &["--wait-for", "sen"]].concat());
    let ran = ran.failed(6);
    assert!(
        ran.stderr.contains("there is `picky`, `seen`, `stuck`"),
        "{ran:?}"
    );
    let ran = stage.run(&[&deposit[..], &["--wait-for", "No!"]].concat());
    ran.failed(2);
    let ran = stage.run(&[&deposit[..], &["--wait-limit", "3"]].concat());
    ran.failed(2);
}
