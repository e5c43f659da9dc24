//! Commands and facts that are accepted.

use serde_json::json;

use crate::stage::{ACCOUNT, Stage};

#[test]
fn a_command_is_committed() {
    let stage = Stage::new();
    let ran = stage
        .run(&["send", ACCOUNT, "Open", r#"{"owner":"Ann"}"#])
        .succeeded();
    assert_eq!(
        ran.printed(),
        [
            "ACCOUNT: committed, sequence 0, position 1",
            r#"    0  TIME  Opened {"owner":"Ann"}"#
        ]
    );
}

#[test]
fn a_new_root_is_printed() {
    let stage = Stage::new();
    let ran = stage
        .run(&[
            "send",
            "account/new",
            "Open",
            r#"{"owner":"Ann"}"#,
            "--json",
        ])
        .succeeded();
    let stream = ran.json()[0]["stream"].as_str().unwrap().to_owned();
    let state = stage.run(&["state", &stream, "--json"]).succeeded();
    assert_eq!(state.json()[0]["state"]["owner"], "Ann");
}

#[test]
fn content_comes_from_stdin_or_a_file() {
    let stage = Stage::with_account();
    stage
        .run_with(&["send", ACCOUNT, "Deposit", "-"], r#"{"cents":1}"#)
        .succeeded();
    let file = std::env::temp_dir().join(format!("seriatim-cli-{}.json", std::process::id()));
    std::fs::write(&file, r#"{"cents":2}"#).unwrap();
    stage
        .run(&["send", ACCOUNT, "Deposit", &format!("@{}", file.display())])
        .succeeded();
    std::fs::remove_file(file).unwrap();
    // Without content there is none.
    stage.run(&["send", ACCOUNT, "Close"]).succeeded();
    let state = stage.run(&["state", ACCOUNT, "--json"]).succeeded();
    let state = &state.json()[0]["state"];
    assert_eq!(
        *state,
        json!({ "owner": "Bob", "cents": 103, "closed": true })
    );
}

#[test]
fn a_collision_that_merges_says_so() {
    let stage = Stage::with_account();
    let ran = stage
        .run(&[
            "send",
            ACCOUNT,
            "Deposit",
            r#"{"cents":5}"#,
            "--expect",
            "1",
        ])
        .succeeded();
    assert_eq!(
        ran.printed(),
        [
            "ACCOUNT: committed, sequence 3, position 4, merged with what came before",
            r#"    3  TIME  Deposited {"cents":5}"#
        ]
    );
}

#[test]
fn a_repeated_external_id_gives_the_first_result() {
    let stage = Stage::with_account();
    let deposit = [
        "send",
        ACCOUNT,
        "Deposit",
        r#"{"cents":5}"#,
        "--external-id",
        "till/7",
    ];
    stage.run(&deposit).succeeded();
    let ran = stage.run(&deposit).succeeded();
    assert_eq!(
        ran.printed(),
        ["ACCOUNT: seen before under this external id: committed then, sequence 3, position 4"]
    );
}

#[test]
fn where_there_is_nothing_to_do_it_says_so() {
    let stage = Stage::with_account();
    stage.run(&["send", ACCOUNT, "Close"]).succeeded();
    let ran = stage.run(&["send", ACCOUNT, "Close"]).succeeded();
    assert_eq!(
        ran.printed(),
        ["ACCOUNT: nothing to do, the stream is at sequence 3"]
    );
}

#[test]
fn a_fact_keeps_its_origin() {
    let stage = Stage::with_account();
    let fact = [
        "record",
        ACCOUNT,
        "Deposited",
        r#"{"cents":7}"#,
        "--source",
        "stripe",
        "--description",
        "charge succeeded",
        "--external-id",
        "ch_1",
        "--actor",
        "Zoë",
    ];
    stage.run(&fact).succeeded();
    let ran = stage.run(&["events", ACCOUNT, "--from", "3"]).succeeded();
    assert_eq!(
        ran.printed(),
        [
            r#"    3  TIME  Deposited {"cents":7}  (fact from stripe: charge succeeded, by Zoë, external id ch_1)"#
        ]
    );
    stage
        .run(&[fact.as_slice(), &["--no-route"]].concat())
        .succeeded();
}

#[test]
fn a_simulation_writes_nothing() {
    let stage = Stage::with_account();
    let withdraw = ["simulate", ACCOUNT, "Withdraw", r#"{"cents":30}"#];
    let ran = stage.run(&withdraw).succeeded();
    assert_eq!(
        ran.printed(),
        [
            "ACCOUNT at sequence 2: would commit",
            r#"  Withdrawn {"cents":30}"#,
            "then: ACCOUNT at sequence 3",
            "{",
            r#"  "cents": 70,"#,
            r#"  "closed": false,"#,
            r#"  "owner": "Bob""#,
            "}"
        ]
    );
    let ran = stage.run(&[withdraw.as_slice(), &["--at", "0"]].concat());
    assert_eq!(ran.code, Some(3));
    assert_eq!(
        ran.printed(),
        [
            "ACCOUNT at sequence 0: would be rejected: the account has only 0 cents (InsufficientFunds)"
        ]
    );
    let events = stage.run(&["events", ACCOUNT, "--json"]).succeeded();
    assert_eq!(events.json().len(), 3);
}

#[test]
fn the_keys_of_a_receipt() {
    let stage = Stage::with_account();
    let ran = stage
        .run(&[
            "send",
            ACCOUNT,
            "Deposit",
            r#"{"cents":5}"#,
            "--json",
            "--correlation-id",
            "c-1",
        ])
        .succeeded();
    let mut receipt = ran.json().remove(0);
    for key in ["event_id", "recorded_at", "causation_id", "sent_at"] {
        assert!(receipt["events"][0][key].take().is_string(), "{key}");
    }
    assert_eq!(
        receipt,
        json!({
            "stream": ACCOUNT,
            "correlation_id": "c-1",
            "outcome": "committed",
            "first": 3,
            "last": 3,
            "position": 4,
            "merged": false,
            "warnings": [],
            "not_handled": null,
            "events": [{
                "stream": ACCOUNT,
                "sequence": 3,
                "position": 4,
                "event_id": null,
                "recorded_at": null,
                "type": "Deposited",
                "codec": "json",
                "data": { "cents": 5 },
                "unreadable": null,
                "correlation_id": "c-1",
                "causation_id": null,
                "external_id": null,
                "actor": null,
                "sent_at": null,
                "origin": null,
            }],
        })
    );
}

#[test]
fn a_field_that_the_command_does_not_have_is_refused_with_the_one_that_was_meant() {
    let stage = Stage::with_account();
    let misspelled = ["send", ACCOUNT, "Deposit", r#"{"cents":5,"centz":7}"#];
    let refused = stage.run(&misspelled).failed(6);
    assert!(
        refused.stderr.contains("there is no field `centz`"),
        "{refused:?}"
    );
    let simulated = [&["simulate"][..], &misspelled[1..]].concat();
    stage.run(&simulated).failed(6);
    let sent = stage.run(&[&misspelled[..], &["--unknown-fields", "warn"]].concat());
    assert_eq!(sent.code, Some(0), "{sent:?}");
    assert!(
        sent.stderr
            .contains("warning: pages[0].command: there is no field `centz`"),
        "{sent:?}"
    );
    let json = stage.run(&[&misspelled[..], &["--unknown-fields", "warn", "--json"]].concat());
    let told = &json.json()[0]["warnings"][0];
    assert_eq!(told, "pages[0].command: there is no field `centz`");
}
