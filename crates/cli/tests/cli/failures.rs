//! Checks how the program shows what the server refuses: one sentence, the next step, an exit code.

use serde_json::json;

use crate::stage::{ACCOUNT, Stage, run};

#[test]
fn a_rejection_says_why() {
    let stage = Stage::with_account();
    let withdraw = ["send", ACCOUNT, "Withdraw", r#"{"cents":500}"#];
    let ran = stage.run(&withdraw).failed(3);
    assert_eq!(
        ran.said(),
        [
            "error: rejected: the account has only 100 cents (InsufficientFunds)",
            "next: look at what stands against it with `seriatim state ACCOUNT`"
        ]
    );
    let ran = stage
        .run(&[withdraw.as_slice(), &["--json"]].concat())
        .failed(3);
    let error = ran.error();
    assert_eq!(
        (&error["error"], &error["exit_code"]),
        (&json!("rejected"), &json!(3))
    );
    assert_eq!(error["details"]["code"], "InsufficientFunds");
    assert_eq!(error["details"]["fields"]["balance"], 100);
}

#[test]
fn a_conflict_shows_what_overlapped_and_what_came_between() {
    let stage = Stage::with_account();
    let rename = [
        "send",
        ACCOUNT,
        "Rename",
        r#"{"owner":"Cid"}"#,
        "--expect",
        "1",
    ];
    let ran = stage.run(&rename).failed(4);
    assert_eq!(
        ran.said(),
        [
            "error: `ACCOUNT` has moved on: expected sequence 1, the current one is 2; it matters which comes first (the results differ in `owner`)",
            "1 event came between:",
            r#"    2  TIME  Renamed {"owner":"Bob"}"#,
            "next: see what changed with `seriatim events ACCOUNT --from 2`, decide anew, and send it with --expect 2"
        ]
    );
    let ran = stage
        .run(&[rename.as_slice(), &["--json"]].concat())
        .failed(4);
    let details = &ran.error()["details"];
    assert_eq!(
        (&details["expected"], &details["current"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(details["reason"]["kind"], "order_matters");
    assert_eq!(details["reason"]["paths"], json!(["owner"]));
    assert_eq!(details["intervening"][0]["data"], json!({ "owner": "Bob" }));
}

/// Each points to where what would be right can be seen.
#[test]
fn what_is_wrong_with_a_command_says_where_to_look() {
    let stage = Stage::with_account();
    let send = ["send", ACCOUNT, "Close"];
    for (wrong, place) in [
        (
            &["--wait-for", "sen"][..],
            "`seriatim reactions list` lists the components",
        ),
        (
            &["--premise", "ower"],
            "`seriatim state ACCOUNT` shows the fields of the state",
        ),
    ] {
        let ran = stage.run(&[&send[..], wrong].concat()).failed(6);
        let next = format!("next: correct it and send it again; {place}");
        assert_eq!(ran.said().last(), Some(&next), "{ran:?}");
    }
    let ran = stage.run(&["send", ACCOUNT, "Clos"]).failed(6);
    let next = "next: correct it and send it again; `seriatim domains` lists the types";
    assert_eq!(ran.said().last().map(String::as_str), Some(next), "{ran:?}");
}

#[test]
fn strict_never_merges() {
    let stage = Stage::with_account();
    let deposit = [
        "send",
        ACCOUNT,
        "Deposit",
        r#"{"cents":1}"#,
        "--expect",
        "none",
        "--merge",
        "strict",
    ];
    let ran = stage.run(&deposit).failed(4);
    assert_eq!(
        ran.said(),
        [
            "error: `ACCOUNT` has moved on: expected sequence none, the current one is 2; STRICT never merges",
            "3 events came between:",
            r#"    0  TIME  Opened {"owner":"Ann"}"#,
            r#"    1  TIME  Deposited {"cents":100}"#,
            r#"    2  TIME  Renamed {"owner":"Bob"}"#,
            "next: see what changed with `seriatim events ACCOUNT --from 0`, decide anew, and send it with --expect 2"
        ]
    );
}

#[test]
fn a_premise_that_changed_is_a_conflict() {
    let stage = Stage::with_account();
    let deposit = [
        "send",
        ACCOUNT,
        "Deposit",
        r#"{"cents":1}"#,
        "--expect",
        "1",
        "--premise",
        "owner",
    ];
    let ran = stage
        .run(&[deposit.as_slice(), &["--json"]].concat())
        .failed(4);
    assert_eq!(ran.error()["details"]["reason"]["kind"], "premise_changed");
    // And without it, there is none.
    stage.run(&deposit[..6]).succeeded();
}

#[test]
fn an_expectation_beyond_current_is_a_mistake() {
    let stage = Stage::with_account();
    let ran = stage
        .run(&["send", ACCOUNT, "Close", "--expect", "9"])
        .failed(6);
    assert_eq!(
        ran.said(),
        [
            "error: expected sequence 9, the current one is 2: `ACCOUNT` never was that far; read it again and send what it says",
            "next: look at it with `seriatim state ACCOUNT`"
        ]
    );
}

#[test]
fn an_external_id_stands_for_one_content() {
    let stage = Stage::with_account();
    let send = |cents: &str| stage.run(&["send", ACCOUNT, "Deposit", cents, "--external-id", "k"]);
    send(r#"{"cents":1}"#).succeeded();
    let ran = send(r#"{"cents":2}"#).failed(6);
    assert_eq!(
        ran.said(),
        [
            "error: the external id `k` of `ACCOUNT` stands for other content; use a new one for a new command or fact",
            "next: see what it stands for with `seriatim events ACCOUNT`"
        ]
    );
}

#[test]
fn what_does_not_exist_is_not_found() {
    let stage = Stage::new();
    let ran = stage.run(&["send", "order/new", "Open"]).failed(8);
    assert_eq!(
        ran.said(),
        [
            "error: there is no domain `order` here; name one of `account`",
            "next: see what they take with `seriatim domains`"
        ]
    );
    let ran = stage
        .run(&["state", &ACCOUNT.replace("account", "order")])
        .failed(8);
    assert_eq!(
        ran.said(),
        [
            "error: there is no domain `order` here; name one of `account`",
            "next: list them with `seriatim domains`"
        ]
    );
    let id = "0192d3a4-5b6c-7d8e-9f00-112233445566";
    let ran = stage.run(&["dead-letters", "show", id]).failed(8);
    assert_eq!(
        ran.said(),
        [
            "error: there is no dead letter UUID",
            "next: list them with `seriatim dead-letters list`"
        ]
    );
}

#[test]
fn content_that_does_not_fit_is_invalid() {
    let stage = Stage::new();
    let ran = stage
        .run(&["send", ACCOUNT, "Deposit", r#"{"cents":-5}"#])
        .failed(6);
    assert_eq!(
        ran.said(),
        [
            "error: the request is not valid: pages[0].command: the JSON of `Deposit` does not fit it: invalid value: integer `-5`, expected u64 at line 1 column 11",
            "next: correct it and send it again; `seriatim domains` lists the types"
        ]
    );
    let ran = stage.run(&["send", ACCOUNT, "Explode", "--json"]).failed(6);
    assert_eq!(
        ran.error()["details"]["violations"][0]["field"],
        "pages[0].command"
    );
    let ran = stage.run(&["state", ACCOUNT, "--at", "7"]).failed(6);
    assert_eq!(
        ran.said(),
        [
            "error: `ACCOUNT` has no event 7; it has none at all",
            "next: look at what there is with `seriatim events ACCOUNT`"
        ]
    );
}

#[test]
fn a_server_that_is_not_there_is_unavailable() {
    let ran = run("http://127.0.0.1:9", &["domains"], "").failed(7);
    assert!(
        ran.stderr
            .starts_with("error: no server answers at `http://127.0.0.1:9`: "),
        "{ran:?}"
    );
    assert!(
        ran.stderr
            .contains("next: start it, or say where it listens"),
        "{ran:?}"
    );
    let ran = run("http://127.0.0.1:9", &["domains", "--json"], "").failed(7);
    assert_eq!(ran.error()["error"], "unavailable");
}

#[test]
fn a_server_that_does_not_answer_in_time_is_unavailable() {
    // The system accepts the connection, and nobody ever reads from it.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", silent.local_addr().unwrap());
    let ran = run(&server, &["send", ACCOUNT, "Close", "--timeout", "1"], "").failed(7);
    assert_eq!(
        ran.said(),
        [
            "error: no answer came in time; what was sent may have been done",
            "next: send the same again; with --external-id it is done once, however often it is sent"
        ]
    );
}
