//! Bulk jobs on dead letters.

use serde_json::{Value, json};

use crate::dead_letters::two_parked;
use crate::stage::{Stage, until};

const ALL: [&str; 4] = ["dead-letters", "resubmit", "--kind", "command"];

fn job(stage: &Stage, arguments: &[&str]) -> Value {
    let arguments = [&["jobs"], arguments, &["--json"]].concat();
    stage.run(&arguments).succeeded().json()[0].clone()
}

#[test]
fn many_letters_are_counted_first_and_then_tried_by_a_job() {
    let stage = two_parked();
    let ran = stage.run(&ALL);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.printed(), ["2 letters wait", "  commands  account"]);
    assert!(ran.said()[0].starts_with("nothing is done yet"), "{ran:?}");
    let none = stage.run(&["jobs", "list"]);
    assert_eq!(none.said(), ["there are none"]);

    let how = ["--yes", "--reason", "try all", "--actor", "ann"];
    let ran = stage.run(&[&ALL[..], &how].concat());
    assert_eq!(ran.code, Some(5), "{ran:?}");
    let printed = ran.printed();
    assert_eq!(printed.len(), 2, "{ran:?}");
    assert!(printed[0].starts_with("UUID  failed  ACCOUNT  not accepted: "));
    assert!(printed[1].starts_with("UUID  done    ACCOUNT  accepted: events 3 to 3"));
    assert_eq!(
        ran.said(),
        [
            "job UUID: 2 letters; it goes on if you leave, see `seriatim jobs show UUID`",
            "finished: 2 of 2: 1 done, 0 handed to their components, 1 not accepted, 0 decided by others"
        ]
    );

    let listed = job(&stage, &["list"]);
    let id = listed["id"].as_str().unwrap();
    assert_eq!(
        (&listed["status"], &listed["letters"], &listed["done"]),
        (&json!("finished"), &json!(2), &json!(1))
    );
    assert_eq!(job(&stage, &["show", id]), listed);
    let results = stage.run(&["jobs", "results", id, "--json"]).succeeded();
    let outcomes: Vec<_> = results
        .json()
        .iter()
        .map(|line| line["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["failed", "done"]);
    let shown = stage.run(&["jobs", "show", id]).succeeded().printed();
    assert_eq!(
        shown,
        [
            "UUID: resubmit --kind command",
            "  started  TIME by ann",
            "  reason   try all",
            "  status   finished TIME",
            "  letters  2 of 2: 1 done, 0 handed to their components, 1 not accepted, 0 decided by others",
        ]
    );
    let over = stage.run(&["jobs", "cancel", id]).failed(4);
    assert!(over.stderr.contains("finished already"), "{over:?}");
    let nobody = "018f2c5e-0000-7000-8000-000000000000";
    stage.run(&["jobs", "show", nobody]).failed(8);
    stage.run(&["jobs", "show", "first"]).failed(2);
    let again = stage.run(&["jobs", "results", id, "--follow"]);
    assert_eq!(again.code, Some(5), "{again:?}");
    assert_eq!(again.printed(), printed);
}

#[test]
fn a_job_goes_on_when_nobody_waits_for_it() {
    let stage = two_parked();
    let detached = ["--yes", "--detach", "--stop-at-failure", "--json"];
    let ran = stage.run(&[&ALL[..], &detached].concat()).succeeded();
    let started = ran.json()[0].clone();
    let id = started["id"].as_str().unwrap();
    assert_eq!(started["status"], "running");
    until("it stops", || {
        job(&stage, &["show", id])["status"] == "stopped"
    });
    assert_eq!(job(&stage, &["pause", id])["status"], "paused");
    assert_eq!(job(&stage, &["resume", id])["status"], "running");
    until("it is done", || {
        job(&stage, &["show", id])["status"] == "finished"
    });
    let shown = job(&stage, &["show", id]);
    assert_eq!((&shown["done"], &shown["failed"]), (&json!(1), &json!(1)));
    // The one that failed is left.
    let left = stage.run(&ALL);
    assert_eq!(left.printed()[0], "1 letter waits");
    stage.run(&[&ALL[..], &["--detach"]].concat()).failed(2);
}
