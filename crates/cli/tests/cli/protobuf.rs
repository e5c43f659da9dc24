//! A domain of protobuf messages is read and written as JSON.

use std::fs;

use serde_json::json;
use seriatim::core::FactRequest;
use seriatim::core::{CommandGateway as _, FactOrigin, Metadata, NewFact, Payload};

use crate::meter::{Meter, descriptor_set};
use crate::stage::Stage;

const METER: &str = "meter/0192d3a4-5b6c-7d8e-9f00-112233445566";

fn stage() -> Stage {
    Stage::with("memory:", |app| {
        app.aggregate::<Meter>().descriptors(&descriptor_set())
    })
}

fn stage_without_descriptors() -> Stage {
    Stage::with("memory:", seriatim::AppBuilder::aggregate::<Meter>)
}

/// Records bytes as they are.
fn record(stage: &Stage, bytes: Vec<u8>) {
    let request = FactRequest {
        id: uuid::Uuid::now_v7(),
        stream: METER.parse().unwrap(),
        facts: vec![NewFact {
            payload: Payload::protobuf("meter.v1.Counted", bytes),
            origin: FactOrigin {
                source: "till".into(),
                description: String::new(),
            },
        }],
        route_to_aggregate: Some(false),
        metadata: Metadata {
            external_id: Some(uuid::Uuid::now_v7().to_string()),
            ..Metadata::default()
        },
        effect: None,
    };
    let coordinator = stage.app().coordinator();
    stage.block_on(coordinator.record(request)).unwrap();
}

#[test]
fn commands_are_written_as_json_and_events_are_shown_so() {
    let stage = stage();
    let read = r#"{"units":"18446744073709551615","place":{"city":"Bern"}}"#;
    let sent = stage
        .run(&["send", METER, "meter.v1.Read", read])
        .succeeded();
    assert!(
        sent.stdout
            .contains(r#"meter.v1.Counted {"units":"18446744073709551615"}"#),
        "{sent:?}"
    );
    let simulated = stage
        .run(&["simulate", METER, "meter.v1.Read", r#"{"units":2}"#])
        .succeeded();
    assert!(
        simulated
            .stdout
            .contains(r#"meter.v1.Counted {"units":"2"}"#),
        "{simulated:?}"
    );
    for list in [
        &["events", METER][..],
        &["why", METER],
        &["log", "tail", "--until-caught-up", "--from", "first"],
    ] {
        let shown = stage.run(list);
        assert!(
            shown.stdout.contains(r#"{"units":"18446744073709551615"}"#),
            "{shown:?}"
        );
        let shown = stage.run(&[list, &["--json"]].concat()).json();
        let event = shown[0].get("event").unwrap_or(&shown[0]);
        assert_eq!(event["type"], "meter.v1.Counted");
        assert_eq!(event["codec"], "json");
        assert_eq!(event["data"], json!({ "units": "18446744073709551615" }));
    }
    let fact = ["--source", "till", "--external-id", "t-1"];
    let record = ["record", METER, "meter.v1.Counted", r#"{"units":"3"}"#];
    let recorded = stage.run(&[&record[..], &fact].concat()).succeeded();
    assert!(recorded.stdout.contains(r#"{"units":"3"}"#), "{recorded:?}");
}

#[test]
fn a_conflict_shows_the_events_in_between() {
    let stage = stage();
    for units in ["1", "2"] {
        stage.run(&[
            "send",
            METER,
            "meter.v1.Read",
            &format!(r#"{{"units":{units}}}"#),
        ]);
    }
    let late = [
        "send",
        METER,
        "meter.v1.Read",
        "{}",
        "--expect",
        "0",
        "--merge",
        "strict",
    ];
    let refused = stage.run(&late);
    assert!(
        refused.stderr.contains(r#"meter.v1.Counted {"units":"2"}"#),
        "{refused:?}"
    );
}

#[test]
fn a_letter_is_shown_and_edited_as_json() {
    let stage = stage();
    let send = |units: &str, more: &[&str]| {
        let content = format!(r#"{{"units":"{units}"}}"#);
        stage.run(&[&["send", METER, "meter.v1.Read", &content], more].concat())
    };
    send("1", &[]).succeeded();
    send("2", &["--expect", "none", "--merge", "manual"]);
    let listed = stage.run(&["dead-letters", "list", "--json"]).json();
    assert_eq!(listed[0]["commands"][0]["data"], json!({ "units": "2" }));
    let id = listed[0]["id"].as_str().unwrap().to_owned();
    let shown = stage.run(&["dead-letters", "show", &id]).succeeded();
    assert!(
        shown.stdout.contains(r#"meter.v1.Read {"units":"2"}"#),
        "{shown:?}"
    );
    let simulated = stage.run(&["dead-letters", "simulate", &id]).succeeded();
    assert!(
        simulated
            .stdout
            .contains(r#"meter.v1.Counted {"units":"2"}"#),
        "{simulated:?}"
    );

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("command.json");
    let edit = |text: &str| {
        fs::write(&file, text).unwrap();
        let file = file.to_str().unwrap();
        stage.run(&["dead-letters", "edit", &id, "--command", file])
    };
    let mistake = edit(r#"{"type":"meter.v1.Read","data":{"unit":"7"}}"#);
    assert!(
        mistake.stderr.contains("did you mean `units`?"),
        "{mistake:?}"
    );
    let edited = edit(r#"{"type":"meter.v1.Read","data":{"units":"7"}}"#);
    assert_eq!(edited.code, Some(0), "{edited:?}");
    let events = stage.run(&["events", METER]).succeeded();
    assert!(events.stdout.contains(r#"{"units":"7"}"#), "{events:?}");
}

#[test]
fn an_editor_is_given_the_json() {
    let stage = stage();
    stage
        .run(&["send", METER, "meter.v1.Read", r#"{"units":"1"}"#])
        .succeeded();
    let late = r#"{"units":"2"}"#;
    stage.run(&[
        "send",
        METER,
        "meter.v1.Read",
        late,
        "--expect",
        "none",
        "--merge",
        "manual",
    ]);
    let listed = stage.run(&["dead-letters", "list", "--json"]).json();
    let id = listed[0]["id"].as_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut edit = std::process::Command::new(env!("CARGO_BIN_EXE_seriatim"));
    edit.args(["dead-letters", "edit", id])
        .env("SERIATIM_SERVER", stage.server())
        .env("TMPDIR", folder.path())
        .env_remove("VISUAL")
        .env("EDITOR", r#"sed -i s/"2"/"5"/"#);
    let edited = edit.output().unwrap();
    assert!(edited.status.success(), "{edited:?}");
    let events = stage.run(&["events", METER]).succeeded();
    assert!(events.stdout.contains(r#"{"units":"5"}"#), "{events:?}");
}

#[test]
fn what_cannot_be_decoded_is_shown_as_type_size_and_digits() {
    let stage = stage();
    // A field that the descriptors do not have, and a large message.
    record(&stage, vec![0x08, 7, 0x98, 0x06, 1]);
    record(
        &stage,
        [&[0x9a, 0x06, 0xa0, 0x8d, 0x06][..], &[0xee; 100_000]].concat(),
    );
    let shown = stage.run(&["events", METER]).succeeded();
    assert!(
        shown
            .stdout
            .contains("meter.v1.Counted (5 bytes: 0807980601)"),
        "{shown:?}"
    );
    let digits = format!(
        "meter.v1.Counted (100005 bytes: 9a06a08d06{}...)",
        "ee".repeat(27)
    );
    assert!(shown.stdout.contains(&digits), "{shown:?}");
    let shown = stage.run(&["events", METER, "--json"]).json();
    assert_eq!(
        (&shown[0]["codec"], &shown[0]["data"]),
        (&json!("protobuf"), &json!("0807980601"))
    );

    let stage = stage_without_descriptors();
    record(&stage, vec![0x08, 7]);
    let shown = stage.run(&["events", METER]).succeeded();
    assert!(
        shown.stdout.contains("meter.v1.Counted (2 bytes: 0807)"),
        "{shown:?}"
    );
}

#[test]
fn without_descriptors_json_is_refused_with_what_to_do() {
    let stage = stage_without_descriptors();
    let refused = stage.run(&["send", METER, "meter.v1.Read", "{}"]).failed(6);
    assert!(refused.stderr.contains("descriptors"), "{refused:?}");
}

#[test]
fn the_fields_of_a_domain_are_listed() {
    let stage = stage();
    let listed = stage.run(&["domains", "--schema", "meter"]).succeeded();
    listed.assert_printed(include_str!("../reports/schema.txt"));
    let listed = stage
        .run(&["domains", "--schema", "meter", "--json"])
        .succeeded()
        .json();
    assert_eq!(listed[0]["domain"], "meter");
    let read = &listed[0]["commands"][0];
    assert_eq!(read["type"], "meter.v1.Read");
    let units = &read["json_schema"]["properties"]["units"];
    assert_eq!(units["description"], "The units that it shows.");
    let all = stage
        .run(&["domains", "--schema", "--json"])
        .succeeded()
        .json();
    assert_eq!(all.len(), 2);
    let unknown = stage.run(&["domains", "--schema", "nothing"]);
    assert!(
        unknown.stderr.contains("there is no domain `nothing`"),
        "{unknown:?}"
    );
}
