//! Commands that wait for a person.

use serde_json::{Value, json};

use crate::stage::{ACCOUNT, Ran, Stage};

fn park(stage: &Stage) -> Ran {
    park_command(stage, "Rename", r#"{"owner":"Cid"}"#, "form-9")
}

fn park_command(stage: &Stage, command: &str, content: &str, external_id: &str) -> Ran {
    let send = ["send", ACCOUNT, command, content, "--expect", "0"];
    let how = [
        "--merge",
        "manual",
        "--actor",
        "cid",
        "--external-id",
        external_id,
        "--correlation-id",
        "move-4",
    ];
    stage.run(&[send.as_slice(), how.as_slice()].concat())
}

fn parked_letter(stage: &Stage) -> String {
    park(stage);
    let list = ["dead-letters", "list", "--kind", "command", "--json"];
    let listed = stage.run(&list).succeeded();
    listed.json()[0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_parked_command_has_its_own_exit_code() {
    let stage = Stage::with_account();
    let ran = park(&stage);
    assert_eq!(ran.code, Some(5));
    assert_eq!(
        ran.printed(),
        [
            "ACCOUNT: parked as dead letter UUID: the stream had moved on, and the command asks for a manual merge"
        ]
    );
    assert_eq!(
        ran.said(),
        ["next: look at it with `seriatim dead-letters show UUID`"]
    );
}

#[test]
fn letters_are_listed_and_filtered() {
    let stage = Stage::with_account();
    park(&stage);
    let list = ["dead-letters", "list", "--kind", "command"];
    let ran = stage.run(&list).succeeded();
    assert_eq!(
        ran.printed(),
        [r#"UUID  parked  TIME  command  ACCOUNT  Rename {"owner":"Cid"}"#]
    );
    let count = |filter: &[&str]| {
        let list = ["dead-letters", "list", "--kind", "command", "--json"];
        stage
            .run(&[list.as_slice(), filter].concat())
            .succeeded()
            .json()
            .len()
    };
    assert_eq!(count(&["--domain", "account"]), 1);
    assert_eq!(count(&["--stream", ACCOUNT, "--status", "parked"]), 1);
    assert_eq!(count(&["--status", "discarded"]), 0);
    assert_eq!(count(&["--status", "any", "--latest-first"]), 1);
    assert_eq!(count(&["--component", "picky"]), 0);
}

#[test]
fn a_parked_command_is_resubmitted() {
    let stage = Stage::with_account();
    let id = parked_letter(&stage);
    let resubmit = ["dead-letters", "resubmit", &id, "--actor", "zoe"];
    let ran = stage.run(&resubmit).succeeded();
    assert_eq!(ran.printed(), ["UUID: resolved: accepted: events 3 to 3"]);
    let ran = stage.run(&["state", ACCOUNT, "--json"]).succeeded();
    assert_eq!(ran.json()[0]["state"]["owner"], "Cid");
    let ran = stage.run(&resubmit).failed(4);
    assert!(ran.stderr.contains("is resolved already"), "{ran:?}");
    let ran = stage.run(&["dead-letters", "show", &id, "--json"]);
    let attempt = &ran.succeeded().json()[0]["letter"]["attempts"][0];
    assert_eq!(attempt["actor"], "zoe");
    assert_eq!(attempt["result"], "accepted: events 3 to 3");
}

#[test]
fn what_resubmitting_would_give_is_shown_and_nothing_is_done() {
    let stage = two_parked();
    let list = ["dead-letters", "list", "--kind", "command", "--json"];
    let letters = stage.run(&list).succeeded().json();
    let [rejected, accepted] = [0, 1].map(|at| letters[at]["id"].as_str().unwrap().to_owned());

    let simulate =
        |arguments: &[&str]| stage.run(&[&["dead-letters", "simulate"], arguments].concat());
    let ran = simulate(&[&accepted]).succeeded();
    assert_eq!(
        ran.printed(),
        [
            "ACCOUNT at sequence 2: would commit",
            r#"  Renamed {"owner":"Cid"}"#,
            "then: ACCOUNT at sequence 3",
            "{",
            r#"  "cents": 100,"#,
            r#"  "closed": false,"#,
            r#"  "owner": "Cid""#,
            "}",
        ]
    );
    let ran = simulate(&[&rejected, "--json"]);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    let answer = &ran.json()[0];
    assert_eq!(
        (&answer["kind"], &answer["id"]),
        (&json!("command"), &json!(rejected))
    );
    assert_eq!(answer["result"]["outcome"], "rejected");
    assert_eq!(answer["before"]["sequence"], 2);

    let dry = ["dead-letters", "resubmit", "--dry-run"];
    for ran in [
        simulate(&["--stream", ACCOUNT, "--kind", "command", "--json"]),
        stage.run(&[&dry[..], &["--all", "--kind", "command", "--json"]].concat()),
    ] {
        assert_eq!(ran.code, Some(5), "{ran:?}");
        let counts = &ran.json()[0];
        assert_eq!(counts["letters"], 2);
        assert_eq!(
            (&counts["committed"], &counts["rejected"]),
            (&json!(1), &json!(1))
        );
    }
    let ran = simulate(&["--all", "--kind", "command"]);
    assert_eq!(
        ran.printed(),
        [
            "1  commands would be accepted",
            "1  commands would be rejected"
        ]
    );
    let nothing = simulate(&["--component", "seen"]);
    assert_eq!(nothing.code, Some(0), "{nothing:?}");
    assert!(
        nothing.stderr.contains("nothing of that waits"),
        "{nothing:?}"
    );
    let both = [&dry[..], &[accepted.as_str(), "--reason", "x"]].concat();
    stage.run(&both).failed(2);
    simulate(&[]).failed(2);

    assert_eq!(
        statuses(&stage),
        [("parked".into(), 0), ("parked".into(), 0)]
    );
    let ran = stage.run(&["events", ACCOUNT, "--json"]).succeeded();
    assert_eq!(ran.json().len(), 3);
}

#[test]
fn a_command_is_resubmitted_only_where_its_stream_was_seen() {
    let stage = Stage::with_account();
    let id = parked_letter(&stage);
    let resubmit = ["dead-letters", "resubmit", &id, "--expect"];
    for expected in ["1", "7", "none"] {
        let ran = stage.run(&[&resubmit[..], &[expected]].concat()).failed(4);
        assert!(
            ran.stderr.contains("does not stand where you looked"),
            "{ran:?}"
        );
    }
    let ran = stage
        .run(&[&resubmit[..], &["1", "--json"]].concat())
        .failed(4);
    assert!(ran.stderr.contains(r#""current":2"#), "{ran:?}");
    assert_eq!(statuses(&stage), [("parked".into(), 0)]);
    stage
        .run(&["dead-letters", "resubmit", "--all", "--expect", "2"])
        .failed(2);
    stage.run(&[&resubmit[..], &["2"]].concat()).succeeded();
}

#[test]
fn what_happened_anyway_is_recorded_and_closes_the_letter() {
    let stage = Stage::with_account();
    let id = parked_letter(&stage);
    let record = ["dead-letters", "record", &id, "Deposited", r#"{"cents":5}"#];
    let named = [
        "--source",
        "till",
        "--external-id",
        "slip-5",
        "--actor",
        "zoe",
    ];
    let run = |more: &[&str]| stage.run(&[&record[..], &named, more].concat());
    run(&[]).failed(2);
    let empty = run(&["--description", " "]).failed(6);
    assert!(empty.stderr.contains("description"), "{empty:?}");
    let described = ["--description", "paid at the counter"];
    assert_eq!(statuses(&stage), [("parked".into(), 0)]);
    let ran = run(&described).succeeded();
    assert_eq!(ran.printed(), ["UUID: resolved: accepted: events 3 to 3"]);
    let event = &stage.run(&["events", ACCOUNT, "--json"]).succeeded().json()[3];
    assert_eq!(event["type"], "Deposited");
    assert_eq!(event["origin"]["description"], "paid at the counter");
    assert_eq!(event["causation_id"], json!(id));
    assert_eq!(event["correlation_id"], "move-4");
    let late = run(&described).failed(4);
    assert!(
        late.stderr.contains("is resolved already, by zoe at 2"),
        "{late:?}"
    );
    let ran = stage
        .run(&["dead-letters", "show", &id, "--json"])
        .succeeded();
    let tried = &ran.json()[0]["letter"]["attempts"][0]["tried"];
    assert_eq!(tried["action"], "record");
    assert_eq!(
        (&tried["source"], &tried["external_id"]),
        (&json!("till"), &json!("slip-5"))
    );
    let shown = stage.run(&["dead-letters", "show", &id]).succeeded();
    assert!(
        shown
            .stdout
            .contains("(slip-5 of till: paid at the counter)"),
        "{shown:?}"
    );
}

/// It is never done then, and the list remembers who said so.
#[test]
fn a_parked_command_is_discarded_for_a_reason() {
    let stage = Stage::with_account();
    let id = parked_letter(&stage);
    stage.run(&["dead-letters", "discard", &id]).failed(2);
    let discard = ["dead-letters", "discard", &id, "--reason"];
    let empty = stage.run(&[&discard[..], &[" "]].concat()).failed(6);
    assert!(empty.stderr.contains("say why"), "{empty:?}");
    let ran = stage.run(&[&discard[..], &["Cid changed his mind"]].concat());
    assert_eq!(ran.succeeded().printed(), ["UUID: discarded"]);
    let list = ["dead-letters", "list", "--status", "discarded", "--json"];
    let letter = &stage.run(&list).succeeded().json()[0];
    assert_eq!(letter["attempts"][0]["reason"], "Cid changed his mind");
    let ran = stage.run(&["events", ACCOUNT, "--json"]).succeeded();
    assert_eq!(ran.json().len(), 3);
}

/// One that is rejected, and one behind it that is not.
pub(crate) fn two_parked() -> Stage {
    let stage = Stage::with_account();
    park_command(&stage, "Withdraw", r#"{"cents":500}"#, "slip-1");
    park(&stage);
    stage
}

fn statuses(stage: &Stage) -> Vec<(String, usize)> {
    let list = [
        "dead-letters",
        "list",
        "--kind",
        "command",
        "--status",
        "any",
    ];
    let ran = stage.run(&[&list[..], &["--json"]].concat()).succeeded();
    let status = |letter: &Value| {
        let attempts = letter["attempts"].as_array().unwrap().len();
        (letter["status"].as_str().unwrap().to_owned(), attempts)
    };
    ran.json().iter().map(status).collect()
}

const RESUBMIT_ALL: [&str; 4] = ["dead-letters", "resubmit", "--stream", ACCOUNT];

#[test]
fn of_many_letters_those_that_can_be_are_resubmitted() {
    let stage = two_parked();
    let ran = stage.run(&[&RESUBMIT_ALL[..], &["--kind", "command", "--yes"]].concat());
    // As the one that failed ends, though the one behind it did not.
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert_eq!(
        statuses(&stage),
        [("parked".into(), 1), ("resolved".into(), 1)]
    );
}

#[test]
fn of_many_letters_none_is_resubmitted_behind_one_that_fails_if_that_is_asked_for() {
    let stage = two_parked();
    let stopping = ["--kind", "command", "--yes", "--stop-at-failure"];
    let ran = stage.run(&[&RESUBMIT_ALL[..], &stopping].concat());
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert_eq!(
        statuses(&stage),
        [("parked".into(), 1), ("parked".into(), 0)]
    );
}

#[test]
fn a_letter_is_shown_from_three_sides() {
    let stage = Stage::with_account();
    let id = parked_letter(&stage);
    let ran = stage.run(&["dead-letters", "show", &id]).succeeded();
    ran.assert_printed(include_str!("../reports/three_sides.txt"));
}

#[test]
fn a_letters_three_sides_for_programs() {
    let stage = Stage::with_account();
    let id = parked_letter(&stage);
    let ran = stage
        .run(&["dead-letters", "show", &id, "--json"])
        .succeeded();
    let view = &ran.json()[0];
    assert_eq!(view["letter"]["id"], id);
    assert_eq!(view["letter"]["commands"][0]["type"], "Rename");
    assert_eq!(view["base"]["state"]["owner"], "Ann");
    assert_eq!(view["theirs"]["state"]["owner"], "Bob");
    assert_eq!(view["yours"]["after"]["state"]["owner"], "Cid");
    assert_eq!(view["obstacle"]["kind"], "order_matters");
    assert_eq!(
        view["fields"],
        json!([
            { "path": "cents", "base": 0, "theirs": 100, "yours": 0 },
            { "path": "owner", "base": "Ann", "theirs": "Bob", "yours": "Cid" },
        ])
    );
}

#[test]
fn notes_and_assignments_are_in_the_history_of_a_letter() {
    let stage = Stage::with_account();
    let id = parked_letter(&stage);
    let run = |words: &[&str]| stage.run(&[&["dead-letters"], words].concat());
    let noted = run(&["annotate", &id, "ask \u{1b}[31mann", "--actor", "cid"]).succeeded();
    assert_eq!(noted.printed(), ["UUID: the note is in its history"]);
    let taken = run(&["assign", &id, "ann", "--from", ""]).succeeded();
    assert_eq!(taken.printed(), ["UUID: ann looks after it"]);
    let late = run(&["assign", &id, "bob", "--from", ""]);
    assert_eq!(late.code, Some(4));
    assert_eq!(
        late.said(),
        [
            "error: ann looks after the dead letter UUID, assigned by somebody at TIME; nothing was done, so look at it again",
            "next: see with `seriatim dead-letters show UUID` who looks after it, and why",
        ]
    );
    let shown = run(&["show", &id]).succeeded().printed().join("\n");
    let note = shown.find("[31mann").expect("it is shown");
    assert!(!shown.contains('\u{1b}'), "{shown}");
    assert!(note < shown.find("to ann").unwrap(), "{shown}");
    let shown = run(&["show", &id, "--json"]).succeeded().json();
    assert_eq!(shown[0]["assignee"], "ann");
    assert_eq!(shown[0]["annotations"][0]["kind"], "note");
    assert_eq!(shown[0]["annotations"][0]["actor"], "cid");
    let listed = run(&["list", "--assignee", "ann", "--json"]).succeeded();
    assert_eq!(listed.json()[0]["assignee"], "ann");
    let listed = run(&["list", "--kind", "command", "--assignee", "ann"]).succeeded();
    assert_eq!(
        listed.printed(),
        [r#"UUID  parked  TIME  command  ACCOUNT  (ann) Rename {"owner":"Cid"}"#]
    );
    run(&["unassign", &id]).succeeded();
    let listed = run(&["list", "--assignee", "ann"]);
    assert_eq!(listed.said(), ["there are none"]);
    let nobody = run(&["assign", &id, " "]);
    assert_eq!(nobody.code, Some(2), "{:?}", nobody.said());
    assert!(
        nobody.said().join(" ").contains("unassign"),
        "{:?}",
        nobody.said()
    );
    let empty = run(&["annotate", &id, " "]);
    assert_eq!(empty.code, Some(6), "{:?}", empty.said());
}

#[test]
fn faults_are_counted_and_their_letters_listed() {
    let stage = Stage::with_account();
    park(&stage);
    park_command(&stage, "Rename", r#"{"owner":"Dan"}"#, "form-10");
    let faults = ["dead-letters", "faults", "--kind", "command"];
    let ran = stage.run(&faults).succeeded();
    let fault = "the stream had moved on, and the command asks for a manual merge";
    assert_eq!(
        ran.printed(),
        [format!("2  command  account  TIME  TIME  {fault}")]
    );
    let counted = stage.run(&[&faults[..], &["--json"]].concat()).succeeded();
    assert_eq!(counted.json()[0]["count"], 2);
    assert_eq!(counted.json()[0]["fault"], fault);
    let list = ["dead-letters", "list", "--fault", fault, "--json"];
    assert_eq!(stage.run(&list).succeeded().json().len(), 2);
    let none = ["dead-letters", "faults", "--assignee", "ann"];
    assert_eq!(stage.run(&none).said(), ["nothing of that waits"]);
    let discard = [
        "dead-letters",
        "discard",
        "--fault",
        fault,
        "--reason",
        "old",
        "--yes",
    ];
    let discarded = stage.run(&discard);
    assert_eq!(discarded.code, Some(0), "{discarded:?}");
    assert_eq!(stage.run(&faults).said(), ["nothing of that waits"]);
}
